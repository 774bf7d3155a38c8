/**
 * The root of every error that squall's own code throws.
 *
 * Programs recognise an error by its `code`, which never changes once published, or by its class. The
 * sentence in `message` is for people and may be improved in any release. Errors of one layer share a base
 * class there; this file holds the root and the four kinds that every layer needs.
 *
 *     SquallError
 *     ├── InvalidArgumentError   the caller passed something of the wrong type or out of range
 *     ├── InvalidStateError      the call is legal, but not now
 *     ├── TimeoutError           a deadline of ours passed
 *     └── (each layer's own)
 */

/** The stable name of a kind of error: `ERR_SQUALL_` and words in capitals. */
export type SquallErrorCode = `ERR_SQUALL_${string}`;

/** What every error constructor takes besides its message. */
export interface SquallErrorOptions {
  /** The error that led to this one; default none. */
  readonly cause?: unknown;
}

/** The base class of squall's errors. */
export class SquallError extends Error {
  static {
    this.prototype.name = "SquallError";
  }

  /** The stable name of this kind of error. */
  readonly code: SquallErrorCode;

  constructor(code: SquallErrorCode, message: string, options?: SquallErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** An argument or option has the wrong type or lies outside its range (`ERR_SQUALL_INVALID_ARGUMENT`). */
export class InvalidArgumentError extends SquallError {
  static {
    this.prototype.name = "InvalidArgumentError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_INVALID_ARGUMENT", message, options);
  }
}

/** The call is not possible in the object's present state (`ERR_SQUALL_INVALID_STATE`). */
export class InvalidStateError extends SquallError {
  static {
    this.prototype.name = "InvalidStateError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_INVALID_STATE", message, options);
  }
}

/** A deadline passed before the operation was done (`ERR_SQUALL_TIMEOUT`). */
export class TimeoutError extends SquallError {
  static {
    this.prototype.name = "TimeoutError";
  }

  constructor(message = "the operation did not finish in time", options?: SquallErrorOptions) {
    super("ERR_SQUALL_TIMEOUT", message, options);
  }
}

/** True for errors thrown by squall; with `code`, only for those of that code. */
export function isSquallError(error: unknown, code?: SquallErrorCode): error is SquallError {
  return error instanceof SquallError && (code === undefined || error.code === code);
}
