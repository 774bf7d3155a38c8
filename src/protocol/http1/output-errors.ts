/**
 * What the application can ask the sender that HTTP cannot carry. These are programming errors of our side;
 * none of them has put a stray octet on the wire.
 */
import type { SquallErrorOptions } from "../../base/errors.js";
import { HTTPOutputError } from "../fields/errors.js";

/** The code of an {@link HTTP1OutputError}. */
export type HTTP1OutputErrorCode =
  /** The call does not fit to what was sent so far: no head yet, or the message has ended. */
  | "ERR_SQUALL_HTTP_OUTPUT_STATE"
  /** The start line cannot be sent: a bad method, target, version, status code or reason. */
  | "ERR_SQUALL_HTTP_OUTPUT_START_LINE"
  /** Content-Length is not a number, is given twice, or comes with Transfer-Encoding. */
  | "ERR_SQUALL_HTTP_OUTPUT_CONTENT_LENGTH"
  /** A Transfer-Encoding other than `chunked`, the only one that the sender can produce. */
  | "ERR_SQUALL_HTTP_OUTPUT_TRANSFER_ENCODING"
  /** More body than Content-Length says. */
  | "ERR_SQUALL_HTTP_OUTPUT_TOO_LONG"
  /** The message was ended with less body than Content-Length says. */
  | "ERR_SQUALL_HTTP_OUTPUT_TOO_SHORT"
  /** Body for a message that cannot have one: 1xx, 204, 304, or a request that was begun without. */
  | "ERR_SQUALL_HTTP_OUTPUT_FORBIDDEN_BODY"
  /** A trailer field that must not be one, or holds what cannot be sent (RFC 9110 §6.5.1). */
  | "ERR_SQUALL_HTTP_OUTPUT_TRAILER";

/** The application's message cannot be sent as it was asked for. */
export class HTTP1OutputError extends HTTPOutputError {
  static {
    this.prototype.name = "HTTP1OutputError";
  }

  constructor(code: HTTP1OutputErrorCode, message: string, options?: SquallErrorOptions) {
    super(message, { code, cause: options?.cause });
  }
}
