/**
 * The reading half of a stream: which reader gets what arrives, and when the socket may deliver.
 *
 * There are two kinds of readers, one at a time. A *sink* (the push face) gets each chunk inside the socket's
 * `data` event. A *read* (the promise face) waits until the queue of received bytes satisfies it. Between
 * reads the stream reads ahead up to `readChunkSize` bytes, then pauses the socket.
 *
 *     state        reader       socket    meaning
 *     IDLE         none         paused    nothing is read before a reader asks
 *     AHEAD        none         flowing   what comes is queued, up to `readChunkSize`
 *     AWAITED      a read       flowing   the read is asked again after each chunk
 *     PUSHING      a sink       flowing   nothing is queued; each chunk goes to the sink at once
 *     DUE          a sink       flowing   a microtask hands over what is queued
 *     PAUSED       a sink       paused    what still comes is queued
 *     END_DUE      a sink       FIN came  a microtask hands over what is queued, then the FIN
 *     END_PAUSED   a sink       FIN came  paused before it has got all of that
 *     ENDED        any or none  FIN came  the reader knows; queued bytes can still be read
 *     CUT          any or none  closed    closed or detached before a FIN; queued bytes can still be read
 *
 * {@link MOVES} says which event leads from which state to which; `sinkLate` and `resumeLate` are for a sink
 * that finds bytes queued. The socket follows the state, never the other way round, and may deliver as soon
 * as it flows. The last call of a sink, `onClose`, comes when the socket is gone, whatever the state.
 */
import type { Duplex } from "node:stream";
import { cancellable, type WaitOptions } from "../../async/cancel.js";
import { rejectedQuietly } from "../../async/deferred.js";
import type { IOLoop } from "../../async/ioloop.js";
import { refusal } from "../../async/wait-options.js";
import { ByteQueue } from "../../base/byte-queue.js";
import { copyApart } from "../../base/bytes.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog, genLog } from "../../base/log.js";
import { endLending, type LentReader, lendReads } from "./lent-reads.js";
import { endLostWrite } from "./lost-write.js";
import { PendingRead } from "./pending-read.js";
import { NOT_YET, type ReadRequest } from "./read-request.js";
import { closedErrorOf, StreamBufferFullError, UnsatisfiableReadError } from "./stream-errors.js";
import type { StreamSink } from "./stream-sink.js";

const IDLE = 0;
const AHEAD = 1;
const AWAITED = 2;
const PUSHING = 3;
const DUE = 4;
const PAUSED = 5;
const END_DUE = 6;
const END_PAUSED = 7;
const ENDED = 8;
const CUT = 9;

/** The names of the states, by number. */
export const INPUT_STATES: readonly string[] = [
  "idle",
  "ahead",
  "awaited",
  "pushing",
  "due",
  "paused",
  "end-due",
  "end-paused",
  "ended",
  "cut",
];

/** Where an event leads from each state, in the order of the numbers. Staying is not a move. */
type Move = readonly number[];

// biome-ignore format: a table
const MOVES = {
  //           IDLE     AHEAD    AWAITED  PUSHING  DUE      PAUSED      END_DUE     END_PAUSED  ENDED    CUT
  read:       [AWAITED, AWAITED, AWAITED, PUSHING, DUE,     PAUSED,     END_DUE,    END_PAUSED, ENDED,   CUT],
  answered:   [IDLE,    AHEAD,   AHEAD,   PUSHING, DUE,     PAUSED,     END_DUE,    END_PAUSED, ENDED,   CUT],
  watch:      [AHEAD,   AHEAD,   AWAITED, PUSHING, DUE,     PAUSED,     END_DUE,    END_PAUSED, ENDED,   CUT],
  enough:     [IDLE,    IDLE,    AWAITED, PUSHING, DUE,     PAUSED,     END_DUE,    END_PAUSED, ENDED,   CUT],
  sink:       [PUSHING, PUSHING, AWAITED, PUSHING, PUSHING, PUSHING,    END_DUE,    END_DUE,    END_DUE, CUT],
  sinkLate:   [DUE,     DUE,     AWAITED, DUE,     DUE,     DUE,        END_DUE,    END_DUE,    END_DUE, CUT],
  noSink:     [IDLE,    AHEAD,   AWAITED, AHEAD,   AHEAD,   IDLE,       ENDED,      ENDED,      ENDED,   CUT],
  queued:     [IDLE,    AHEAD,   AWAITED, DUE,     DUE,     PAUSED,     END_DUE,    END_PAUSED, ENDED,   CUT],
  delivered:  [IDLE,    AHEAD,   AWAITED, PUSHING, PUSHING, PAUSED,     ENDED,      END_PAUSED, ENDED,   CUT],
  pause:      [IDLE,    IDLE,    AWAITED, PAUSED,  PAUSED,  PAUSED,     END_PAUSED, END_PAUSED, ENDED,   CUT],
  resume:     [IDLE,    AHEAD,   AWAITED, PUSHING, DUE,     PUSHING,    END_DUE,    END_DUE,    ENDED,   CUT],
  resumeLate: [IDLE,    AHEAD,   AWAITED, PUSHING, DUE,     DUE,        END_DUE,    END_DUE,    ENDED,   CUT],
  fin:        [ENDED,   ENDED,   ENDED,   END_DUE, END_DUE, END_PAUSED, END_DUE,    END_PAUSED, ENDED,   CUT],
  close:      [CUT,     CUT,     CUT,     CUT,     CUT,     CUT,        ENDED,      ENDED,      ENDED,   CUT],
} as const satisfies Record<string, Move>;

/** What has been received and not been read, and how much of it. */
class ReceivedBytes extends ByteQueue {
  /** How many of the bytes came while there was no reader: they are not the rest of an earlier read. */
  readAhead = 0;
}

/** The stream that an input is a half of, as far as the input needs it. */
export interface InputOwner {
  readonly ioLoop: IOLoop;
  readonly maxBufferSize: number;
  readonly readChunkSize: number;
  readonly allowHalfOpen: boolean;
  readonly bytesQueued: number;
  readonly error: Error | undefined;
  close(error?: Error): void;
  end(): void;
}

export class StreamInput implements LentReader {
  /** What delivers the bytes; undefined before there is one, null once it is gone. */
  socket: Duplex | undefined | null;
  readonly #stream: InputOwner;
  /** Whether the socket lends what it reads. */
  #lends: boolean;
  #state: number;
  #sink: StreamSink | undefined;
  #received: ReceivedBytes | undefined;
  #read: PendingRead | undefined;

  constructor(stream: InputOwner) {
    this.socket = undefined;
    this.#stream = stream;
    this.#lends = false;
    this.#state = IDLE;
    this.#sink = undefined;
    this.#received = undefined;
    this.#read = undefined;
  }

  /** The number of the state; {@link INPUT_STATES} has its name. */
  get state(): number {
    return this.#state;
  }

  get hasSink(): boolean {
    return this.#sink !== undefined;
  }

  /** Whether there is a reader: a pending read or a sink. */
  get reading(): boolean {
    return this.#sink !== undefined || this.#read !== undefined;
  }

  get finReceived(): boolean {
    return this.#state >= END_DUE && this.#state !== CUT;
  }

  /** How many received bytes have not been read. */
  get bytesBuffered(): number {
    return this.#received === undefined ? 0 : this.#received.length;
  }

  /** Whether all received bytes came while there was no reader. */
  get onlyReadAhead(): boolean {
    return this.#received === undefined || this.#received.length <= this.#received.readAhead;
  }

  #bytes(): ReceivedBytes {
    this.#received ??= new ReceivedBytes();
    return this.#received;
  }

  #move(event: Move): void {
    const from = this.#state;
    const to = event[from] as number;
    if (to === from) return;
    this.#state = to;
    // After a FIN there is nothing left to hold back; a socket that is closing takes care of itself.
    if (to > PAUSED) return;
    const flows = to !== IDLE && to !== PAUSED;
    if (flows !== (from !== IDLE && from !== PAUSED)) this.#letFlow(flows);
  }

  #letFlow(flows: boolean): void {
    if (flows) this.socket?.resume?.();
    // An ordinary socket that is paused reads a little ahead, and so notices when the other side leaves. One
    // that lends its reads stops at once: that waits until something has come.
    else if (!this.#lends) this.#hold();
  }

  #hold(): void {
    this.socket?.pause?.();
  }

  // --- the socket ------------------------------------------------------------------------------------------

  /** Takes the socket that delivers from now on, and lets it flow if the state says so. */
  attach(socket: Duplex): void {
    this.socket = socket;
    this.#lends = lendReads(socket, this);
    if (this.#state !== IDLE && this.#state < PAUSED) socket.resume?.();
    // What can only be written to has no pause().
    else if (socket.readableFlowing !== false) socket.pause?.();
  }

  /** The socket is connected: nothing has been read yet. */
  connected(socket: Duplex): void {
    if (!this.#lends) this.#lends = lendReads(socket, this);
  }

  /** Lets the socket go; returns what was read ahead and belongs to the next owner of the socket. */
  detach(): Buffer | undefined {
    const { socket } = this;
    socket?.pause?.();
    if (this.#lends) endLending(socket as Duplex);
    this.socket = undefined;
    this.#state = CUT;
    const received = this.#received;
    this.#received = undefined;
    return received === undefined || received.length === 0 ? undefined : received.takeAll();
  }

  /** The socket's `data` event, or what it has read into a buffer that it gives away. */
  receive(chunk: Buffer): void {
    const state = this.#state;
    if (state === PUSHING) {
      try {
        (this.#sink as StreamSink).onData(chunk);
      } catch (error) {
        this.#sinkFailed(error);
      }
      return;
    }
    // A TLS socket goes on delivering until its close is complete.
    if (state >= END_DUE) return;
    const received = this.#bytes();
    received.push(chunk);
    if (state === AWAITED) {
      this.#progress();
    } else if (state === PAUSED) {
      // Node resumes the pipes of a child that has ended, whatever has paused them.
      this.#hold();
    } else if (state !== DUE) {
      received.readAhead += chunk.length;
      if (received.length >= this.#stream.readChunkSize) {
        this.#hold();
        this.#move(MOVES.enough);
      }
    }
  }

  /** What the socket has read, and reads over after this call. */
  receiveLent(chunk: Buffer): void {
    const sink = this.#sink;
    if (this.#state !== PUSHING || sink?.onLent === undefined) {
      this.receive(copyApart(chunk));
      return;
    }
    try {
      sink.onLent(chunk);
    } catch (error) {
      this.#sinkFailed(error);
    }
  }

  /** The socket's `end` event: the FIN of the other side. */
  end(): void {
    const isPushing = this.#state === PUSHING;
    endLostWrite(this.socket as Duplex);
    this.#move(MOVES.fin);
    if (isPushing) {
      this.#deliver();
    } else if (this.#state === ENDED) {
      this.#endRead(undefined);
      this.#afterFin();
    }
    // Else a microtask is on its way, or resumeReading() will send one.
  }

  /** The stream is closed: a pending read fails, and a sink gets nothing more but its `onClose`. */
  close(error: Error | undefined): void {
    this.#move(MOVES.close);
    this.#endRead(error);
  }

  /** The socket is gone. */
  gone(): void {
    this.socket = null;
    // A sink that came after the close first gets what had been received.
    if (this.#state === ENDED || this.#state === CUT) this.#reportClose();
  }

  /** The close has to be noticed although there is no reader: reads ahead. */
  watch(): void {
    if (this.bytesBuffered < this.#stream.readChunkSize) this.#move(MOVES.watch);
  }

  /** The input has ended and the reader knows: without `allowHalfOpen` the stream ends as well. */
  #afterFin(): void {
    const stream = this.#stream;
    if (stream.allowHalfOpen) return;
    if (stream.bytesQueued === 0) stream.close();
    else stream.end(); // The socket closes when all is sent; both directions have ended then.
  }

  // --- the push face ---------------------------------------------------------------------------------------

  consume(sink: StreamSink | undefined): void {
    if (this.#read !== undefined) throw new InvalidStateError("a read is pending: a sink cannot take over");
    this.#sink = sink;
    if (sink === undefined) {
      const endUnknown = this.#state === END_DUE || this.#state === END_PAUSED;
      this.#move(MOVES.noSink);
      if (this.bytesBuffered >= this.#stream.readChunkSize) this.#move(MOVES.enough);
      if (endUnknown) this.#afterFin();
      return;
    }
    this.#move(this.bytesBuffered > 0 ? MOVES.sinkLate : MOVES.sink);
    if (this.#state === CUT) queueMicrotask(() => this.socket === null && this.#reportClose());
    else if (this.#isDue) this.#deliverSoon();
  }

  pause(): void {
    this.#move(MOVES.pause);
  }

  resume(): void {
    const state = this.#state;
    this.#move(this.bytesBuffered > 0 ? MOVES.resumeLate : MOVES.resume);
    if (this.#state !== state && this.#isDue) this.#deliverSoon();
  }

  /** Puts bytes in front of what is read next. */
  unread(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#bytes().unshift(chunk);
    if (this.#state === AWAITED) this.#progress();
    else if (this.#state === PUSHING) this.#queued();
  }

  /** What was queued although there was room has filled the output. */
  filled(): void {
    try {
      this.#sink?.onFull?.();
    } catch (error) {
      this.#sinkFailed(error);
    }
  }

  /** There is room to write again. */
  drained(): void {
    try {
      this.#sink?.onDrain();
    } catch (error) {
      this.#sinkFailed(error);
    }
  }

  /** A sink that could get everything at once has bytes queued before that. */
  #queued(): void {
    const state = this.#state;
    this.#move(MOVES.queued);
    if (this.#state !== state) this.#deliverSoon();
  }

  #deliverSoon(): void {
    queueMicrotask(() => this.#deliver());
  }

  /**
   * Hands the sink what it has not got yet: queued bytes, the FIN, the close. Does nothing unless that is
   * due.
   */
  #deliver(): void {
    const sink = this.#sink;
    const received = this.#received;
    if (sink === undefined || !this.#isDue) return;
    try {
      while (received !== undefined && received.length > 0) {
        sink.onData(received.takeChunk());
        // It may have paused, closed the stream, or given the stream to another sink.
        if (this.#sink !== sink || !this.#isDue) return;
      }
      this.#move(MOVES.delivered);
      if (this.#state !== ENDED) return;
      sink.onFin();
    } catch (error) {
      this.#sinkFailed(error);
    }
    if (this.#state !== ENDED || this.#sink !== sink) return;
    this.#afterFin();
    if (this.socket === null) this.#reportClose();
  }

  get #isDue(): boolean {
    return this.#state === DUE || this.#state === END_DUE;
  }

  #sinkFailed(error: unknown): void {
    appLog.exception("the sink of a stream failed; the stream is closed", error);
    this.#stream.close(error instanceof Error ? error : new Error(String(error)));
  }

  #reportClose(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    try {
      sink?.onClose(this.#stream.error);
    } catch (error) {
      appLog.exception("the sink of a stream failed in onClose", error);
    }
  }

  // --- the promise face ------------------------------------------------------------------------------------

  /** `others` are the options of this read that not every wait has. */
  read<T>(
    request: ReadRequest<T>,
    options: WaitOptions | undefined,
    others?: ReadonlySet<string>,
  ): Promise<T> {
    if (this.#sink !== undefined) {
      return Promise.reject(new InvalidStateError("the stream has a sink: consume(undefined) ends that"));
    }
    if (this.#read !== undefined) {
      return Promise.reject(new InvalidStateError("another read is pending: one read at a time"));
    }
    const refused = refusal(options, others);
    if (refused !== undefined) return refused;
    const received = this.#bytes();
    received.readAhead = 0;
    let size: number;
    try {
      size = request.find(received);
    } catch (error) {
      return Promise.reject(this.#unsatisfiable(error as Error));
    }
    if (size !== NOT_YET) return Promise.resolve(request.take(received, size));
    if (this.#state >= END_DUE) {
      if (request.endsAtClose) return Promise.resolve(request.take(received, received.length));
      return rejectedQuietly(closedErrorOf(this.#stream.error));
    }
    if (received.length > this.#stream.maxBufferSize) return rejectedQuietly(this.#overflow());
    const pending = new PendingRead(request);
    this.#read = pending;
    const promise = this.#wait<T>(pending, options);
    pending.promise = promise;
    this.#move(MOVES.read);
    return promise;
  }

  #wait<T>(pending: PendingRead, options: WaitOptions | undefined): Promise<T> {
    if (options?.signal == null && options?.timeout == null) {
      return new Promise<T>((resolve, reject) => {
        pending.settle = { resolve: resolve as (value: unknown) => void, reject };
      });
    }
    return cancellable<T>(this.#stream.ioLoop, "the read", options, (settle) => {
      pending.settle = settle as { resolve(value: unknown): void; reject(error: unknown): void };
      return () => {
        if (this.#read === pending) this.#takeRead();
      };
    });
  }

  /** More bytes are there. */
  #progress(): void {
    const pending = this.#read as PendingRead;
    const received = this.#bytes();
    let size: number;
    try {
      size = pending.request.find(received);
    } catch (error) {
      this.#takeRead();
      pending.settle?.reject(this.#unsatisfiable(error as Error));
      return;
    }
    if (size !== NOT_YET) {
      const answer = pending.request.take(received, size);
      this.#takeRead();
      pending.settle?.resolve(answer);
    } else if (received.length > this.#stream.maxBufferSize) {
      this.#takeRead();
      pending.rejectQuietly(this.#overflow());
    }
  }

  /** No more bytes will come, because of `error` or in an orderly way. */
  #endRead(error: Error | undefined): void {
    const pending = this.#read;
    if (pending === undefined) return;
    this.#read = undefined;
    if (pending.request.endsAtClose && error === undefined) {
      const received = this.#bytes();
      pending.settle?.resolve(pending.request.take(received, received.length));
    } else {
      pending.rejectQuietly(closedErrorOf(error));
    }
  }

  /** The read no longer waits: the stream goes on reading ahead, or has enough. */
  #takeRead(): void {
    this.#read = undefined;
    this.#move(MOVES.answered);
    if (this.bytesBuffered >= this.#stream.readChunkSize) this.#move(MOVES.enough);
  }

  /** A read that no further bytes can satisfy closes the stream. */
  #unsatisfiable(error: Error): Error {
    if (!(error instanceof UnsatisfiableReadError)) return error;
    genLog.info("Unsatisfiable read, closing connection: %s", error.message);
    this.#stream.close(error);
    return error;
  }

  #overflow(): Error {
    const error = new StreamBufferFullError("read", this.#stream.maxBufferSize);
    genLog.error("Reached maximum read buffer size");
    this.#stream.close(error);
    return closedErrorOf(error);
  }
}
