/**
 * One end of a WebSocket on a stream: the shell around the protocol (`protocol/websocket/connection.ts`),
 * which knows neither sockets nor time. It moves bytes, keeps deadlines, and holds messages back on both
 * sides.
 *
 * **In.** Chunks go from the stream to the protocol, and messages to the owner. When the owner returns a
 * promise, the protocol stands still until it is settled. The stream goes on reading meanwhile, so that a
 * peer which leaves is noticed, until {@link READ_AHEAD} bytes wait.
 *
 * **Out.** Messages go straight to the stream while it has room. The outbox exists only while it has none, or
 * while a long message is compressed in another thread: `#outbox === undefined` means that there is room.
 *
 * **Time.** One coarse deadline, made when it is first needed, and what it stands for:
 *
 *     NONE       nothing is due
 *     PING       the next ping
 *     PONG       a sign of life after a ping; else the closing handshake begins
 *     CLOSE      the peer's close frame after ours; else the connection is cut
 *     FIN        the peer's end of TCP after the closing handshake; else the connection is cut
 *
 * Nothing here makes a closure or a promise for a connection that is idle.
 */
import { pendingResult } from "../async/coroutine/yieldable.js";
import { RESOLVED, rejectedQuietly } from "../async/deferred.js";
import { Deadline } from "../async/timers/deadline.js";
import { InvalidStateError } from "../base/errors.js";
import { genLog } from "../base/log.js";
import { closeLingering } from "../http/connection/lingering-close.js";
import { WriteStall } from "../http/connection/write-stall.js";
import type { UpgradedProtocol } from "../http/delegates.js";
import { Outbox, type OutboxFullError, type OutboxTarget } from "../net/outbox.js";
import { coalesceWrites } from "../net/stream/base-stream.js";
import type { StreamSink } from "../net/stream/stream-sink.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import { ABNORMAL_CLOSURE, INTERNAL_ERROR, NO_STATUS } from "../protocol/websocket/close-codes.js";
import { closePayload } from "../protocol/websocket/close-payload.js";
import {
  WebSocketConnection,
  type WebSocketOutput,
  type WebSocketVisitor,
} from "../protocol/websocket/connection.js";
import type { DeflateEffort } from "../protocol/websocket/deflate-codec.js";
import { WebSocketClosedError, type WebSocketProtocolError } from "../protocol/websocket/errors.js";
import type { DeflateAgreement } from "../protocol/websocket/handshake/permessage-deflate.js";
import type { WebSocketRole } from "../protocol/websocket/opcodes.js";
import { ConnectionDeflater, ConnectionInflater, deflateElsewhere } from "./deflate-contexts.js";
import {
  OutgoingMessage,
  SharedMessage,
  type WebSocketMessage,
  type WriteMessageOptions,
} from "./outgoing-message.js";
import type { WebSocketParams } from "./params.js";
import { leaveSoon } from "./shutdown-batches.js";

/** Whom a shell serves: a handler, or a client's connection. */
export interface WebSocketOwner {
  /** A message. While a promise that it returns is pending, no further one comes. */
  deliverMessage(message: string | Buffer): unknown;
  /** A ping came, and is answered. */
  onPing(data: Buffer): unknown;
  /** A pong came. */
  onPong(data: Buffer): unknown;
  /**
   * Nothing more comes; called once, last. Code and reason are those of the peer's close frame, if it had
   * them.
   */
  onWsConnectionClose(code: number | undefined, reason: string | undefined): void;
  /**
   * What one of the methods above threw, or its promise was rejected with. The connection is closed with
   * 1011.
   */
  logException(error: unknown): void;
}

/** Something that connections are members of while they are open, such as a topic. */
export interface ConnectionGroup {
  /** A member has closed. */
  drop(connection: WebSocketShell): void;
}

/** An open WebSocket, below a handler or a client's connection. */
export interface WebSocketLink {
  /** True until a close frame is sent or received, or is going to be, and while TCP lasts. */
  readonly isOpen: boolean;
  /** Bytes of messages that were written and have not been handed to the system. */
  readonly bufferedAmount: number;
  /** How many messages the policy for slow consumers has dropped. */
  readonly dropped: number;
  /** Why the connection failed, if the peer broke a rule or a limit. */
  readonly violation: WebSocketProtocolError | undefined;
  /** True if the peer did not do its part in time, and the connection was cut. */
  readonly wasCut: boolean;
  /** The stream below. Do not read from it or write to it. */
  readonly stream: IOStream;
  /**
   * Sends a pong that was not asked for (RFC 6455 §5.5.3), of at most 125 bytes.
   *
   * @throws WebSocketClosedError (`ERR_SQUALL_WEBSOCKET_CLOSED`) when the connection is not open.
   */
  pong(data: string | Uint8Array): void;
  /** Ends the connection at once, without a closing handshake. Twice is fine. */
  terminate(): void;
}

/** How compression was agreed. */
export interface ShellCompression {
  readonly agreement: DeflateAgreement;
  readonly effort: DeflateEffort;
}

/** What became of a message that was sent to many. */
export type SharedResult = "sent" | "queued" | "dropped" | "skipped" | "closed";

/** Bytes that may wait behind a message that is being worked on before the socket is paused. */
const READ_AHEAD = 65_536;
/** From this size on, a message is compressed in another thread: here it would take some milliseconds. */
const ELSEWHERE = 65_536;
/** What a peer may send after the closing handshake, and for how long, before the connection is cut. */
const DRAIN_SIZE = 262_144;
const DRAIN_TIMEOUT = 2000;

const TRY_AGAIN_LATER = 1013;

const NONE = 0;
const PING = 1;
const PONG = 2;
const CLOSE = 3;
const FIN = 4;

/** The close frame that waits behind queued messages. */
interface PendingClose {
  readonly code: number | undefined;
  readonly reason: string | undefined;
}

function timeIsUp(shell: WebSocketShell): void {
  shell.expired();
}

/** See the head of this file. */
export class WebSocketShell
  implements
    WebSocketVisitor,
    WebSocketOutput,
    StreamSink,
    OutboxTarget<OutgoingMessage>,
    UpgradedProtocol,
    WebSocketLink
{
  readonly #role: WebSocketRole;
  readonly #owner: WebSocketOwner;
  readonly #params: WebSocketParams;
  readonly #deflater: ConnectionDeflater | undefined;
  readonly #protocol: WebSocketConnection;
  #stream: IOStream | undefined = undefined;
  #outbox: Outbox<OutgoingMessage> | undefined = undefined;
  #writeStall: WriteStall | undefined = undefined;
  #deadline: Deadline<WebSocketShell> | undefined = undefined;
  #due = NONE;
  /** Something came from the peer since the last ping. */
  #heard = false;
  /** Why no message may come, counted. */
  #holds = 0;
  #isReadingPaused = false;
  #finReceived = false;
  #wasCut = false;
  #isLingering = false;
  #lastActive = 0;
  /** The size of the message that is being compressed in another thread; 0 for none. */
  #deflating = 0;
  #pendingClose: PendingClose | undefined = undefined;
  #violation: WebSocketProtocolError | undefined = undefined;
  #dropped = 0;
  #groups: Set<ConnectionGroup> | undefined = undefined;

  constructor(
    role: WebSocketRole,
    owner: WebSocketOwner,
    params: WebSocketParams,
    compression: ShellCompression | undefined,
  ) {
    this.#role = role;
    this.#owner = owner;
    this.#params = params;
    const { server, client } = compression?.agreement ?? {};
    const [out, input] = role === "server" ? [server, client] : [client, server];
    this.#deflater = out && new ConnectionDeflater(out, compression!.effort);
    this.#protocol = new WebSocketConnection(role, this, this, {
      maxMessageSize: params.maxMessageSize,
      inflater: input && new ConnectionInflater(input),
      deflater: this.#deflater,
    });
  }

  /** @internal Takes the stream, with what has been read too far. Messages come from the next turn on. */
  start(stream: IOStream): void {
    this.#stream = stream;
    stream.consume(this);
    if (this.#params.makesRoom) this.#lastActive = stream.ioLoop.time();
    if (this.#params.pingInterval !== Number.POSITIVE_INFINITY) this.#await(PING, this.#params.pingInterval);
  }

  /** @internal The connection cannot be opened after all. */
  discard(): void {
    this.#protocol.transportEnded();
  }

  // --- what the owner asks ---------------------------------------------------------------------------------

  /** True until a close frame is sent or received, or is going to be, and while TCP lasts. */
  get isOpen(): boolean {
    return this.#protocol.state === "open" && this.#pendingClose === undefined;
  }

  /** The stream below. Do not read from it or write to it. */
  get stream(): IOStream {
    if (this.#stream === undefined) throw new InvalidStateError("the WebSocket is not open yet");
    return this.#stream;
  }

  /** Bytes of messages that were written and have not been handed to the system. */
  get bufferedAmount(): number {
    return (this.#stream?.bytesQueued ?? 0) + (this.#outbox?.queuedBytes ?? 0) + this.#deflating;
  }

  /** How many messages the policy for slow consumers has dropped. */
  get dropped(): number {
    return this.#dropped + (this.#outbox?.dropped ?? 0);
  }

  /** Why the connection failed, if the peer broke a rule or a limit. */
  get violation(): WebSocketProtocolError | undefined {
    return this.#violation;
  }

  /** True if the peer did not do its part in time, and the connection was cut. */
  get wasCut(): boolean {
    return this.#wasCut;
  }

  /** Sends a message; the contract is that of `writeMessage()` of handlers and clients. */
  write(message: WebSocketMessage, options?: WriteMessageOptions): Promise<void> {
    if (!this.isOpen) return rejectedQuietly(new WebSocketClosedError());
    if (this.#params.makesRoom) this.#active();
    if (typeof message === "string" && options === undefined && this.#isPlain) {
      // The usual case, without an object for the message.
      this.#protocol.text(message);
      return this.#hasRoom();
    }
    let outgoing: OutgoingMessage;
    try {
      outgoing = new OutgoingMessage(message, options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#outbox !== undefined) return this.#outbox.push(outgoing);
    this.deliver(outgoing);
    return this.#hasRoom();
  }

  /**
   * Sends a message to one of many. `slow` says what happens where there is no room; default the outbox's
   * policy.
   */
  writeShared(message: SharedMessage, slow: "skip" | "disconnect" | undefined): SharedResult {
    if (!this.isOpen) return "closed";
    const outbox = this.#outbox;
    if (outbox === undefined) {
      this.deliver(message);
      return "sent";
    }
    if (slow === "skip") return "skipped";
    if (slow === "disconnect") {
      this.#cut("it reads too slowly for a broadcast");
      return "closed";
    }
    const { dropped } = outbox;
    const error = outbox.offer(message);
    if (error !== undefined) return this.isOpen ? "skipped" : "closed";
    return outbox.dropped === dropped ? "queued" : "dropped";
  }

  /** Sends a ping of at most 125 bytes. */
  ping(data: string | Uint8Array): void {
    this.#checkOpen();
    this.#protocol.ping(data);
  }

  /** Sends a pong that was not asked for. */
  pong(data: string | Uint8Array): void {
    this.#checkOpen();
    this.#protocol.pong(data);
  }

  /** Begins the closing handshake, behind the messages that are queued. Twice is fine. */
  close(code?: number | undefined, reason?: string | undefined): void {
    closePayload(code, reason);
    if (!this.isOpen) return;
    if (this.#outbox !== undefined && (this.#outbox.queuedMessages > 0 || this.#deflating > 0)) {
      this.#pendingClose = { code, reason };
      this.#await(CLOSE, this.#params.closeTimeout);
    } else {
      this.#sendClose(code, reason);
    }
  }

  /** Ends the connection at once, without a closing handshake. Twice is fine. */
  terminate(): void {
    this.#wasCut = true;
    this.#stream?.abort();
  }

  /** Switches Nagle's algorithm off (true) or on. */
  setNodelay(value: boolean): void {
    this.#stream?.setNodelay(value);
  }

  /** @internal The group is told when the connection closes. */
  join(group: ConnectionGroup): void {
    this.#groups ??= new Set();
    this.#groups.add(group);
  }

  /** @internal The connection is no member any more. */
  part(group: ConnectionGroup): void {
    this.#groups?.delete(group);
  }

  /** No message comes until the matching {@link WebSocketShell.release}. Pairs may be nested. */
  hold(): void {
    this.#holds++;
    this.#protocol.pause();
  }

  /** See {@link WebSocketShell.hold}. What waits comes inside this call. */
  release(): void {
    if (--this.#holds > 0) return;
    this.#protocol.resume();
    this.#followProtocol();
  }

  /** Closes with 1011 after an error of the owner, which is logged. */
  fail(error: unknown): void {
    try {
      this.#owner.logException(error);
    } finally {
      this.#outbox?.close(new WebSocketClosedError());
      if (this.isOpen) this.#sendClose(INTERNAL_ERROR, undefined);
    }
  }

  // --- UpgradedProtocol: what the server asks --------------------------------------------------------------

  /** @internal */
  shutdown(): void {
    leaveSoon(this.stream.ioLoop, this);
  }

  /** @internal */
  leave(): void {
    this.close(this.#params.shutdownCode);
  }

  /** @internal */
  abort(): void {
    this.#wasCut = this.#protocol.state !== "ended";
    if (this.isOpen) this.#protocol.close(TRY_AGAIN_LATER);
  }

  /** @internal */
  get idleSince(): number | undefined {
    if (!this.#params.makesRoom) return undefined;
    return this.isOpen && this.#outbox === undefined && this.#holds === 0
      ? this.#lastActive
      : Number.POSITIVE_INFINITY;
  }

  // --- StreamSink ------------------------------------------------------------------------------------------

  /** @internal */
  onData(chunk: Buffer): void {
    const stream = this.#stream!;
    this.#heard = true;
    const now = stream.ioLoop.time();
    this.#lastActive = now;
    coalesceWrites(stream, now);
    this.#protocol.receive(chunk);
    this.#followProtocol();
  }

  /** @internal */
  onFin(): void {
    this.#finReceived = true;
    this.#followProtocol();
  }

  /** @internal */
  onDrain(): void {
    this.#writeStall?.drained();
    this.#protocol.drained();
    this.#flush();
  }

  /**
   * @internal Two calls in one, which one object for each connection gets: the stream is closed (an error or
   * nothing), or the WebSocket is (a code and a reason).
   */
  onClose(cause?: Error | number | undefined, reason?: string): void {
    if (typeof cause === "number") {
      this.#closed(cause, reason ?? "");
      return;
    }
    this.#deadline?.dispose();
    this.#due = NONE;
    this.#writeStall?.dispose();
    this.#protocol.transportEnded();
  }

  // --- WebSocketOutput -------------------------------------------------------------------------------------

  /** @internal */
  send(data: string | Uint8Array, encoding?: "latin1" | "utf8"): boolean {
    const stream = this.#stream!;
    if (stream.send(data, encoding)) return true;
    // False for a closed stream as well.
    if (!stream.closed()) this.#full();
    return false;
  }

  /** @internal */
  cork(): void {
    this.#stream!.cork();
  }

  /** @internal */
  uncork(): void {
    this.#stream!.uncork();
  }

  /** @internal */
  finish(end: "ours" | "peers"): void {
    if (end === "ours") this.#linger();
    else this.#await(FIN, this.#params.closeTimeout);
  }

  // --- WebSocketVisitor ------------------------------------------------------------------------------------

  /** @internal */
  onMessage(data: string | Buffer): void {
    try {
      const pending = pendingResult(this.#owner.deliverMessage(data));
      if (pending !== undefined) this.#waitFor(pending);
    } catch (error) {
      this.fail(error);
    }
  }

  /** @internal */
  onPing(data: Buffer): void {
    this.#tell(() => this.#owner.onPing(data));
  }

  /** @internal */
  onPong(data: Buffer): void {
    this.#tell(() => this.#owner.onPong(data));
  }

  /** @internal */
  onError(error: WebSocketProtocolError): void {
    this.#violation = error;
    genLog.info("A WebSocket broke the protocol: %s", error.message);
  }

  // --- OutboxTarget ----------------------------------------------------------------------------------------

  /** @internal */
  deliver(message: OutgoingMessage): boolean {
    if (message instanceof SharedMessage) this.#sendShared(message);
    else this.#sendOne(message);
    return !this.#isBusy;
  }

  /** @internal */
  sizeOf(message: OutgoingMessage): number {
    return message.size;
  }

  /** @internal */
  disconnect(error: OutboxFullError): void {
    this.#cut(error.message);
  }

  // --- inside ----------------------------------------------------------------------------------------------

  /** The WebSocket is closed. */
  #closed(code: number, reason: string): void {
    if (this.#due !== FIN) this.#await(NONE, Number.POSITIVE_INFINITY);
    this.#pendingClose = undefined;
    const groups = this.#groups;
    this.#groups = undefined;
    if (groups !== undefined) for (const group of groups) group.drop(this);
    this.#outbox?.close(new WebSocketClosedError("the WebSocket was closed", { cause: this.#violation }));
    const hasCode = code !== NO_STATUS && code !== ABNORMAL_CLOSURE;
    this.#owner.onWsConnectionClose(hasCode ? code : undefined, hasCode ? reason : undefined);
  }

  /** Messages need no more than framing, and there is room. */
  get #isPlain(): boolean {
    return this.#outbox === undefined && this.#deflater === undefined;
  }

  /** The next message would have to wait. */
  get #isBusy(): boolean {
    return this.#deflating > 0 || this.#writeStall?.isFull === true;
  }

  #sendOne(message: OutgoingMessage): void {
    const { data, compress } = message;
    const deflater = this.#deflater;
    if (deflater !== undefined && compress && message.size >= ELSEWHERE)
      this.#deflateElsewhere(deflater, data, message.size);
    else if (typeof data === "string") this.#protocol.text(data, compress);
    else this.#protocol.binary(data, compress);
  }

  #sendShared(message: SharedMessage): void {
    const deflater = this.#deflater;
    if (this.#role === "client") this.#sendOne(message);
    else if (deflater === undefined || !message.compress) this.#protocol.frame(message.frame);
    else {
      deflater.forget();
      this.#protocol.frame(message.compressedFrame(deflater));
    }
  }

  #deflateElsewhere(deflater: ConnectionDeflater, data: string | Buffer, size: number): void {
    this.#deflating = size;
    this.#outbox ??= new Outbox(this, this.#params.outbox, true);
    const { ioLoop } = this.stream;
    ioLoop.external(deflateElsewhere(data, deflater.parameters, deflater.effort)).then(
      (payload) => {
        this.#deflating = 0;
        if (this.#protocol.state !== "open") return;
        deflater.forget();
        this.#protocol.compressed(payload, typeof data !== "string");
        this.#flush();
      },
      (error: unknown) => {
        this.#deflating = 0;
        this.fail(error);
      },
    );
  }

  /** The promise of a message that has been delivered. */
  #hasRoom(): Promise<void> {
    const outbox = this.#outbox;
    if (outbox === undefined) return RESOLVED;
    const { slowConsumer } = this.#params.outbox;
    return slowConsumer === "drop-oldest" || slowConsumer === "drop-newest" ? RESOLVED : outbox.whenRoom();
  }

  /** The stream is above its high-water mark. */
  #full(): void {
    this.#outbox ??= new Outbox(this, this.#params.outbox, true);
    this.#writeStall ??= new WriteStall(this.stream, this.#params.writeStallTimeout, () =>
      this.#cut("it stopped reading"),
    );
    this.#writeStall.full();
  }

  /** What is queued goes out if there is room again, then the close frame. */
  #flush(): void {
    const outbox = this.#outbox;
    if (outbox === undefined || this.#isBusy) return;
    outbox.flush();
    if (!outbox.hasRoom) return;
    this.#dropped += outbox.dropped;
    this.#outbox = undefined;
    const close = this.#pendingClose;
    if (close === undefined) return;
    this.#pendingClose = undefined;
    this.#sendClose(close.code, close.reason);
  }

  #sendClose(code: number | undefined, reason: string | undefined): void {
    this.#pendingClose = undefined;
    if (!this.#protocol.close(code, reason)) return;
    this.#await(CLOSE, this.#params.closeTimeout);
    this.#followProtocol();
  }

  #checkOpen(): void {
    if (!this.isOpen) throw new WebSocketClosedError();
  }

  #waitFor(pending: PromiseLike<unknown>): void {
    this.hold();
    pending.then(
      () => this.release(),
      (error: unknown) => {
        this.fail(error);
        this.release();
      },
    );
  }

  /** Calls a hook that nothing waits for. */
  #tell(call: () => unknown): void {
    try {
      pendingResult(call())?.then(undefined, (error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  /** The stream reads, or not, as the protocol can take it; the end of the input counts behind what waits. */
  #followProtocol(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isLingering) return;
    const waiting = this.#protocol.waitingBytes;
    if (this.#finReceived) {
      if (waiting === 0) this.#inputEnded();
      return;
    }
    const isFull = this.#protocol.paused && waiting > READ_AHEAD;
    if (isFull === this.#isReadingPaused) return;
    this.#isReadingPaused = isFull;
    if (isFull) stream.pauseReading();
    else stream.resumeReading();
  }

  /** The peer's FIN: of a client that has finished, or in the middle of everything. */
  #inputEnded(): void {
    this.#protocol.transportEnded();
    this.#linger();
  }

  /** What is queued goes out, then FIN; what the peer still sends is dropped within bounds. */
  #linger(): void {
    const stream = this.#stream!;
    if (this.#isLingering || stream.closed()) return;
    this.#isLingering = true;
    this.#await(NONE, Number.POSITIVE_INFINITY);
    this.#writeStall?.dispose();
    const limits = {
      writeStallTimeout: this.#params.writeStallTimeout,
      drainSize: DRAIN_SIZE,
      drainTimeout: DRAIN_TIMEOUT,
    };
    closeLingering(stream, limits, this.#finReceived, () => this.onClose());
  }

  #active(): void {
    this.#lastActive = this.stream.ioLoop.time();
  }

  /** Sets the one deadline. */
  #await(what: number, ms: number): void {
    this.#due = what;
    if (what === NONE) {
      this.#deadline?.clear();
      return;
    }
    this.#deadline ??= new Deadline(this.stream.ioLoop, timeIsUp, this);
    this.#deadline.set(ms);
  }

  /** @internal Called by the timer. */
  expired(): void {
    const { pingInterval, pingTimeout } = this.#params;
    switch (this.#due) {
      case PING:
        this.#ping();
        break;
      case PONG:
        if (!this.#heard) this.close(undefined, "ping timed out");
        else if (pingInterval > pingTimeout) this.#await(PING, pingInterval - pingTimeout);
        else this.#ping();
        break;
      case CLOSE:
      case FIN:
        this.#cut("it did not finish the closing handshake");
        break;
    }
  }

  #ping(): void {
    if (!this.isOpen) return;
    this.#heard = false;
    this.#await(PONG, this.#params.pingTimeout);
    this.#protocol.ping();
  }

  #cut(why: string): void {
    genLog.info("Cutting a WebSocket: %s", why);
    this.terminate();
  }
}
