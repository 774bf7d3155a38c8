/**
 * A server's connection: the requests of one stream, answered in order.
 *
 * Its states, as the reader, the exchange and the server drive it:
 *
 *     new ────────▶ idle                     served from now on
 *     idle ───────▶ exchange, stopping       between two requests; a part of a head may be there
 *     stopping ───▶ last-exchange            the server stops: the request whose head is coming is the last
 *     exchange ───▶ idle, last-exchange,     a request is being received or answered
 *                   discard, paused, upgraded
 *     last-exchange ▶ upgraded               the same, and the connection ends with it
 *     discard ────▶ idle, paused             answered, but not read: what is left of the body is discarded
 *     paused ─────▶ idle                     answered, but the peer is behind with reading
 *     upgraded ───▶ leaving                  another protocol has the stream
 *     leaving                                the server stops and has asked that protocol to go
 *     all before ─▶ closing                  lingering close, also after an error response
 *     all ────────▶ closed
 *
 * A pipelined request waits as bytes until the one before it is answered, so answers cannot change their
 * order (RFC 9112 §9.3.2) and nothing of a later request can happen early. It waits, too, until there is room
 * for its answer: a peer that sends requests and does not read fills no memory.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog, genLog } from "../../base/log.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPInputError } from "../../protocol/fields/errors.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import { HTTP1Sender, type ResponseContext } from "../../protocol/http1/sender.js";
import type { HTTP1RequestHead } from "../../protocol/http1/visitor.js";
import { bareHeaders, bareStartLine } from "../delegates/bare-response.js";
import { gunzipDelegate } from "../delegates/gunzip.js";
import type { HTTPMessageDelegate, HTTPServerConnectionDelegate, UpgradedProtocol } from "../delegates.js";
import { type AbortCause, ExchangeAbortedError } from "../errors.js";
import type { PeerContext } from "../peer.js";
import { contained } from "./contained.js";
import {
  type ExchangeEvent,
  type ExchangeHost,
  HTTP1Exchange,
  markReceived,
  reportAbort,
  revoke,
} from "./exchange.js";
import { closeLingering } from "./lingering-close.js";
import { type MessageOwner, MessageReader, type ReadFailure, type ReadState } from "./message-reader.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./params.js";
import type { ServerConnection, ShutdownState } from "./server-protocol.js";
import { type State, statesOf, step, type Transitions } from "./transitions.js";
import { WriteStall } from "./write-stall.js";

/** Where a server's connection is. */
export type ServerConnectionState =
  | "new"
  | "idle"
  | "stopping"
  | "exchange"
  | "last-exchange"
  | "discard"
  | "paused"
  | "upgraded"
  | "leaving"
  | "closing"
  | "closed";

/** Which states may follow which. */
export const SERVER_TRANSITIONS: Transitions<ServerConnectionState> = {
  new: ["idle", "closing", "closed"],
  idle: ["exchange", "stopping", "closing", "closed"],
  stopping: ["last-exchange", "closing", "closed"],
  exchange: ["idle", "last-exchange", "discard", "paused", "upgraded", "closing", "closed"],
  "last-exchange": ["upgraded", "closing", "closed"],
  discard: ["idle", "paused", "closing", "closed"],
  paused: ["idle", "closing", "closed"],
  upgraded: ["leaving", "closed"],
  leaving: ["closed"],
  closing: ["closed"],
  closed: [],
};

const STATE = statesOf(SERVER_TRANSITIONS);

/** An error response is the last message of its connection, whatever was asked. */
const REFUSED: ResponseContext = { method: "GET", version: "HTTP/1.1", keepAlive: false };

/** The loop has looked at its sockets since. */
function nextTurn(loop: IOLoop): Promise<void> {
  return new Promise((resolve) => void loop.addCallback(resolve));
}

/** Filled and read within one call of a sender, so one is enough for all connections. */
const context: { -readonly [K in keyof ResponseContext]: ResponseContext[K] } = { ...REFUSED };

/** Serves the requests of one stream. */
export class HTTP1ServerConnection implements ServerConnection, ExchangeHost, MessageOwner<HTTP1RequestHead> {
  /** The stream that is served. */
  readonly stream: IOStream;
  /** Limits and times, the same object for all connections of a server. */
  readonly params: HTTP1ConnectionParameters;
  /** What requests learn about the peer. */
  readonly context: PeerContext | undefined;

  #state: State<ServerConnectionState> = STATE.new;
  #delegate: HTTPServerConnectionDelegate | undefined = undefined;
  #reader: MessageReader<HTTP1RequestHead> | undefined = undefined;
  /** One for all responses; made for the first. */
  #sender: HTTP1Sender | undefined = undefined;
  /** The exchange in progress. */
  #exchange: HTTP1Exchange | undefined = undefined;
  /** How an upgraded protocol can be reached. */
  #protocol: UpgradedProtocol | undefined = undefined;
  #writeStall: WriteStall | undefined = undefined;
  #requests = 0;
  #waitingForClose: (() => void)[] | undefined = undefined;

  constructor(
    stream: IOStream,
    params?: HTTP1ConnectionParameters | HTTP1ConnectionOptions,
    context?: PeerContext,
  ) {
    this.stream = stream;
    this.params =
      params instanceof HTTP1ConnectionParameters ? params : new HTTP1ConnectionParameters(params);
    this.context = context;
  }

  /** Where the connection is. */
  get state(): ServerConnectionState {
    return this.#state.name;
  }

  /**
   * @internal What the reader of the connection is busy with; undefined before it serves and once it has
   * ended.
   */
  get readState(): ReadState | undefined {
    return this.#reader?.state;
  }

  /**
   * Begins to serve: each request goes to a message delegate that `delegate.startRequest` makes. Call it
   * once.
   */
  startServing(delegate: HTTPServerConnectionDelegate): void {
    this.#delegate = delegate;
    this.#reader = new MessageReader<HTTP1RequestHead>(this.stream, "server", this.params, this);
    this.#become(STATE.idle);
    this.#reader.start();
  }

  // --- ServerConnection: what the server asks --------------------------------------------------------------

  close(): Promise<void> {
    this.#cutOffProtocol();
    this.stream.close();
    return this.whenClosed();
  }

  whenClosed(): Promise<void> {
    if (this.#state === STATE.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waitingForClose ??= [];
      this.#waitingForClose.push(resolve);
    });
  }

  get idleSince(): number {
    if (this.#state === STATE.upgraded) return this.#protocol?.idleSince ?? Number.POSITIVE_INFINITY;
    const reader = this.#reader;
    const isIdle = this.#state === STATE.idle && reader?.isIdle === true && !this.stream.closed();
    return isIdle ? reader.now : Number.POSITIVE_INFINITY;
  }

  get wasCut(): boolean {
    return this.#protocol?.wasCut === true;
  }

  async shutdown(): Promise<ShutdownState> {
    switch (this.#state.name) {
      case "upgraded": {
        const protocol = this.#protocol;
        this.#become(STATE.leaving);
        contained("shutdown() of an upgraded protocol", () => protocol?.shutdown());
        return "upgraded";
      }
      case "leaving":
        return "upgraded";
      case "exchange":
        this.#become(STATE["last-exchange"]);
        return "busy";
      case "discard":
      case "paused":
        // What is being discarded is no request, and requests behind a full output have not been looked at.
        this.#closeLingering();
        return "busy";
      case "idle":
        this.#become(STATE.stopping);
        return this.#stopIdle();
      default:
        return "busy";
    }
  }

  /**
   * A request, or a part of one, may have come that was not read yet: its client would have to send it again
   * elsewhere.
   */
  async #stopIdle(): Promise<ShutdownState> {
    const { ioLoop } = this.stream;
    const requests = this.#requests;
    // Before the handshake there is nothing to read. Else the socket is looked at between two turns of the
    // loop.
    if (!this.stream.connecting) for (let turn = 0; turn < 2; turn++) await nextTurn(ioLoop);
    if (this.#state === STATE.stopping && this.#reader?.isIdle === false) return "busy";
    if (this.#state !== STATE.stopping) return this.#requests === requests ? "idle" : "busy";
    if (this.stream.connecting) this.stream.close();
    else this.#closeLingering();
    return "idle";
  }

  async abort(): Promise<boolean> {
    const hadExchange = this.#exchange !== undefined;
    this.#abortExchange("stopping");
    // What the application answers to that at once still leaves.
    if (hadExchange) await nextTurn(this.stream.ioLoop);
    if (this.#state === STATE.closed) return false;
    const isCut = this.#isBusy;
    this.#cutOffProtocol();
    this.#breakOff();
    return isCut;
  }

  /** Something is lost when the connection ends now. */
  get #isBusy(): boolean {
    switch (this.#state.name) {
      case "closing":
        return this.stream.bytesQueued > 0;
      case "stopping":
        return this.#reader?.isIdle === false;
      case "new":
      case "idle":
        return false;
      default:
        return true;
    }
  }

  #cutOffProtocol(): void {
    if (this.#state !== STATE.upgraded && this.#state !== STATE.leaving) return;
    contained("abort() of an upgraded protocol", () => this.#protocol?.abort?.());
  }

  // --- MessageOwner: what the reader reports ---------------------------------------------------------------

  /** @internal */
  messageBegins(head: HTTP1RequestHead): HTTPMessageDelegate {
    this.#requests++;
    const peer = this.context?.forRequest?.(head) ?? this.context;
    const exchange = this.makeExchange(head, peer, this.#reader!.now);
    this.#become(this.#state === STATE.stopping ? STATE["last-exchange"] : STATE.exchange);
    this.#exchange = exchange;
    const message = this.#delegate!.startRequest(this, exchange);
    return this.params.decompress ? this.#unpacked(message, exchange) : message;
  }

  /** @internal Makes the exchange of a request. */
  protected makeExchange(
    head: HTTP1RequestHead,
    peer: PeerContext | undefined,
    startTime: number,
  ): HTTP1Exchange {
    return new HTTP1Exchange(this, peer, head, startTime);
  }

  #unpacked(message: HTTPMessageDelegate, exchange: HTTP1Exchange): HTTPMessageDelegate {
    const limits = {
      chunkSize: this.params.chunkSize,
      get maxBodySize() {
        return exchange.maxBodySize;
      },
    };
    return gunzipDelegate(message, this.stream.ioLoop, limits, (error) => {
      if (this.#exchange === exchange) this.readFailed("delegate", error);
    });
  }

  /** @internal */
  headAccepted(head: HTTP1RequestHead): void {
    // A client whose body is too large must not be asked to send it.
    const limit = this.#reader?.receiver.maxBodySize ?? 0;
    if (head.expectContinue && head.contentLength <= limit) this.#exchange?.writeContinue();
  }

  /** @internal */
  messageWhole(trailers: RawFields | undefined): void {
    if (this.#exchange !== undefined) markReceived(this.#exchange, trailers);
  }

  /** @internal */
  messageEnds(): void {
    if (this.#state === STATE.discard) this.#goOn();
  }

  /** @internal */
  readFailed(failure: ReadFailure, error: unknown): void {
    switch (failure) {
      case "input":
        this.#inputFailed(error as HTTPInputError);
        break;
      case "delegate":
        if (!(error instanceof HTTPInputError)) {
          appLog.exception("Uncaught exception in an HTTP message delegate", error);
        }
        // Without an exchange the request has had its answer: a second one would be taken for that to the
        // next.
        if (this.#exchange === undefined) this.#closeLingering();
        else if (error instanceof HTTPInputError) this.#inputFailed(error);
        else this.#refuse(500);
        break;
      case "timeout":
        genLog.info("Timeout reading the %s of a request from %s", this.#reader?.state, this.#peer);
        this.#refuse(408);
        break;
      case "half-closed":
        // The client has ended its side and got no answer for a long time: it is gone.
        this.#abortExchange("closed");
        this.#closeLingering();
        break;
      default:
        this.#closeLingering();
    }
  }

  #inputFailed(error: HTTPInputError): void {
    genLog.info("Malformed HTTP message from %s: %s", this.#peer, error.message);
    this.#refuse(error.status);
  }

  /** @internal */
  peerEnded(): void {
    if (this.#exchange !== undefined) {
      this.#reader?.limitHalfClosed();
      this.#abortExchange("half-closed");
    } else if (this.#state === STATE.paused) {
      // Requests that wait for room are answered; the reader reports the end again behind them.
      this.#reader?.limitHalfClosed();
    } else {
      this.#closeLingering();
    }
  }

  /** @internal */
  full(): void {
    this.#writeStall ??= new WriteStall(this.stream, this.params.writeStallTimeout, this);
    this.#writeStall.full();
  }

  /** @internal */
  writable(): void {
    this.#writeStall?.drained();
    if (this.#state === STATE.paused) this.#goOn();
  }

  /** @internal */
  streamClosed(error: Error | undefined): void {
    if (this.#state === STATE.closed) return;
    this.#writeStall?.dispose();
    this.#abortExchange("closed", error);
    this.#become(STATE.closed);
    this.#exchange = undefined;
    if (!this.wasCut) this.#protocol = undefined;
    this.#reader = undefined;
    contained("onClose() of an HTTP server delegate", () => this.#delegate?.onClose?.(this));
    for (const resolve of this.#waitingForClose ?? []) resolve();
  }

  // --- ExchangeHost: what the exchange reports -------------------------------------------------------------

  /** @internal */
  get sender(): HTTP1Sender {
    this.#sender ??= new HTTP1Sender(this.stream);
    return this.#sender;
  }

  /** @internal */
  responseContext(exchange: HTTP1Exchange): ResponseContext {
    const head = exchange.requestHead;
    context.method = head?.method ?? "GET";
    context.version = head?.version ?? "HTTP/1.1";
    context.keepAlive = head !== undefined && this.#mayKeepAlive(exchange, head);
    return context;
  }

  #mayKeepAlive(exchange: HTTP1Exchange, head: HTTP1RequestHead): boolean {
    return (
      head.keepAlive &&
      this.#state === STATE.exchange &&
      !this.params.noKeepAlive &&
      this.#requests < this.params.maxRequests &&
      (exchange.messageReceived || this.#canDiscard(head))
    );
  }

  /** @internal */
  onExchange(event: ExchangeEvent, exchange: HTTP1Exchange, value = 0): void {
    if (exchange !== this.#exchange) return;
    switch (event) {
      case "full":
        this.full();
        break;
      case "finished":
        this.#exchangeFinished(exchange);
        break;
      case "stream-gone":
        // A failed write closes the stream before the socket reports its end: the application learns why,
        // first.
        this.#abortExchange("closed", this.stream.error);
        break;
      case "close":
        this.#breakOff();
        break;
      case "max-body-size":
        this.#reader?.setMaxBodySize(value);
        break;
      case "body-timeout":
        this.#reader?.setBodyTimeout(value);
        break;
    }
  }

  #exchangeFinished(exchange: HTTP1Exchange): void {
    this.#exchange = undefined;
    if (this.#state !== STATE.exchange || !this.sender.keepAlive) {
      this.#closeLingering();
    } else if (exchange.messageReceived) {
      this.#goOn();
    } else {
      this.#become(STATE.discard);
      this.#reader?.discard();
    }
  }

  /**
   * The exchange is over and its request was read: on to the next one, unless the peer is behind with
   * reading.
   */
  #goOn(): void {
    if (this.#writeStall?.isFull === true) {
      this.#become(STATE.paused);
    } else {
      this.#become(STATE.idle);
      this.serveNext();
    }
  }

  /** @internal An exchange is over and was not the last: goes on with the next request. */
  protected serveNext(): void {
    this.#reader?.release();
  }

  /**
   * @internal Gives the stream of an idle connection back, with what was read too far; the connection is over
   * then.
   */
  protected giveBack(): void {
    const reader = this.#reader;
    this.#become(STATE.closed);
    this.#reader = undefined;
    this.#writeStall?.dispose();
    reader?.detach();
  }

  /** @internal */
  release(exchange: HTTP1Exchange, protocol: UpgradedProtocol | undefined): IOStream {
    const reader = this.#reader;
    if (reader === undefined || this.#exchange !== exchange) {
      throw new InvalidStateError("detach() came too late: the connection ends, or serves another exchange");
    }
    this.#become(STATE.upgraded);
    this.#exchange = undefined;
    this.#reader = undefined;
    this.#sender = undefined;
    this.#protocol = protocol;
    this.#writeStall?.dispose();
    this.#writeStall = undefined;
    const stream = reader.detach();
    stream.watchClose(this);
    return stream;
  }

  // --- endings ---------------------------------------------------------------------------------------------

  #become(next: State<ServerConnectionState>): void {
    this.#state = step(this.#state, next);
  }

  /**
   * A body that may be discarded to keep the connection: it is on its way, and short or of unknown length.
   */
  #canDiscard(head: HTTP1RequestHead): boolean {
    return !head.expectContinue && head.contentLength <= this.params.drainSize;
  }

  /**
   * Answers with a bare status if nothing was answered yet, tells the application, and closes. While a body
   * is being discarded its request has had its answer: a second one would be taken for that to the next.
   */
  #refuse(status: number): void {
    const isAnswered =
      this.#exchange === undefined ? this.#state === STATE.discard : this.#exchange.state !== "fresh";
    this.#abortExchange("closed");
    if (!isAnswered && !this.stream.closed()) {
      const headers = bareHeaders(this.params.serverHeader, this.stream.ioLoop);
      this.sender.respond(bareStartLine(status), headers.toRaw(), REFUSED);
    }
    this.#closeLingering();
  }

  /** Ends the stream at once, with a reset where a plain end would make the message look whole. */
  #breakOff(): void {
    if (this.#sender?.endsByClosing === true) this.stream.abort();
    else this.stream.close();
  }

  /** The exchange in progress ends before its answer is done. */
  #abortExchange(reason: AbortCause, cause?: Error): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const error = new ExchangeAbortedError(reason, { cause });
    // First, so that nothing that is called from here can write into what the server sends.
    if (reason === "closed") revoke(exchange);
    contained("onConnectionClose() of an HTTP message delegate", () =>
      this.#reader?.abort(error, exchange.messageReceived),
    );
    reportAbort(exchange, error);
  }

  #closeLingering(): void {
    const reader = this.#reader;
    if (reader === undefined || this.#state === STATE.closing) return;
    this.#become(STATE.closing);
    this.#exchange = undefined;
    const peerEnded = reader.peerHasEnded;
    reader.stop();
    this.#writeStall?.drained();
    if (this.#sender?.endsByClosing === true) this.stream.abort();
    if (this.stream.closed()) return;
    closeLingering(this.stream, this.params, peerEnded, (error) => this.streamClosed(error));
  }

  /** @internal A peer that took nothing in the whole time is gone for us. */
  writeStalled(): void {
    genLog.info("%s stopped reading its response; closing the connection", this.#peer);
    this.#abortExchange("write-stalled");
    this.stream.abort();
  }

  get #peer(): unknown {
    return this.context ?? "peer";
  }
}
