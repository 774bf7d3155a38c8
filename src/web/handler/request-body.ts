/**
 * The body of a request as a stream: `readBody()` of a handler class with `streamRequestBody` that has no
 * `dataReceived()` of its own. Its verb begins when the head is there and reads the body by itself.
 *
 * One piece is handed on at a time, and the connection reads no more until it was taken: a verb that writes
 * to a slow disk slows the client down and keeps nothing in memory. When the handler is done, what still
 * comes is thrown away.
 */
import { InvalidStateError } from "../../base/errors.js";

interface Waiter {
  resolve(result: IteratorResult<Buffer, undefined>): void;
  reject(error: Error): void;
}

const DONE: IteratorResult<Buffer, undefined> = { done: true, value: undefined };

/**
 * The pieces of one request's body. Made by the delegate that receives them, iterated by the handler, once.
 */
export class RequestBody implements AsyncIterableIterator<Buffer, undefined> {
  #chunk: Buffer | undefined;
  /** Lets the connection read on, once the piece was taken. */
  #taken: (() => void) | undefined;
  #waiter: Waiter | undefined;
  #ended = false;
  #error: Error | undefined;

  /** A piece has come; the next one waits for the promise. Undefined if the body is not read any more. */
  push(chunk: Buffer): Promise<void> | undefined {
    if (this.#ended) return undefined;
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.resolve({ done: false, value: chunk });
      return undefined;
    }
    this.#chunk = chunk;
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  /** The body is whole. */
  end(): void {
    this.#ended = true;
    this.#waiter?.resolve(DONE);
    this.#waiter = undefined;
  }

  /** The body breaks off: a pending read rejects with the reason. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#chunk = undefined;
    this.#taken?.();
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  }

  /** The body is not read any more: the rest of the body is thrown away. */
  release(): void {
    this.#chunk = undefined;
    this.#taken?.();
    this.#taken = undefined;
    this.end();
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      this.#chunk = undefined;
      const taken = this.#taken;
      this.#taken = undefined;
      taken?.();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(DONE);
    if (this.#waiter !== undefined) {
      return Promise.reject(new InvalidStateError("the body is being read already: one read at a time"));
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** A loop over the body was left early. The rest can still be read by another one. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
