/**
 * One channel to a thread of a worker: it carries one exchange at a time.
 *
 *     idle ── begin() ──► busy ── both halves have ended ──► idle
 *     any  ── the socket is gone ──► closed
 *
 * The request's half ends with END or ABORT, the response's with END or EXCEPTION. When the response ends
 * first, ABORT tells the worker that nobody needs the rest of the body; when the client leaves, that nobody
 * needs the response: the worker still ends it, and what comes until then is dropped.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { latin1 } from "../../base/bytes.js";
import { appLog, genLog } from "../../base/log.js";
import type { BaseIOStream } from "../../net/stream/base-stream.js";
import { coalesceWrites } from "../../net/stream/base-stream.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import { AppClock } from "./app-clock.js";
import { encodeFrame, FrameReader, FrameType, type FrameVisitor, frameHeader } from "./frames.js";

/**
 * The exchange on a channel, as the channel sees it. After `onEnd`, `onException`, `onOverdue` or `onLost`
 * nothing is called.
 */
export interface ChannelUser {
  /** The head of the response: its status, then name and value of each field, a line each. */
  onHead(text: string): void;
  /** A piece of its body. */
  onPiece(piece: Buffer): void;
  /** The response is whole. */
  onEnd(): void;
  /** The application has failed; the traceback. */
  onException(traceback: string): void;
  /** There is room for more of the body of the request. */
  onRoom(): void;
  /** The application has taken too long. */
  onOverdue(): void;
  /** The worker is gone. */
  onLost(): void;
}

/** Who has the channel. */
export interface ChannelOwner {
  readonly ioLoop: IOLoop;
  /** The name of the application, for the log. */
  readonly application: string;
  /** The channel can carry another exchange. */
  onIdle(channel: WorkerChannel): void;
  /** The exchange that it carries has taken too long. */
  onOverdue(channel: WorkerChannel): void;
  /** It was idle, or what it carried has been told. */
  onChannelClosed(channel: WorkerChannel): void;
}

/** See the head of this file. */
export class WorkerChannel implements StreamSink, FrameVisitor {
  readonly #stream: BaseIOStream;
  readonly #owner: ChannelOwner;
  readonly #clock: AppClock;
  readonly #reader = new FrameReader(this);
  #state: "idle" | "busy" | "closed" = "idle";
  #user: ChannelUser | undefined = undefined;
  #requestEnded = false;
  #responseEnded = false;
  /** The application does not take the body of the request. */
  #full = false;
  /** The client does not take the body of the response. */
  #held = false;

  constructor(stream: BaseIOStream, owner: ChannelOwner) {
    this.#stream = stream;
    this.#owner = owner;
    this.#clock = new AppClock(owner.ioLoop, () => this.#overdue());
    stream.consume(this);
  }

  /** Whether an exchange can begin. */
  get isIdle(): boolean {
    return this.#state === "idle";
  }

  /** Begins an exchange with the environment of its request; the application has `timeout` milliseconds. */
  begin(user: ChannelUser, environ: string, timeout: number): void {
    this.#state = "busy";
    this.#user = user;
    this.#requestEnded = false;
    this.#responseEnded = false;
    this.#full = false;
    this.#held = false;
    this.#clock.begin(timeout);
    // Head and end of a request without a body leave in one write.
    coalesceWrites(this.#stream, this.#owner.ioLoop.time());
    this.#stream.send(encodeFrame(FrameType.HEAD, environ));
  }

  /**
   * Sends a piece of the request's body; false if the application is behind: `onRoom` says when it is not.
   */
  sendBody(piece: Buffer): boolean {
    if (this.#requestEnded || this.#state !== "busy") return true;
    this.#stream.cork();
    this.#stream.send(frameHeader(FrameType.DATA, piece.length));
    const hasRoom = this.#stream.send(piece);
    this.#stream.uncork();
    this.#full = !hasRoom;
    this.#runClock();
    return hasRoom;
  }

  /** The body of the request is whole. */
  endBody(): void {
    if (this.#requestEnded || this.#state !== "busy") return;
    this.#requestEnded = true;
    this.#stream.send(encodeFrame(FrameType.END));
    this.#runClock();
  }

  /** Nobody waits for the response any more. The user is called no more. */
  abandon(): void {
    if (this.#state !== "busy" || this.#responseEnded) return;
    this.#user = undefined;
    this.#abort();
    this.hold(false);
    this.#runClock();
  }

  /** Lets the application wait, because the client is behind; or not any more. */
  hold(held: boolean): void {
    if (this.#state !== "busy" || held === this.#held) return;
    this.#held = held;
    if (held) this.#stream.pauseReading();
    else this.#stream.resumeReading();
    this.#runClock();
  }

  /** Closes the channel: the thread ends when it has nothing to do. */
  close(): void {
    this.#stream.close();
  }

  onData(chunk: Buffer): void {
    this.#reader.feed(chunk);
  }

  onFin(): void {}

  onDrain(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#runClock();
    this.#user?.onRoom();
  }

  onClose(): void {
    const user = this.#user;
    this.#state = "closed";
    this.#user = undefined;
    this.#clock.dispose();
    user?.onLost();
    this.#owner.onChannelClosed(this);
  }

  onFrame(type: FrameType, payload: Buffer): void {
    if (type === FrameType.ERRORS) {
      for (const line of payload.toString("utf8").split("\n"))
        appLog.error("%s: %s", this.#owner.application, line);
    } else if (this.#state !== "busy" || this.#responseEnded) {
      this.onBroken(`a frame of the type ${type} outside of an exchange`);
    } else if (type === FrameType.HEAD) {
      this.#user?.onHead(latin1(payload));
    } else if (type === FrameType.END) {
      this.#endResponse()?.onEnd();
      this.#settle();
    } else if (type === FrameType.EXCEPTION) {
      this.#endResponse()?.onException(payload.toString("utf8"));
      this.#settle();
    } else {
      this.onBroken(`a frame of the type ${type} from a worker`);
    }
  }

  onPiece(piece: Buffer): void {
    this.#user?.onPiece(piece);
  }

  onBroken(reason: string): void {
    genLog.error("a worker of %s broke the protocol of its channel: %s", this.#owner.application, reason);
    this.#stream.close();
  }

  #endResponse(): ChannelUser | undefined {
    const user = this.#user;
    this.#user = undefined;
    this.#responseEnded = true;
    this.#clock.stop();
    if (!this.#requestEnded) this.#abort();
    return user;
  }

  #abort(): void {
    this.#requestEnded = true;
    this.#stream.send(encodeFrame(FrameType.ABORT));
  }

  /** After the response has been told, so that what begins next comes after it. */
  #settle(): void {
    if (this.#state !== "busy") return;
    this.hold(false);
    this.#state = "idle";
    this.#owner.onIdle(this);
  }

  #runClock(): void {
    this.#clock.run((this.#requestEnded || this.#full) && !this.#held);
  }

  #overdue(): void {
    const user = this.#user;
    this.#user = undefined;
    user?.onOverdue();
    this.#owner.onOverdue(this);
  }
}
