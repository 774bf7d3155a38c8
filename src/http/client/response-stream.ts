/**
 * A response body that is read while it comes: an async iterable with back-pressure. The connection is paused
 * while more than the high-water mark waits here, so a slow reader slows the server down and costs no memory.
 */
import { Deferred } from "../../async/deferred.js";
import { InvalidStateError } from "../../base/errors.js";

/** Above so many waiting octets the server is slowed down. */
const HIGH_WATER = 64 * 1024;

/**
 * The body of a response fetched with `streamBody: true`. It can be read once, by one reader: `for await`, or
 * {@link ResponseStream.read}. Leaving the loop early, or {@link ResponseStream.cancel}, closes the
 * connection.
 */
export class ResponseStream implements AsyncIterable<Buffer> {
  readonly #chunks: Buffer[] = [];
  #queued = 0;
  #ended = false;
  #error: unknown = undefined;
  #failed = false;
  #locked = false;
  #reader: Deferred<Buffer | undefined> | undefined = undefined;
  #room: Deferred | undefined = undefined;
  #onCancel: ((reason: unknown) => void) | undefined;

  /** @internal `onCancel` closes the connection. */
  constructor(onCancel: (reason: unknown) => void) {
    this.#onCancel = onCancel;
  }

  /** Octets that wait to be read. */
  get bytesBuffered(): number {
    return this.#queued;
  }

  /**
   * The next piece; undefined at the end. Rejects with what broke the fetch off.
   * @throws InvalidStateError (ERR_SQUALL_INVALID_STATE) while another read waits.
   */
  read(): Promise<Buffer | undefined> {
    if (this.#reader !== undefined) {
      return Promise.reject(new InvalidStateError("another read of this body waits already"));
    }
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queued -= chunk.length;
      if (this.#queued < HIGH_WATER) this.#makeRoom();
      return Promise.resolve(chunk);
    }
    if (this.#failed) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    this.#reader = new Deferred();
    this.#makeRoom();
    return this.#reader.promise;
  }

  /** The whole rest as one buffer. Rejects with what broke the fetch off. */
  async readAll(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) chunks.push(chunk);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  /**
   * Gives the rest up: the connection closes, and reads reject with `reason`. After the end it does nothing.
   */
  cancel(reason: unknown = new DOMException("The body was cancelled", "AbortError")): void {
    const onCancel = this.#onCancel;
    if (this.#ended || this.#failed) return;
    this.fail(reason);
    this.#chunks.length = 0;
    this.#queued = 0;
    onCancel?.(reason);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    if (this.#locked) throw new InvalidStateError("this body is being read, or has been");
    this.#locked = true;
    try {
      for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) yield chunk;
    } finally {
      this.cancel();
    }
  }

  /** @internal A piece has come; a promise says when there is room for more. */
  push(chunk: Buffer): void | Promise<void> {
    if (this.#failed) return undefined;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve(chunk);
      return undefined;
    }
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued < HIGH_WATER) return undefined;
    this.#room ??= new Deferred();
    return this.#room.promise;
  }

  /** @internal The body is whole. */
  end(): void {
    if (this.#failed) return;
    this.#ended = true;
    this.#settle();
  }

  /** @internal The fetch broke off. What came before can still be read. */
  fail(error: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#error = error;
    this.#settle();
  }

  #settle(): void {
    this.#onCancel = undefined;
    const reader = this.#reader;
    this.#reader = undefined;
    this.#makeRoom();
    if (reader === undefined) return;
    if (this.#failed) reader.reject(this.#error);
    else reader.resolve(undefined);
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
