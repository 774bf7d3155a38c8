/** The error of what was given up before it was done. */
import { SquallError, type SquallErrorOptions } from "../base/errors.js";

/** A Future was cancelled (`ERR_SQUALL_CANCELLED`); the reason, if one was given, is its `cause`. */
export class CancelledError extends SquallError {
  static {
    this.prototype.name = "CancelledError";
  }

  constructor(message = "the operation was cancelled", options?: SquallErrorOptions) {
    super("ERR_SQUALL_CANCELLED", message, options);
  }
}
