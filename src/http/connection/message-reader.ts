/**
 * The reading half of an HTTP/1 connection: moves bytes from a stream through the sans-IO receiver to a message
 * delegate, holds the peer back when the delegate is behind, and keeps the read deadlines.
 *
 * Everything runs synchronously inside the stream's `onData`. A promise exists only when a delegate returns one;
 * until it settles the receiver keeps what arrives, and above `maxPipelinedSize` the socket is paused. A server's
 * socket is *not* paused below it, so that a peer that leaves is noticed while a request waits for its answer.
 *
 * The phases of reading and their deadlines:
 *
 *     head ── the first byte (or the accepted connection) to the end of the head    headerTimeout
 *     body ── between two pieces of the body, and in all                            bodyStallTimeout, bodyTimeout
 *     rest ── between two messages                                                  idleTimeout
 *     held ── a delegate or the application has the floor                           none; half-closed: halfClosedTimeout
 *     drain ─ what is left of a body that nobody wants                              drainTimeout, drainSize
 */
import { Deadline } from "../../async/timers/deadline.js";
import { coalesceWrites } from "../../net/stream/base-stream.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { HTTP1Error } from "../../protocol/http1/errors.js";
import { HTTP1Receiver } from "../../protocol/http1/receiver.js";
import type { HTTP1RequestHead, HTTP1ResponseHead, MessageVisitor } from "../../protocol/http1/visitor.js";
import type { HTTPMessageDelegate } from "../delegates.js";
import type { HTTP1ConnectionParameters } from "./params.js";

/** What the reader is busy with. */
export type ReadPhase = "head" | "body" | "rest" | "held" | "drain";

/** Who owns a {@link MessageReader}: a server's connection, or one exchange. */
export interface MessageOwner<H extends HTTP1RequestHead | HTTP1ResponseHead> {
  /** A head has come; answers with the delegate that gets the message. */
  messageBegins(head: H): HTTPMessageDelegate;
  /** The delegate has taken the head, and the body may come. */
  headAccepted(head: H): void;
  /** The message is whole; the owner calls `delegate.finish()`. */
  messageEnds(delegate: HTTPMessageDelegate, trailers: RawFields | undefined): void;
  /** The peer broke a rule or a limit; nothing more is read. */
  inputFailed(error: HTTP1Error): void;
  /** The delegate threw or rejected; nothing more is read. */
  delegateFailed(error: unknown): void;
  /** A deadline passed in `phase`; `begun` says if any byte of a message had come. */
  readTimedOut(phase: ReadPhase, begun: boolean): void;
  /** What had to be thrown away is too much. */
  drainFailed(): void;
  /** The peer sent its FIN, after what was told before. */
  peerEnded(): void;
  /** There is room to write again. */
  writable(): void;
  /** The stream is closed; nothing more will be called. */
  streamClosed(error: Error | undefined): void;
}

/** Takes what nobody wants. */
const IGNORE: HTTPMessageDelegate = {
  headersReceived() {},
  dataReceived() {},
  finish() {},
  onConnectionClose() {},
};

function readDeadlinePassed(
  reader: MessageReader<HTTP1RequestHead> | MessageReader<HTTP1ResponseHead>,
): void {
  reader.deadlinePassed();
}

/** Reads messages of a stream, one after the other. See the file's comment. */
export class MessageReader<H extends HTTP1RequestHead | HTTP1ResponseHead>
  implements StreamSink, MessageVisitor<H>
{
  readonly stream: IOStream;
  readonly receiver: HTTP1Receiver<H>;
  readonly #params: HTTP1ConnectionParameters;
  readonly #owner: MessageOwner<H>;
  readonly #isClient: boolean;
  readonly #deadline: Deadline<MessageReader<H>>;
  /** When the bytes came that are being read, in the loop's time: one look at the clock for all that they cause. */
  now = 0;
  #phase: ReadPhase = "head";
  #delegate: HTTPMessageDelegate | undefined = undefined;
  /** The promise of a delegate that holds the message back. */
  #waiting: Promise<void> | undefined = undefined;
  /** The owner holds the next message back. */
  #held = false;
  /** How much a half-closed peer had taken when its time began. */
  #taken = 0;
  #stopped = false;
  /** The peer's FIN came while bytes before it still waited. */
  #ended = false;
  /** The owner has been told of the FIN during the present message. */
  #endTold = false;
  #socketPaused = false;
  /** Set while the receiver is being fed, so that what happens inside does not feed it again. */
  #feeding = false;
  #bodyTimeout: number;
  #bodyDeadline = Number.POSITIVE_INFINITY;
  /** Since when a delegate holds the message back. That time is not the peer's. */
  #heldSince = 0;
  /** The part of a long chunk that comes after the piece which is being fed. */
  #unfed: Buffer | undefined = undefined;
  #drained = 0;

  constructor(
    stream: IOStream,
    role: "server" | "client",
    params: HTTP1ConnectionParameters,
    owner: MessageOwner<H>,
  ) {
    this.stream = stream;
    this.#params = params;
    this.#owner = owner;
    this.#bodyTimeout = params.bodyTimeout;
    this.#isClient = role === "client";
    this.receiver = new HTTP1Receiver<H>(role, params, this);
    this.#deadline = new Deadline(
      stream.ioLoop,
      readDeadlinePassed as unknown as (reader: MessageReader<H>) => void,
      this,
    );
  }

  /** Begins to read. The first head has `headerTimeout` from now. */
  start(): void {
    this.now = this.stream.ioLoop.time();
    this.#deadline.set(this.#params.headerTimeout, this.now);
    this.stream.consume(this);
  }

  /** True when nothing of a next message has been seen and nobody is being waited for. */
  get resting(): boolean {
    return this.#delegate === undefined && !this.#held && this.receiver.betweenMessages;
  }

  /** True while a message is being received. */
  get receiving(): boolean {
    return this.#delegate !== undefined;
  }

  /** True when the peer has sent its FIN. */
  get peerHasEnded(): boolean {
    return this.#ended;
  }

  /** The next message waits inside until {@link MessageReader.release}. */
  hold(): void {
    this.#held = true;
    this.receiver.pause();
  }

  /** Goes on with the next message, at once if its bytes are there. */
  release(): void {
    if (!this.#held || this.#stopped) return;
    this.#held = false;
    this.#resume();
  }

  /**
   * The peer has ended its side and waits for an answer: not for ever, since it may be gone altogether. While it goes on
   * taking what is sent it is not.
   */
  limitHalfClosed(): void {
    this.#taken = this.stream.writeProgress;
    this.#deadline.set(this.#params.halfClosedTimeout);
  }

  /** Throws away the rest of the message in progress, within the drain limits; then goes on with the next. */
  drain(): void {
    if (this.#stopped) return;
    this.#delegate = IGNORE;
    this.#phase = "drain";
    this.#drained = 0;
    this.#deadline.set(this.#params.drainTimeout);
    if (this.#waiting !== undefined) {
      this.#waiting = undefined;
      this.#resume();
    }
  }

  /** Reads nothing more and calls nobody more, but for `streamClosed`. */
  stop(): void {
    this.#stopped = true;
    this.#delegate = undefined;
    this.#waiting = undefined;
    this.receiver.pause();
    this.#deadline.dispose();
  }

  /** Gives the stream away: stops, takes the sink off and puts back what was read too far. */
  detach(): IOStream {
    this.stop();
    const rest = this.receiver.detach();
    this.stream.consume(undefined);
    if (this.#socketPaused) this.stream.resumeReading();
    if (this.#unfed !== undefined) this.stream.unread(this.#unfed);
    if (rest.length > 0) this.stream.unread(rest);
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
    if (this.#phase === "body") this.#setBodyDeadline();
  }

  // -- the stream's calls

  onData(chunk: Buffer): void {
    if (this.#stopped) return;
    const { chunkSize } = this.#params;
    this.now = this.stream.ioLoop.time();
    coalesceWrites(this.stream, this.now);
    this.#feeding = true;
    try {
      if (chunk.length <= chunkSize) this.receiver.feed(chunk);
      else this.#feedInPieces(chunk, chunkSize);
    } finally {
      this.#feeding = false;
    }
    this.#settle();
  }

  #feedInPieces(chunk: Buffer, size: number): void {
    for (let from = 0; from < chunk.length && !this.#stopped; from += size) {
      this.#unfed = from + size < chunk.length ? chunk.subarray(from + size) : undefined;
      this.receiver.feed(chunk.subarray(from, from + size));
    }
    this.#unfed = undefined;
  }

  onFin(): void {
    if (this.#ended || this.#stopped) return;
    this.#ended = true;
    this.#tellEnd();
  }

  /**
   * A FIN counts once everything before it has been taken in. A message that waits for its answer is whole and
   * hears of it meanwhile; one that waits for its delegate may have bytes in here yet.
   */
  #tellEnd(): void {
    if (!this.#ended) return;
    // An owner that answers at once lets the next message begin inside this call: hence a loop, and no recursion.
    while (this.#held && !this.#endTold && !this.#stopped) {
      this.#endTold = true;
      this.#owner.peerEnded();
    }
    if (this.#stopped || this.receiver.paused) return;
    this.receiver.feedEnd();
    if (!this.#stopped) this.#owner.peerEnded();
  }

  onDrain(): void {
    this.#owner.writable();
  }

  onClose(error: Error | undefined): void {
    this.stop();
    this.#owner.streamClosed(error);
  }

  // -- the receiver's calls

  onHead(head: H): void {
    this.#phase = "body";
    this.#endTold = false;
    this.#bodyDeadline = Number.POSITIVE_INFINITY;
    this.#bodyTimeout = this.#params.bodyTimeout;
    let waiting: void | Promise<void>;
    try {
      const delegate = this.#owner.messageBegins(head);
      this.#delegate = delegate;
      waiting = delegate.headersReceived(head, HTTPHeaders.fromRaw(head.fields));
    } catch (error) {
      this.#owner.delegateFailed(error);
      return;
    }
    if (waiting === undefined) this.#owner.headAccepted(head);
    else this.#waitFor(waiting, head);
  }

  onBody(chunk: Buffer): void {
    if (this.#phase === "drain") {
      this.#drained += chunk.length;
      if (this.#drained > this.#params.drainSize) this.#owner.drainFailed();
      return;
    }
    let waiting: void | Promise<void>;
    try {
      waiting = this.#delegate!.dataReceived(chunk);
    } catch (error) {
      this.#owner.delegateFailed(error);
      return;
    }
    if (waiting !== undefined) this.#waitFor(waiting, undefined);
  }

  onEnd(trailers: RawFields | undefined): void {
    const delegate = this.#delegate!;
    this.#delegate = undefined;
    this.#owner.messageEnds(delegate, trailers);
  }

  onError(error: HTTP1Error): void {
    this.#owner.inputFailed(error);
  }

  // -- waiting and deadlines

  #waitFor(promise: Promise<void>, head: H | undefined): void {
    // What is no promise after all, from code without types, is nothing to wait for.
    const waiting = Promise.resolve(promise);
    this.#waiting = waiting;
    this.#heldSince = this.now;
    this.receiver.pause();
    waiting.then(
      () => {
        if (this.#waiting !== waiting) return;
        this.#waiting = undefined;
        this.#bodyDeadline += this.stream.ioLoop.time() - this.#heldSince;
        if (head !== undefined) this.#owner.headAccepted(head);
        if (!this.#stopped) this.#resume();
      },
      (error: unknown) => {
        if (this.#waiting !== waiting) return;
        this.#waiting = undefined;
        this.#owner.delegateFailed(error);
      },
    );
  }

  /** Lets the receiver go on with what it has kept; then reads on. */
  #resume(): void {
    if (this.#feeding) {
      this.receiver.resume();
      return;
    }
    this.now = this.stream.ioLoop.time();
    this.stream.cork();
    this.#feeding = true;
    try {
      this.receiver.resume();
      this.#tellEnd();
    } finally {
      this.#feeding = false;
      this.stream.uncork();
    }
    this.#settle();
  }

  /** After bytes were taken in: which deadline runs now, and may the socket go on? */
  #settle(): void {
    if (this.#stopped) return;
    const { receiver } = this;
    // A client's stream waits with its delegate, so that the server's FIN comes behind the body and not into it. A
    // server's goes on, because its application wants to hear when the client leaves.
    const waits = this.#isClient && this.#waiting !== undefined;
    const full = waits || (receiver.paused && receiver.bufferedBytes > this.#params.maxPipelinedSize);
    if (full !== this.#socketPaused) {
      this.#socketPaused = full;
      if (full) this.stream.pauseReading();
      else this.stream.resumeReading();
    }
    if (receiver.paused) {
      const isDraining = this.#phase === "drain" && this.#delegate !== undefined;
      if (this.#phase !== "held" && !isDraining) {
        this.#phase = "held";
        if (this.#ended && this.#held) this.limitHalfClosed();
        else this.#deadline.clear();
      }
    } else if (this.#delegate !== undefined) {
      if (this.#phase !== "drain") {
        this.#phase = "body";
        this.#setBodyDeadline();
      }
    } else if (receiver.betweenMessages) {
      this.#phase = "rest";
      this.#deadline.set(this.#params.idleTimeout, this.now);
    } else if (this.#phase !== "head") {
      this.#phase = "head";
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

  /** The read deadline has passed; called by the timer. */
  deadlinePassed(): void {
    if (this.#stopped) return;
    if (this.#phase === "held" && this.stream.writeProgress > this.#taken) {
      this.limitHalfClosed();
      return;
    }
    this.#owner.readTimedOut(this.#phase, !this.receiver.betweenMessages);
  }
}
