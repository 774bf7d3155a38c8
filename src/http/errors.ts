/**
 * Why an exchange ended before its response was done, and what can go wrong with a connection above the
 * protocol.
 */
import { SquallError, type SquallErrorOptions } from "../base/errors.js";

/** What ended an exchange early. */
export type AbortCause =
  /** The peer's connection is gone (closed, reset or timed out); nothing can be sent any more. */
  | "closed"
  /** The peer sent its FIN but may still read: a response is sent if the application writes one. */
  | "half-closed"
  /** The server is stopping and its grace for running requests is over. */
  | "stopping"
  /** The peer stopped reading for longer than the write-stall timeout. */
  | "write-stalled";

const SENTENCES: Readonly<Record<AbortCause, string>> = {
  closed: "the client closed the connection before the response was done",
  "half-closed":
    "the client closed its side of the connection before the response was done; it may still read",
  stopping: "the server stopped and its grace for running requests is over",
  "write-stalled": "the client stopped reading the response for longer than the write-stall timeout",
};

/** The reason of `handler.signal` when an exchange ends early (`ERR_SQUALL_HTTP_ABORTED`). */
export class ExchangeAbortedError extends SquallError {
  static {
    this.prototype.name = "ExchangeAbortedError";
  }

  /** What happened, for programs. */
  readonly reason: AbortCause;

  constructor(reason: AbortCause, options?: SquallErrorOptions) {
    super("ERR_SQUALL_HTTP_ABORTED", SENTENCES[reason], options);
    this.reason = reason;
  }
}
