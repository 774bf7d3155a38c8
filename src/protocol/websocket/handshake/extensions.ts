/**
 * Sec-WebSocket-Extensions (RFC 6455 §9.1):
 *
 *     1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) )
 *
 * A quoted value must be a token once the quotes and backslashes are gone. An endpoint that receives anything
 * else fails the handshake. One pass over the text, a character at a time.
 */
import { CHAR_CLASS, isToken, isWhitespace, TOKEN } from "../../fields/abnf.js";

/** A parameter of an extension; without `=` it has no value. */
export interface ExtensionParameter {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * One element of the field: an extension that is offered or accepted. Parameters keep their order and
 * repeats.
 */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly ExtensionParameter[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * Walks over a field value; every method returns what the grammar has at the current position, or
 * `undefined`.
 */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipWhitespace(): void {
    while (isWhitespace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  /** Takes the character, with the spaces around it. */
  take(code: number): boolean {
    this.skipWhitespace();
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    this.skipWhitespace();
    return true;
  }

  token(): string | undefined {
    const start = this.#at;
    while (this.#at < this.#text.length && isTokenCode(this.#text.charCodeAt(this.#at))) this.#at++;
    return this.#at === start ? undefined : this.#text.slice(start, this.#at);
  }

  tokenOrQuoted(): string | undefined {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return this.token();
    let value = "";
    let start = ++this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) return undefined;
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        value += this.#text.slice(start, this.#at);
        start = ++this.#at;
        if (this.isAtEnd) return undefined;
      }
      this.#at++;
    }
    value += this.#text.slice(start, this.#at++);
    return isToken(value) ? value : undefined;
  }
}

function isTokenCode(code: number): boolean {
  return code < 256 && (CHAR_CLASS[code]! & TOKEN) !== 0;
}

/** The extensions of a field value, in order; `undefined` if it is not what the grammar allows. */
export function parseExtensions(text: string): Extension[] | undefined {
  const scanner = new Scanner(text);
  const extensions: Extension[] = [];
  for (;;) {
    while (scanner.take(COMMA));
    if (scanner.isAtEnd) return extensions.length === 0 ? undefined : extensions;
    const extension = readExtension(scanner);
    if (extension === undefined) return undefined;
    extensions.push(extension);
    if (!scanner.isAtEnd && !scanner.take(COMMA)) return undefined;
  }
}

function readExtension(scanner: Scanner): Extension | undefined {
  const name = scanner.token();
  if (name === undefined) return undefined;
  const parameters: ExtensionParameter[] = [];
  while (scanner.take(SEMICOLON)) {
    const parameter = scanner.token();
    if (parameter === undefined) return undefined;
    let value: string | undefined;
    if (scanner.take(EQUALS)) {
      value = scanner.tokenOrQuoted();
      if (value === undefined) return undefined;
    }
    parameters.push({ name: parameter, value });
  }
  return { name, parameters };
}

/** Writes one element of the field. Names and values are tokens. */
export function formatExtension({ name, parameters }: Extension): string {
  return [
    name,
    ...parameters.map((parameter) =>
      parameter.value === undefined ? parameter.name : `${parameter.name}=${parameter.value}`,
    ),
  ].join("; ");
}
