/**
 * The reading half of an HTTP/1 connection: moves bytes from a stream through the sans-IO receiver to a
 * message delegate, whose five methods it alone calls; holds the peer back when the delegate is behind; keeps
 * the read deadlines.
 *
 * Everything runs synchronously inside the stream's `onData`. While a promise of the delegate is pending the
 * receiver keeps what arrives, and above `maxPipelinedSize` the socket is paused. A server's socket is *not*
 * paused below it, so that a peer that leaves is noticed while a request waits for its answer.
 *
 * The states, and the deadline of each:
 *
 *     new ──────▶ head, idle                nothing is read yet                none
 *     idle ─────▶ head, body                nothing of a next message is here  idleTimeout
 *     head ─────▶ idle, body                a head is coming, or is due        headerTimeout
 *     body ─────▶ paused, discard           a message is coming                bodyStallTimeout, bodyTimeout
 *     paused ───▶ idle                      whole; its owner keeps the next    none; after the peer's FIN
 *                                           one until its exchange is over     halfClosedTimeout
 *     discard ──▶ paused                    what is left of a body goes away   drainTimeout, drainSize
 *     all ──────▶ stopped                   nothing more is read               none
 *
 * In head, body and discard a promise of the delegate may hold the message back; the peer's time stops then.
 * A client is idle until a response is due.
 *
 * The peer's FIN counts once everything before it has been taken in: it is `due` until it is reported to the
 * owner during the present message (`reported`), and due again for the next one.
 */
import { Deadline } from "../../async/timers/deadline.js";
import { appLog } from "../../base/log.js";
import { coalesceWrites, peerStateOf } from "../../net/stream/base-stream.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { HTTP1Error } from "../../protocol/http1/errors.js";
import { HTTP1Receiver } from "../../protocol/http1/receiver.js";
import type { HTTP1RequestHead, HTTP1ResponseHead, MessageVisitor } from "../../protocol/http1/visitor.js";
import type { HTTPMessageDelegate } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";
import type { HTTP1ConnectionParameters } from "./params.js";
import { type State, statesOf, step, type Transitions } from "./transitions.js";

/** What the reader is busy with; the head of this file explains the states. */
export type ReadState = "new" | "idle" | "head" | "body" | "paused" | "discard" | "stopped";

/** Which states may follow which. */
export const READ_TRANSITIONS: Transitions<ReadState> = {
  new: ["idle", "head", "stopped"],
  idle: ["body", "head", "stopped"],
  head: ["body", "idle", "stopped"],
  body: ["paused", "discard", "stopped"],
  paused: ["idle", "stopped"],
  discard: ["paused", "stopped"],
  stopped: [],
};

const STATE = statesOf(READ_TRANSITIONS);

/**
 * Why reading failed: the input broke a rule or a limit; the delegate threw or rejected; a head or a body
 * took too long; nothing came between two messages, or before the first; a half-closed peer waited too long;
 * what had to be discarded was too much, or took too long.
 */
export type ReadFailure = "input" | "delegate" | "timeout" | "idle" | "half-closed" | "discard";

/** The connection that owns a {@link MessageReader}. */
export interface MessageOwner<H extends HTTP1RequestHead | HTTP1ResponseHead> {
  /**
   * A head has come; returns the delegate that gets the message, undefined for that of the response that is
   * due.
   */
  messageBegins(head: H): HTTPMessageDelegate | undefined;
  /** The delegate has taken the head, and the body may come. */
  headAccepted(head: H): void;
  /** The message is whole; `finish()` of its delegate is called next. */
  messageWhole(trailers: RawFields | undefined): void;
  /**
   * The delegate is done with the message, or what was left of one has been discarded. Then {@link
   * MessageReader.release}.
   */
  messageEnds(): void;
  /** Reading failed. `error` is what was wrong with the input, or what the delegate threw. */
  readFailed(failure: ReadFailure, error: unknown): void;
  /** The peer sent its FIN, after everything that was reported before. */
  peerEnded(): void;
  /** What was queued although there was room is above the high-water mark now. */
  full(): void;
  /** There is room to write again. */
  writable(): void;
  /** The stream is closed; nothing more will be called. */
  streamClosed(error: Error | undefined): void;
}

/** How often a peer whose input is paused is looked for, in milliseconds. */
const LOOK_INTERVAL = 5000;

function readDeadlinePassed(
  reader: MessageReader<HTTP1RequestHead> | MessageReader<HTTP1ResponseHead>,
): void {
  reader.deadlinePassed();
}

/** Reads messages of a stream, one after the other. */
export class MessageReader<H extends HTTP1RequestHead | HTTP1ResponseHead>
  implements StreamSink, MessageVisitor<H>
{
  readonly stream: IOStream;
  readonly receiver: HTTP1Receiver<H>;
  /**
   * When the bytes came that are being read, in the loop's time: one look at the clock for all that they
   * cause.
   */
  now: number;
  /** On a client: octets have come since the response became due. */
  responseBegun: boolean;
  readonly #params: HTTP1ConnectionParameters;
  readonly #owner: MessageOwner<H>;
  readonly #isClient: boolean;
  readonly #deadline: Deadline<MessageReader<H>>;
  #state: State<ReadState>;
  #delegate: HTTPMessageDelegate | undefined;
  /** The promise of a delegate that holds the message back. */
  #waiting: Promise<void> | undefined;
  /** What is left of a long piece of body of which the delegate has had the beginning. */
  #rest: Buffer | undefined;
  #fin: "none" | "due" | "reported";
  /** Set while the receiver is being fed, so that what happens inside does not feed it again. */
  #feeding: boolean;
  /** How much a half-closed peer had taken when its time began. */
  #taken: number;
  #bodyTimeout: number;
  #bodyDeadline: number;
  /** Since when a delegate holds the message back. That time is not the peer's. */
  #heldSince: number;
  #discarded: number;

  constructor(
    stream: IOStream,
    role: "server" | "client",
    params: HTTP1ConnectionParameters,
    owner: MessageOwner<H>,
  ) {
    this.stream = stream;
    this.receiver = new HTTP1Receiver<H>(role, params.limits, this);
    this.now = 0;
    this.responseBegun = false;
    this.#params = params;
    this.#owner = owner;
    this.#isClient = role === "client";
    this.#deadline = new Deadline(
      stream.ioLoop,
      readDeadlinePassed as unknown as (reader: MessageReader<H>) => void,
      this,
    );
    this.#state = STATE.new;
    this.#delegate = undefined;
    this.#waiting = undefined;
    this.#rest = undefined;
    this.#fin = "none";
    this.#feeding = false;
    this.#taken = 0;
    this.#bodyTimeout = params.bodyTimeout;
    this.#bodyDeadline = Number.POSITIVE_INFINITY;
    this.#heldSince = 0;
    this.#discarded = 0;
  }

  /** What the reader is busy with. */
  get state(): ReadState {
    return this.#state.name;
  }

  /** True when nothing of a next message has been seen. */
  get isIdle(): boolean {
    return this.#state === STATE.idle || (this.#state === STATE.head && this.receiver.betweenMessages);
  }

  /** True when the peer's FIN has come, behind everything that it sent. */
  get peerHasEnded(): boolean {
    return this.#fin !== "none";
  }

  // --- what the owner steers -------------------------------------------------------------------------------

  /** Begins to read: on a server the first head is due now. Twice is fine. */
  start(): void {
    if (this.#state !== STATE.new) return;
    const { headerTimeout, idleTimeout } = this.#params;
    this.now = this.stream.ioLoop.time();
    this.#become(this.#isClient ? STATE.idle : STATE.head);
    this.#deadline.set(this.#isClient ? idleTimeout : headerTimeout, this.now);
    this.stream.consume(this);
  }

  /** On a client: a request with this method is sent, and its response goes to `delegate`. */
  expectResponse(method: string, delegate: HTTPMessageDelegate): void {
    this.receiver.expectResponse(method);
    this.responseBegun = false;
    this.#delegate = delegate;
    this.now = this.stream.ioLoop.time();
    this.#become(STATE.head);
    this.#deadline.set(this.#params.headerTimeout, this.now);
  }

  /** The exchange is over: goes on with the next message, at once if its bytes are there. */
  release(): void {
    if (this.#state !== STATE.paused) return;
    this.#delegate = undefined;
    this.#become(STATE.idle);
    this.#resume();
    if (this.#isClient) this.#deadline.set(this.#params.idleTimeout, this.now);
  }

  /** Discards the rest of the message in progress, within the limits for that. */
  discard(): void {
    if (this.#state !== STATE.body) return;
    this.#become(STATE.discard);
    this.#delegate = undefined;
    this.#discarded = this.#rest?.length ?? 0;
    this.#rest = undefined;
    this.#deadline.set(this.#params.drainTimeout);
    if (this.#waiting !== undefined) {
      this.#waiting = undefined;
      this.#resume();
    }
  }

  /**
   * The exchange ends early: reports it to the delegate, once. `isWhole`: the incoming message was received
   * whole; of one that was not, nothing more is read. Throws what the delegate throws.
   */
  abort(reason: ExchangeAbortedError, isWhole: boolean): void {
    const delegate = this.#delegate;
    this.#delegate = undefined;
    if (isWhole) {
      delegate?.onExchangeAborted?.(reason);
      return;
    }
    // The connection may stay for another turn, and a delegate that held its message back lets go of it now.
    this.stop();
    delegate?.onConnectionClose();
  }

  /**
   * The peer has ended its side and waits for an answer: for a limited time, unless it goes on taking what is
   * sent.
   */
  limitHalfClosed(): void {
    this.#taken = this.stream.writeProgress;
    this.#deadline.set(this.#params.halfClosedTimeout);
  }

  /** Reads nothing more and reports nothing more but the close of the stream. Calling it twice is fine. */
  stop(): void {
    if (this.#state === STATE.stopped) return;
    this.#become(STATE.stopped);
    this.#waiting = undefined;
    this.receiver.pause();
    this.#deadline.dispose();
  }

  /** Gives the stream away: stops, takes the sink off and puts back what was read too far. */
  detach(): IOStream {
    this.stop();
    this.#delegate = undefined;
    const unread = this.receiver.detach();
    this.stream.consume(undefined);
    this.stream.resumeReading();
    if (unread.length > 0) this.stream.unread(unread);
    if (this.#rest !== undefined) this.stream.unread(this.#rest);
    return this.stream;
  }

  /** Limits the body of the message in progress to `bytes`. */
  setMaxBodySize(bytes: number): void {
    this.receiver.setMaxBodySize(bytes);
  }

  /** Gives the body of the message in progress `ms` milliseconds in all from now. */
  setBodyTimeout(ms: number): void {
    this.#bodyTimeout = ms;
    this.now = this.stream.ioLoop.time();
    this.#bodyDeadline = this.now + ms;
    this.#heldSince = this.now;
    if (this.#state === STATE.body && this.#waiting === undefined) this.#setBodyDeadline();
  }

  // --- the stream's calls ----------------------------------------------------------------------------------

  onData(chunk: Buffer): void {
    this.#take(chunk, false);
  }

  onLent(chunk: Buffer): void {
    this.#take(chunk, true);
  }

  #take(chunk: Buffer, isLent: boolean): void {
    if (this.#state === STATE.stopped) return;
    this.now = this.stream.ioLoop.time();
    this.responseBegun = true;
    coalesceWrites(this.stream, this.now);
    this.#feeding = true;
    try {
      if (isLent) this.receiver.feedLent(chunk);
      else this.receiver.feed(chunk);
    } finally {
      this.#feeding = false;
    }
    this.#settle();
  }

  onFin(): void {
    if (this.#fin !== "none" || this.#state === STATE.stopped) return;
    this.#fin = "due";
    this.#reportFin();
  }

  /** While a request waits for its answer the owner is told; a message that is not whole breaks off. */
  #reportFin(): void {
    // An owner that answers at once lets the next message begin inside this call: hence a loop, and no
    // recursion.
    while (this.#state === STATE.paused && this.#fin === "due") {
      this.#fin = "reported";
      this.#owner.peerEnded();
    }
    if (this.#fin === "none" || this.#state === STATE.stopped || this.receiver.paused) return;
    this.receiver.feedEnd();
    if (this.#isReading) this.#owner.peerEnded();
  }

  /** False once something has stopped the reader. */
  get #isReading(): boolean {
    return this.#state !== STATE.stopped;
  }

  onFull(): void {
    this.#owner.full();
  }

  onDrain(): void {
    this.#owner.writable();
  }

  onClose(error: Error | undefined): void {
    this.stop();
    this.#owner.streamClosed(error);
  }

  // --- the receiver's calls --------------------------------------------------------------------------------

  onHead(head: H): void {
    const isInterim = "code" in head && head.code < 200 && head.code !== 101;
    // The response that is due comes after it.
    if (!isInterim) this.#become(STATE.body);
    if (this.#fin === "reported") this.#fin = "due";
    this.#bodyDeadline = Number.POSITIVE_INFINITY;
    this.#bodyTimeout = this.#params.bodyTimeout;
    let waiting: void | Promise<void>;
    try {
      const delegate = this.#owner.messageBegins(head) ?? this.#delegate!;
      this.#delegate = delegate;
      waiting = delegate.headersReceived(head, HTTPHeaders.fromRaw(head.fields));
    } catch (error) {
      this.#fail("delegate", error);
      return;
    }
    if (waiting === undefined) this.#owner.headAccepted(head);
    else this.#waitFor(waiting, head);
  }

  onBody(chunk: Buffer): void {
    const { chunkSize } = this.#params;
    if (this.#state === STATE.discard) this.#countDiscarded(chunk.length);
    else if (chunk.length <= chunkSize) this.#handOver(chunk);
    else this.#handOverInPieces(chunk, chunkSize);
  }

  #countDiscarded(length: number): void {
    this.#discarded += length;
    if (this.#discarded > this.#params.drainSize) this.#fail("discard", undefined);
  }

  #handOver(chunk: Buffer): void {
    let waiting: void | Promise<void>;
    try {
      waiting = this.#delegate!.dataReceived(chunk);
    } catch (error) {
      this.#fail("delegate", error);
      return;
    }
    if (waiting !== undefined) this.#waitFor(waiting, undefined);
  }

  /** No piece is longer than `chunkSize`, whether or not the delegate makes the peer wait. */
  #handOverInPieces(chunk: Buffer, chunkSize: number): void {
    let from = 0;
    while (from < chunk.length && this.#state === STATE.body && this.#waiting === undefined) {
      const end = Math.min(from + chunkSize, chunk.length);
      this.#rest = end < chunk.length ? chunk.subarray(end) : undefined;
      this.#handOver(chunk.subarray(from, end));
      from = end;
    }
  }

  onEnd(trailers: RawFields | undefined): void {
    if (this.#state === STATE.head) return; // of an interim response, which has no body
    if (this.#state === STATE.discard) {
      this.#pause();
      this.#owner.messageEnds();
      return;
    }
    const delegate = this.#delegate!;
    this.#pause();
    this.#owner.messageWhole(trailers);
    let waiting: void | Promise<void>;
    try {
      waiting = delegate.finish();
    } catch (error) {
      this.#fail("delegate", error);
      return;
    }
    if (waiting === undefined) this.#owner.messageEnds();
    else this.#watchEnd(delegate, waiting);
  }

  onError(error: HTTP1Error): void {
    this.#fail("input", error);
  }

  // --- waiting and deadlines -------------------------------------------------------------------------------

  #become(next: State<ReadState>): void {
    this.#state = step(this.#state, next);
  }

  #fail(failure: ReadFailure, error: unknown): void {
    this.#owner.readFailed(failure, error);
  }

  /** The message is whole: the next one waits inside. */
  #pause(): void {
    this.#become(STATE.paused);
    this.receiver.pause();
    this.#deadline.clear();
  }

  /** A delegate that is not done with the end of its message yet, because it still unpacks it. */
  #watchEnd(delegate: HTTPMessageDelegate, waiting: Promise<void>): void {
    waiting.then(
      () => {
        if (this.#delegate === delegate) this.#owner.messageEnds();
      },
      (error: unknown) => {
        if (this.#delegate === delegate) this.#fail("delegate", error);
        else appLog.exception("Uncaught exception in an HTTP message delegate, after its exchange", error);
      },
    );
  }

  #waitFor(promise: Promise<void>, head: H | undefined): void {
    // Code without types may return something else: there is nothing to wait for then.
    const waiting = Promise.resolve(promise);
    this.#waiting = waiting;
    this.#heldSince = this.now;
    this.receiver.pause();
    if (this.#state !== STATE.discard) this.#deadline.clear();
    waiting.then(
      () => {
        if (this.#waiting !== waiting) return;
        this.#waiting = undefined;
        this.#bodyDeadline += this.stream.ioLoop.time() - this.#heldSince;
        if (head !== undefined) this.#owner.headAccepted(head);
        if (this.#isReading) this.#resume();
      },
      (error: unknown) => {
        if (this.#waiting !== waiting) return;
        this.#waiting = undefined;
        this.#fail("delegate", error);
      },
    );
  }

  /** Goes on with what was kept; then reads on. */
  #resume(): void {
    if (this.#feeding) {
      this.receiver.resume();
      return;
    }
    this.now = this.stream.ioLoop.time();
    this.stream.cork();
    this.#feeding = true;
    try {
      const rest = this.#rest;
      if (rest !== undefined) {
        this.#rest = undefined;
        this.#handOverInPieces(rest, this.#params.chunkSize);
      }
      if (this.#waiting === undefined && this.#isReading) this.receiver.resume();
      this.#reportFin();
    } finally {
      this.#feeding = false;
      this.stream.uncork();
    }
    this.#settle();
  }

  /** After bytes were taken in: is a head coming, which deadline runs now, and may the socket go on? */
  #settle(): void {
    if (this.#state === STATE.stopped) return;
    if (this.#mustPause()) this.#pauseInput();
    else this.stream.resumeReading();
    if (this.#waiting !== undefined) return;
    switch (this.#state.name) {
      case "idle":
      case "head":
        if (!this.#isClient) this.#settleBetween();
        break;
      case "body":
        this.#setBodyDeadline();
        break;
    }
  }

  /**
   * A client's stream waits with its delegate, so that the server's FIN comes behind the body and not into
   * it. A server's goes on, because its application wants to know when the client leaves.
   */
  #mustPause(): boolean {
    const { receiver } = this;
    if (!receiver.paused) return false;
    if (this.#isClient && this.#waiting !== undefined) return true;
    return receiver.bufferedBytes + (this.#rest?.length ?? 0) > this.#params.maxPipelinedSize;
  }

  /**
   * Nothing more is read, so the peer's FIN is not seen either. While a request waits for its answer the
   * system is asked now and then whether the peer has left; and it has `halfClosedTimeout` to take something,
   * since a FIN behind more than the kernel's buffer holds does not arrive.
   */
  #pauseInput(): void {
    this.stream.pauseReading();
    if (this.#state !== STATE.paused || this.#deadline.active) return;
    this.limitHalfClosed();
    this.#lookForPeer();
  }

  #lookForPeer(): void {
    const { ioLoop } = this.stream;
    ioLoop.callLater(LOOK_INTERVAL, () => {
      if (this.#state !== STATE.paused || !this.receiver.paused || !this.#mustPause()) return;
      ioLoop.external(peerStateOf(this.stream)).then(
        ({ hasLeft }) => {
          if (this.#state !== STATE.paused) return;
          if (hasLeft || this.stream.finReceived) this.#owner.peerEnded();
          else this.#lookForPeer();
        },
        () => {},
      );
    });
  }

  /** Between two messages of a server: has anything of the next one come? */
  #settleBetween(): void {
    if (this.receiver.betweenMessages) {
      if (this.#state !== STATE.idle) this.#become(STATE.idle);
      this.#deadline.set(this.#params.idleTimeout, this.now);
    } else if (this.#state !== STATE.head) {
      this.#become(STATE.head);
      this.#deadline.set(this.#params.headerTimeout, this.now);
    }
  }

  /** The body has until the next stall or the end of its whole time, whichever comes first. */
  #setBodyDeadline(): void {
    const { now } = this;
    if (this.#bodyDeadline === Number.POSITIVE_INFINITY && this.#bodyTimeout !== Number.POSITIVE_INFINITY) {
      this.#bodyDeadline = now + this.#bodyTimeout;
    }
    this.#deadline.set(Math.max(0, Math.min(this.#params.bodyStallTimeout, this.#bodyDeadline - now)), now);
  }

  /**
   * The read deadline has passed; called by the timer, after what had arrived on a busy loop was taken in.
   */
  deadlinePassed(): void {
    switch (this.#state.name) {
      case "idle":
        this.#fail("idle", undefined);
        break;
      case "head":
        this.#fail(this.receiver.betweenMessages && !this.#isClient ? "idle" : "timeout", undefined);
        break;
      case "body":
        this.#fail("timeout", undefined);
        break;
      case "discard":
        this.#fail("discard", undefined);
        break;
      case "paused":
        if (this.stream.writeProgress > this.#taken) this.limitHalfClosed();
        else this.#fail("half-closed", undefined);
        break;
    }
  }
}
