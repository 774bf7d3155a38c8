/**
 * The field lines of an outgoing head, and what they say about its framing. The fields come checked (names
 * are tokens, values cannot end a line), so all that is left is to join them and to notice the three that
 * concern the sender.
 *
 * Most fields of most responses (Server, Date, Content-Type, …) are those of the response before. So lines
 * are remembered, and what the first ones of a head were joined to: as long as a head begins like the one
 * before, nothing is joined, and a hello costs one string instead of a dozen. Lines are compared by number,
 * since comparing joined strings costs more than joining them anew.
 */
import { equalsIgnoreCase } from "../../base/bytes.js";
import { isDigits, trimWhitespace } from "../fields/abnf.js";
import type { RawFields } from "../fields/raw-fields.js";
import { shown } from "./errors.js";
import { knownCodings, type TransferCodings } from "./framing.js";
import { HTTP1OutputError } from "./output-errors.js";

/** How many lines are remembered, and how many of a head's first. */
const MEMO_SIZE = 32;
/** Longer values are rarely the same twice. */
const MEMO_MAX_LENGTH = 64;

/** What is read off the fields of a head. An object is filled anew for each head. */
export class OutgoingFields {
  /**
   * The start line and the lines, each with its CRLF, without Transfer-Encoding (the sender writes its own).
   */
  text: string;
  /** The given Content-Length; -1 when there is none. */
  contentLength: number;
  /** The given Transfer-Encoding; `undefined` when there is none. */
  codings: TransferCodings | undefined;
  /** A Connection field says close. */
  close: boolean;
  /** A Connection field says keep-alive. */
  keepAlive: boolean;
  /** The lines that are remembered, by {@link slotOf}: name, value, the line itself, and its number. */
  readonly #names: string[];
  readonly #values: string[];
  readonly #lines: string[];
  readonly #numbers: number[];
  #lastNumber: number;
  /**
   * How the head before began: its start line, the numbers of its first lines, and what each was joined to.
   */
  #startLine: string;
  readonly #chain: number[];
  readonly #texts: string[];
  /** How many entries of the chain belong to it. */
  #chained: number;

  constructor() {
    this.#names = new Array<string>(MEMO_SIZE).fill("");
    this.#values = new Array<string>(MEMO_SIZE).fill("");
    this.#lines = new Array<string>(MEMO_SIZE).fill("");
    this.#numbers = new Array<number>(MEMO_SIZE).fill(0);
    this.#lastNumber = 0;
    this.#startLine = "";
    this.#chain = new Array<number>(MEMO_SIZE).fill(0);
    this.#texts = new Array<string>(MEMO_SIZE).fill("");
    this.#chained = 0;
    this.text = "";
    this.contentLength = -1;
    this.codings = undefined;
    this.close = false;
    this.keepAlive = false;
  }

  /**
   * Reads the fields and joins them to the start line; with `dropLength`, Content-Length is left out (1xx and
   * 204 must not have one, RFC 9110 §8.6).
   * @throws HTTP1OutputError when they contradict themselves.
   */
  read(startLine: string, fields: RawFields, dropLength: boolean): void {
    this.contentLength = -1;
    this.codings = undefined;
    this.close = false;
    this.keepAlive = false;
    // In locals, since each look into a private field costs as much as what is found there.
    const names = this.#names;
    const values = this.#values;
    const chain = this.#chain;
    const numbers = this.#numbers;
    let text = startLine;
    let at = 0;
    let isSame = true;
    if (startLine !== this.#startLine) {
      this.#startLine = startLine;
      this.#chained = 0;
    }
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      const value = fields[i + 1]!;
      switch (name.length) {
        case 10:
          if (equalsIgnoreCase(name, "Connection")) this.#noteConnection(value);
          break;
        case 14:
          if (equalsIgnoreCase(name, "Content-Length")) {
            this.#noteLength(value);
            if (dropLength) continue;
          }
          break;
        case 17:
          if (equalsIgnoreCase(name, "Transfer-Encoding")) {
            this.#noteCoding(value);
            continue;
          }
          break;
      }
      const slot = slotOf(name);
      if (values[slot] === value && names[slot] === name) {
        const number = numbers[slot]!;
        isSame &&= at < this.#chained && chain[at] === number;
        if (isSame) text = this.#texts[at]!;
        else {
          text += this.#lines[slot]!;
          this.#extendChain(at, number, text);
        }
      } else {
        // A line that was not seen before will hardly be seen again: the chain ends before it.
        isSame = false;
        if (at < this.#chained) this.#chained = at;
        const line = `${name}: ${value}\r\n`;
        this.#remember(slot, name, value, line);
        text += line;
      }
      at++;
    }
    if (this.codings !== undefined && this.contentLength !== -1) {
      throw new HTTP1OutputError(
        "ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH",
        "a message cannot have both Content-Length and Transfer-Encoding",
      );
    }
    this.text = text;
  }

  #remember(slot: number, name: string, value: string, line: string): void {
    if (value.length > MEMO_MAX_LENGTH) return;
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#lines[slot] = line;
    this.#numbers[slot] = ++this.#lastNumber;
  }

  #extendChain(at: number, number: number, text: string): void {
    // What stood here, and behind, belongs to another head now.
    if (at < this.#chained) this.#chained = at;
    if (at > this.#chained || at === MEMO_SIZE) return;
    this.#chain[at] = number;
    this.#texts[at] = text;
    this.#chained = at + 1;
  }

  #noteConnection(value: string): void {
    for (const member of value.split(",")) {
      const option = trimWhitespace(member);
      if (equalsIgnoreCase(option, "close")) this.close = true;
      else if (equalsIgnoreCase(option, "keep-alive")) this.keepAlive = true;
    }
  }

  #noteLength(value: string): void {
    const length = isDigits(value) ? Number(value) : -1;
    if (this.contentLength === -1 && length >= 0 && length <= Number.MAX_SAFE_INTEGER) {
      this.contentLength = length;
      return;
    }
    const problem = this.contentLength === -1 ? `must be digits, got ${shown(value)}` : "is given twice";
    throw new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH", `Content-Length ${problem}`);
  }

  #noteCoding(value: string): void {
    const codings = this.codings === undefined ? knownCodings(value) : undefined;
    if (codings !== undefined) {
      this.codings = codings;
      return;
    }
    throw new HTTP1OutputError(
      "ERR_SQUALL_HTTP_OUTPUT_TRANSFER_ENCODING",
      `the only Transfer-Encoding that can be sent is one "chunked", got ${shown(value)}`,
    );
  }
}

/** Where the line of a field is remembered, if it is. */
function slotOf(name: string): number {
  return (name.length * 3 + name.charCodeAt(0)) % MEMO_SIZE;
}
