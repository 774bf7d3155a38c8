/**
 * Compression of messages (RFC 7692 §7.2) on this thread, at once: the two sides of the seam in
 * `message-codec.ts` for messages that are short enough not to block the loop. zlib inflates a megabyte of
 * JSON in some 3 ms, and deflates it in some 50 ms.
 *
 * A deflater flushes to a whole byte and takes off the 00 00 FF FF that ends each flush; an inflater puts it
 * back. The contexts are made for the first compressed message, so a connection without compressed messages
 * costs nothing. Without context takeover they are reset after each message.
 */
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

/** Inflates the messages of a peer at once. */
export class SyncInflater implements MessageInflater {
  readonly #parameters: ContextParameters;
  #inflate: Inflate | undefined;
  /** Final blocks in the message so far. */
  #streamEnds = 0;
  #isClosed = false;

  constructor(parameters: ContextParameters) {
    this.#parameters = parameters;
  }

  inflate(piece: Buffer, isEnd: boolean, output: InflatedOutput): boolean {
    try {
      const isJoined = isEnd && piece.length <= JOIN_LIMIT;
      const isWanted = isJoined
        ? this.#push(Buffer.concat([piece, TAIL]), output)
        : this.#push(piece, output) && (!isEnd || this.#push(TAIL, output));
      if (!isWanted || !isEnd) return true;
      this.#streamEnds = 0;
      if (!this.#parameters.takeover) this.#inflate?.reset();
    } catch (error) {
      output.onInflateError(error);
    }
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#inflate?.close();
    this.#inflate = undefined;
  }

  /** Inflates one piece; false when no more is wanted. */
  #push(piece: Buffer, output: InflatedOutput): boolean {
    let rest = piece;
    while (!this.#isClosed) {
      this.#inflate ??= new Inflate("deflate-raw", { windowBits: this.#parameters.windowBits });
      // The byte beyond the room shows the output that the limit is passed.
      const most = Math.min(STEP, output.room + 1);
      const { output: bytes, used } = this.#inflate.step(rest, most);
      if (bytes.length > 0 && !output.onInflated(bytes)) return false;
      rest = rest.subarray(used);
      if (bytes.length === most) continue;
      if (rest.length === 0) return true;
      // The last block of a stream (RFC 7692 §7.2.3.4): what follows begins a new stream, without a window.
      if (++this.#streamEnds > MAX_STREAM_ENDS)
        throw new DecodeError("too many ends inside the compressed data");
      this.#inflate.reset();
    }
    return false;
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
