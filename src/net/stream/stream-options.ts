/** Options of single operations of a stream. */
import type { WaitOptions } from "../../async/cancel.js";
import type { TextEncoding } from "./write-queue.js";

/** Options of `readBytes` and `readInto`. */
export interface PartialReadOptions extends WaitOptions {
  /** Resolve as soon as any bytes are there; default false. */
  readonly partial?: boolean | undefined;
}

/** Options of `readUntil` and `readUntilRegex`. */
export interface DelimitedReadOptions extends WaitOptions {
  /**
   * If the read needs more bytes than this, delimiter included, it rejects with an
   * {@link UnsatisfiableReadError} and the stream is closed; default `Infinity`, bounded by the stream's
   * `maxBufferSize`.
   */
  readonly maxBytes?: number | undefined;
}

/** Options of `write`. */
export interface WriteOptions extends WaitOptions {
  /** How text becomes bytes; default `utf8`. */
  readonly encoding?: TextEncoding | undefined;
}
