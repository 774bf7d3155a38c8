/**
 * What can be wrong with an HTTP/1 message. Remote errors are the peer's doing and carry the status that a
 * server answers; local errors are the application's doing and never reach the wire.
 */
import { SquallError, type SquallErrorCode, type SquallErrorOptions } from "../../base/errors.js";

/** The peer sent something that is not HTTP/1, is ambiguous, or is over a limit. */
export class HTTP1Error extends SquallError {
  static {
    this.prototype.name = "HTTP1Error";
  }

  /** The status that a server answers before it closes (RFC 9110 §15.5); 400 for most. */
  readonly status: number;

  constructor(code: SquallErrorCode, status: number, message: string, options?: SquallErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}
