/** What a stream keeps about its end: the error, the close callback, and the promise of `whenClosed()`. */
import type { Deferred } from "../../async/deferred.js";

/** Made when the first of its members is needed; an idle stream of a server has none. */
export class StreamClose {
  /** The error that closed the stream; undefined while it is open and after an orderly close. */
  error: Error | undefined = undefined;
  /** Resolves when the socket is gone. */
  closed: Deferred | undefined = undefined;
  callback: (() => unknown) | undefined = undefined;

  /** Whether the close has to be noticed while there is no reader. */
  get isWatched(): boolean {
    return this.closed !== undefined || this.callback !== undefined;
  }
}
