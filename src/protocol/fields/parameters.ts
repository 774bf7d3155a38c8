/**
 * `value; name=value; name="quoted; value"`: the form of Content-Type, Content-Disposition and many other
 * fields (RFC 9110 §5.6.6), with the extended values of RFC 8187 and the continuations of RFC 2231 §3:
 *
 *     attachment; filename*=UTF-8''na%C3%AFve.txt
 *     attachment; name*0="first "; name*1="second"
 *
 * One pass splits the text at the semicolons outside of quotes, so the time is linear whatever the peer
 * sends.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { decodePercent } from "../../base/percent.js";
import { isDigits, isFieldValue, isToken, trimWhitespace } from "./abnf.js";

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/** A field value taken apart. */
export interface ParameterizedValue {
  /** What stands before the first semicolon, without spaces around it; its case is kept. */
  readonly value: string;
  /** Lower-case name → value, without a prototype. Of two parameters with one name the later wins. */
  readonly parameters: Record<string, string>;
}

/**
 * Takes a field value apart. Lenient as Tornado's `_parse_header`: a piece without `=` is skipped, in a
 * quoted value `\"` and `\\` are unescaped and other backslashes are kept (browsers send Windows paths
 * unescaped), and an extended parameter (`name*=`) wins over a plain one. Never throws.
 */
export function parseParameters(text: string): ParameterizedValue {
  const parameters: Record<string, string> = Object.create(null);
  let value: string | undefined;
  let extended: Map<string, Continuation[]> | undefined;
  for (const piece of splitAtSemicolons(text)) {
    if (value === undefined) {
      value = piece;
      continue;
    }
    const equals = piece.indexOf("=");
    if (equals === -1) continue;
    const name = trimWhitespace(piece.slice(0, equals)).toLowerCase();
    const parameter = unquote(trimWhitespace(piece.slice(equals + 1)));
    const section = parseExtendedName(name);
    if (section === undefined) {
      parameters[name] = parameter;
      continue;
    }
    extended ??= new Map();
    const continuations = extended.get(section.name);
    const continuation = { ...section, text: parameter };
    if (continuations === undefined) extended.set(section.name, [continuation]);
    else continuations.push(continuation);
  }
  if (extended !== undefined) {
    for (const [name, continuations] of extended) parameters[name] = joinContinuations(continuations);
  }
  return { value: value ?? "", parameters };
}

/**
 * A parameter's value: text, a number as `String()` writes it, or `undefined` or `null` for a name without
 * value.
 */
export type ParameterValue = string | number | null | undefined;

/**
 * Writes a field value with parameters; the reverse of {@link parseParameters} for plain parameters. A value
 * that is not a token is quoted; `undefined` and `null` leave a bare name, as Python's `None` does. Tornado
 * `_encode_header`.
 * @throws InvalidArgumentError for a name that is not a token or a value that cannot be sent.
 */
export function formatParameters(
  value: string,
  parameters: { readonly [name: string]: ParameterValue },
): string {
  let text = value;
  for (const [name, parameter] of Object.entries(parameters)) {
    if (!isToken(name))
      throw new InvalidArgumentError(`a parameter's name must be a token, got ${JSON.stringify(name)}`);
    text += `; ${name}`;
    if (parameter === undefined || parameter === null) continue;
    const written = String(parameter);
    text += `=${isToken(written) ? written : quoteString(written)}`;
  }
  return text;
}

/**
 * A quoted-string (RFC 9110 §5.6.4).
 * @throws InvalidArgumentError for what cannot stand in one.
 */
export function quoteString(text: string): string {
  if (!isFieldValue(text)) {
    throw new InvalidArgumentError(
      `a quoted value may hold no control characters and none above U+00FF, got ${JSON.stringify(text)}`,
    );
  }
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** The pieces of `text` between the semicolons that are outside of quotes, trimmed. */
export function splitAtSemicolons(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === SEMICOLON && !quoted) {
      pieces.push(trimWhitespace(text.slice(start, i)));
      start = i + 1;
    } else if (code === QUOTE) {
      quoted = !quoted;
    } else if (code === BACKSLASH) {
      // An escaped quote or backslash says nothing about where the quotes end.
      const next = text.charCodeAt(i + 1);
      if (next === QUOTE || next === BACKSLASH) i++;
    }
  }
  pieces.push(trimWhitespace(text.slice(start)));
  return pieces;
}

/** A value without its quotes; text that is not quoted on both sides is returned as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(["\\])/g, "$1");
}

/** One section of a parameter whose name has asterisks. */
interface Section {
  readonly name: string;
  /** Its place among the continuations; 0 for a parameter of one piece. */
  readonly order: number;
  /** The value has `%XX`, and the first section begins with charset and language. */
  readonly encoded: boolean;
}

interface Continuation extends Section {
  readonly text: string;
}

/** `name*`, `name*0` or `name*0*`; undefined for every other name. */
function parseExtendedName(name: string): Section | undefined {
  const star = name.indexOf("*");
  if (star <= 0 || !/^[\w!#$&+\-.^`|~]+$/.test(name.slice(0, star))) return undefined;
  const rest = name.slice(star + 1);
  const encoded = rest === "" || rest.endsWith("*");
  const order = rest === "" ? "0" : encoded ? rest.slice(0, -1) : rest;
  return isDigits(order) ? { name: name.slice(0, star), order: Number(order), encoded } : undefined;
}

function joinContinuations(continuations: Continuation[]): string {
  continuations.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  if (!continuations.some((section) => section.encoded)) {
    return continuations.map((section) => section.text).join("");
  }
  let charset = "";
  const octets = continuations.map((section, i) => {
    let { text } = section;
    if (i === 0) [charset, text] = splitCharset(text);
    return section.encoded ? decodePercent(asLatin1(text)) : Buffer.from(asLatin1(text), "latin1");
  });
  return decodeCharset(charset, Buffer.concat(octets));
}

/** `charset'language'text` (RFC 8187 §3.2.1); without both apostrophes it is all text. */
function splitCharset(text: string): [charset: string, text: string] {
  const first = text.indexOf("'");
  const second = first === -1 ? -1 : text.indexOf("'", first + 1);
  return second === -1 ? ["us-ascii", text] : [text.slice(0, first).toLowerCase(), text.slice(second + 1)];
}

/** Text that was decoded as UTF-8 becomes octets again, one character each. */
function asLatin1(text: string): string {
  return isFieldValue(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** Octets in a charset as text; what is malformed becomes U+FFFD, an unknown charset is read as latin1. */
function decodeCharset(charset: string, octets: Buffer): string {
  switch (charset) {
    case "utf-8":
    case "utf8":
      return octets.toString("utf8");
    case "us-ascii":
    case "ascii":
      return octets.toString("latin1").replace(/[\x80-\xff]/g, "\ufffd");
    case "":
    case "iso-8859-1":
    case "latin1":
    case "latin-1":
      return octets.toString("latin1");
    default:
      try {
        return new TextDecoder(charset).decode(octets);
      } catch {
        return octets.toString("latin1");
      }
  }
}
