/**
 * A stream of bytes with two faces over one machine (`stream-core.ts`).
 *
 * - The *promise face*: `readUntil`, `readBytes`, … resolve when the bytes are there, one read at a time. Received
 *   bytes wait in a queue. Between reads the stream reads ahead a little, then lets the socket wait.
 * - The *push face*: after `consume(sink)` every chunk goes straight from the socket's `data` event to
 *   `sink.onData`, with no promise, no closure and no copy. This is what servers use.
 */
import type { Duplex } from "node:stream";
import { cancellable, type WaitOptions } from "../../async/cancel.js";
import type { IOLoop } from "../../async/ioloop.js";
import type { Chunk } from "../../base/bytes.js";
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkFunction, checkInteger, checkLimit } from "../../base/validate.js";
import {
  BytesRequest,
  ChunkRequest,
  IntoRequest,
  type ReadRequest,
  RegexRequest,
  UntilCloseRequest,
  UntilRequest,
} from "./read-request.js";
import { StreamCore, type StreamOwner } from "./stream-core.js";
import { isConnectionReset, StreamClosedError } from "./stream-errors.js";
import { type StreamOptions, StreamSettings } from "./stream-settings.js";
import type { StreamSink } from "./stream-sink.js";
import { quietRejection, RESOLVED } from "./stream-waits.js";
import type { TextEncoding } from "./write-queue.js";

/** Options of `readBytes` and `readInto`. */
export interface PartialReadOptions extends WaitOptions {
  /** Resolve as soon as any bytes are there; default false. */
  readonly partial?: boolean | undefined;
}

/** Options of `readUntil` and `readUntilRegex`. */
export interface DelimitedReadOptions extends WaitOptions {
  /**
   * If the read needs more bytes than this, delimiter included, it rejects with an {@link UnsatisfiableReadError} and
   * the stream is closed; default `Infinity`, bounded by the stream's `maxBufferSize`.
   */
  readonly maxBytes?: number | undefined;
}

/** Options of `write`. */
export interface WriteOptions extends WaitOptions {
  /** How text becomes bytes; default `utf8`. */
  readonly encoding?: TextEncoding | undefined;
}

/**
 * The part of a stream that does not depend on what carries the bytes. Use {@link IOStream}, `SSLIOStream` or
 * `PipeIOStream`; to build a stream over another duplex stream of Node, extend this class and call `attach()`.
 */
export abstract class BaseIOStream implements AsyncIterable<Buffer> {
  readonly #core: StreamCore;

  constructor(options?: StreamOptions | StreamSettings) {
    // The hooks that the machine calls are for subclasses alone; TypeScript has no word for friends.
    this.#core = new StreamCore(StreamSettings.of(options), this as unknown as StreamOwner);
  }

  /** The error that closed the stream; `undefined` while it is open and after an orderly close. */
  get error(): Error | undefined {
    return this.#core.error;
  }

  /** The loop that the stream belongs to. */
  get ioLoop(): IOLoop {
    return this.#core.settings.ioLoop;
  }

  /** How many bytes may wait to be read; see {@link StreamOptions.maxBufferSize}. */
  get maxBufferSize(): number {
    return this.#core.settings.maxBufferSize;
  }

  /** How many bytes an idle stream reads ahead; see {@link StreamOptions.readChunkSize}. */
  get readChunkSize(): number {
    return this.#core.settings.readChunkSize;
  }

  /** How many bytes may wait to be written; see {@link StreamOptions.maxWriteBufferSize}. */
  get maxWriteBufferSize(): number {
    return this.#core.settings.maxWriteBufferSize;
  }

  /** Whether the stream outlives the FIN of the other side; see {@link StreamOptions.allowHalfOpen}. */
  get allowHalfOpen(): boolean {
    return this.#core.settings.allowHalfOpen;
  }

  /** The options of the stream, complete; another stream may share them. */
  protected get settings(): StreamSettings {
    return this.#core.settings;
  }

  /** What carries the bytes; undefined before `attach()` and once it is gone. */
  protected get transport(): Duplex | undefined {
    return this.#core.socket;
  }

  // --- state ----------------------------------------------------------------------------------------------------

  /** True while a read waits or a sink receives. */
  reading(): boolean {
    return this.#core.reading;
  }

  /** True while bytes wait to be written. */
  writing(): boolean {
    return this.#core.bytesQueued > 0;
  }

  /**
   * True when the stream can no longer be written to and will receive nothing more. Bytes that had been received can
   * still be read.
   */
  closed(): boolean {
    return this.#core.closed;
  }

  /** True when the other side has sent its FIN. */
  get finReceived(): boolean {
    return this.#core.finReceived;
  }

  /** Bytes handed to `write()` or `send()` and not yet to the kernel. */
  get bytesQueued(): number {
    return this.#core.bytesQueued;
  }

  /**
   * A number that grows whenever the other side takes something, also in the middle of one long write; only
   * differences mean anything. It tells a slow reader from one that has stopped.
   */
  get writeProgress(): number {
    return this.#core.writeProgress;
  }

  /** Received bytes that nobody has read yet. */
  get bytesBuffered(): number {
    return this.#core.bytesBuffered;
  }

  // --- promise face ---------------------------------------------------------------------------------------------

  /**
   * Reads exactly `size` bytes; with `partial` as many as are there, at least one and at most `size`. 0 bytes are
   * there at once.
   *
   * All reads: one at a time; a second one rejects with an `InvalidStateError`. What has been received can be read
   * after the stream is closed; beyond that reads reject with a {@link StreamClosedError}. A cancelled read takes
   * nothing: its bytes stay for the next.
   */
  readBytes(size: number, options?: PartialReadOptions): Promise<Buffer> {
    checkInteger("size", size, { min: 0 });
    return this.#read(new BytesRequest(size, options?.partial ?? false), options);
  }

  /** Fills `target`, or with `partial` as much of it as bytes are there (at least one); resolves with the number. */
  readInto(target: Uint8Array, options?: PartialReadOptions): Promise<number> {
    return this.#read(new IntoRequest(target, options?.partial ?? false), options);
  }

  /** Reads through the first occurrence of `delimiter` (text counts as UTF-8); see {@link BaseIOStream.readBytes}. */
  readUntil(delimiter: string | Uint8Array, options?: DelimitedReadOptions): Promise<Buffer> {
    if (delimiter.length === 0) throw new InvalidArgumentError("delimiter must have at least one byte");
    return this.#read(new UntilRequest(delimiter, maxBytesOf(options)), options);
  }

  /**
   * Reads through the end of the first match of `regex`, which sees bytes as characters U+0000 to U+00FF. Each
   * arrival is matched from the front again: set `maxBytes`, and prefer {@link BaseIOStream.readUntil} for a constant.
   */
  readUntilRegex(regex: RegExp | string, options?: DelimitedReadOptions): Promise<Buffer> {
    return this.#read(new RegexRequest(regex, maxBytesOf(options)), options);
  }

  /**
   * Reads everything until the other side ends or the stream is closed; on a closed stream, what is left. If an error
   * closes the stream, the read rejects and a second call returns what had come.
   */
  readUntilClose(options?: WaitOptions): Promise<Buffer> {
    return this.#read(new UntilCloseRequest(), options);
  }

  /**
   * Yields what arrives, in pieces as they come, until the other side ends; throws a {@link StreamClosedError} if an
   * error closes the stream. Leaving the loop early leaves the stream open and the rest unread.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      let chunk: Buffer;
      try {
        chunk = await this.#read(new ChunkRequest(), undefined);
      } catch (error) {
        if (error instanceof StreamClosedError && error.realError === undefined) return;
        throw error;
      }
      yield chunk;
    }
  }

  #read<T>(request: ReadRequest<T>, options: WaitOptions | undefined): Promise<T> {
    const core = this.#core;
    if (core.hasSink) {
      return Promise.reject(new InvalidStateError("the stream has a sink: consume(undefined) ends that"));
    }
    if (core.isDetached) return quietRejection(core.closedError());
    return core.reads().read(request, options);
  }

  /**
   * Queues `data` (text as UTF-8) behind everything written before. Resolves when the stream has room for more, at
   * once if it has; before the connection is there (or the TLS handshake done), when it is. Several writes may wait. The bytes must not be changed until they have gone out.
   *
   * Rejects with a {@link StreamClosedError} when the stream is or gets closed (not reported as unhandled), and with
   * a {@link StreamBufferFullError}, nothing queued and the stream still open, when more than `maxWriteBufferSize`
   * bytes would wait. A cancel ends the waiting alone: the bytes are sent all the same.
   */
  write(data: Chunk, options?: WriteOptions): Promise<void> {
    const core = this.#core;
    if (core.refusesWrites) return quietRejection(core.closedError());
    try {
      if (core.send(data, options?.encoding) && options === undefined) return RESOLVED;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.whenWritable(options);
  }

  /** Resolves when there is room: at once, or with the next drain. Rejects when the stream gets closed. */
  whenWritable(options?: WaitOptions): Promise<void> {
    const core = this.#core;
    if (core.isShut) return quietRejection(core.closedError());
    if (core.hasRoom && options === undefined) return RESOLVED;
    return this.#wait("waiting for room in the stream", options, core.room());
  }

  /**
   * Resolves when everything written so far has been handed to the kernel; rejects with a {@link StreamClosedError}
   * when the stream is closed before.
   */
  drained(options?: WaitOptions): Promise<void> {
    const core = this.#core;
    if (core.isShut) return quietRejection(core.closedError());
    return this.#wait("waiting for the stream to drain", options, core.drained());
  }

  /** Resolves when the stream is closed and its socket is gone; why it closed is in `error`. */
  whenClosed(options?: WaitOptions): Promise<void> {
    return this.#wait("waiting for the close of the stream", options, this.#core.whenClosed());
  }

  /**
   * Calls `callback` once when the stream is closed, soon if it already is, after the waiting operations have failed.
   * There is one callback: setting another replaces it, `undefined` takes it away. A stream with a close callback
   * notices a close while nobody reads.
   */
  setCloseCallback(callback: (() => unknown) | undefined): void {
    if (callback !== undefined) checkFunction("callback", callback);
    this.#core.setCloseCallback(callback);
  }

  /**
   * Closes the stream now. Waiting operations reject with a {@link StreamClosedError} that carries `error`; what has
   * not reached the kernel is dropped (`await drained()` first to keep it). Close callbacks run later, never inside
   * this call. Calling twice is fine, the first error stays.
   */
  close(error?: Error): void {
    this.#core.close(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.whenClosed();
  }

  /** Switches Nagle's algorithm off (true) or on; streams that are not TCP ignore it. */
  setNodelay(_value: boolean): void {}

  #wait(what: string, options: WaitOptions | undefined, promise: Promise<void>): Promise<void> {
    if (options?.signal === undefined && options?.timeout === undefined) return promise;
    return cancellable<void>(this.ioLoop, what, options, (settle) => {
      promise.then(settle.resolve, settle.reject);
      return undefined;
    });
  }

  // --- push face ------------------------------------------------------------------------------------------------

  /**
   * Hands everything that arrives to `sink` (what is already buffered first, soon, not inside this call).
   * `undefined` hands the reading back to the promise methods. Throws an `InvalidStateError` while a read waits.
   */
  consume(sink: StreamSink | undefined): void {
    this.#core.consume(sink);
  }

  /** Lets the other side wait: the sink gets nothing until {@link BaseIOStream.resumeReading}. Twice is fine. */
  pauseReading(): void {
    this.#core.pauseReading();
  }

  /** Goes on after {@link BaseIOStream.pauseReading}; the sink is not called inside this call. */
  resumeReading(): void {
    this.#core.resumeReading();
  }

  /** Puts bytes in front of what is read next, by whichever face. The chunk must not be changed afterwards. */
  unread(chunk: Uint8Array): void {
    this.#core.unread(chunk);
  }

  /**
   * `write()` without a promise: false when the stream is above its high-water mark (`onDrain` or `whenWritable()`
   * tell when it is below again), and when it is closed, which drops the data. Throws a
   * {@link StreamBufferFullError} where `write()` rejects with it.
   */
  send(data: Chunk, encoding: TextEncoding = "utf8"): boolean {
    return this.#core.send(data, encoding);
  }

  /** What is sent until the matching {@link BaseIOStream.uncork} leaves in one write. Pairs may be nested. */
  cork(): void {
    this.#core.cork();
  }

  /** Ends {@link BaseIOStream.cork}; one too many is ignored. */
  uncork(): void {
    this.#core.uncork();
  }

  /**
   * Gathers what is sent from now until the end of this turn of the loop; then it leaves in one write, together with
   * what other streams have gathered. For servers, which call it before they take a chunk in, with the loop's time: an
   * answer waits half a millisecond at most for the others, and long output does not wait at all. Twice in a turn is fine.
   */
  gatherTurn(now: number): void {
    this.#core.gatherTurn(now);
  }

  /** Sends FIN after everything queued. Reading goes on; writing more is refused. Twice is fine. */
  end(): void {
    this.#core.end();
  }

  /** Closes the stream with a reset, so that the other side learns that something is wrong. Twice is fine. */
  abort(): void {
    this.#core.abort();
  }

  // --- for subclasses -------------------------------------------------------------------------------------------

  /** Connects the stream with what carries its bytes. What was written before goes out. */
  protected attach(socket: Duplex): void {
    this.#core.attach(socket);
  }

  /**
   * Takes the stream off its socket, for another stream to carry on: bytes that nobody asked for go back, the close
   * callback comes along. Throws an `InvalidStateError` unless the stream is idle.
   */
  protected detach(): { socket: Duplex; closeCallback: (() => unknown) | undefined } {
    return this.#core.detach();
  }

  /** Gives up what was under way to a socket, when the stream is closed before it has one. */
  protected abandon(): void {}

  /** The socket failed while nobody had closed the stream. A broken connection is not worth a line in the log. */
  protected logError(error: Error): void {
    if (!isConnectionReset(error)) genLog.warning("error on a stream: %s", error.message.trimEnd());
  }

  /** Lets the socket go after an orderly close. */
  protected closeTransport(socket: Duplex): void {
    socket.destroy();
  }

  /** Lets the socket go with a reset, if it knows such a thing. */
  protected resetTransport(socket: Duplex): void {
    socket.destroy();
  }
}

function maxBytesOf(options: DelimitedReadOptions | undefined): number {
  return checkLimit("maxBytes", options?.maxBytes ?? Number.POSITIVE_INFINITY);
}
