/** Options of single operations of a stream. */
import type { WaitOptions } from "../../async/cancel.js";
import { optionNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
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

/** The names of each beside those of everything that waits. */
export const PARTIAL: ReadonlySet<string> = optionNames<Omit<PartialReadOptions, keyof WaitOptions>>({
  partial: 1,
});
export const DELIMITED: ReadonlySet<string> = optionNames<Omit<DelimitedReadOptions, keyof WaitOptions>>({
  maxBytes: 1,
});
export const WRITE: ReadonlySet<string> = optionNames<Omit<WriteOptions, keyof WaitOptions>>({ encoding: 1 });

export function maxBytesOf(options: DelimitedReadOptions | undefined): number {
  return checkLimit("maxBytes", options?.maxBytes ?? Number.POSITIVE_INFINITY);
}
