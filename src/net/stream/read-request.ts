/**
 * What a reader waits for. A request looks at the queue of received bytes and says how many of them, from the
 * front, are its answer; the stream asks again whenever more has arrived. Nothing is taken from the queue
 * before the request is satisfied, so a read that is cancelled leaves every byte to the next one.
 */
import type { ByteQueue } from "../../base/byte-queue.js";
import { latin1 } from "../../base/bytes.js";
import { UnsatisfiableReadError } from "./stream-errors.js";

/** The request is not satisfied yet. */
export const NOT_YET = -1;

/** A pending read; `T` is what it resolves with. */
export abstract class ReadRequest<T> {
  /** Whether the end of input answers the request with what is there. */
  readonly endsAtClose: boolean = false;

  /**
   * How many bytes answer the request, or {@link NOT_YET}.
   *
   * @throws UnsatisfiableReadError if no further bytes can answer it
   */
  abstract find(queue: ByteQueue): number;
  /** Takes the answer, `size` bytes, from the queue. */
  abstract take(queue: ByteQueue, size: number): T;
}

abstract class BufferRequest extends ReadRequest<Buffer> {
  take(queue: ByteQueue, size: number): Buffer {
    return queue.take(size);
  }
}

/** Exactly `size` bytes; with `partial` at least one and at most `size`, whatever is there. */
export class BytesRequest extends BufferRequest {
  readonly #size: number;
  readonly #least: number;

  constructor(size: number, partial: boolean) {
    super();
    this.#size = size;
    this.#least = partial ? Math.min(1, size) : size;
  }

  find(queue: ByteQueue): number {
    return queue.length >= this.#least ? Math.min(queue.length, this.#size) : NOT_YET;
  }
}

/** One piece of whatever arrives, as it arrived: the step of the async iteration. */
export class ChunkRequest extends ReadRequest<Buffer> {
  find(queue: ByteQueue): number {
    return queue.length > 0 ? 1 : NOT_YET;
  }

  take(queue: ByteQueue): Buffer {
    return queue.takeChunk();
  }
}

/** Fills the caller's buffer; resolves with the number of bytes. */
export class IntoRequest extends ReadRequest<number> {
  readonly #target: Uint8Array;
  readonly #least: number;

  constructor(target: Uint8Array, partial: boolean) {
    super();
    this.#target = target;
    this.#least = partial ? Math.min(1, target.length) : target.length;
  }

  find(queue: ByteQueue): number {
    return queue.length >= this.#least ? Math.min(queue.length, this.#target.length) : NOT_YET;
  }

  take(queue: ByteQueue): number {
    return queue.takeInto(this.#target);
  }
}

/**
 * Everything through the first occurrence of the delimiter. Linear: the queue remembers where it has looked.
 */
export class UntilRequest extends BufferRequest {
  readonly #delimiter: Uint8Array;
  readonly #maxBytes: number;

  constructor(delimiter: string | Uint8Array, maxBytes: number) {
    super();
    this.#delimiter = typeof delimiter === "string" ? Buffer.from(delimiter) : delimiter;
    this.#maxBytes = maxBytes;
  }

  find(queue: ByteQueue): number {
    const at = queue.indexOf(this.#delimiter);
    const size = at < 0 ? queue.length : at + this.#delimiter.length;
    if (size > this.#maxBytes) throw new UnsatisfiableReadError(this.#maxBytes);
    return at < 0 ? NOT_YET : size;
  }
}

/**
 * Everything through the end of the first match. Bytes are matched as characters U+0000 to U+00FF.
 *
 * A regular expression cannot be asked to go on where it stopped, so each arrival is matched from the front
 * again: input that drips in costs (number of arrivals) × (bytes so far). `maxBytes` bounds that; a delimiter
 * which is a constant is better read with `readUntil`, which is linear. What has been decoded is not decoded
 * again.
 */
export class RegexRequest extends BufferRequest {
  readonly #regex: RegExp;
  readonly #maxBytes: number;
  #text = "";

  constructor(regex: RegExp | string, maxBytes: number) {
    super();
    // `g` and `y` would make the result depend on lastIndex, and so on the reads before.
    this.#regex =
      typeof regex === "string"
        ? new RegExp(regex)
        : new RegExp(regex.source, regex.flags.replace(/[gy]/g, ""));
    this.#maxBytes = maxBytes;
  }

  find(queue: ByteQueue): number {
    if (queue.length > this.#text.length) {
      this.#text += latin1(queue.peek(queue.length), this.#text.length);
    }
    const match = this.#regex.exec(this.#text);
    const size = match === null ? queue.length : match.index + match[0].length;
    if (size > this.#maxBytes) throw new UnsatisfiableReadError(this.#maxBytes, "a match");
    return match === null ? NOT_YET : size;
  }
}

/** Everything until the other side ends. */
export class UntilCloseRequest extends BufferRequest {
  override readonly endsAtClose: boolean = true;

  find(): number {
    return NOT_YET;
  }
}
