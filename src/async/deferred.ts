/**
 * Promises with their ends outside, and the small tools around them that every layer needs.
 *
 * A rejected promise without a handler ends a Node process. Where an error has been reported in another way
 * (the close of a stream, a log line), its promise is marked as handled here, so that callers may await it or
 * ignore it.
 */

/** Does nothing: the handler of a rejection that is reported elsewhere. */
export function ignore(): void {}

/** The one promise for everything that is done already: waiting for it allocates nothing. */
export const RESOLVED: Promise<void> = Promise.resolve();

/** A promise rejected with `error` that does not count as unhandled when the caller ignores it. */
export function rejectedQuietly<T = never>(error: unknown): Promise<T> {
  const promise = Promise.reject<T>(error);
  promise.catch(ignore);
  return promise;
}

/** A promise together with the functions that settle it. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Marks a later rejection as handled. Returns the deferred itself. */
  quiet(): this {
    this.promise.catch(ignore);
    return this;
  }
}
