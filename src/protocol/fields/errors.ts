/**
 * The two errors of the field and body parsers, by who is at fault.
 *
 * `HTTPInputError` is the peer's doing: bytes from the wire that break a rule or a limit. `HTTPOutputError`
 * is the application's doing: it asked for a message that HTTP cannot carry. The names are Tornado's.
 */
import { SquallError, type SquallErrorCode, type SquallErrorOptions } from "../../base/errors.js";

/** What the constructor of {@link HTTPInputError} takes besides the message. */
export interface HTTPInputErrorOptions extends SquallErrorOptions {
  /** The status that a server answers; default 400. */
  readonly status?: number | undefined;
  /** A more precise code; default `ERR_SQUALL_HTTP_INPUT`. */
  readonly code?: SquallErrorCode | undefined;
}

/**
 * Malformed input from the peer, or something that could not be distinguished from it once it is on the wire:
 * a field name that is not a token, a multipart body without an end, a form with too many arguments. Code
 * `ERR_SQUALL_HTTP_INPUT` unless a more precise one is given.
 */
export class HTTPInputError extends SquallError {
  static {
    this.prototype.name = "HTTPInputError";
  }

  /** The status that a server answers (RFC 9110 §15.5); 400 unless a limit has its own. */
  readonly status: number;

  constructor(message: string, options?: HTTPInputErrorOptions) {
    super(options?.code ?? "ERR_SQUALL_HTTP_INPUT", message, options);
    this.status = options?.status ?? 400;
  }
}

/** What the constructor of {@link HTTPOutputError} takes besides the message. */
export interface HTTPOutputErrorOptions extends SquallErrorOptions {
  /** A more precise code; default `ERR_SQUALL_HTTP_OUTPUT`. */
  readonly code?: SquallErrorCode | undefined;
}

/**
 * The application produced a message that cannot be sent, for example a body longer than its own
 * Content-Length. Code `ERR_SQUALL_HTTP_OUTPUT` unless a more precise one is given. Nothing, or no more, of
 * the message is sent.
 */
export class HTTPOutputError extends SquallError {
  static {
    this.prototype.name = "HTTPOutputError";
  }

  constructor(message: string, options?: HTTPOutputErrorOptions) {
    super(options?.code ?? "ERR_SQUALL_HTTP_OUTPUT", message, options);
  }
}

/** Text of the peer for a message: quoted, escaped, and not longer than people want to read. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
