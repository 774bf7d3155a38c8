/**
 * A stream of bytes with two faces over one read machine.
 *
 * - The *promise face*: `readUntil`, `readBytes`, … resolve when the bytes are there, one read at a time. Received
 *   bytes wait in a queue. Between reads the stream reads ahead a little, then lets the socket wait.
 * - The *push face*: after `consume(sink)` every chunk goes straight from the socket's `data` event to
 *   `sink.onData`, with no promise, no closure and no copy. This is what servers use.
 *
 * The listeners on the socket are the same few functions for all streams; they find their stream by a property of the
 * socket. What only some streams need (a queue, waiters, a gathering of small writes) is made when it is first needed:
 * tens of thousands of idle streams are the normal case.
 *
 * Life of a stream:
 *
 *     open ──── FIN of the other side ───► half-open (`allowHalfOpen`), or: what is queued is sent, then closed
 *       ├────── close(), abort(), an error ───────► closed: waiting reads and writes fail, now
 *       └────── startTls() ──► detached: the socket belongs to another stream
 *     closed ── the socket's `close` event ──► told: sink.onClose, the close callback, whenClosed(); once
 */
import type { Duplex } from "node:stream";
import { cancellable, type Settle, type WaitOptions } from "../async/cancel.js";
import type { IOLoop } from "../async/ioloop.js";
import { ByteQueue } from "../base/byte-queue.js";
import { type Chunk, NO_BYTES } from "../base/bytes.js";
import { InvalidArgumentError, InvalidStateError } from "../base/errors.js";
import { appLog, genLog } from "../base/log.js";
import { checkFunction, checkInteger, checkLimit } from "../base/validate.js";
import {
  BytesRequest,
  ChunkRequest,
  IntoRequest,
  NOT_YET,
  type ReadRequest,
  RegexRequest,
  UntilCloseRequest,
  UntilRequest,
} from "./read-request.js";
import {
  isConnectionReset,
  StreamBufferFullError,
  StreamClosedError,
  UnsatisfiableReadError,
} from "./stream-errors.js";
import { type StreamOptions, StreamSettings } from "./stream-settings.js";
import type { StreamSink } from "./stream-sink.js";
import { type TextEncoding, WriteQueue } from "./write-queue.js";

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

// What a stream knows about itself, in one number.
const FLOWING = 1; // the socket is told to deliver
const PAUSED = 2; // pauseReading() was called
const FIN_SEEN = 4; // the other side has ended
const FIN_TOLD = 8; // … and the sink knows
const FIN_SENT = 16; // end() was called
const FULL = 32; // send() returned false since the last drain
const CLOSED = 64; // closed; waiting operations have been rejected
const GONE = 128; // the socket is gone, too
const CLOSE_TOLD = 256; // the sink has had its onClose
const DETACHED = 512; // the socket belongs to another stream
const DELIVERY_DUE = 1024; // queued bytes are about to be handed to the sink
const WATCHED = 2048; // somebody wants to hear of the close

/** How much may wait for a socket that is not there yet before `send()` says that it is enough. */
const HIGH_WATER = 65_536;

const STREAM = Symbol("squall.stream");
const RESOLVED: Promise<void> = Promise.resolve();

interface Transport extends Duplex {
  [STREAM]?: BaseIOStream | undefined;
}

/** What the handle of a socket of Node's counts. */
interface WriteCounters {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** A promise with its ends. */
interface Waiting extends Settle<void> {
  readonly promise: Promise<void>;
}

function makeWaiting(): Waiting {
  let ends: Settle<void> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    ends = { resolve, reject };
  });
  // Who does not wait for it need not hear of it: the close itself tells of the error.
  promise.catch(ignore);
  return { promise, ...(ends as Settle<void>) };
}

function ignore(): void {}

/** A rejection that does not count as unhandled. */
function rejected<T>(error: Error): Promise<T> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

/** The rarely used part of a stream. */
class Extras {
  /** Until there is room to write. */
  writable: Waiting | undefined = undefined;
  /** Until nothing waits in front of the socket. */
  flushed: Waiting | undefined = undefined;
  /** Until the socket is gone. */
  closed: Waiting | undefined = undefined;
  closeCallback: (() => unknown) | undefined = undefined;
}

/**
 * The part of a stream that does not depend on what carries the bytes. Use {@link IOStream}, `SSLIOStream` or
 * `PipeIOStream`; to build a stream over another duplex stream of Node, extend this class and call `attach()`.
 */
export abstract class BaseIOStream implements AsyncIterable<Buffer> {
  /** The error that closed the stream; `undefined` while it is open and after an orderly close. */
  error: Error | undefined;
  readonly #settings: StreamSettings;
  #socket: Duplex | undefined;
  #state: number;
  #sink: StreamSink | undefined;
  #queue: ByteQueue | undefined;
  // Of the queued bytes, how many came when nobody was reading: they are not the rest of an earlier read.
  #unasked: number;
  #request: ReadRequest<unknown> | undefined;
  #settle: Settle<unknown> | undefined;
  #output: WriteQueue | undefined;
  #extras: Extras | undefined;

  constructor(options?: StreamOptions | StreamSettings) {
    this.error = undefined;
    this.#settings = StreamSettings.of(options);
    this.#socket = undefined;
    this.#state = 0;
    this.#sink = undefined;
    this.#queue = undefined;
    this.#unasked = 0;
    this.#request = undefined;
    this.#settle = undefined;
    this.#output = undefined;
    this.#extras = undefined;
  }

  /** The loop that the stream belongs to. */
  get ioLoop(): IOLoop {
    return this.#settings.ioLoop;
  }

  /** How many bytes may wait to be read; see {@link StreamOptions.maxBufferSize}. */
  get maxBufferSize(): number {
    return this.#settings.maxBufferSize;
  }

  /** How many bytes an idle stream reads ahead; see {@link StreamOptions.readChunkSize}. */
  get readChunkSize(): number {
    return this.#settings.readChunkSize;
  }

  /** How many bytes may wait to be written; see {@link StreamOptions.maxWriteBufferSize}. */
  get maxWriteBufferSize(): number {
    return this.#settings.maxWriteBufferSize;
  }

  /** Whether the stream outlives the FIN of the other side; see {@link StreamOptions.allowHalfOpen}. */
  get allowHalfOpen(): boolean {
    return this.#settings.allowHalfOpen;
  }

  /** The options of the stream, complete; another stream may share them. */
  protected get settings(): StreamSettings {
    return this.#settings;
  }

  /** What carries the bytes; undefined before `attach()` and once it is gone. */
  protected get transport(): Duplex | undefined {
    return this.#socket;
  }

  // ---------------------------------------------------------------------------------------------- state

  /** True while a read waits or a sink receives. */
  reading(): boolean {
    return this.#request !== undefined || this.#sink !== undefined;
  }

  /** True while bytes wait to be written. */
  writing(): boolean {
    return this.bytesQueued > 0;
  }

  /**
   * True when the stream can no longer be written to and will receive nothing more. Bytes that had been received can
   * still be read.
   */
  closed(): boolean {
    const state = this.#state;
    return (state & (CLOSED | DETACHED)) !== 0 || ((state & FIN_SEEN) !== 0 && !this.#settings.allowHalfOpen);
  }

  /** True when the other side has sent its FIN. */
  get finReceived(): boolean {
    return (this.#state & FIN_SEEN) !== 0;
  }

  /** Bytes handed to `write()` or `send()` and not yet to the kernel. */
  get bytesQueued(): number {
    if ((this.#state & CLOSED) !== 0) return 0;
    return (this.#socket?.writableLength ?? 0) + (this.#output?.byteLength ?? 0);
  }

  /**
   * A number that grows whenever the other side takes something, also in the middle of one long write; only
   * differences mean anything. It tells a slow reader from one that has stopped.
   */
  get writeProgress(): number {
    const socket = this.#socket as (Duplex & { readonly _handle?: WriteCounters | null }) | undefined;
    if (socket === undefined) return 0;
    // Node counts whole writes only; its handles know how much of the present one the kernel has taken.
    const handle = socket._handle;
    if (typeof handle?.bytesWritten === "number" && typeof handle.writeQueueSize === "number") {
      return handle.bytesWritten - handle.writeQueueSize;
    }
    return -socket.writableLength;
  }

  /** Received bytes that nobody has read yet. */
  get bytesBuffered(): number {
    return this.#queue?.length ?? 0;
  }

  // ---------------------------------------------------------------------------------------------- promise face

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

  /**
   * Queues `data` (text as UTF-8) behind everything written before. Resolves when the stream has room for more, at
   * once if it has; several writes may wait. The bytes must not be changed until they have gone out.
   *
   * Rejects with a {@link StreamClosedError} when the stream is or gets closed (not reported as unhandled), and with
   * a {@link StreamBufferFullError}, nothing queued and the stream still open, when more than `maxWriteBufferSize`
   * bytes would wait. A cancel ends the waiting alone: the bytes are sent all the same.
   */
  write(data: Chunk, options?: WriteOptions): Promise<void> {
    if ((this.#state & (CLOSED | FIN_SENT | DETACHED)) !== 0) return rejected(this.#closedError());
    try {
      if (this.send(data, options?.encoding) && options === undefined) return RESOLVED;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.whenWritable(options);
  }

  /** Resolves when there is room: at once, or with the next drain. Rejects when the stream gets closed. */
  whenWritable(options?: WaitOptions): Promise<void> {
    if ((this.#state & CLOSED) !== 0) return rejected(this.#closedError());
    if ((this.#state & FULL) === 0 && options === undefined) return RESOLVED;
    return this.#wait("waiting for room in the stream", options, this.#room());
  }

  /**
   * Resolves when everything written so far has been handed to the kernel; rejects with a {@link StreamClosedError}
   * when the stream is closed before.
   */
  drained(options?: WaitOptions): Promise<void> {
    if ((this.#state & CLOSED) !== 0) return rejected(this.#closedError());
    const socket = this.#socket;
    if (this.bytesQueued === 0) return this.#wait("waiting for the stream to drain", options, RESOLVED);
    if (socket === undefined || (this.#output !== undefined && !this.#output.isEmpty)) {
      // Corked, or not connected yet: first the bytes have to reach the socket.
      const extras = this.#extra();
      extras.flushed ??= makeWaiting();
      const flushed = extras.flushed.promise.then(() => this.drained());
      flushed.catch(ignore);
      return this.#wait("waiting for the stream to drain", options, flushed);
    }
    const waiting = makeWaiting();
    const fail = (): void => waiting.reject(this.#closedError());
    // A write of nothing comes back after all writes before it.
    if ((this.#state & FIN_SENT) === 0) {
      socket.write(NO_BYTES, (error) => (error == null ? waiting.resolve() : fail()));
    } else {
      socket.once("finish", () => waiting.resolve());
      socket.once("close", fail);
    }
    return this.#wait("waiting for the stream to drain", options, waiting.promise);
  }

  /** Resolves when the stream is closed and its socket is gone; why it closed is in `error`. */
  whenClosed(options?: WaitOptions): Promise<void> {
    const closed = (this.#state & GONE) !== 0 ? RESOLVED : this.#closedWaiting().promise;
    this.#watch();
    return this.#wait("waiting for the close of the stream", options, closed);
  }

  /**
   * Calls `callback` once when the stream is closed, soon if it already is, after the waiting operations have failed.
   * There is one callback: setting another replaces it, `undefined` takes it away. A stream with a close callback
   * notices a close while nobody reads.
   */
  setCloseCallback(callback: (() => unknown) | undefined): void {
    if (callback === undefined) {
      if (this.#extras !== undefined) this.#extras.closeCallback = undefined;
      return;
    }
    checkFunction("callback", callback);
    if ((this.#state & GONE) !== 0) {
      this.ioLoop.addCallback(callback);
      return;
    }
    this.#extra().closeCallback = callback;
    this.#watch();
  }

  /**
   * Closes the stream now. Waiting operations reject with a {@link StreamClosedError} that carries `error`; what has
   * not reached the kernel is dropped (`await drained()` first to keep it). Close callbacks run later, never inside
   * this call. Calling twice is fine, the first error stays.
   */
  close(error?: Error): void {
    if ((this.#state & (CLOSED | DETACHED)) !== 0) return;
    const socket = this.#socket;
    if (socket !== undefined && error === undefined && (this.#state & FIN_SENT) === 0) this.#flush(socket);
    this.#shut(error);
    if (socket === undefined) {
      this.abandon();
      queueMicrotask(() => this.#gone());
    } else if (error === undefined) this.closeTransport(socket);
    else socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.whenClosed();
  }

  /** Switches Nagle's algorithm off (true) or on; streams that are not TCP ignore it. */
  setNodelay(_value: boolean): void {}

  // ---------------------------------------------------------------------------------------------- push face

  /**
   * Hands everything that arrives to `sink` (what is already buffered first, soon, not inside this call).
   * `undefined` hands the reading back to the promise methods. Throws an `InvalidStateError` while a read waits.
   */
  consume(sink: StreamSink | undefined): void {
    if (this.#request !== undefined)
      throw new InvalidStateError("a read is pending: a sink cannot take over");
    this.#sink = sink;
    this.#state &= ~(PAUSED | FIN_TOLD | CLOSE_TOLD);
    if (sink === undefined) return;
    const state = this.#state;
    if ((state & (CLOSED | FIN_SEEN)) !== 0 || this.#buffered > 0) this.#deliverSoon();
    if ((state & (CLOSED | FIN_SEEN | FLOWING)) === 0) this.#flow();
  }

  /** Lets the other side wait: the sink gets nothing until {@link BaseIOStream.resumeReading}. Twice is fine. */
  pauseReading(): void {
    this.#state |= PAUSED;
    this.#stopFlow();
  }

  /** Goes on after {@link BaseIOStream.pauseReading}; the sink is not called inside this call. */
  resumeReading(): void {
    if ((this.#state & PAUSED) === 0) return;
    this.#state &= ~PAUSED;
    if (this.#buffered > 0 || (this.#state & FIN_SEEN) !== 0) this.#deliverSoon();
    if ((this.#state & (CLOSED | FIN_SEEN)) === 0) this.#flow();
  }

  /** Puts bytes in front of what is read next, by whichever face. The chunk must not be changed afterwards. */
  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#bytes().unshift(chunk);
    if (this.#sink !== undefined) this.#deliverSoon();
    else if (this.#request !== undefined) this.#progress(this.#request);
  }

  /**
   * `write()` without a promise: false when the stream is above its high-water mark (`onDrain` or `whenWritable()`
   * tell when it is below again), and when it is closed, which drops the data. Throws a
   * {@link StreamBufferFullError} where `write()` rejects with it.
   */
  send(data: Chunk, encoding: TextEncoding = "utf8"): boolean {
    if ((this.#state & (CLOSED | FIN_SENT | DETACHED)) !== 0) return false;
    if (data.length === 0) return (this.#state & FULL) === 0;
    if (this.#settings.maxWriteBufferSize !== Number.POSITIVE_INFINITY) this.#checkRoom(data, encoding);
    const socket = this.#socket;
    const output = this.#output;
    if (socket === undefined || (output !== undefined && output.depth > 0)) {
      return this.#gather(data, encoding);
    }
    if (socket.write(data, encoding)) return true;
    return this.#afterFullWrite(socket);
  }

  /** What is sent until the matching {@link BaseIOStream.uncork} leaves in one write. Pairs may be nested. */
  cork(): void {
    this.#output ??= new WriteQueue();
    this.#output.depth++;
  }

  /** Ends {@link BaseIOStream.cork}; one too many is ignored. */
  uncork(): void {
    const output = this.#output;
    if (output === undefined || output.depth === 0 || --output.depth > 0) return;
    if (this.#socket !== undefined && (this.#state & CLOSED) === 0) this.#flush(this.#socket);
  }

  /** Sends FIN after everything queued. Reading goes on; writing more is refused. Twice is fine. */
  end(): void {
    if ((this.#state & (CLOSED | FIN_SENT | DETACHED)) !== 0) return;
    const socket = this.#socket;
    if (socket !== undefined) this.#flush(socket);
    this.#state |= FIN_SENT;
    socket?.end();
  }

  /** Closes the stream with a reset, so that the other side learns that something is wrong. Twice is fine. */
  abort(): void {
    if ((this.#state & (CLOSED | DETACHED)) !== 0) return;
    const socket = this.#socket;
    if (socket === undefined) {
      this.close();
      return;
    }
    this.#shut(undefined);
    this.resetTransport(socket);
  }

  // ---------------------------------------------------------------------------------------------- for subclasses

  /** Connects the stream with what carries its bytes. What was written before goes out. */
  protected attach(socket: Duplex): void {
    this.#socket = socket;
    (socket as Transport)[STREAM] = this;
    // Nothing is read before somebody asks: `on("data")` would make an undecided stream flow.
    if (socket.readableFlowing !== false) socket.pause();
    socket.on("data", BaseIOStream.#onData);
    socket.on("end", BaseIOStream.#onFin);
    socket.on("drain", BaseIOStream.#onDrain);
    socket.on("error", BaseIOStream.#onError);
    socket.on("close", BaseIOStream.#onClose);
    const output = this.#output;
    if (output !== undefined && output.depth === 0) {
      this.#flush(socket);
      if (socket.writableLength < socket.writableHighWaterMark) this.#drained();
    }
    if ((this.#state & FIN_SENT) !== 0) socket.end();
    if (this.#request !== undefined || (this.#sink !== undefined && (this.#state & PAUSED) === 0))
      this.#flow();
    else if ((this.#state & WATCHED) !== 0) this.#watch();
    if (socket.destroyed) queueMicrotask(() => this.#lost());
  }

  /**
   * Takes the stream off its socket, for another stream to carry on: bytes that nobody asked for go back, the close
   * callback comes along. Throws an `InvalidStateError` unless the stream is idle.
   */
  protected detach(): { socket: Duplex; closeCallback: (() => unknown) | undefined } {
    const socket = this.#socket;
    if (socket === undefined || this.closed()) throw this.#closedError();
    if (this.reading() || this.writing() || this.#buffered > this.#unasked) {
      throw new InvalidStateError(
        "the stream is not idle: it is being read, or has bytes to be read or written",
      );
    }
    this.#stopFlow();
    socket.off("data", BaseIOStream.#onData);
    socket.off("end", BaseIOStream.#onFin);
    socket.off("drain", BaseIOStream.#onDrain);
    socket.off("error", BaseIOStream.#onError);
    socket.off("close", BaseIOStream.#onClose);
    (socket as Transport)[STREAM] = undefined;
    if (this.#queue !== undefined && this.#queue.length > 0) socket.unshift(this.#queue.takeAll());
    const closeCallback = this.#extras?.closeCallback;
    this.#state |= DETACHED;
    this.#socket = undefined;
    this.#extras?.closed?.resolve();
    this.#extras = undefined;
    return { socket, closeCallback };
  }

  /** Gives up what was under way to a socket, when the stream is closed before it has one. */
  protected abandon(): void {}

  /** The socket failed while nobody had closed the stream. A broken connection is not worth a line in the log. */
  protected logError(error: Error): void {
    if (!isConnectionReset(error)) genLog.warning("error on a stream: %s", error.message);
  }

  /** Lets the socket go after an orderly close. */
  protected closeTransport(socket: Duplex): void {
    socket.destroy();
  }

  /** Lets the socket go with a reset, if it knows such a thing. */
  protected resetTransport(socket: Duplex): void {
    socket.destroy();
  }

  // ---------------------------------------------------------------------------------------------- reading

  static #onData(this: Transport, chunk: Buffer): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#received(chunk);
  }

  static #onFin(this: Transport): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#ended();
  }

  static #onDrain(this: Transport): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#drained();
  }

  static #onError(this: Transport, error: Error): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#failed(error);
  }

  static #onClose(this: Transport): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#lost();
  }

  get #buffered(): number {
    return this.#queue === undefined ? 0 : this.#queue.length;
  }

  #bytes(): ByteQueue {
    this.#queue ??= new ByteQueue();
    return this.#queue;
  }

  #extra(): Extras {
    this.#extras ??= new Extras();
    return this.#extras;
  }

  #flow(): void {
    if ((this.#state & FLOWING) !== 0 || this.#socket === undefined) return;
    this.#state |= FLOWING;
    this.#socket.resume();
  }

  #stopFlow(): void {
    if ((this.#state & FLOWING) === 0) return;
    this.#state &= ~FLOWING;
    this.#socket?.pause();
  }

  /** Reads ahead a little, because somebody wants to hear of the close. */
  #watch(): void {
    this.#state |= WATCHED;
    if ((this.#state & (CLOSED | FIN_SEEN | PAUSED)) !== 0) return;
    if (this.#sink === undefined && this.#buffered < this.#settings.readChunkSize) this.#flow();
  }

  #received(chunk: Buffer): void {
    const sink = this.#sink;
    if (sink !== undefined) {
      if (this.#buffered > 0 || (this.#state & PAUSED) !== 0) {
        this.#bytes().push(chunk);
        // Somebody else made the socket flow: Node does so with the pipes of a child that has ended.
        if ((this.#state & (PAUSED | FLOWING)) === PAUSED) this.#socket?.pause();
        return;
      }
      try {
        sink.onData(chunk);
      } catch (error) {
        this.#sinkFailed(error);
      }
      return;
    }
    if ((this.#state & CLOSED) !== 0) return;
    const queue = this.#bytes();
    queue.push(chunk);
    if (this.#request !== undefined) {
      this.#progress(this.#request);
      return;
    }
    this.#unasked += chunk.length;
    if (queue.length >= this.#settings.readChunkSize) {
      this.#state &= ~FLOWING;
      this.#socket?.pause();
    }
  }

  #read<T>(request: ReadRequest<T>, options: WaitOptions | undefined): Promise<T> {
    if (this.#sink !== undefined) {
      return Promise.reject(new InvalidStateError("the stream has a sink: consume(undefined) ends that"));
    }
    if (this.#request !== undefined) {
      return Promise.reject(new InvalidStateError("another read is pending: one read at a time"));
    }
    if ((this.#state & DETACHED) !== 0) return rejected(this.#closedError());
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason);
    const queue = this.#bytes();
    this.#unasked = 0;
    let size: number;
    try {
      size = request.find(queue);
    } catch (error) {
      return Promise.reject(this.#giveUpReading(error as Error));
    }
    if (size !== NOT_YET) return Promise.resolve(request.take(queue, size));
    if ((this.#state & (CLOSED | FIN_SEEN)) !== 0) {
      return request.endsAtClose
        ? Promise.resolve(request.take(queue, queue.length))
        : rejected(this.#closedError());
    }
    if (queue.length > this.#settings.maxBufferSize) return rejected(this.#overflow());
    this.#request = request;
    this.#flow();
    if (options?.signal === undefined && options?.timeout === undefined) {
      return new Promise<T>((resolve, reject) => {
        this.#settle = { resolve, reject } as Settle<unknown>;
      });
    }
    const promise = cancellable<T>(this.ioLoop, "the read", options, (settle) => {
      this.#settle = settle as Settle<unknown>;
      return () => {
        if (this.#request !== request) return;
        this.#request = undefined;
        this.#settle = undefined;
        if (this.#buffered >= this.#settings.readChunkSize) this.#stopFlow();
      };
    });
    return promise;
  }

  #progress(request: ReadRequest<unknown>): void {
    const queue = this.#bytes();
    let size: number;
    try {
      size = request.find(queue);
    } catch (error) {
      this.#endRequest()?.reject(this.#giveUpReading(error as Error));
      return;
    }
    if (size !== NOT_YET) {
      const settle = this.#endRequest();
      settle?.resolve(request.take(queue, size));
      if (queue.length >= this.#settings.readChunkSize) this.#stopFlow();
    } else if (queue.length > this.#settings.maxBufferSize) {
      const settle = this.#endRequest();
      settle?.reject(this.#overflow());
    }
  }

  #endRequest(): Settle<unknown> | undefined {
    const settle = this.#settle;
    this.#request = undefined;
    this.#settle = undefined;
    return settle;
  }

  /** A read that nothing can satisfy any more closes the stream. */
  #giveUpReading(error: Error): Error {
    if (!(error instanceof UnsatisfiableReadError)) return error;
    genLog.info("Unsatisfiable read, closing connection: %s", error.message);
    this.close(error);
    return error;
  }

  #overflow(): Error {
    const error = new StreamBufferFullError("read", this.#settings.maxBufferSize);
    genLog.error("Reached maximum read buffer size");
    this.close(error);
    return new StreamClosedError(error);
  }

  #ended(): void {
    if ((this.#state & (CLOSED | FIN_SEEN)) !== 0) return;
    this.#state |= FIN_SEEN;
    if (this.#sink !== undefined) {
      if (this.#buffered === 0 && (this.#state & PAUSED) === 0) this.#deliver();
      else if (this.#state & PAUSED) return;
      else this.#deliverSoon();
      return;
    }
    this.#endReads(undefined);
    this.#afterFin();
  }

  /** The input has ended and everybody knows: without `allowHalfOpen` the stream ends, too. */
  #afterFin(): void {
    if (this.#settings.allowHalfOpen || (this.#state & CLOSED) !== 0) return;
    if (this.bytesQueued === 0) this.close();
    else this.end(); // The socket closes when all is sent; both directions have ended then.
  }

  #endReads(error: Error | undefined): void {
    const request = this.#request;
    if (request === undefined) return;
    const settle = this.#endRequest();
    if (request.endsAtClose && error === undefined) {
      const queue = this.#bytes();
      settle?.resolve(request.take(queue, queue.length));
    } else {
      settle?.reject(new StreamClosedError(error));
    }
  }

  #deliverSoon(): void {
    if ((this.#state & DELIVERY_DUE) !== 0) return;
    this.#state |= DELIVERY_DUE;
    queueMicrotask(() => {
      this.#state &= ~DELIVERY_DUE;
      this.#deliver();
    });
  }

  /** Hands the sink what it has not heard of yet: queued bytes, the FIN, the close. */
  #deliver(): void {
    const sink = this.#sink;
    const queue = this.#queue;
    if (sink === undefined) return;
    try {
      while (queue !== undefined && queue.length > 0) {
        if (this.#sink !== sink || (this.#state & PAUSED) !== 0) return;
        // A stream that its owner has closed delivers nothing more.
        if ((this.#state & CLOSED) !== 0 && (this.#state & FIN_SEEN) === 0) break;
        sink.onData(queue.takeChunk());
      }
      if (this.#sink !== sink || (this.#state & PAUSED) !== 0) return;
      if ((this.#state & (FIN_SEEN | FIN_TOLD | CLOSED)) === FIN_SEEN) {
        this.#state |= FIN_TOLD;
        sink.onFin();
      }
    } catch (error) {
      this.#sinkFailed(error);
    }
    if ((this.#state & FIN_SEEN) !== 0) this.#afterFin();
    if ((this.#state & GONE) !== 0) this.#tellSink();
  }

  #sinkFailed(error: unknown): void {
    appLog.exception("the sink of a stream failed; the stream is closed", error);
    this.close(error instanceof Error ? error : new Error(String(error)));
  }

  // ---------------------------------------------------------------------------------------------- writing

  #gather(data: Chunk, encoding: TextEncoding): boolean {
    this.#output ??= new WriteQueue();
    this.#output.add(data, encoding);
    if (this.#output.isLong(HIGH_WATER)) {
      // Gathering is for small writes; and who is corked has to hear of a slow peer, too.
      if (this.#socket === undefined) this.#state |= FULL;
      else this.#flush(this.#socket);
    }
    return (this.#state & FULL) === 0;
  }

  #flush(socket: Duplex): void {
    const output = this.#output;
    if (output === undefined || output.isEmpty) return;
    if (!output.writeTo(socket)) this.#afterFullWrite(socket);
    const flushed = this.#extras?.flushed;
    if (flushed === undefined) return;
    this.#extra().flushed = undefined;
    flushed.resolve();
  }

  /** Node says "full" also for a large write that has already gone out: ask what is left. */
  #afterFullWrite(socket: Duplex): boolean {
    if (socket.writableLength < socket.writableHighWaterMark) return (this.#state & FULL) === 0;
    this.#state |= FULL;
    return false;
  }

  #checkRoom(data: Chunk, encoding: TextEncoding): void {
    const size = typeof data === "string" ? Buffer.byteLength(data, encoding) : data.length;
    const limit = this.#settings.maxWriteBufferSize;
    if (this.bytesQueued + size > limit) throw new StreamBufferFullError("write", limit);
  }

  #drained(): void {
    if ((this.#state & (FULL | CLOSED)) !== FULL) return;
    this.#state &= ~FULL;
    const waiting = this.#extras?.writable;
    if (waiting !== undefined) {
      this.#extra().writable = undefined;
      waiting.resolve();
    }
    try {
      this.#sink?.onDrain();
    } catch (error) {
      this.#sinkFailed(error);
    }
  }

  #room(): Promise<void> {
    if ((this.#state & FULL) === 0) return RESOLVED;
    const extras = this.#extra();
    extras.writable ??= makeWaiting();
    return extras.writable.promise;
  }

  #wait(what: string, options: WaitOptions | undefined, promise: Promise<void>): Promise<void> {
    if (options?.signal === undefined && options?.timeout === undefined) return promise;
    return cancellable<void>(this.ioLoop, what, options, (settle) => {
      promise.then(settle.resolve, settle.reject);
      return undefined;
    });
  }

  // ---------------------------------------------------------------------------------------------- closing

  #closedError(): StreamClosedError {
    if (this.error instanceof StreamClosedError) return this.error;
    return new StreamClosedError(this.error);
  }

  #closedWaiting(): Waiting {
    const extras = this.#extra();
    extras.closed ??= makeWaiting();
    return extras.closed;
  }

  #failed(error: Error): void {
    if ((this.#state & CLOSED) !== 0) return;
    this.logError(error);
    this.#shut(error);
    this.#socket?.destroy();
  }

  /** Closed, for whatever reason: who waits hears of it now. */
  #shut(error: Error | undefined): void {
    this.#state |= CLOSED;
    this.error ??= error;
    this.#output?.clear();
    this.#endReads(error);
    const extras = this.#extras;
    if (extras === undefined) return;
    extras.writable?.reject(this.#closedError());
    extras.flushed?.reject(this.#closedError());
    extras.writable = undefined;
    extras.flushed = undefined;
  }

  /** The socket's `close` event. */
  #lost(): void {
    if ((this.#state & CLOSED) === 0) this.#shut(undefined);
    this.#gone();
  }

  #gone(): void {
    if ((this.#state & GONE) !== 0) return;
    this.#state |= GONE;
    this.#socket = undefined;
    if (this.#sink !== undefined) this.#tellSink();
    const extras = this.#extras;
    if (extras === undefined) return;
    if (extras.closeCallback !== undefined) {
      this.ioLoop.addCallback(extras.closeCallback);
      extras.closeCallback = undefined;
    }
    extras.closed?.resolve();
  }

  #tellSink(): void {
    if ((this.#state & CLOSE_TOLD) !== 0) return;
    this.#state |= CLOSE_TOLD;
    const sink = this.#sink;
    this.#sink = undefined;
    try {
      sink?.onClose(this.error);
    } catch (error) {
      appLog.exception("the sink of a stream failed in onClose", error);
    }
  }
}

function maxBytesOf(options: DelimitedReadOptions | undefined): number {
  return checkLimit("maxBytes", options?.maxBytes ?? Number.POSITIVE_INFINITY);
}
