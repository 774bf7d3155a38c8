/**
 * What goes wrong on a stream.
 *
 *     SquallError
 *     └── StreamError
 *         ├── StreamClosedError          the stream is closed, or was closed while an operation waited
 *         │   └── UnsatisfiableReadError   … because a delimiter did not come within its limit
 *         └── StreamBufferFullError      a buffer of the stream is at its limit
 *
 * In Tornado a reader whose delimiter stays away gets `StreamClosedError` with an `UnsatisfiableReadError` as
 * `real_error`. Here the second is a kind of the first and its own `realError`, so that both ways of asking
 * work.
 */
import { SquallError, type SquallErrorCode, type SquallErrorOptions } from "../../base/errors.js";

/**
 * The base class of the errors of streams; each kind has a code of its own (`ERR_SQUALL_STREAM_CLOSED`, …).
 */
export class StreamError extends SquallError {
  static {
    this.prototype.name = "StreamError";
  }
}

/** The stream is closed, or was closed while an operation waited (`ERR_SQUALL_STREAM_CLOSED`). */
export class StreamClosedError extends StreamError {
  static {
    this.prototype.name = "StreamClosedError";
  }

  constructor(realError?: Error | undefined, message?: string, code?: SquallErrorCode) {
    super(
      code ?? "ERR_SQUALL_STREAM_CLOSED",
      message ??
        (realError === undefined ? "the stream is closed" : `the stream is closed: ${realError.message}`),
      { cause: realError },
    );
  }

  /** The error that closed the stream; `undefined` when one of the two ends closed it in an orderly way. */
  get realError(): Error | undefined {
    return this.cause as Error | undefined;
  }
}

/**
 * A delimiter or a match was not found within the `maxBytes` of the read, and the stream was closed for it
 * (`ERR_SQUALL_UNSATISFIABLE_READ`).
 */
export class UnsatisfiableReadError extends StreamClosedError {
  static {
    this.prototype.name = "UnsatisfiableReadError";
  }

  /** The limit of the read, in bytes. */
  readonly maxBytes: number;

  constructor(maxBytes: number, what = "the delimiter") {
    super(undefined, `${what} was not found within ${maxBytes} bytes`, "ERR_SQUALL_UNSATISFIABLE_READ");
    this.maxBytes = maxBytes;
  }

  override get realError(): Error {
    return this;
  }
}

/** A buffer of the stream is at its limit (`ERR_SQUALL_STREAM_BUFFER_FULL`). */
export class StreamBufferFullError extends StreamError {
  static {
    this.prototype.name = "StreamBufferFullError";
  }

  /** The limit, in bytes. */
  readonly limit: number;

  constructor(buffer: "read" | "write", limit: number, options?: SquallErrorOptions) {
    const option = buffer === "read" ? "maxBufferSize" : "maxWriteBufferSize";
    super(
      "ERR_SQUALL_STREAM_BUFFER_FULL",
      `the ${buffer} buffer of the stream is full (${option} is ${limit} bytes)`,
      options,
    );
    this.limit = limit;
  }
}

/** What operations on a stream reject with that `error` has closed; undefined for an orderly close. */
export function closedErrorOf(error: Error | undefined): StreamClosedError {
  return error instanceof StreamClosedError ? error : new StreamClosedError(error);
}

/** What a system calls a connection that the other side broke: no more than an abrupt way to say goodbye. */
const RESETS: ReadonlySet<unknown> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"]);

/** True for the errors of a connection which the peer or the network broke; such a close is not logged. */
export function isConnectionReset(error: unknown): boolean {
  return error instanceof Error && RESETS.has((error as NodeJS.ErrnoException).code);
}

/**
 * True for an alert by which the other side has ended a TLS connection, such as "certificate required" (RFC
 * 8446 §6).
 */
export function isTlsAlert(error: unknown): boolean {
  return error instanceof Error && /^ERR_SSL_\w+_ALERT_/.test(String((error as NodeJS.ErrnoException).code));
}
