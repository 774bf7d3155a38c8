/** What a stream keeps about its end: the error, the close callback, and the promise of `whenClosed()`. */
import type { Deferred } from "../../async/deferred.js";

/**
 * @internal An object that learns of the end of a stream: what `whenClosed()` does without a promise and a
 * closure, for those who wait as long as the stream lives.
 */
export interface StreamWatcher {
  /** The socket is gone; `error` is why, undefined after an orderly close. */
  streamClosed(error: Error | undefined): void;
}

/** Made when the first of its members is needed; an idle stream of a server has none. */
export class StreamClose {
  /** The error that closed the stream; undefined while it is open and after an orderly close. */
  error: Error | undefined = undefined;
  /** Resolves when the socket is gone. */
  closed: Deferred | undefined = undefined;
  callback: (() => unknown) | undefined = undefined;
  watcher: StreamWatcher | undefined = undefined;

  /** Whether the close has to be noticed while there is no reader. */
  get isWatched(): boolean {
    return this.closed !== undefined || this.callback !== undefined || this.watcher !== undefined;
  }

  /** The socket is gone, or has another stream now: wakes those who wait for that. */
  settle(): void {
    this.closed?.resolve();
    const { watcher } = this;
    this.watcher = undefined;
    if (watcher !== undefined) queueMicrotask(() => watcher.streamClosed(this.error));
  }
}
