/**
 * Compression of messages (RFC 7692 §7.2) on this thread, at once: the two sides of the seam in
 * `message-codec.ts` for messages that are short enough not to block the loop. zlib inflates a megabyte of
 * JSON in some 3 ms, and deflates it in some 50 ms.
 *
 * A deflater flushes to a whole byte and takes off the 00 00 FF FF that ends each flush; an inflater puts it
 * back. The contexts are made for the first compressed message, so a connection without compressed messages
 * costs nothing. Without context takeover they are reset after each message.
 */
import { NO_BYTES } from "../../base/bytes.js";
import { DecodeError } from "../../base/decode-error.js";
import { Deflate } from "../../base/deflate.js";
import { Inflate } from "../../base/inflate.js";
import type { InflatedOutput, MessageDeflater, MessageInflater } from "./message-codec.js";

/** What ends each message and is not sent (RFC 7692 §7.2.1). */
const TAIL: Buffer = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** An empty message: an empty block that is not the last, without its tail (RFC 7692 §7.2.3.6). */
const EMPTY: Buffer = Buffer.from([0x00]);
/** At most this many bytes come out of one step. */
const STEP = 65_536;
/** Up to this many bytes, copying a piece to put the tail behind it costs less than a second call of zlib. */
const JOIN_LIMIT = 4096;
/**
 * Each end of a stream inside a message costs a reset, and two octets can make one; a sender needs one a
 * fragment.
 */
const MAX_STREAM_ENDS = 1000;

/** How one direction of a connection is compressed, as agreed. */
export interface ContextParameters {
  /** Whether the window stays from message to message (RFC 7692 §7.1.1). */
  readonly takeover: boolean;
  /** The base-two logarithm of the window, 8 to 15 (RFC 7692 §7.1.2). */
  readonly windowBits: number;
}

/** How hard a {@link SyncDeflater} tries; see `DeflateOptions` of `base/deflate.ts`. */
export interface DeflateEffort {
  /** 0 (stored) to 9; default 6. */
  readonly compressionLevel?: number | undefined;
  /** 1 to 9; default 8. */
  readonly memLevel?: number | undefined;
}

/**
 * Inflates the messages of a peer, at once or in slices: a few octets may stand for megabytes, and whoever
 * must not work on one of them for long begins a piece and goes on with it when others have had their turn.
 */
export class SyncInflater implements MessageInflater {
  readonly #parameters: ContextParameters;
  #inflate: Inflate | undefined;
  /** Final blocks in the message so far. */
  #streamEnds = 0;
  #isClosed = false;
  /** What is left of the piece. */
  #rest: Buffer = NO_BYTES;
  /** The piece is the last of its message, and the tail is still to follow. */
  #tailIsDue = false;
  #isEnd = false;

  constructor(parameters: ContextParameters) {
    this.#parameters = parameters;
  }

  inflate(piece: Buffer, isEnd: boolean, output: InflatedOutput): boolean {
    this.begin(piece, isEnd);
    return this.step(Number.POSITIVE_INFINITY, output);
  }

  /** Takes a piece of the current message, which {@link SyncInflater.step} inflates; see `inflate()`. */
  begin(piece: Buffer, isEnd: boolean): void {
    const isJoined = isEnd && piece.length <= JOIN_LIMIT;
    this.#rest = isJoined ? Buffer.concat([piece, TAIL]) : piece;
    this.#tailIsDue = isEnd && !isJoined;
    this.#isEnd = isEnd;
  }

  /**
   * Goes on with the piece. False when at least `most` bytes have come out and the piece is not done; true
   * when it is, or no more is wanted, or the data are corrupt, which `output` has been told.
   */
  step(most: number, output: InflatedOutput): boolean {
    try {
      return this.#step(most, output);
    } catch (error) {
      output.onInflateError(error);
      return true;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#rest = NO_BYTES;
    this.#inflate?.close();
    this.#inflate = undefined;
  }

  #step(most: number, output: InflatedOutput): boolean {
    let made = 0;
    while (!this.#isClosed) {
      this.#inflate ??= new Inflate("deflate-raw", { windowBits: this.#parameters.windowBits });
      // The byte beyond the room shows the output that the limit is passed.
      const room = Math.min(STEP, output.room + 1);
      const { output: bytes, used } = this.#inflate.step(this.#rest, room);
      this.#rest = this.#rest.subarray(used);
      if (bytes.length > 0 && !output.onInflated(bytes)) return true;
      made += bytes.length;
      if (bytes.length < room) {
        if (this.#rest.length > 0) this.#streamEnded();
        else if (!this.#tailIsDue) break;
        else {
          this.#tailIsDue = false;
          this.#rest = TAIL;
        }
      } else if (made >= most) {
        return false;
      }
    }
    if (!this.#isEnd) return true;
    this.#streamEnds = 0;
    if (!this.#parameters.takeover) this.#inflate?.reset();
    return true;
  }

  /** The last block of a stream (RFC 7692 §7.2.3.4): what follows begins a new stream, without a window. */
  #streamEnded(): void {
    if (++this.#streamEnds > MAX_STREAM_ENDS)
      throw new DecodeError("too many ends inside the compressed data");
    this.#inflate?.reset();
  }
}

/** Compresses messages at once. */
export class SyncDeflater implements MessageDeflater {
  readonly #parameters: ContextParameters;
  readonly #effort: DeflateEffort;
  #deflate: Deflate | undefined;

  constructor(parameters: ContextParameters, effort: DeflateEffort = {}) {
    this.#parameters = parameters;
    this.#effort = effort;
  }

  deflate(payload: string | Uint8Array): Buffer {
    // zlib writes nothing for an empty flush that follows another.
    if (payload.length === 0) return EMPTY;
    this.#deflate ??= new Deflate({
      level: this.#effort.compressionLevel,
      memLevel: this.#effort.memLevel,
      // zlib has no raw window of 256 bytes; but in one of 512 it refers back at most 250 bytes (its
      // MIN_LOOKAHEAD is 262), so what it makes fits in the smaller window too.
      windowBits: Math.max(9, this.#parameters.windowBits),
    });
    const bytes = this.#deflate.flush(typeof payload === "string" ? Buffer.from(payload) : payload);
    if (!this.#parameters.takeover) this.#deflate.reset();
    return bytes.subarray(0, bytes.length - TAIL.length);
  }

  close(): void {
    this.#deflate?.close();
    this.#deflate = undefined;
  }
}
