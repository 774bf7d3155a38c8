/**
 * The machine inside every stream: what arrives, what leaves, and how it ends.
 *
 * `BaseIOStream` is the face of it that users see; `StreamReads` is the promise face of reading. The listeners on the
 * socket are the same few functions for all streams; they find their machine by a property of the socket. What only some
 * streams need (a queue, waiters, a gathering of small writes) is made when it is first needed: tens of thousands of idle
 * streams are the normal case.
 *
 *     open ──── FIN of the other side ───► half-open (`allowHalfOpen`), or: what is queued is sent, then closed
 *       ├────── close(), abort(), an error ───────► closed: waiting reads and writes fail, now
 *       └────── detach() ─────► the socket belongs to another stream
 *     closed ── the socket's `close` event ──► told: sink.onClose, the close callback, whenClosed(); once
 *
 * The methods have the contracts that `BaseIOStream` states for those of the same name.
 */
import type { Duplex } from "node:stream";
import { ByteQueue } from "../../base/byte-queue.js";
import { type Chunk, NO_BYTES } from "../../base/bytes.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog } from "../../base/log.js";
import { StreamBufferFullError, StreamClosedError } from "./stream-errors.js";
import { StreamReads } from "./stream-reads.js";
import type { StreamSettings } from "./stream-settings.js";
import type { StreamSink } from "./stream-sink.js";
import { RESOLVED, StreamWaits, Waiting } from "./stream-waits.js";
import type { TurnMember } from "./turn-end.js";
import { writeProgress } from "./write-progress.js";
import { type TextEncoding, WriteQueue } from "./write-queue.js";

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
const IN_TURN = 4096; // what is sent is gathered until the end of the turn

/** What is gathered while corked goes on to the socket when it is as long as this, in bytes. */
const LONG = 65_536;

const CORE = Symbol("squall.stream");

interface Transport extends Duplex {
  [CORE]?: StreamCore | undefined;
}

/** The stream that a machine belongs to, as far as kinds of streams differ. */
export interface StreamOwner {
  /** The stream is closed before it had a socket. */
  abandon(): void;
  /** The socket failed while nobody had closed the stream. */
  logError(error: Error): void;
  /** Lets the socket go after an orderly close. */
  closeTransport(socket: Duplex): void;
  /** Lets the socket go with a reset. */
  resetTransport(socket: Duplex): void;
}

export class StreamCore implements TurnMember {
  /** What closed the stream, if that was an error. */
  error: Error | undefined;
  readonly settings: StreamSettings;
  socket: Duplex | undefined;
  /** Of the queued bytes, how many came when nobody was reading: they are not the rest of an earlier read. */
  unasked: number;
  readonly #owner: StreamOwner;
  #state: number;
  #sink: StreamSink | undefined;
  #queue: ByteQueue | undefined;
  #reads: StreamReads | undefined;
  #output: WriteQueue | undefined;
  #waits: StreamWaits | undefined;

  constructor(settings: StreamSettings, owner: StreamOwner) {
    this.error = undefined;
    this.settings = settings;
    this.socket = undefined;
    this.unasked = 0;
    this.#owner = owner;
    this.#state = 0;
    this.#sink = undefined;
    this.#queue = undefined;
    this.#reads = undefined;
    this.#output = undefined;
    this.#waits = undefined;
  }

  // --- state ----------------------------------------------------------------------------------------------------

  /** Nothing can be written any more, and nothing will be received. */
  get closed(): boolean {
    const state = this.#state;
    return (state & (CLOSED | DETACHED)) !== 0 || ((state & FIN_SEEN) !== 0 && !this.settings.allowHalfOpen);
  }

  /** Whether operations fail from now on; a stream that only sends the rest after FIN is not shut yet. */
  get isShut(): boolean {
    return (this.#state & CLOSED) !== 0;
  }

  get refusesWrites(): boolean {
    return (this.#state & (CLOSED | FIN_SENT | DETACHED)) !== 0;
  }

  /** Whether no more bytes can come. */
  get inputOver(): boolean {
    return (this.#state & (CLOSED | FIN_SEEN | DETACHED)) !== 0;
  }

  get isDetached(): boolean {
    return (this.#state & DETACHED) !== 0;
  }

  get finReceived(): boolean {
    return (this.#state & FIN_SEEN) !== 0;
  }

  get hasSink(): boolean {
    return this.#sink !== undefined;
  }

  get reading(): boolean {
    return this.#sink !== undefined || this.#reads?.pending === true;
  }

  get hasRoom(): boolean {
    return (this.#state & FULL) === 0;
  }

  get bytesQueued(): number {
    if ((this.#state & CLOSED) !== 0) return 0;
    return (this.socket?.writableLength ?? 0) + (this.#output?.byteLength ?? 0);
  }

  get bytesBuffered(): number {
    return this.#queue === undefined ? 0 : this.#queue.length;
  }

  get writeProgress(): number {
    return writeProgress(this.socket);
  }

  closedError(): StreamClosedError {
    return this.error instanceof StreamClosedError ? this.error : new StreamClosedError(this.error);
  }

  /** The queue of received bytes. */
  bytes(): ByteQueue {
    this.#queue ??= new ByteQueue();
    return this.#queue;
  }

  /** The promise face of reading. */
  reads(): StreamReads {
    this.#reads ??= new StreamReads(this);
    return this.#reads;
  }

  // --- the socket -----------------------------------------------------------------------------------------------

  /** Connects the machine with what carries its bytes. What was written before goes out. */
  attach(socket: Duplex): void {
    this.socket = socket;
    (socket as Transport)[CORE] = this;
    // Nothing is read before somebody asks: `on("data")` would make an undecided stream flow.
    if (socket.readableFlowing !== false) socket.pause();
    socket.on("data", StreamCore.#onData);
    socket.on("end", StreamCore.#onFin);
    socket.on("drain", StreamCore.#onDrain);
    socket.on("error", StreamCore.#onError);
    socket.on("close", StreamCore.#onClose);
    const output = this.#output;
    if (output !== undefined && output.depth === 0) {
      this.#flush(socket);
      if (socket.writableLength < socket.writableHighWaterMark) this.#drained();
    }
    if ((this.#state & FIN_SENT) !== 0) this.#endSocket(socket);
    if (this.#reads?.pending === true || (this.#sink !== undefined && (this.#state & PAUSED) === 0))
      this.flow();
    else if ((this.#state & WATCHED) !== 0) this.#watch();
    if (socket.destroyed) queueMicrotask(() => this.#lost());
  }

  /** Takes the machine off its socket, for another stream to carry on. Throws unless it is idle. */
  detach(): { socket: Duplex; closeCallback: (() => unknown) | undefined } {
    const socket = this.socket;
    if (socket === undefined || this.closed) throw this.closedError();
    if (this.reading || this.bytesQueued > 0 || this.bytesBuffered > this.unasked) {
      throw new InvalidStateError(
        "the stream is not idle: it is being read, or has bytes to be read or written",
      );
    }
    this.#stopFlow();
    socket.off("data", StreamCore.#onData);
    socket.off("end", StreamCore.#onFin);
    socket.off("drain", StreamCore.#onDrain);
    socket.off("error", StreamCore.#onError);
    socket.off("close", StreamCore.#onClose);
    (socket as Transport)[CORE] = undefined;
    if (this.#queue !== undefined && this.#queue.length > 0) socket.unshift(this.#queue.takeAll());
    const closeCallback = this.#waits?.closeCallback;
    this.#state |= DETACHED;
    this.socket = undefined;
    this.#waits?.closed?.resolve();
    this.#waits = undefined;
    return { socket, closeCallback };
  }

  flow(): void {
    if ((this.#state & FLOWING) !== 0 || this.socket === undefined) return;
    this.#state |= FLOWING;
    this.socket.resume();
  }

  #stopFlow(): void {
    if ((this.#state & FLOWING) === 0) return;
    this.#state &= ~FLOWING;
    this.socket?.pause();
  }

  /** Nobody is reading: enough is enough. */
  restWhenAhead(): void {
    if (this.bytesBuffered >= this.settings.readChunkSize) this.#stopFlow();
  }

  /** Reads ahead a little, because somebody wants to hear of the close. */
  #watch(): void {
    this.#state |= WATCHED;
    if ((this.#state & (CLOSED | FIN_SEEN | PAUSED)) !== 0) return;
    if (this.#sink === undefined && this.bytesBuffered < this.settings.readChunkSize) this.flow();
  }

  static #onData(this: Transport, chunk: Buffer): void {
    const core = this[CORE];
    if (core !== undefined) core.#received(chunk);
  }

  static #onFin(this: Transport): void {
    const core = this[CORE];
    if (core !== undefined) core.#ended();
  }

  static #onDrain(this: Transport): void {
    const core = this[CORE];
    if (core !== undefined) core.#drained();
  }

  static #onError(this: Transport, error: Error): void {
    const core = this[CORE];
    if (core !== undefined) core.#failed(error);
  }

  static #onClose(this: Transport): void {
    const core = this[CORE];
    if (core !== undefined) core.#lost();
  }

  // --- receiving ------------------------------------------------------------------------------------------------

  consume(sink: StreamSink | undefined): void {
    if (this.#reads?.pending === true)
      throw new InvalidStateError("a read is pending: a sink cannot take over");
    this.#sink = sink;
    this.#state &= ~(PAUSED | FIN_TOLD | CLOSE_TOLD);
    if (sink === undefined) return;
    const state = this.#state;
    if ((state & (CLOSED | FIN_SEEN)) !== 0 || this.bytesBuffered > 0) this.#deliverSoon();
    if ((state & (CLOSED | FIN_SEEN | FLOWING)) === 0) this.flow();
  }

  pauseReading(): void {
    this.#state |= PAUSED;
    this.#stopFlow();
  }

  resumeReading(): void {
    if ((this.#state & PAUSED) === 0) return;
    this.#state &= ~PAUSED;
    if (this.bytesBuffered > 0 || (this.#state & FIN_SEEN) !== 0) this.#deliverSoon();
    if ((this.#state & (CLOSED | FIN_SEEN)) === 0) this.flow();
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.bytes().unshift(chunk);
    if (this.#sink !== undefined) this.#deliverSoon();
    else if (this.#reads?.pending === true) this.#reads.progress();
  }

  #received(chunk: Buffer): void {
    // A socket may linger after close() to say goodbye.
    if ((this.#state & CLOSED) !== 0) return;
    const sink = this.#sink;
    if (sink !== undefined) {
      if (this.bytesBuffered > 0 || (this.#state & PAUSED) !== 0) {
        this.bytes().push(chunk);
        // Somebody else made the socket flow: Node does so with the pipes of a child that has ended.
        if ((this.#state & (PAUSED | FLOWING)) === PAUSED) this.socket?.pause();
        return;
      }
      try {
        sink.onData(chunk);
      } catch (error) {
        this.#sinkFailed(error);
      }
      return;
    }
    const queue = this.bytes();
    queue.push(chunk);
    if (this.#reads?.pending === true) {
      this.#reads.progress();
      return;
    }
    this.unasked += chunk.length;
    if (queue.length >= this.settings.readChunkSize) {
      this.#state &= ~FLOWING;
      this.socket?.pause();
    }
  }

  #ended(): void {
    if ((this.#state & (CLOSED | FIN_SEEN)) !== 0) return;
    this.#state |= FIN_SEEN;
    if (this.#sink !== undefined) {
      if (this.bytesBuffered === 0 && (this.#state & PAUSED) === 0) this.#deliver();
      else if (this.#state & PAUSED) return;
      else this.#deliverSoon();
      return;
    }
    this.#reads?.end(undefined);
    this.#afterFin();
  }

  /** The input has ended and everybody knows: without `allowHalfOpen` the stream ends, too. */
  #afterFin(): void {
    if (this.settings.allowHalfOpen || (this.#state & CLOSED) !== 0) return;
    if (this.bytesQueued === 0) this.close();
    else this.end(); // The socket closes when all is sent; both directions have ended then.
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

  // --- sending --------------------------------------------------------------------------------------------------

  send(data: Chunk, encoding: TextEncoding = "utf8"): boolean {
    if ((this.#state & (CLOSED | FIN_SENT | DETACHED)) !== 0) return false;
    if (data.length === 0) return (this.#state & FULL) === 0;
    if (this.settings.maxWriteBufferSize !== Number.POSITIVE_INFINITY) this.#checkRoom(data, encoding);
    const socket = this.socket;
    const output = this.#output;
    if (socket === undefined || (output !== undefined && output.depth > 0)) {
      return this.#gather(data, encoding);
    }
    if (socket.write(data, encoding)) return true;
    return this.#afterFullWrite(socket);
  }

  cork(): void {
    this.#output ??= new WriteQueue();
    this.#output.depth++;
  }

  uncork(): void {
    const output = this.#output;
    if (output === undefined || output.depth === 0 || --output.depth > 0) return;
    if (this.socket !== undefined && (this.#state & CLOSED) === 0) this.#flush(this.socket);
  }

  gatherTurn(now: number): void {
    if ((this.#state & IN_TURN) !== 0) return;
    this.#state |= IN_TURN;
    this.cork();
    this.settings.turnEnd.add(this, now);
  }

  /** For {@link TurnEnd}. */
  endTurn(): void {
    this.#state &= ~IN_TURN;
    this.uncork();
  }

  end(): void {
    if ((this.#state & (CLOSED | FIN_SENT | DETACHED)) !== 0) return;
    const socket = this.socket;
    if (socket !== undefined) this.#flush(socket);
    this.#state |= FIN_SENT;
    if (socket !== undefined) this.#endSocket(socket);
  }

  #endSocket(socket: Duplex): void {
    // A socket that is ending tells of no drain any more; who waits for one hears when everything is out.
    if ((this.#state & FULL) !== 0) socket.once("finish", StreamCore.#onDrain);
    socket.end();
  }

  /** Resolves with the next drain, or at once. */
  room(): Promise<void> {
    if ((this.#state & FULL) === 0) return RESOLVED;
    const waits = this.#wait();
    waits.writable ??= new Waiting();
    return waits.writable.promise;
  }

  /** Resolves when what was sent so far has left. */
  drained(): Promise<void> {
    if (this.bytesQueued === 0) return RESOLVED;
    const socket = this.socket;
    if (socket === undefined || (this.#output !== undefined && !this.#output.isEmpty)) {
      // Corked, or not connected yet: first the bytes have to reach the socket.
      const waits = this.#wait();
      waits.flushed ??= new Waiting();
      const drained = waits.flushed.promise.then(() => this.drained());
      drained.catch(ignore);
      return drained;
    }
    const waiting = new Waiting();
    const fail = (): void => waiting.reject(this.closedError());
    // A write of nothing comes back after all writes before it.
    if ((this.#state & FIN_SENT) === 0) {
      socket.write(NO_BYTES, (error) => (error == null ? waiting.resolve() : fail()));
    } else {
      socket.once("finish", waiting.resolve);
      socket.once("close", fail);
    }
    return waiting.promise;
  }

  #gather(data: Chunk, encoding: TextEncoding): boolean {
    this.#output ??= new WriteQueue();
    this.#output.add(data, encoding);
    // Without a socket nothing can leave: who waits for room waits for the connection.
    if (this.socket === undefined) this.#state |= FULL;
    // Gathering is for small writes; and who is corked has to hear of a slow peer, too.
    else if (this.#output.isLong(LONG)) this.#flush(this.socket);
    return (this.#state & FULL) === 0;
  }

  #flush(socket: Duplex): void {
    const output = this.#output;
    if (output === undefined || output.isEmpty) return;
    if (!output.writeTo(socket)) this.#afterFullWrite(socket);
    this.#waits?.reachedSocket();
  }

  /** Node says "full" also for a large write that has already gone out: ask what is left. */
  #afterFullWrite(socket: Duplex): boolean {
    if (socket.writableLength < socket.writableHighWaterMark) return (this.#state & FULL) === 0;
    this.#state |= FULL;
    return false;
  }

  #checkRoom(data: Chunk, encoding: TextEncoding): void {
    const size = typeof data === "string" ? Buffer.byteLength(data, encoding) : data.length;
    const limit = this.settings.maxWriteBufferSize;
    if (this.bytesQueued + size > limit) throw new StreamBufferFullError("write", limit);
  }

  #drained(): void {
    if ((this.#state & (FULL | CLOSED)) !== FULL) return;
    this.#state &= ~FULL;
    this.#waits?.drained();
    try {
      this.#sink?.onDrain();
    } catch (error) {
      this.#sinkFailed(error);
    }
  }

  // --- closing --------------------------------------------------------------------------------------------------

  #wait(): StreamWaits {
    this.#waits ??= new StreamWaits();
    return this.#waits;
  }

  whenClosed(): Promise<void> {
    if ((this.#state & GONE) !== 0) return RESOLVED;
    const waits = this.#wait();
    waits.closed ??= new Waiting();
    this.#watch();
    return waits.closed.promise;
  }

  setCloseCallback(callback: (() => unknown) | undefined): void {
    if (callback === undefined) {
      if (this.#waits !== undefined) this.#waits.closeCallback = undefined;
    } else if ((this.#state & GONE) !== 0) {
      this.settings.ioLoop.addCallback(callback);
    } else {
      this.#wait().closeCallback = callback;
      this.#watch();
    }
  }

  close(error?: Error): void {
    if ((this.#state & (CLOSED | DETACHED)) !== 0) return;
    const socket = this.socket;
    if (socket !== undefined && error === undefined && (this.#state & FIN_SENT) === 0) this.#flush(socket);
    this.#shut(error);
    if (socket === undefined) {
      this.#owner.abandon();
      queueMicrotask(() => this.#gone());
    } else if (error === undefined) this.#owner.closeTransport(socket);
    else socket.destroy();
  }

  abort(): void {
    if ((this.#state & (CLOSED | DETACHED)) !== 0) return;
    const socket = this.socket;
    if (socket === undefined) {
      this.close();
      return;
    }
    // A peer that is reset in the middle of a message may still see what came before.
    this.#flush(socket);
    this.#shut(undefined);
    this.#owner.resetTransport(socket);
  }

  #failed(error: Error): void {
    if ((this.#state & CLOSED) !== 0) return;
    this.#owner.logError(error);
    this.#shut(error);
    this.socket?.destroy();
  }

  /** Closed, for whatever reason: who waits hears of it now. */
  #shut(error: Error | undefined): void {
    this.#state |= CLOSED;
    this.error ??= error;
    this.#output?.clear();
    this.#reads?.end(error);
    this.#waits?.fail(this.closedError());
  }

  /** The socket's `close` event. */
  #lost(): void {
    if ((this.#state & CLOSED) === 0) this.#shut(undefined);
    this.#gone();
  }

  #gone(): void {
    if ((this.#state & GONE) !== 0) return;
    this.#state |= GONE;
    this.socket = undefined;
    if (this.#sink !== undefined) this.#tellSink();
    const waits = this.#waits;
    if (waits === undefined) return;
    if (waits.closeCallback !== undefined) {
      this.settings.ioLoop.addCallback(waits.closeCallback);
      waits.closeCallback = undefined;
    }
    waits.closed?.resolve();
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

function ignore(): void {}
