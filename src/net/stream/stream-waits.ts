/** The rarely needed part of a stream: promises that several may wait for together, and the close callback. */

/** A promise with its ends. A rejection of it does not count as unhandled: the close of the stream tells of the error. */
export class Waiting {
  readonly promise: Promise<void>;
  resolve!: () => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(ignore);
  }
}

function ignore(): void {}

/** The shared promise of what is done already. */
export const RESOLVED: Promise<void> = Promise.resolve();

/** A rejection that does not count as unhandled. */
export function quietRejection<T>(error: Error): Promise<T> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

/** Made when somebody first waits for something else than bytes. */
export class StreamWaits {
  /** Until there is room to write. */
  writable: Waiting | undefined = undefined;
  /** Until nothing waits in front of the socket. */
  flushed: Waiting | undefined = undefined;
  /** Until the socket is gone. */
  closed: Waiting | undefined = undefined;
  closeCallback: (() => unknown) | undefined = undefined;

  /** There is room. */
  drained(): void {
    this.writable?.resolve();
    this.writable = undefined;
  }

  /** Everything has reached the socket. */
  reachedSocket(): void {
    this.flushed?.resolve();
    this.flushed = undefined;
  }

  /** The stream is closed: there will never be room. */
  fail(error: Error): void {
    this.writable?.reject(error);
    this.flushed?.reject(error);
    this.writable = undefined;
    this.flushed = undefined;
  }
}
