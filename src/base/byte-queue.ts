/**
 * What has arrived and has not been read yet: a rope of chunks.
 *
 * Chunks are queued as they come and handed out as views, so the usual read (one chunk in, one message out)
 * copies nothing. Three cares keep every pattern of arrival linear in time and space:
 *
 * - Small chunks that pile up are gathered in a buffer of the queue's own, with room to grow: a peer that
 *   sends single bytes costs one byte each, not an object each.
 * - A search remembers how far it got. A delimiter that comes after a megabyte of drops is found with each
 *   byte looked at a bounded number of times, however the delimiter repeats itself.
 * - A small view of a large chunk is copied, so that ten waiting bytes do not hold 64 KiB.
 *
 * Invariants:
 *
 * 1. The queued bytes are `#chunks[#head]` from `#offset` on, then the chunks behind it, whole: `#length` in
 *    all. No chunk from `#head` on is empty, and `#offset` is less than the length of the first. With
 *    `#length` 0 there are none.
 * 2. Chunks are never written to, except the part of `#gathering` behind `#gatheredEnd`, which no view shows
 *    yet.
 * 3. `#gathering` has its memory for itself and begins at its beginning, so a chunk is a view of it exactly
 *    if it shares its `ArrayBuffer`, and ends in it at `byteOffset + length`.
 * 4. Only a chunk that ends at `#gatheredEnd` may grow in place: the last chunk, or the first when chunks are
 *    joined to it.
 * 5. No match of `#sought` begins before `#searched`. For a long delimiter, `#search` has looked at
 *    everything before `#searched + #search.matched`, and at nothing behind it.
 */
import { asBuffer, copyApart, equalBytes, isWasteful, keepable, NO_BYTES } from "./bytes.js";
import { DelimiterSearch } from "./delimiter-search.js";
import { InvalidArgumentError } from "./errors.js";

/** Chunks up to this size are gathered when they pile up; a copy of that size costs less than an object. */
const SMALL = 1024;

/** The least capacity of a gathering buffer. */
const ROOM = 4096;

/**
 * Delimiters longer than this are searched for without going back: the worst case of a plain search is their
 * length.
 */
const LONG_DELIMITER = 32;

/** A queue of bytes, in the order in which they came. */
export class ByteQueue {
  #length = 0;
  #chunks: Buffer[] = [];
  #head = 0;
  #offset = 0;
  #gathering: Buffer | undefined;
  #gatheredEnd = 0;
  #sought: Uint8Array | undefined;
  #search: DelimiterSearch | undefined;
  #searched = 0;

  /** How many bytes are queued. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes at the end. The queue keeps the chunk, which must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    const size = chunk.length;
    if (size === 0) return;
    if (size > SMALL || this.#length === 0 || !this.#gather(chunk))
      this.#chunks.push(keepable(asBuffer(chunk)));
    this.#length += size;
  }

  /** Puts bytes in front of all others. The queue keeps the chunk, which must not be changed afterwards. */
  unshift(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#offset > 0) {
      this.#chunks[this.#head] = this.#first().subarray(this.#offset);
      this.#offset = 0;
    }
    const kept = keepable(asBuffer(chunk));
    if (this.#head > 0) this.#chunks[--this.#head] = kept;
    else this.#chunks.unshift(kept);
    this.#length += chunk.length;
    this.#sought = undefined;
  }

  /**
   * Takes exactly `size` bytes from the front, as a view where that is possible without holding much more
   * memory than it shows.
   *
   * @throws InvalidArgumentError if there are fewer
   */
  take(size: number): Buffer {
    this.#check(size);
    if (size === 0) return NO_BYTES;
    const first = this.#first();
    const end = this.#offset + size;
    let bytes: Buffer;
    if (end <= first.length && !isWasteful(size, first.buffer.byteLength)) {
      bytes = this.#offset === 0 && end === first.length ? first : first.subarray(this.#offset, end);
    } else {
      bytes = Buffer.allocUnsafe(size);
      this.#copy(bytes, size);
    }
    this.skip(size);
    return bytes;
  }

  /** Takes everything, see {@link ByteQueue.take}. */
  takeAll(): Buffer {
    return this.take(this.#length);
  }

  /**
   * Takes the first chunk, whatever its size, at most `most` bytes of it: for readers who take what there is.
   * Nothing is copied. Empty if the queue is.
   */
  takeChunk(most: number = Number.POSITIVE_INFINITY): Buffer {
    if (this.#length === 0) return NO_BYTES;
    return this.take(Math.min(this.#first().length - this.#offset, most));
  }

  /** Moves as many bytes as there are and as `target` has room for; returns how many. */
  takeInto(target: Uint8Array): number {
    const size = Math.min(target.length, this.#length);
    this.#copy(target, size);
    this.skip(size);
    return size;
  }

  /**
   * Drops `size` bytes from the front.
   *
   * @throws InvalidArgumentError if there are fewer
   */
  skip(size: number): void {
    this.#check(size);
    if (size === this.#length) {
      this.clear();
      return;
    }
    this.#length -= size;
    if (size > this.#searched) this.#search?.reset();
    this.#searched = Math.max(0, this.#searched - size);
    let left = size + this.#offset;
    let first = this.#first();
    while (left >= first.length) {
      left -= first.length;
      // Let the chunk go now; the array itself is cut when its dead part is the larger one.
      this.#chunks[this.#head++] = NO_BYTES;
      first = this.#first();
    }
    this.#offset = left;
    if (this.#head > 32 && this.#head * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    this.#compactFirst();
  }

  /**
   * A view of the first `size` bytes (fewer if there are fewer), which stay. Chunks are joined for it if
   * necessary, once: looking again, also after more has arrived, does not copy again what was joined before.
   */
  peek(size: number): Buffer {
    const wanted = Math.min(size, this.#length);
    if (wanted === 0) return NO_BYTES;
    if (this.#first().length - this.#offset < wanted) this.#join(wanted);
    return this.#first().subarray(this.#offset, this.#offset + wanted);
  }

  /**
   * Where `delimiter` begins for the first time; -1 if nowhere. Asking again for the same delimiter after
   * more has arrived looks at the new bytes only; it must not have been changed meanwhile.
   *
   * @throws InvalidArgumentError for an empty delimiter
   */
  indexOf(delimiter: Uint8Array): number {
    if (delimiter.length === 0) throw new InvalidArgumentError("a delimiter must have at least one byte");
    if (this.#sought === undefined || !equalBytes(this.#sought, delimiter)) this.#seek(delimiter);
    const found =
      this.#search === undefined ? this.#find(delimiter, this.#searched) : this.#findOnce(this.#search);
    if (found >= 0) this.#searched = found;
    else if (this.#search === undefined) {
      this.#searched = Math.max(this.#searched, this.#length - delimiter.length + 1);
    } else this.#searched = this.#length - this.#search.matched;
    return found;
  }

  #seek(delimiter: Uint8Array): void {
    this.#sought = delimiter;
    this.#searched = 0;
    this.#search = delimiter.length > LONG_DELIMITER ? new DelimiterSearch(delimiter) : undefined;
  }

  /** Forgets everything. */
  clear(): void {
    this.#length = 0;
    // For one chunk, the usual case, pop() is quicker than a new length.
    if (this.#chunks.length === 1) this.#chunks.pop();
    else if (this.#chunks.length > 64) this.#chunks = [];
    else this.#chunks.length = 0;
    this.#head = 0;
    this.#offset = 0;
    this.#gathering = undefined;
    this.#searched = 0;
    this.#search?.reset();
  }

  #first(): Buffer {
    return this.#chunks[this.#head] as Buffer;
  }

  #check(size: number): void {
    if (size >= 0 && size <= this.#length && Number.isInteger(size)) return;
    throw new InvalidArgumentError(`there are ${this.#length} bytes to take from, got ${size}`);
  }

  /** Copies the first `size` bytes to `target`. */
  #copy(target: Uint8Array, size: number): void {
    let done = 0;
    let offset = this.#offset;
    for (let i = this.#head; done < size; i++) {
      const chunk = this.#chunks[i] as Buffer;
      const end = Math.min(chunk.length, offset + size - done);
      chunk.copy(target, done, offset, end);
      done += end - offset;
      offset = 0;
    }
  }

  /**
   * Copies a small chunk behind the last one if that is small or ours; false if it should be queued on its
   * own.
   */
  #gather(chunk: Uint8Array): boolean {
    const index = this.#chunks.length - 1;
    const last = this.#chunks[index] as Buffer;
    const gathering = this.#gathering;
    if (gathering !== undefined && last.buffer === gathering.buffer && endOf(last) === this.#gatheredEnd) {
      if (this.#gatheredEnd + chunk.length <= gathering.length) {
        this.#append(index, last, chunk);
        return true;
      }
    } else if (last.length > SMALL) {
      return false;
    }
    // What is joined here is small: pieces of a full gathering buffer are left as they are.
    const start = index === this.#head ? this.#offset : 0;
    if (last.length - start > SMALL) {
      this.#gathering = Buffer.allocUnsafeSlow(
        Math.min(gathering === undefined ? ROOM : gathering.length * 2, 65_536),
      );
      this.#gathering.set(chunk);
      this.#gatheredEnd = chunk.length;
      this.#chunks.push(this.#gathering.subarray(0, chunk.length));
      return true;
    }
    const joined = Buffer.allocUnsafeSlow(ROOM);
    const kept = last.copy(joined, 0, start);
    joined.set(chunk, kept);
    this.#replace(index, joined, kept + chunk.length);
    return true;
  }

  #append(index: number, last: Buffer, chunk: Uint8Array): void {
    const gathering = this.#gathering as Buffer;
    gathering.set(chunk, this.#gatheredEnd);
    this.#gatheredEnd += chunk.length;
    this.#chunks[index] = gathering.subarray(last.byteOffset, this.#gatheredEnd);
  }

  #replace(index: number, buffer: Buffer, end: number): void {
    this.#gathering = buffer;
    this.#gatheredEnd = end;
    this.#chunks[index] = buffer.subarray(0, end);
    if (index === this.#head) this.#offset = 0;
  }

  /** Joins chunks at the front until the first holds `size` bytes. */
  #join(size: number): void {
    let end = this.#head;
    let total = -this.#offset;
    while (total < size) total += (this.#chunks[end++] as Buffer).length;
    const first = this.#first();
    const gathering = this.#gathering;
    const ours =
      gathering !== undefined && first.buffer === gathering.buffer && endOf(first) === this.#gatheredEnd;
    let joined: Buffer;
    let at: number;
    let begin: number;
    if (ours && endOf(first) + total - (first.length - this.#offset) <= gathering.length) {
      joined = gathering;
      begin = first.byteOffset;
      at = endOf(first);
      // The chunks before `end` go, the first one grows.
      for (let i = this.#head + 1; i < end; i++) at += (this.#chunks[i] as Buffer).copy(joined, at);
    } else {
      // More than is needed: what is joined again and again as it grows is copied a constant number of times.
      joined = Buffer.allocUnsafeSlow(Math.max(ROOM, total + (total >> 1)));
      begin = 0;
      this.#copy(joined, total);
      at = total;
      this.#offset = 0;
    }
    this.#chunks.splice(this.#head, end - this.#head, joined.subarray(begin, at));
    this.#gathering = joined;
    this.#gatheredEnd = at;
  }

  /** Copies what is left of the first chunk if little of much is left. */
  #compactFirst(): void {
    const first = this.#first();
    const used = first.length - this.#offset;
    if (this.#offset === 0 || !isWasteful(used, first.buffer.byteLength)) return;
    if (first.buffer === this.#gathering?.buffer) this.#gathering = undefined;
    this.#chunks[this.#head] = copyApart(first.subarray(this.#offset));
    this.#offset = 0;
  }

  /** Goes on with a search that never goes back. */
  #findOnce(search: DelimiterSearch): number {
    let base = -this.#offset;
    const from = this.#searched + search.matched;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Buffer;
      const start = Math.max(i === this.#head ? this.#offset : 0, from - base);
      if (start < chunk.length) {
        const end = search.feed(chunk, start);
        if (end >= 0) return base + end - search.delimiter.length;
      }
      base += chunk.length;
    }
    return -1;
  }

  #find(delimiter: Uint8Array, from: number): number {
    let base = -this.#offset;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Buffer;
      const start = Math.max(0, from - base);
      if (start < chunk.length) {
        const inside = chunk.indexOf(delimiter, start);
        if (inside >= 0) return base + inside;
        const straddling = this.#searchEdge(
          i,
          Math.max(start, chunk.length - delimiter.length + 1),
          delimiter,
        );
        if (straddling >= 0) return base + straddling;
      }
      base += chunk.length;
    }
    return -1;
  }

  /** Looks for a match that begins in chunk `index` at or after `start` and ends in a later chunk. */
  #searchEdge(index: number, start: number, delimiter: Uint8Array): number {
    const { length } = this.#chunks[index] as Buffer;
    for (let at = start; at < length; at++) if (this.#matches(index, at, delimiter)) return at;
    return -1;
  }

  #matches(index: number, at: number, delimiter: Uint8Array): boolean {
    let chunk = this.#chunks[index] as Buffer;
    for (const byte of delimiter) {
      while (at === chunk.length) {
        const next = this.#chunks[++index];
        if (next === undefined) return false;
        chunk = next;
        at = 0;
      }
      if (chunk[at++] !== byte) return false;
    }
    return true;
  }
}

/**
 * Where a view of a gathering buffer ends in it; gathering buffers begin at the beginning of their memory.
 */
function endOf(view: Buffer): number {
  return view.byteOffset + view.length;
}
