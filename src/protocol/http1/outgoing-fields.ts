/**
 * The field lines of an outgoing head, and what they say about its framing. The fields come checked (names are
 * tokens, values cannot end a line), so all that is left is to join them and to notice the three that concern the
 * sender.
 */
import { equalsIgnoreCase } from "../../base/bytes.js";
import { isDigits, trimWhitespace } from "../fields/abnf.js";
import type { RawFields } from "../fields/raw-fields.js";
import { shown } from "./errors.js";
import { knownCodings, type TransferCodings } from "./framing.js";
import { HTTP1OutputError } from "./output-errors.js";

/** See the head of this file. An object is filled anew for each head. */
export class OutgoingFields {
  /** The lines, each with its CRLF, without Transfer-Encoding (the sender writes its own). */
  text: string;
  /** The given Content-Length; -1 when there is none. */
  contentLength: number;
  /** The given Transfer-Encoding; `undefined` when there is none. */
  codings: TransferCodings | undefined;
  /** A Connection field says close. */
  close: boolean;
  /** A Connection field says keep-alive. */
  keepAlive: boolean;

  constructor() {
    this.text = "";
    this.contentLength = -1;
    this.codings = undefined;
    this.close = false;
    this.keepAlive = false;
  }

  /**
   * Reads and joins the fields; with `dropLength`, Content-Length is left out (1xx and 204 must not have one,
   * RFC 9110 §8.6). Throws an HTTP1OutputError when they contradict themselves.
   */
  read(fields: RawFields, dropLength: boolean): void {
    this.contentLength = -1;
    this.codings = undefined;
    this.close = false;
    this.keepAlive = false;
    let text = "";
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
      text += lineOf(name, value);
    }
    if (this.codings !== undefined && this.contentLength !== -1) {
      throw new HTTP1OutputError(
        "ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH",
        "a message cannot have both Content-Length and Transfer-Encoding",
      );
    }
    this.text = text;
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

const MEMO_SIZE = 32;
/** Longer values are rarely the same twice. */
const MEMO_MAX_LENGTH = 64;
const memoNames: string[] = new Array<string>(MEMO_SIZE).fill("");
const memoValues: string[] = new Array<string>(MEMO_SIZE).fill("");
const memoLines: string[] = new Array<string>(MEMO_SIZE).fill("");

/**
 * The line of a field. Most fields of most responses (Server, Date, Content-Type, …) are those of the response
 * before: a line that is kept is one string instead of four joined ones.
 */
function lineOf(name: string, value: string): string {
  const slot = (name.length * 3 + name.charCodeAt(0)) % MEMO_SIZE;
  if (memoValues[slot] === value && memoNames[slot] === name) return memoLines[slot]!;
  const line = `${name}: ${value}\r\n`;
  if (value.length <= MEMO_MAX_LENGTH) {
    memoNames[slot] = name;
    memoValues[slot] = value;
    memoLines[slot] = line;
  }
  return line;
}
