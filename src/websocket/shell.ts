/**
 * One end of a WebSocket on a stream: the shell around the protocol (`protocol/websocket/connection.ts`),
 * which knows neither sockets nor time. It moves bytes, and holds messages back on both sides.
 *
 * **In.** Chunks go from the stream to the protocol, and messages to the owner. When the owner returns a
 * promise, the protocol stands still until it is settled. The stream goes on reading meanwhile, so that a
 * peer which leaves is noticed, until {@link READ_AHEAD} bytes wait.
 *
 * **Out.** Messages go straight to the stream while it has room; else to the backlog (`backlog.ts`).
 *
 * **Time.** Pings, and how long the peer may take for its part of the close, are the clock's
 * (`shell-clock.ts`).
 *
 * Backlog and clock are made when they are first needed, and nothing here makes a closure or a promise for a
 * connection that is idle.
 */
import { pendingResult } from "../async/coroutine/yieldable.js";
import { RESOLVED, rejectedQuietly } from "../async/deferred.js";
import { TurnBudget } from "../async/turn-budget.js";
import { InvalidStateError } from "../base/errors.js";
import { genLog } from "../base/log.js";
import { closeLingering } from "../http/connection/lingering-close.js";
import type { UpgradedProtocol } from "../http/delegates.js";
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
import { WebSocketClosedError, type WebSocketProtocolError } from "../protocol/websocket/errors.js";
import type { WebSocketRole } from "../protocol/websocket/opcodes.js";
import { Backlog, type BacklogOwner } from "./backlog.js";
import { ConnectionDeflater, ConnectionInflater, type InflaterOwner } from "./deflate-contexts.js";
import type { SharedResult, ShellCompression, WebSocketLink, WebSocketOwner } from "./link.js";
import {
  OutgoingMessage,
  SharedMessage,
  type WebSocketMessage,
  type WriteMessageOptions,
} from "./outgoing-message.js";
import type { WebSocketParams } from "./params.js";
import { type ClockOwner, ShellClock } from "./shell-clock.js";
import { leaveSoon } from "./shutdown-batches.js";

/** Something that connections are members of while they are open, such as a topic. */
export interface ConnectionGroup {
  /** A member has closed. */
  drop(connection: WebSocketShell): void;
}

/** Bytes that may wait behind a message that is being worked on before the socket is paused. */
const READ_AHEAD = 65_536;
/** From this size on, a message is compressed in another thread: here it would take some milliseconds. */
const ELSEWHERE = 131_072;
/** What a peer may send after the closing handshake, and for how long, before the connection is cut. */
const DRAIN_SIZE = 262_144;
const DRAIN_TIMEOUT = 2000;

const TRY_AGAIN_LATER = 1013;

/** See the head of this file. */
export class WebSocketShell
  implements
    WebSocketVisitor,
    WebSocketOutput,
    StreamSink,
    UpgradedProtocol,
    BacklogOwner,
    InflaterOwner,
    ClockOwner,
    WebSocketLink
{
  readonly #role: WebSocketRole;
  readonly #owner: WebSocketOwner;
  readonly #params: WebSocketParams;
  readonly #deflater: ConnectionDeflater | undefined;
  readonly #protocol: WebSocketConnection;
  #stream: IOStream | undefined = undefined;
  #backlog: Backlog | undefined = undefined;
  #clock: ShellClock | undefined = undefined;
  /** Why no message may come, counted. */
  #holds = 0;
  #isReadingPaused = false;
  #finReceived = false;
  #wasCut = false;
  #isLingering = false;
  /** When something was sent or received last; kept only if the connection makes room. */
  #lastActive = 0;
  #violation: WebSocketProtocolError | undefined = undefined;
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
      inflater: input && new ConnectionInflater(input, this),
      deflater: this.#deflater,
    });
  }

  /** @internal Takes the stream, with what has been read too far. Messages come from the next turn on. */
  start(stream: IOStream): void {
    this.#stream = stream;
    stream.consume(this);
    if (this.#params.makesRoom) this.#lastActive = stream.ioLoop.time();
    if (this.#params.pingInterval !== Number.POSITIVE_INFINITY) this.#time.awaitPing();
  }

  /** @internal The connection cannot be opened after all. */
  discard(): void {
    this.#protocol.transportEnded();
  }

  // --- what the owner asks ---------------------------------------------------------------------------------

  /** True until a close frame is sent or received, or is going to be, and while TCP lasts. */
  get isOpen(): boolean {
    return this.#protocol.state === "open" && this.#backlog?.isClosing !== true;
  }

  /** The stream below. Do not read from it or write to it. */
  get stream(): IOStream {
    if (this.#stream === undefined) throw new InvalidStateError("the WebSocket is not open yet");
    return this.#stream;
  }

  /** Bytes of messages that were written and have not been handed to the system. */
  get bufferedAmount(): number {
    return (this.#stream?.bytesQueued ?? 0) + (this.#backlog?.bytes ?? 0);
  }

  /** How many messages the policy for slow consumers has dropped. */
  get dropped(): number {
    return this.#backlog?.dropped ?? 0;
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
    if (this.#params.makesRoom) this.#lastActive = this.stream.ioLoop.time();
    const isBehind = this.#backlog?.isBehind === true;
    if (typeof message === "string" && options === undefined && !isBehind && this.#deflater === undefined) {
      // The usual case, without an object for the message.
      this.#protocol.text(message);
      return this.#afterWrite(message.length, this.#backlog?.whenRoom());
    }
    let outgoing: OutgoingMessage;
    try {
      outgoing = new OutgoingMessage(message, options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (isBehind) return this.#afterWrite(outgoing.size, this.#backlog!.push(outgoing));
    this.sendNow(outgoing);
    return this.#afterWrite(outgoing.size, this.#backlog?.whenRoom());
  }

  /** The promise of a message of this size: `room`, or, if there is some, now and then a turn of the loop. */
  #afterWrite(size: number, room: Promise<void> | undefined): Promise<void> {
    const hasRoom = room === undefined || room === RESOLVED;
    return hasRoom ? TurnBudget.of(this.stream.ioLoop).spend(size) : room;
  }

  /**
   * Sends a message to one of many. `slow` says what happens where there is no room; default the outbox's
   * policy.
   */
  writeShared(message: SharedMessage, slow: "skip" | "disconnect" | undefined): SharedResult {
    if (!this.isOpen) return "closed";
    const backlog = this.#backlog;
    if (backlog?.isBehind !== true) {
      this.sendNow(message);
      return "sent";
    }
    if (slow === "skip") return "skipped";
    if (slow === undefined) return backlog.offer(message);
    this.cut("it reads too slowly for a broadcast");
    return "closed";
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
    if (this.#backlog?.closeBehind(code, reason) === true) this.#time.awaitClose();
    else this.sendClose(code, reason);
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
      this.#backlog?.close(new WebSocketClosedError());
      if (this.isOpen) this.sendClose(INTERNAL_ERROR, undefined);
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
    return this.isOpen && this.#backlog?.isBehind !== true && this.#holds === 0
      ? this.#lastActive
      : Number.POSITIVE_INFINITY;
  }

  // --- StreamSink ------------------------------------------------------------------------------------------

  /** @internal */
  onData(chunk: Buffer): void {
    this.#take(chunk, false);
  }

  /** @internal */
  onLent(chunk: Buffer): void {
    this.#take(chunk, true);
  }

  #take(chunk: Buffer, isLent: boolean): void {
    const stream = this.#stream!;
    this.#clock?.heard();
    const now = stream.ioLoop.time();
    if (this.#params.makesRoom) this.#lastActive = now;
    coalesceWrites(stream, now);
    this.#protocol.receive(chunk, isLent);
    this.#followProtocol();
  }

  /** @internal */
  onFin(): void {
    this.#finReceived = true;
    this.#followProtocol();
  }

  /** @internal */
  onFull(): void {
    this.#waiting.full();
  }

  /** @internal */
  onDrain(): void {
    this.#backlog?.drained();
    // A pong that waited may fill the stream again.
    this.#protocol.drained();
    this.#backlog?.flush();
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
    this.#clock?.dispose();
    this.#backlog?.dispose();
    this.#protocol.transportEnded();
  }

  // --- WebSocketOutput -------------------------------------------------------------------------------------

  /** @internal */
  send(data: string | Uint8Array, encoding?: "latin1" | "utf8"): boolean {
    const stream = this.#stream!;
    if (stream.send(data, encoding)) return true;
    // False for a closed stream as well.
    if (!stream.closed()) this.#waiting.full();
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
    else this.#time.awaitFin();
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

  // --- BacklogOwner ----------------------------------------------------------------------------------------

  /** @internal */
  sendNow(message: OutgoingMessage): void {
    const { data, compress } = message;
    const deflater = compress ? this.#deflater : undefined;
    if (message instanceof SharedMessage && this.#role === "server") {
      deflater?.forget();
      this.#protocol.frame(deflater === undefined ? message.frame : message.compressedFrame(deflater));
    } else if (deflater !== undefined && message.size >= ELSEWHERE) this.#waiting.deflate(deflater, message);
    else if (typeof data === "string") this.#protocol.text(data, compress);
    else this.#protocol.binary(data, compress);
  }

  /** @internal */
  sendCompressed(payload: Buffer, isBinary: boolean): void {
    if (this.#protocol.state !== "open") return;
    this.#deflater?.forget();
    this.#protocol.compressed(payload, isBinary);
  }

  /** @internal */
  sendClose(code: number | undefined, reason: string | undefined): void {
    if (!this.#protocol.close(code, reason)) return;
    this.#time.awaitClose();
    this.#followProtocol();
  }

  /** @internal Also what the clock asks. */
  cut(why: string): void {
    genLog.info("Cutting a WebSocket: %s", why);
    this.terminate();
  }

  // --- InflaterOwner ---------------------------------------------------------------------------------------

  /** @internal */
  inflatedInTurns(): void {
    this.#followProtocol();
  }

  // --- ClockOwner ------------------------------------------------------------------------------------------

  /** @internal */
  keepAlive(): void {
    if (this.isOpen) this.#protocol.ping();
  }

  /** @internal */
  fellSilent(): void {
    this.close(undefined, "ping timed out");
  }

  // --- inside ----------------------------------------------------------------------------------------------

  /** The backlog, for messages that cannot leave at once. */
  get #waiting(): Backlog {
    this.#backlog ??= new Backlog(this, this.#params);
    return this.#backlog;
  }

  get #time(): ShellClock {
    this.#clock ??= new ShellClock(this.stream.ioLoop, this.#params, this);
    return this.#clock;
  }

  /** The WebSocket is closed. */
  #closed(code: number, reason: string): void {
    this.#clock?.closed();
    const groups = this.#groups;
    this.#groups = undefined;
    if (groups !== undefined) for (const group of groups) group.drop(this);
    this.#backlog?.close(new WebSocketClosedError("the WebSocket was closed", { cause: this.#violation }));
    const hasCode = code !== NO_STATUS && code !== ABNORMAL_CLOSURE;
    this.#owner.onWsConnectionClose(hasCode ? code : undefined, hasCode ? reason : undefined);
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
      if (waiting === 0 && !this.#protocol.inflating) this.#inputEnded();
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
    this.#clock?.stop();
    this.#backlog?.dispose();
    const limits = {
      writeStallTimeout: this.#params.writeStallTimeout,
      drainSize: DRAIN_SIZE,
      drainTimeout: DRAIN_TIMEOUT,
    };
    closeLingering(stream, limits, this.#finReceived, () => this.onClose());
  }
}
