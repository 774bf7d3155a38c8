/** The options of streams, checked once and shared by all streams of a server. */
import { IOLoop } from "../../async/ioloop.js";
import { TurnBudget } from "../../async/turn-budget.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
import { WriteCoalescing } from "./write-coalescing.js";

/** Options of every kind of stream. */
export interface StreamOptions {
  /**
   * How many received bytes may wait to be read, in bytes; default 100 MiB, `Infinity` for no limit. A read
   * that cannot be satisfied within it closes the stream.
   */
  readonly maxBufferSize?: number | undefined;
  /**
   * How many bytes a stream without a reader reads ahead before it lets the other side wait, in bytes;
   * default 64 KiB, and never more than half of `maxBufferSize`.
   */
  readonly readChunkSize?: number | undefined;
  /** How many bytes may wait to be written, in bytes; default `Infinity`, no limit. */
  readonly maxWriteBufferSize?: number | undefined;
  /**
   * Whether the stream stays open for writing when the other side has sent its FIN; default false: it sends
   * what is queued and closes.
   */
  readonly allowHalfOpen?: boolean | undefined;
  /** The loop that the stream belongs to; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
}

/** The names of {@link StreamOptions}. */
export const STREAM_OPTIONS: ReadonlySet<string> = optionNames<StreamOptions>({
  maxBufferSize: 1,
  readChunkSize: 1,
  maxWriteBufferSize: 1,
  allowHalfOpen: 1,
  ioLoop: 1,
});

const DEFAULT_MAX_BUFFER = 100 * 1024 * 1024;
const DEFAULT_CHUNK = 65_536;

/** Options with every default filled in. */
type Resolved<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/**
 * {@link StreamOptions}, complete and checked. Passed as the options of any number of streams, the object is
 * shared and not checked again.
 */
export class StreamSettings implements Resolved<StreamOptions> {
  readonly ioLoop: IOLoop;
  readonly maxBufferSize: number;
  readonly readChunkSize: number;
  readonly maxWriteBufferSize: number;
  readonly allowHalfOpen: boolean;
  /** Where what these streams send in one turn of the loop leaves together. */
  readonly coalescing: WriteCoalescing;
  /** What these streams may write before the loop has a turn. */
  readonly turnBudget: TurnBudget;

  constructor(options: StreamOptions) {
    this.ioLoop = options.ioLoop ?? IOLoop.current();
    this.maxBufferSize = checkLimit("maxBufferSize", options.maxBufferSize ?? DEFAULT_MAX_BUFFER, 1);
    const chunk = checkLimit("readChunkSize", options.readChunkSize ?? DEFAULT_CHUNK, 1);
    this.readChunkSize = Math.max(1, Math.min(chunk, Math.floor(this.maxBufferSize / 2)));
    this.maxWriteBufferSize = checkLimit(
      "maxWriteBufferSize",
      options.maxWriteBufferSize ?? Number.POSITIVE_INFINITY,
    );
    this.allowHalfOpen = options.allowHalfOpen ?? false;
    this.coalescing = WriteCoalescing.of(this.ioLoop);
    this.turnBudget = TurnBudget.of(this.ioLoop);
  }

  /** The settings of these options; settings are passed through. */
  static of(options: StreamOptions | undefined): StreamSettings {
    if (options instanceof StreamSettings) return options;
    checkNames("option of a stream", options, STREAM_OPTIONS);
    return new StreamSettings(options ?? {});
  }
}
