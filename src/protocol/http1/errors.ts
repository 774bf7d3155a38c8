/**
 * What can be wrong with an HTTP/1 message that a peer sent. Each kind has a stable code, and each code has
 * the status that a server answers before it closes; the table below is the whole list.
 *
 * These are the peer's doing. What the application asks the sender to do wrongly is in `output-errors.ts`.
 */
import type { SquallErrorOptions } from "../../base/errors.js";
import { HTTPInputError } from "../fields/errors.js";

export { shown } from "../fields/errors.js";

/** The codes of what a receiver refuses, each with the status of the answer (RFC 9110 §15.5, §15.6). */
export const HTTP1_ERROR_STATUS = {
  /** No request line at all, blank lines without end, or the bytes of another protocol (RFC 9112 §2.2). */
  ERR_SQUALL_HTTP_START_LINE: 400,
  /** The method is empty or not a token. */
  ERR_SQUALL_HTTP_METHOD: 400,
  /** The method fills the request line; RFC 9112 §3 asks for 501. */
  ERR_SQUALL_HTTP_METHOD_TOO_LONG: 501,
  /** The request target is of no known form, or not of the one that its method needs (RFC 9112 §3.2). */
  ERR_SQUALL_HTTP_TARGET: 400,
  /** The request line is over its limit. */
  ERR_SQUALL_HTTP_TARGET_TOO_LONG: 414,
  /** The version is not `HTTP/` digit `.` digit (RFC 9112 §2.3). */
  ERR_SQUALL_HTTP_VERSION: 400,
  /** A well-formed version of another major than 1. */
  ERR_SQUALL_HTTP_VERSION_NOT_SUPPORTED: 505,
  /** An invalid status line (RFC 9112 §4). */
  ERR_SQUALL_HTTP_STATUS_LINE: 400,
  /** A carriage return without line feed, or the reverse (RFC 9112 §2.2). */
  ERR_SQUALL_HTTP_LINE_END: 400,
  /** A field name is empty, is not a token, or has space before its colon (RFC 9112 §5.1). */
  ERR_SQUALL_HTTP_FIELD_NAME: 400,
  /** A control character in a field value (RFC 9110 §5.5). */
  ERR_SQUALL_HTTP_FIELD_VALUE: 400,
  /** A field line that begins with whitespace: obs-fold (RFC 9112 §5.2). */
  ERR_SQUALL_HTTP_FOLDED_FIELD: 400,
  /** Start line and fields together, or the trailer section, are over the limit. */
  ERR_SQUALL_HTTP_HEADERS_TOO_LARGE: 431,
  /** More field lines than the limit. */
  ERR_SQUALL_HTTP_TOO_MANY_FIELDS: 431,
  /** Host is missing, doubled or malformed (RFC 9112 §3.2). */
  ERR_SQUALL_HTTP_HOST: 400,
  /** Content-Length is not a number, or several that differ (RFC 9112 §6.3). */
  ERR_SQUALL_HTTP_CONTENT_LENGTH: 400,
  /** Transfer-Encoding is malformed, doubled, or came with HTTP/1.0 (RFC 9112 §6.1). */
  ERR_SQUALL_HTTP_TRANSFER_ENCODING: 400,
  /** A transfer coding other than `chunked` (RFC 9112 §6.1). */
  ERR_SQUALL_HTTP_TRANSFER_CODING_UNKNOWN: 501,
  /** Both Content-Length and Transfer-Encoding: the mark of request smuggling (RFC 9112 §6.1). */
  ERR_SQUALL_HTTP_AMBIGUOUS_LENGTH: 400,
  /** The body is, or says that it will be, over the limit. */
  ERR_SQUALL_HTTP_BODY_TOO_LARGE: 413,
  /** A chunk size that is not a hexadecimal number (RFC 9112 §7.1). */
  ERR_SQUALL_HTTP_CHUNK_SIZE: 400,
  /** A malformed chunk extension (RFC 9112 §7.1.1). */
  ERR_SQUALL_HTTP_CHUNK_EXTENSION: 400,
  /** The chunk extensions of one body are together over the limit. */
  ERR_SQUALL_HTTP_CHUNK_EXTENSIONS_TOO_LARGE: 413,
  /** The data of a chunk is not followed by CRLF. */
  ERR_SQUALL_HTTP_CHUNK_DATA: 400,
  /** The input ended inside a message (RFC 9112 §8). */
  ERR_SQUALL_HTTP_INCOMPLETE: 400,
  /** A server sent something although no request was under way. */
  ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE: 400,
  /** A response that must not have a body says that it has one. */
  ERR_SQUALL_HTTP_FORBIDDEN_BODY: 400,
  /** More 1xx responses to one request than the limit. */
  ERR_SQUALL_HTTP_TOO_MANY_INFORMATIONAL: 400,
} as const;

/** The code of an {@link HTTP1Error}. */
export type HTTP1ErrorCode = keyof typeof HTTP1_ERROR_STATUS;

/**
 * The peer sent something that is not HTTP/1, is ambiguous, or is over a limit. `code` is one of
 * {@link HTTP1_ERROR_STATUS}; `status` is what a server answers before it closes; a client may ignore it.
 */
export class HTTP1Error extends HTTPInputError {
  static {
    this.prototype.name = "HTTP1Error";
  }

  constructor(code: HTTP1ErrorCode, message: string, options?: SquallErrorOptions) {
    super(message, { code, status: HTTP1_ERROR_STATUS[code], cause: options?.cause });
  }
}

/** One octet for a message: `"a"` or `0x0d`. */
export function shownOctet(octet: number): string {
  if (octet > 0x20 && octet < 0x7f) return JSON.stringify(String.fromCharCode(octet));
  return `0x${octet.toString(16).padStart(2, "0")}`;
}
