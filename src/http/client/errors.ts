/**
 * What can go wrong with an exchange on the client's side, apart from timeouts and the caller's own signal.
 */
import { SquallError, type SquallErrorOptions } from "../../base/errors.js";

/** The connection closed before the whole response was there (`ERR_SQUALL_HTTP_STREAM_CLOSED`). */
export class HTTPStreamClosedError extends SquallError {
  static {
    this.prototype.name = "HTTPStreamClosedError";
  }

  constructor(
    message = "the connection closed before the response was complete",
    options?: SquallErrorOptions,
  ) {
    super("ERR_SQUALL_HTTP_STREAM_CLOSED", message, options);
  }
}
