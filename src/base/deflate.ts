/**
 * Raw deflate (RFC 1951) that is called, not piped: each call gives all that its input becomes, up to a flush
 * that ends on a whole byte. The window stays from call to call, until it is reset.
 */
import { constants, createDeflateRaw } from "node:zlib";
import { concatBytes } from "./bytes.js";
import { InvalidStateError } from "./errors.js";
import { LEAST_CHUNK, SyncZlib } from "./sync-zlib.js";
import { checkInteger } from "./validate.js";

/** What the constructor of {@link Deflate} can be told. */
export interface DeflateOptions {
  /** How hard to try, 0 (not at all) to 9; default 6. */
  readonly level?: number | undefined;
  /** How much memory to use, 1 to 9: 2^(memLevel + 9) bytes; default 8. */
  readonly memLevel?: number | undefined;
  /** The base-two logarithm of the window, 9 to 15: 2^(windowBits + 2) bytes; default 15. */
  readonly windowBits?: number | undefined;
}

/**
 * Most results fit in here, from where they are copied: zlib's output has no size that one could know before.
 */
const SCRATCH_SIZE = 16 * 1024;
let scratch: Buffer | undefined;

/** A compressor of raw deflate. */
export class Deflate {
  readonly #engine: ReturnType<typeof createDeflateRaw>;
  readonly #zlib: SyncZlib;
  #closed = false;

  /** Throws an `InvalidArgumentError` for an option out of its range. */
  constructor(options: DeflateOptions = {}) {
    this.#engine = createDeflateRaw({
      chunkSize: LEAST_CHUNK,
      level: checkInteger("level", options.level ?? 6, { min: 0, max: 9 }),
      memLevel: checkInteger("memLevel", options.memLevel ?? 8, { min: 1, max: 9 }),
      windowBits: checkInteger("windowBits", options.windowBits ?? 15, { min: 9, max: 15 }),
    });
    this.#zlib = new SyncZlib(this.#engine);
  }

  /**
   * What `input` becomes, with an empty block behind it that ends on a whole byte (`Z_SYNC_FLUSH`: the last
   * four bytes are 00 00 FF FF). Empty input right behind another flush gives nothing. Throws an {@link
   * InvalidStateError} after {@link Deflate.close}.
   */
  flush(input: Uint8Array): Buffer {
    if (this.#closed) throw new InvalidStateError("the compressor has been closed");
    scratch ??= Buffer.allocUnsafeSlow(SCRATCH_SIZE);
    const pieces: Buffer[] = [];
    let left = input.length;
    for (;;) {
      const error = this.#zlib.run(constants.Z_SYNC_FLUSH, input, input.length - left, left, scratch);
      if (error !== undefined) throw new InvalidStateError(`zlib failed: ${error.message}`, { cause: error });
      left = this.#zlib.left;
      const { room } = this.#zlib;
      pieces.push(Buffer.from(scratch.subarray(0, SCRATCH_SIZE - room)));
      // Room left over means that everything is out.
      if (room > 0) return concatBytes(pieces);
    }
  }

  /** Forgets the window: what comes next can be read without what came before. */
  reset(): void {
    if (this.#closed) throw new InvalidStateError("the compressor has been closed");
    this.#zlib.reset();
  }

  /** Frees the memory of zlib; twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#engine.close();
  }
}
