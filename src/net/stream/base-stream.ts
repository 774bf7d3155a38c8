/**
 * A stream of bytes with two faces.
 *
 * - The *promise face*: `readUntil`, `readBytes`, … resolve when the bytes are there, one read at a time.
 *   Received bytes wait in a queue. Between reads the stream reads ahead a little, then pauses the socket.
 * - The *push face*: after `consume(sink)` every chunk goes straight from the socket to the sink, with no
 *   promise, no closure and, if the sink has `onLent`, no buffer of its own. This is what servers use.
 *
 * Reading (`stream-input.ts`) and writing (`stream-output.ts`) are two machines with a state each; what they
 * share is the life of the stream (`stream-life.ts`).
 *
 * The listeners on the socket are the same few functions for all streams; they find their stream by a
 * property of the socket. What only some streams need is made when it is first needed: tens of thousands of
 * idle streams are the normal case.
 */
import type { Duplex } from "node:stream";
import { cancellable, type WaitOptions } from "../../async/cancel.js";
import { Deferred, RESOLVED, rejectedQuietly } from "../../async/deferred.js";
import type { IOLoop } from "../../async/ioloop.js";
import { refusal, resolveWait } from "../../async/wait-options.js";
import type { Chunk } from "../../base/bytes.js";
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkFunction, checkInteger } from "../../base/validate.js";
import { type PeerState, peerState } from "./peer-state.js";
import {
  BytesRequest,
  ChunkRequest,
  IntoRequest,
  RegexRequest,
  UntilCloseRequest,
  UntilRequest,
} from "./read-request.js";
import { StreamClose, type StreamWatcher } from "./stream-close.js";
import {
  closedErrorOf,
  isConnectionReset,
  isTlsAlert,
  StreamBufferFullError,
  StreamClosedError,
} from "./stream-errors.js";
import { INPUT_STATES, StreamInput } from "./stream-input.js";
import { CLOSED, CONNECTING, DETACHED, GONE, HALF_OPEN, LIVES, OPEN } from "./stream-life.js";
import type { DelimitedReadOptions, PartialReadOptions, WriteOptions } from "./stream-options.js";
import { DELIMITED, maxBytesOf, PARTIAL, WRITE } from "./stream-options.js";
import { OUTPUT_STATES, StreamOutput } from "./stream-output.js";
import { type StreamOptions, StreamSettings } from "./stream-settings.js";
import type { StreamSink } from "./stream-sink.js";
import { destroySoon, writeProgress } from "./write-progress.js";
import type { TextEncoding } from "./write-queue.js";

const STREAM = Symbol("squall.stream");

interface Transport extends Duplex {
  [STREAM]?: BaseIOStream | undefined;
}

/** The states of a stream and its halves, by name. */
export interface StreamStates {
  readonly life: string;
  readonly input: string;
  readonly output: string;
}

// Friends of the class: what the rest of squall may do with a stream and users may not.
let coalesce: (stream: BaseIOStream, now: number) => void;
let inspectPeer: (stream: BaseIOStream) => Promise<PeerState>;
let states: (stream: BaseIOStream) => StreamStates;

/**
 * Queues what the stream sends from now until the end of this turn of the loop; then it leaves in one write,
 * right before or after what other streams have queued. For servers, which call it before they take a chunk
 * in: an answer waits half a millisecond at most for the others, and long output does not wait at all. `now`
 * is the time of the stream's loop. Twice in a turn is fine.
 */
export function coalesceWrites(stream: BaseIOStream, now: number): void {
  coalesce(stream, now);
}

/**
 * What is known of the other end: how far it has acknowledged what was sent, and whether it has left although
 * its input is paused. Costs a look into a table of the system, so it is a question for deadlines, not for
 * each chunk.
 */
export function peerStateOf(stream: BaseIOStream): Promise<PeerState> {
  return inspectPeer(stream);
}

/** The states of a stream: for tests and for messages. */
export function streamStates(stream: BaseIOStream): StreamStates {
  return states(stream);
}

/**
 * The part of a stream that does not depend on what carries the bytes. Use {@link IOStream}, `SSLIOStream` or
 * `PipeIOStream`; to build a stream over another duplex stream of Node, extend this class and call
 * `attach()`.
 */
export abstract class BaseIOStream implements AsyncIterable<Buffer> {
  readonly #settings: StreamSettings;
  readonly #input: StreamInput;
  #life: number;
  #output: StreamOutput | undefined;
  #close: StreamClose | undefined;

  static {
    coalesce = (stream, now) => stream.#writer().coalesce(stream.#settings.coalescing, now);
    inspectPeer = (stream) => peerState(stream.carrier, () => stream.ioLoop.time());
    states = (stream) => ({
      life: LIVES[stream.#life] as string,
      input: INPUT_STATES[stream.#input.state] as string,
      output: OUTPUT_STATES[stream.#output === undefined ? 0 : stream.#output.state] as string,
    });
  }

  constructor(options?: StreamOptions) {
    this.#settings = StreamSettings.of(options);
    this.#input = new StreamInput(this);
    this.#life = CONNECTING;
    this.#output = undefined;
    this.#close = undefined;
  }

  /** The error that closed the stream; `undefined` while it is open and after an orderly close. */
  get error(): Error | undefined {
    return this.#close?.error;
  }

  /** The loop that the stream belongs to. */
  get ioLoop(): IOLoop {
    return this.#settings.ioLoop;
  }

  /** How many received bytes may wait to be read; see {@link StreamOptions.maxBufferSize}. */
  get maxBufferSize(): number {
    return this.#settings.maxBufferSize;
  }

  /** How many bytes a stream without a reader reads ahead; see {@link StreamOptions.readChunkSize}. */
  get readChunkSize(): number {
    return this.#settings.readChunkSize;
  }

  /** How many bytes may wait to be written; see {@link StreamOptions.maxWriteBufferSize}. */
  get maxWriteBufferSize(): number {
    return this.#settings.maxWriteBufferSize;
  }

  /**
   * Whether the stream stays open after the FIN of the other side; see {@link StreamOptions.allowHalfOpen}.
   */
  get allowHalfOpen(): boolean {
    return this.#settings.allowHalfOpen;
  }

  /** The options of the stream, complete; another stream may share them. */
  protected get options(): StreamOptions {
    return this.#settings;
  }

  /** What carries the bytes; undefined before `attach()` and once it is gone. */
  protected get transport(): Duplex | undefined {
    return this.#input.socket ?? undefined;
  }

  /** The socket that the system knows; for TLS the one below {@link BaseIOStream.transport}. */
  protected get carrier(): Duplex | undefined {
    return this.transport;
  }

  // --- state -----------------------------------------------------------------------------------------------

  /** True while a read is pending or a sink receives. */
  reading(): boolean {
    return this.#input.reading;
  }

  /** True while bytes wait to be written. */
  writing(): boolean {
    return this.bytesQueued > 0;
  }

  /**
   * True when the stream can no longer be written to and will receive nothing more. Bytes that had been
   * received can still be read.
   */
  closed(): boolean {
    return this.#life >= CLOSED || (this.#life === HALF_OPEN && !this.#settings.allowHalfOpen);
  }

  /** True until the connection is there, for TLS until the handshake is done. */
  get connecting(): boolean {
    return this.#life === CONNECTING;
  }

  /** True when the other side has sent its FIN. */
  get finReceived(): boolean {
    return this.#input.finReceived;
  }

  /** Bytes handed to `write()` or `send()` and not yet to the kernel. */
  get bytesQueued(): number {
    if (this.#life >= CLOSED) return 0;
    return (this.#input.socket?.writableLength ?? 0) + (this.#output?.byteLength ?? 0);
  }

  /**
   * A number that grows whenever the kernel takes something, also in the middle of one long write; only
   * differences mean anything. It tells a slow reader from one that has stopped.
   */
  get writeProgress(): number {
    return writeProgress(this.carrier);
  }

  /** How many received bytes have not been read. */
  get bytesBuffered(): number {
    return this.#input.bytesBuffered;
  }

  // --- promise face ----------------------------------------------------------------------------------------

  /**
   * Reads exactly `size` bytes; with `partial` as many as are there, at least one and at most `size`. 0 bytes
   * are there at once.
   *
   * All reads: one at a time; a second one rejects with an `InvalidStateError`. What has been received can be
   * read after the stream is closed; beyond that reads reject with a {@link StreamClosedError}. A cancelled
   * read takes nothing: its bytes stay for the next. A read whose options are invalid rejects and leaves
   * nothing behind.
   *
   * @throws InvalidArgumentError if `size` is negative or not an integer
   */
  readBytes(size: number, options?: PartialReadOptions): Promise<Buffer> {
    checkInteger("size", size, { min: 0 });
    return this.#input.read(new BytesRequest(size, options?.partial ?? false), options, PARTIAL);
  }

  /**
   * Fills `target`, or with `partial` as much of it as bytes are there (at least one); resolves with the
   * number.
   */
  readInto(target: Uint8Array, options?: PartialReadOptions): Promise<number> {
    return this.#input.read(new IntoRequest(target, options?.partial ?? false), options, PARTIAL);
  }

  /**
   * Reads through the first occurrence of `delimiter` (text counts as UTF-8); see
   * {@link BaseIOStream.readBytes}.
   */
  readUntil(delimiter: string | Uint8Array, options?: DelimitedReadOptions): Promise<Buffer> {
    if (delimiter.length === 0) throw new InvalidArgumentError("delimiter must have at least one byte");
    return this.#input.read(new UntilRequest(delimiter, maxBytesOf(options)), options, DELIMITED);
  }

  /**
   * Reads through the end of the first match of `regex`, which sees bytes as characters U+0000 to U+00FF.
   * Each arrival is matched from the front again: set `maxBytes`, and prefer {@link BaseIOStream.readUntil}
   * for a constant.
   */
  readUntilRegex(regex: RegExp | string, options?: DelimitedReadOptions): Promise<Buffer> {
    return this.#input.read(new RegexRequest(regex, maxBytesOf(options)), options, DELIMITED);
  }

  /**
   * Reads everything until the other side ends or the stream is closed; on a closed stream, what is left. If
   * an error closes the stream, the read rejects and a second call returns what had come.
   */
  readUntilClose(options?: WaitOptions): Promise<Buffer> {
    return this.#input.read(new UntilCloseRequest(), options);
  }

  /**
   * Yields what arrives, in pieces as they come, until the other side ends; throws a
   * {@link StreamClosedError} if an error closes the stream. `timeout` bounds the wait for each piece,
   * `signal` ends the iteration with its reason. Leaving the loop early leaves the stream open and the rest
   * unread.
   *
   * @throws InvalidArgumentError if an option is invalid
   */
  chunks(options?: WaitOptions): AsyncGenerator<Buffer, void, undefined> {
    resolveWait(options);
    return this.#chunks(options);
  }

  async *#chunks(options: WaitOptions | undefined): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      let chunk: Buffer;
      try {
        chunk = await this.#input.read(new ChunkRequest(), options);
      } catch (error) {
        if (error instanceof StreamClosedError && error.realError === undefined) return;
        throw error;
      }
      yield chunk;
    }
  }

  /** `for await (const chunk of stream)`: {@link BaseIOStream.chunks} without options. */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return this.#chunks(undefined);
  }

  /**
   * Queues `data` (text as UTF-8) behind everything written before. Resolves when the stream has room for
   * more, at once if it has; before the connection is there (or the TLS handshake done), after it is. Several
   * writes may wait. The bytes must not be changed until they have left. Where there is always room, the
   * promise waits for a turn of the loop after 512 KiB or 128 writes: a loop that awaits each write
   * leaves time to timers, to other connections, and to the end of this one.
   *
   * Rejects with a {@link StreamClosedError} when the stream is or gets closed, or the system refuses the
   * data because the other side is gone (not reported as unhandled); and with a
   * {@link StreamBufferFullError}, nothing queued and the stream still open, when more than
   * `maxWriteBufferSize` bytes would wait. A cancel ends the waiting alone, the bytes are sent all the same;
   * a call whose options are invalid, or whose signal has aborted, sends nothing.
   */
  write(data: Chunk, options?: WriteOptions): Promise<void> {
    if (this.#life >= CLOSED) return rejectedQuietly(this.#closedError());
    const refused = refusal(options, WRITE);
    if (refused !== undefined) return refused;
    const output = this.#writer();
    if (output.refuses) return rejectedQuietly(this.#closedError());
    try {
      this.#checkRoom(data, options?.encoding ?? "utf8");
    } catch (error) {
      return Promise.reject(error);
    }
    const hasRoom = output.send(data, options?.encoding ?? "utf8");
    // The error of a failed write closes the stream a moment later, which rejects the promise.
    if (output.mayHaveFailed) return this.#wait("the write", options, output.whenDrained());
    const room = hasRoom ? this.#settings.turnBudget.spend(data.length) : output.whenRoom();
    return this.#wait("waiting for room in the stream", options, room);
  }

  /**
   * Resolves when there is room, as {@link BaseIOStream.write} does; the bytes that were `sent` just before
   * count for its turns of the loop. Rejects when the stream gets closed.
   */
  whenWritable(options?: WaitOptions, sent = 0): Promise<void> {
    if (this.#life >= CLOSED) return rejectedQuietly(this.#closedError());
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    const hasRoom = this.#output?.hasRoom ?? true;
    const room = hasRoom ? this.#settings.turnBudget.spend(sent) : this.#writer().whenRoom();
    return this.#wait("waiting for room in the stream", options, room);
  }

  /**
   * Resolves when everything written so far has been handed to the kernel; rejects with a
   * {@link StreamClosedError} when the stream is closed before, or the kernel has refused some of it.
   */
  drained(options?: WaitOptions): Promise<void> {
    if (this.#life >= CLOSED) return rejectedQuietly(this.#closedError());
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return this.#wait("waiting for the stream to drain", options, this.#writer().whenDrained());
  }

  /** Resolves when the stream is closed and its socket is gone; why it closed is in `error`. */
  whenClosed(options?: WaitOptions): Promise<void> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (this.#life >= GONE) return RESOLVED;
    const close = this.#closing();
    close.closed ??= new Deferred();
    this.#watch();
    return this.#wait("waiting for the close of the stream", options, close.closed.promise);
  }

  /**
   * @internal Calls `watcher` once, in a microtask, when `whenClosed()` would resolve. There is one watcher;
   * nothing takes it away.
   */
  watchClose(watcher: StreamWatcher): void {
    const close = this.#closing();
    close.watcher = watcher;
    if (this.#life >= GONE) close.settle();
    else this.#watch();
  }

  /**
   * Calls `callback` once when the stream is closed, soon if it already is, after the pending operations have
   * failed. There is one callback: setting another replaces it, `undefined` takes it away. A stream with a
   * close callback notices a close while there is no reader.
   */
  setCloseCallback(callback: (() => unknown) | undefined): void {
    if (callback === undefined) {
      if (this.#close !== undefined) this.#close.callback = undefined;
      return;
    }
    checkFunction("callback", callback);
    if (this.#life === GONE) {
      this.ioLoop.addCallback(callback);
      return;
    }
    this.#closing().callback = callback;
    this.#watch();
  }

  /**
   * Closes the stream now. Pending operations reject with a {@link StreamClosedError} that carries `error`;
   * what has not reached the kernel is dropped (`await drained()` first to keep it). Close callbacks run
   * later, never inside this call. Calling twice is fine, the first error stays.
   */
  close(error?: Error): void {
    if (this.#life >= CLOSED) return;
    const socket = this.transport;
    if (error === undefined) this.#output?.flushBeforeClose();
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

  #wait(what: string, options: WaitOptions | undefined, promise: Promise<void>): Promise<void> {
    if (promise === RESOLVED || (options?.signal == null && options?.timeout == null)) return promise;
    return cancellable<void>(this.ioLoop, what, options, (settle) => {
      promise.then(settle.resolve, settle.reject);
      return undefined;
    });
  }

  // --- push face -------------------------------------------------------------------------------------------

  /**
   * Hands everything that arrives to `sink` (what is already buffered first, soon, not inside this call).
   * `undefined` hands the reading back to the promise methods.
   *
   * @throws InvalidStateError while a read is pending
   */
  consume(sink: StreamSink | undefined): void {
    this.#input.consume(sink);
  }

  /**
   * Lets the other side wait: the sink gets nothing until {@link BaseIOStream.resumeReading}. Twice is fine.
   */
  pauseReading(): void {
    this.#input.pause();
  }

  /** Goes on after {@link BaseIOStream.pauseReading}; the sink is not called inside this call. */
  resumeReading(): void {
    this.#input.resume();
  }

  /**
   * Puts bytes in front of what is read next, by whichever face. The chunk must not be changed afterwards.
   */
  unread(chunk: Uint8Array): void {
    this.#input.unread(chunk);
  }

  /**
   * `write()` without a promise: false when the stream is above its high-water mark (`onDrain` or
   * `whenWritable()` report when it is below again), and when it is closed, which drops the data.
   *
   * @throws StreamBufferFullError (`ERR_SQUALL_STREAM_BUFFER_FULL`) where `write()` rejects with it
   */
  send(data: Chunk, encoding: TextEncoding = "utf8"): boolean {
    const output = this.#writer();
    if (this.#settings.maxWriteBufferSize !== Number.POSITIVE_INFINITY && !output.refuses) {
      this.#checkRoom(data, encoding);
    }
    return output.send(data, encoding);
  }

  /** What is sent until the matching {@link BaseIOStream.uncork} leaves in one write. Pairs may be nested. */
  cork(): void {
    this.#writer().cork();
  }

  /** Ends {@link BaseIOStream.cork}; one too many is ignored. */
  uncork(): void {
    this.#output?.uncork();
  }

  /** Sends FIN after everything queued. Reading goes on; writing more is refused. Twice is fine. */
  end(): void {
    this.#writer().end();
  }

  /** Closes the stream with a reset, so that the other side learns that something is wrong. Twice is fine. */
  abort(): void {
    const socket = this.transport;
    if (socket === undefined) {
      this.close();
      return;
    }
    if (this.#life >= CLOSED) return;
    // A peer that is reset in the middle of a message may still see what came before.
    this.#output?.flushBeforeClose();
    this.#shut(undefined);
    this.resetTransport(socket);
  }

  #writer(): StreamOutput {
    this.#output ??= this.#makeOutput();
    return this.#output;
  }

  #makeOutput(): StreamOutput {
    const output = new StreamOutput(this.#life === CONNECTING ? undefined : this.transport, this.#input);
    if (this.#life >= CLOSED) output.shut(this.#closedError());
    return output;
  }

  #checkRoom(data: Chunk, encoding: TextEncoding): void {
    const limit = this.#settings.maxWriteBufferSize;
    if (limit === Number.POSITIVE_INFINITY) return;
    const size = typeof data === "string" ? Buffer.byteLength(data, encoding) : data.length;
    if (this.bytesQueued + size > limit) throw new StreamBufferFullError("write", limit);
  }

  // --- life ------------------------------------------------------------------------------------------------

  static #onConnect(this: Transport): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#connected(this);
  }

  static #onData(this: Transport, chunk: Buffer): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#input.receive(chunk);
  }

  static #onFin(this: Transport): void {
    const stream = this[STREAM];
    if (stream !== undefined) stream.#finReceived();
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

  #connected(socket: Duplex): void {
    if (this.#life !== CONNECTING) return;
    this.#life = OPEN;
    this.#input.connected(socket);
    // The writers go on after those who wait for the connection itself.
    if (this.#output?.attach(socket) === true) this.ioLoop.addCallback(() => this.#drained());
  }

  #finReceived(): void {
    if (this.#life > OPEN) return;
    this.#life = HALF_OPEN;
    this.#input.end();
  }

  #drained(): void {
    if (this.#output?.drained() === true) this.#input.drained();
  }

  #failed(error: Error): void {
    if (this.#life >= CLOSED) return;
    // A failed connect is reported by its promise.
    if (this.#life !== CONNECTING) this.logError(error);
    this.#shut(error);
    this.transport?.destroy();
  }

  /** Closed, for whatever reason: pending operations fail now. */
  #shut(error: Error | undefined): void {
    this.#life = CLOSED;
    if (error !== undefined) this.#closing().error = error;
    this.#input.close(error);
    this.#output?.shut(this.#closedError());
  }

  /** The socket's `close` event. */
  #lost(): void {
    if (this.#life < CLOSED) this.#shut(undefined);
    this.#gone();
  }

  #gone(): void {
    if (this.#life !== CLOSED) return;
    this.#life = GONE;
    this.#input.gone();
    const close = this.#close;
    if (close === undefined) return;
    if (close.callback !== undefined) this.ioLoop.addCallback(close.callback);
    close.callback = undefined;
    close.settle();
  }

  #closing(): StreamClose {
    this.#close ??= new StreamClose();
    return this.#close;
  }

  #closedError(): StreamClosedError {
    return closedErrorOf(this.error);
  }

  /** Without a reader, a close is noticed only by reading ahead. */
  #watch(): void {
    if (this.#life < CLOSED) this.#input.watch();
  }

  // --- for subclasses --------------------------------------------------------------------------------------

  /**
   * Connects the stream with what carries its bytes. What was written before is sent, once it is connected.
   */
  protected attach(socket: Duplex): void {
    (socket as Transport)[STREAM] = this;
    // First of all: `on("data")` would make an undecided socket flow.
    this.#input.attach(socket);
    socket.on("data", BaseIOStream.#onData);
    socket.on("end", BaseIOStream.#onFin);
    socket.on("drain", BaseIOStream.#onDrain);
    socket.on("error", BaseIOStream.#onError);
    socket.on("close", BaseIOStream.#onClose);
    const isConnecting = (socket as { connecting?: boolean }).connecting === true;
    if (isConnecting) socket.once("connect", BaseIOStream.#onConnect);
    else this.#connected(socket);
    if (this.#close?.isWatched === true) this.#watch();
    if (socket.destroyed) queueMicrotask(() => this.#lost());
  }

  /**
   * Takes the stream off its socket, for another stream to carry on: bytes that were read ahead go back, the
   * close callback comes along.
   *
   * @throws InvalidStateError unless the stream is idle
   * @throws StreamClosedError if it is closed
   */
  protected detach(): { socket: Duplex; closeCallback: (() => unknown) | undefined } {
    const socket = this.transport;
    if (socket === undefined || this.closed()) throw this.#closedError();
    if (this.#input.reading || this.bytesQueued > 0 || !this.#input.onlyReadAhead) {
      throw new InvalidStateError(
        "the stream is not idle: it is being read, or has bytes to be read or written",
      );
    }
    socket.off("data", BaseIOStream.#onData);
    socket.off("end", BaseIOStream.#onFin);
    socket.off("drain", BaseIOStream.#onDrain);
    socket.off("error", BaseIOStream.#onError);
    socket.off("close", BaseIOStream.#onClose);
    socket.off("connect", BaseIOStream.#onConnect);
    (socket as Transport)[STREAM] = undefined;
    const readAhead = this.#input.detach();
    if (readAhead !== undefined) socket.unshift(readAhead);
    this.#life = DETACHED;
    this.#output?.shut(this.#closedError());
    const closeCallback = this.#close?.callback;
    this.#close?.settle();
    this.#close = undefined;
    return { socket, closeCallback };
  }

  /** Gives up connecting: the stream was closed before it had a socket. */
  protected abandon(): void {}

  /**
   * Logs the error of the socket that closes the stream. Nothing is logged for a connection that the peer
   * broke.
   */
  protected logError(error: Error): void {
    if (isConnectionReset(error)) return;
    const level = isTlsAlert(error) ? "info" : "warning";
    genLog[level]("error on a stream: %s", error.message.trimEnd());
  }

  /** Lets the socket go after an orderly close. */
  protected closeTransport(socket: Duplex): void {
    destroySoon(socket, this.ioLoop);
  }

  /** Lets the socket go with a reset, if it knows such a thing. */
  protected resetTransport(socket: Duplex): void {
    socket.destroy();
  }
}
