import { SquallError, type SquallErrorOptions } from "./errors.js";

/**
 * Text or bytes are not what they should be: not UTF-8, not JSON, no query, no gzip (`ERR_SQUALL_DECODE`).
 */
export class DecodeError extends SquallError {
  static {
    this.prototype.name = "DecodeError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_DECODE", message, options);
  }
}
