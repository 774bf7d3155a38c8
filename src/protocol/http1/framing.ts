/**
 * How long a message is, and what becomes of the connection after it (RFC 9112 §6, §7.6 and §9;
 * RFC 9110 §7.6, §10.1.1).
 *
 * While the fields of a head are collected, {@link FieldFacts} notes the few that steer the connection; the
 * functions below turn the notes into decisions. Two fields which disagree, or one which can be read in two
 * ways, are refused: a proxy in front of us may have read it the other way (RFC 9112 §11.2).
 */
import { equalsIgnoreCase } from "../../base/bytes.js";
import { isDigits, isToken, trimWhitespace } from "../fields/abnf.js";
import type { HTTPHeaders } from "../fields/headers.js";
import { HTTP1Error, shown } from "./errors.js";
import type { BodyFraming } from "./visitor.js";

/**
 * What the fields of one head say about the connection. One object serves any number of heads, one after the
 * other.
 */
export class FieldFacts {
  hostLines: number;
  host: string | undefined;
  /** The agreed Content-Length as text, `undefined` without one. */
  contentLength: string | undefined;
  /** It was given more than once, as in `5, 5` or in two lines. */
  lengthRepeats: boolean;
  transferEncodingLines: number;
  transferEncoding: string;
  close: boolean;
  keepAlive: boolean;
  connectionUpgrade: boolean;
  upgrade: boolean;
  expectContinue: boolean;

  constructor() {
    this.hostLines = 0;
    this.host = undefined;
    this.contentLength = undefined;
    this.lengthRepeats = false;
    this.transferEncodingLines = 0;
    this.transferEncoding = "";
    this.close = false;
    this.keepAlive = false;
    this.connectionUpgrade = false;
    this.upgrade = false;
    this.expectContinue = false;
  }

  /** Forgets the head before. */
  reset(): void {
    this.hostLines = 0;
    this.host = undefined;
    this.contentLength = undefined;
    this.lengthRepeats = false;
    this.transferEncodingLines = 0;
    this.transferEncoding = "";
    this.close = false;
    this.keepAlive = false;
    this.connectionUpgrade = false;
    this.upgrade = false;
    this.expectContinue = false;
  }

  /** Takes one field. Only six names matter; their lengths and first letters sort out nearly all others. */
  note(name: string, value: string): void {
    switch (name.length) {
      case 4:
        if (isNamed(name, "Host")) {
          this.hostLines++;
          this.host = value;
        }
        break;
      case 6:
        if (isNamed(name, "Expect") && equalsIgnoreCase(value, "100-continue")) this.expectContinue = true;
        break;
      case 7:
        if (isNamed(name, "Upgrade")) this.upgrade = true;
        break;
      case 10:
        if (isNamed(name, "Connection")) this.#noteConnection(value);
        break;
      case 14:
        if (isNamed(name, "Content-Length")) {
          const agreed = agreedLength(this.contentLength, value);
          this.lengthRepeats = this.contentLength !== undefined || agreed !== value;
          this.contentLength = agreed;
        }
        break;
      case 17:
        if (isNamed(name, "Transfer-Encoding")) {
          this.transferEncodingLines++;
          this.transferEncoding = value;
        }
        break;
    }
  }

  #noteConnection(value: string): void {
    if (value === "keep-alive") this.keepAlive = true;
    else if (value === "close") this.close = true;
    else for (const option of value.split(",")) this.#noteOption(trimWhitespace(option));
  }

  #noteOption(option: string): void {
    if (equalsIgnoreCase(option, "close")) this.close = true;
    else if (equalsIgnoreCase(option, "keep-alive")) this.keepAlive = true;
    else if (equalsIgnoreCase(option, "upgrade")) this.connectionUpgrade = true;
  }
}

function isNamed(name: string, wanted: string): boolean {
  // Letters differ between cases in one bit; most other names of the same length end here.
  return ((name.charCodeAt(0) ^ wanted.charCodeAt(0)) & 0x5f) === 0 && equalsIgnoreCase(name, wanted);
}

/**
 * Joins a further Content-Length with what came before; equal repeats count as one (RFC 9112 §6.3, rule 5).
 */
function agreedLength(before: string | undefined, value: string): string {
  let agreed = before;
  for (const member of value.includes(",") ? value.split(",") : [value]) {
    const length = trimWhitespace(member);
    if (!isDigits(length)) {
      throw new HTTP1Error(
        "ERR_SQUALL_HTTP_CONTENT_LENGTH",
        `Content-Length must be digits, got ${shown(value)}`,
      );
    }
    if (agreed !== undefined && agreed !== length) {
      throw new HTTP1Error(
        "ERR_SQUALL_HTTP_CONTENT_LENGTH",
        `several Content-Length values that differ: ${shown(agreed)} and ${shown(length)}`,
      );
    }
    agreed = length;
  }
  return agreed!;
}

/**
 * The number that a Content-Length of digits stands for; -1 for `undefined`. One that a double cannot hold
 * exactly is over any limit that can be set (RFC 9110 §8.6: never wrapped, never rounded).
 */
export function lengthOf(digits: string | undefined): number {
  if (digits === undefined) return -1;
  const length = Number(digits);
  if (length <= Number.MAX_SAFE_INTEGER) return length;
  throw new HTTP1Error(
    "ERR_SQUALL_HTTP_BODY_TOO_LARGE",
    `Content-Length ${shown(digits)} is beyond any limit`,
  );
}

/** Transfer codings in the order in which they were applied, and the framing of a body that has them. */
export interface TransferCodings {
  readonly names: readonly string[];
  readonly framing: BodyFraming;
}

/** The codings that can be read and sent; a further one is an entry here, and its reader and writer. */
const KNOWN_CODINGS: readonly TransferCodings[] = [{ names: ["chunked"], framing: "chunked" }];

/** The codings that a Transfer-Encoding lists, if they are known as a whole. */
export function knownCodings(value: string): TransferCodings | undefined {
  const names = value.includes(",") ? value.split(",").map(trimWhitespace) : [value];
  for (const known of KNOWN_CODINGS) {
    const isSame = (name: string, i: number) => equalsIgnoreCase(name, names[i]!);
    if (known.names.length === names.length && known.names.every(isSame)) return known;
  }
  return undefined;
}

/**
 * The transfer codings of a body; `undefined` when there is no Transfer-Encoding. Everything ambiguous
 * throws: together with Content-Length or in HTTP/1.0 (RFC 9112 §6.1), in two lines, empty, or a coding that
 * is not known.
 */
export function transferCodings(facts: FieldFacts, isHTTP10: boolean): TransferCodings | undefined {
  if (facts.transferEncodingLines === 0) return undefined;
  if (facts.contentLength !== undefined) {
    throw new HTTP1Error(
      "ERR_SQUALL_HTTP_AMBIGUOUS_LENGTH",
      "a message cannot have both Transfer-Encoding and Content-Length",
    );
  }
  if (isHTTP10) {
    throw new HTTP1Error("ERR_SQUALL_HTTP_TRANSFER_ENCODING", "Transfer-Encoding does not exist in HTTP/1.0");
  }
  if (facts.transferEncodingLines > 1) {
    throw new HTTP1Error("ERR_SQUALL_HTTP_TRANSFER_ENCODING", "more than one Transfer-Encoding line");
  }
  const codings = knownCodings(facts.transferEncoding);
  if (codings !== undefined) return codings;
  throw unknownCoding(facts.transferEncoding);
}

function unknownCoding(value: string): HTTP1Error {
  const names = value.split(",").map(trimWhitespace);
  const last = names.at(-1)!;
  // 501 means "a coding that is not implemented" (RFC 9112 §6.1); a body without a certain end is a 400
  // (§6.3).
  const hasEnd = names.every((name) => isToken(name)) && equalsIgnoreCase(last, "chunked");
  const code = hasEnd ? "ERR_SQUALL_HTTP_TRANSFER_CODING_UNKNOWN" : "ERR_SQUALL_HTTP_TRANSFER_ENCODING";
  return new HTTP1Error(code, `Transfer-Encoding must be "chunked", got ${shown(value)}`);
}

/** Whether the connection can go on after this message (RFC 9112 §9.3). */
export function isPersistent(facts: FieldFacts, isHTTP10: boolean): boolean {
  return !facts.close && (!isHTTP10 || facts.keepAlive);
}

/**
 * True when the fields of an HTTP/1.1 message say that its body is chunked, false when they have no
 * Transfer-Encoding. Tornado `is_transfer_encoding_chunked`.
 * @throws HTTP1Error (an `HTTPInputError`) for another coding, for two of them, and for a Content-Length
 * beside it.
 */
export function isTransferEncodingChunked(headers: HTTPHeaders): boolean {
  const facts = new FieldFacts();
  const fields = headers.toRaw();
  for (let at = 0; at < fields.length; at += 2) facts.note(fields[at]!, fields[at + 1]!);
  return transferCodings(facts, false)?.names.at(-1) === "chunked";
}
