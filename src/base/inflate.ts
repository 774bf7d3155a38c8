/**
 * Decompression in small, synchronous steps with a limit on each: a few bytes of gzip may stand for a
 * gigabyte, and whoever unpacks what a stranger sent must be able to stop before it is in memory.
 *
 * Node's zlib offers synchronous work only for whole inputs, and limited steps only through streams and the
 * thread pool; `sync-zlib.ts` has both.
 */
import type { BrotliDecompress, Gunzip, InflateRaw, Inflate as ZlibInflate } from "node:zlib";
import { asBuffer, concatBytes, NO_BYTES } from "./bytes.js";
import { DecodeError } from "./decode-error.js";
import { InvalidStateError } from "./errors.js";
import { LEAST_CHUNK, SyncZlib } from "./sync-zlib.js";
import { checkInteger, checkLimit, checkOneOf } from "./validate.js";

/** The format: RFC 1952, RFC 1950 (which HTTP calls `deflate`), RFC 1951 bare, or Brotli (RFC 7932). */
export type InflateFormat = "gzip" | "deflate" | "deflate-raw" | "br";

/** What is made of a part of the input. */
export interface InflateStep {
  /** At most as much as was asked for. */
  readonly output: Buffer;
  /** How many bytes of the input were used. */
  readonly used: number;
}

/** Options of {@link Inflate}. */
export interface InflateOptions {
  /**
   * The base-two logarithm of the window, 8 to 15; default 15, which takes everything. A smaller one saves
   * memory.
   */
  readonly windowBits?: number | undefined;
}

const PIECE = 65_536;

/** A zlib engine that decompresses. */
type Engine = Gunzip | ZlibInflate | InflateRaw | BrotliDecompress;

function createEngine(format: InflateFormat, windowBits: number): Engine {
  // The engine's own output buffer is never used.
  const options = { chunkSize: LEAST_CHUNK, windowBits };
  const zlib = process.getBuiltinModule("node:zlib");
  switch (format) {
    case "gzip":
      return zlib.createGunzip(options);
    case "deflate":
      return zlib.createInflate(options);
    case "br":
      return zlib.createBrotliDecompress({ chunkSize: LEAST_CHUNK });
    default:
      return zlib.createInflateRaw(options);
  }
}

/**
 * A decompressor that is called, not piped. Gzip may have several members, one after another (RFC 1952 §2.2).
 */
export class Inflate {
  /** The zlib object behind it. */
  readonly engine: Engine;
  readonly #zlib: SyncZlib;
  readonly #isGzip: boolean;
  /** How the engine is told to give what it has, and that there is no more input. */
  readonly #flush: number;
  readonly #end: number;
  #error: DecodeError | undefined;
  #closed = false;
  #fed = false;

  constructor(format: InflateFormat = "gzip", options: InflateOptions = {}) {
    const windowBits = checkInteger("windowBits", options.windowBits ?? 15, { min: 8, max: 15 });
    this.engine = createEngine(
      checkOneOf("format", format, ["gzip", "deflate", "deflate-raw", "br"]),
      windowBits,
    );
    this.#zlib = new SyncZlib(this.engine);
    this.#isGzip = format === "gzip";
    const isBrotli = format === "br";
    const { constants } = process.getBuiltinModule("node:zlib");
    this.#flush = isBrotli ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH;
    this.#end = isBrotli ? constants.BROTLI_OPERATION_FINISH : constants.Z_FINISH;
  }

  /**
   * Unpacks input until it is used up or `maxLength` bytes have come out. The rest of the input has to be
   * given again. Throws a {@link DecodeError} for corrupt data, from then on at each call, and an
   * {@link InvalidStateError} after {@link Inflate.close}.
   */
  step(input: Uint8Array, maxLength: number = Number.POSITIVE_INFINITY): InflateStep {
    const pieces: Buffer[] = [];
    let room = checkLimit("maxLength", maxLength);
    let left = input.length;
    this.#fed ||= left > 0;
    // Four times the input is a usual ratio; a large guess would cost more than a second round. What comes
    // out after that is more than usual, and each further guess four times as large.
    for (let guess = Math.max(1024, left * 4); ; guess *= 4) {
      const piece = Buffer.allocUnsafeSlow(Math.min(room, guess, PIECE));
      const free = this.#run(this.#flush, input, input.length - left, left, piece);
      left = this.#zlib.left;
      if (free < piece.length) pieces.push(piece.subarray(0, piece.length - free));
      room -= piece.length - free;
      // Room left over means that there is nothing more to be had.
      if (free > 0 || room <= 0) break;
    }
    // zlib refuses most bytes behind the last member by itself, but stops without a word at a zero.
    if (left > 0 && room > 0 && this.#isGzip) {
      this.#error = new DecodeError("the compressed data cannot be unpacked: bytes follow its end");
      throw this.#error;
    }
    return { output: concatBytes(pieces), used: input.length - left };
  }

  /**
   * What is left when all input has been given: usually nothing, at most some kilobytes. Throws a
   * {@link DecodeError} if the data end too early. Without any input it is empty. Frees the memory of zlib.
   */
  finish(): Buffer {
    const pieces: Buffer[] = [];
    try {
      for (;;) {
        if (!this.#fed) break;
        const piece = Buffer.allocUnsafeSlow(1024);
        const free = this.#run(this.#end, NO_BYTES, 0, 0, piece);
        if (free < piece.length) pieces.push(piece.subarray(0, piece.length - free));
        if (free > 0) break;
      }
    } finally {
      this.close();
    }
    return concatBytes(pieces);
  }

  /**
   * Forgets all input and its window: what comes next are other data. Throws an {@link InvalidStateError}
   * after {@link Inflate.close}.
   */
  reset(): void {
    if (this.#closed) throw closedError();
    this.#error = undefined;
    this.#fed = false;
    this.#zlib.reset();
  }

  /** Frees the memory of zlib; twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.engine.close();
  }

  #run(flush: number, input: Uint8Array, offset: number, length: number, output: Buffer): number {
    if (this.#error !== undefined) throw this.#error;
    if (this.#closed) throw closedError();
    const cause = this.#zlib.run(flush, input, offset, length, output);
    if (cause !== undefined) {
      this.#error = new DecodeError(`the compressed data cannot be unpacked: ${cause.message}`, { cause });
      throw this.#error;
    }
    return this.#zlib.room;
  }
}

function closedError(): InvalidStateError {
  return new InvalidStateError("the decompressor has been closed");
}

/** Options of {@link GzipDecompressor.decompress}. */
export interface DecompressOptions {
  /**
   * Bytes of output at most; the rest of the input stays in `unconsumedTail`; default `Infinity`, as is 0.
   */
  readonly maxLength?: number | null | undefined;
}

/** Unpacks gzip step by step. Tornado `GzipDecompressor`. */
export class GzipDecompressor {
  readonly #inflate = new Inflate("gzip");
  #tail: Buffer = NO_BYTES;

  /** The zlib object behind it. */
  get decompressobj(): Gunzip {
    return this.#inflate.engine as Gunzip;
  }

  /**
   * The end of the last input that was not used because the output had reached `maxLength`. Give it again.
   */
  get unconsumedTail(): Buffer {
    return this.#tail;
  }

  /**
   * Unpacks a part of the data and returns what comes out, perhaps nothing yet. Never makes more than
   * `maxLength` bytes. Throws a `DecodeError` for corrupt data.
   */
  decompress(value: Uint8Array, options: DecompressOptions = {}): Buffer {
    // As in Tornado, 0 means no limit here.
    const limit = options.maxLength ?? 0;
    const maxLength = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    const { output, used } = this.#inflate.step(value, maxLength);
    this.#tail = asBuffer(value).subarray(used);
    return output;
  }

  /**
   * Ends the data: returns what is left, usually nothing, and frees the memory of zlib. Throws a
   * `DecodeError` if the data end too early.
   */
  flush(): Buffer {
    return this.#inflate.finish();
  }
}
