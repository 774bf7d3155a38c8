/**
 * A server's connection: the requests of one stream, answered in order.
 *
 * The life of a connection, as the reader and the exchange drive it:
 *
 *     rest ──head──▶ exchange ──answer done and request read──▶ rest ─┄▶ …
 *                       │ answer done, request not read ──▶ drain ──▶ rest, or close in stages
 *                       │ answer done, but the peer is behind with reading ──▶ hold until there is room ──▶ rest
 *                       │ the input breaks a rule ──▶ refuse ──▶ close in stages
 *                       │ the stream is given away ──▶ guest
 *     any ──the stream closes──▶ closed (terminal)
 *
 * A pipelined request waits as bytes until the one before it is answered, so answers cannot change their order
 * (RFC 9112 §9.3.2) and nothing of a later request can happen early. It waits, too, until there is room for its
 * answer: who sends requests and does not read fills no memory.
 */
import { Deadline } from "../../async/timers/deadline.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog, genLog } from "../../base/log.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPInputError } from "../../protocol/fields/errors.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { HTTP1Error } from "../../protocol/http1/errors.js";
import { HTTP1Sender, type ResponseContext } from "../../protocol/http1/sender.js";
import type { HTTP1RequestHead } from "../../protocol/http1/visitor.js";
import { bareHeaders, bareStartLine } from "../delegates/bare-response.js";
import { gunzipDelegate } from "../delegates/gunzip.js";
import type { HTTPMessageDelegate, HTTPServerConnectionDelegate, UpgradedProtocol } from "../delegates.js";
import { type AbortCause, ExchangeAbortedError } from "../errors.js";
import type { PeerContext } from "../peer.js";
import type { ExchangeHost, HostedExchange } from "./exchange-host.js";
import { HTTP1Connection } from "./http1-connection.js";
import { closeInStages } from "./linger.js";
import { type MessageOwner, MessageReader, type ReadPhase } from "./message-reader.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./params.js";

/** A refusal is the last message of its connection, whatever was asked. */
const REFUSED: ResponseContext = { method: "GET", version: "HTTP/1.1", keepAlive: false };

/** A context that can tell what a request's header fields make of it (proxies). */
interface RequestAwareContext extends PeerContext {
  forRequest(head: HTTP1RequestHead): PeerContext;
}

function isRequestAware(context: PeerContext | undefined): context is RequestAwareContext {
  return typeof (context as Partial<RequestAwareContext> | undefined)?.forRequest === "function";
}

function writeStalled(connection: HTTP1ServerConnection): void {
  connection.writeStallPassed();
}

/** What a connection was doing when the server asked it to end. */
export type ShutdownState = "idle" | "busy" | "guest";

/** Serves the requests of one stream. */
export class HTTP1ServerConnection implements ExchangeHost, MessageOwner<HTTP1RequestHead> {
  /** The stream that is served. */
  readonly stream: IOStream;
  /** Limits and times, the same object for all connections of a server. */
  readonly params: HTTP1ConnectionParameters;
  /** What requests learn about the peer. */
  readonly context: PeerContext | undefined;

  readonly #perRequest: RequestAwareContext | undefined;
  #delegate: HTTPServerConnectionDelegate | undefined = undefined;
  #reader: MessageReader<HTTP1RequestHead> | undefined = undefined;
  #exchange: HTTP1Connection | undefined = undefined;
  /** The delegate of the request that is being received. */
  #message: HTTPMessageDelegate | undefined = undefined;
  #guest: UpgradedProtocol | undefined = undefined;
  #writeStall: Deadline<HTTP1ServerConnection> | undefined = undefined;
  #progressAtStall = 0;
  /** More is queued for the peer than should be. */
  #backlog = false;
  #requests = 0;
  #stopping = false;
  #closing = false;
  #closed = false;
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
    this.#perRequest = isRequestAware(context) ? context : undefined;
  }

  /** Begins to serve: each request goes to a message delegate that `delegate.startRequest` makes. Call it once. */
  startServing(delegate: HTTPServerConnectionDelegate): void {
    this.#delegate = delegate;
    this.#reader = new MessageReader<HTTP1RequestHead>(this.stream, "server", this.params, this);
    this.#reader.start();
  }

  /** Closes the stream at once and resolves when it is closed and every delegate has heard so. */
  close(): Promise<void> {
    this.stream.close();
    return this.whenClosed();
  }

  /** Resolves when the stream is closed; never rejects. */
  whenClosed(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waitingForClose ??= [];
      this.#waitingForClose.push(resolve);
    });
  }

  /**
   * Asks the connection to end: a resting one closes now, a running exchange is the last one, a guest on the
   * stream is told. Answers what it was doing.
   */
  shutdown(): ShutdownState {
    this.#stopping = true;
    if (this.#guest !== undefined) {
      const guest = this.#guest;
      this.#guest = undefined;
      this.#contained("shutdown() of a protocol on a detached stream", () => guest.shutdown());
      return "guest";
    }
    if (this.#reader === undefined) return "guest";
    if (this.#closing || this.#exchange !== undefined) return "busy";
    const { resting, receiving } = this.#reader;
    // A request of which only a part has come is a request: its client would have to send it again elsewhere. What
    // is being drained is not, and requests behind a full output have not been looked at.
    if (resting || receiving || this.#backlog) this.#endInStages();
    return resting ? "idle" : "busy";
  }

  /** Since when, in the loop's time, nothing has happened between two requests, or before the first; else `Infinity`. */
  get restingSince(): number {
    const reader = this.#reader;
    const isResting =
      reader?.resting === true && this.#exchange === undefined && !this.#closing && !this.stream.closed();
    return isResting ? reader.now : Number.POSITIVE_INFINITY;
  }

  /** Ends what is still running because the server's grace is over. */
  abort(): void {
    const exchange = this.#exchange;
    this.#abortExchange("stopping");
    if (exchange === undefined) this.stream.close();
    else exchange.breakOff();
  }

  // -- MessageOwner: what the reader tells

  messageBegins(head: HTTP1RequestHead): HTTPMessageDelegate {
    this.#requests++;
    const context = this.#perRequest === undefined ? this.context : this.#perRequest.forRequest(head);
    const exchange = new HTTP1Connection(this.stream, false, this.params, context, this, head);
    exchange.startTime = this.#reader!.now;
    this.#exchange = exchange;
    let message = this.#delegate!.startRequest(this, exchange);
    if (this.params.decompress) message = this.#unpacked(message, exchange);
    this.#message = message;
    return message;
  }

  #unpacked(message: HTTPMessageDelegate, exchange: HTTP1Connection): HTTPMessageDelegate {
    const limits = {
      chunkSize: this.params.chunkSize,
      get maxBodySize() {
        return exchange.maxBodySize;
      },
    };
    return gunzipDelegate(message, this.stream.ioLoop, limits, (error) => {
      if (this.#exchange === exchange) this.delegateFailed(error);
    });
  }

  headAccepted(head: HTTP1RequestHead): void {
    // Whoever is about to be refused for the size of the body must not be asked for it.
    const limit = this.#reader?.receiver.maxBodySize ?? 0;
    if (head.expectContinue && head.contentLength <= limit) this.#exchange?.writeContinue();
  }

  messageEnds(delegate: HTTPMessageDelegate, trailers: RawFields | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // The body of a request that was answered early has been drained.
      if (this.#backlog) this.#reader?.hold();
      return;
    }
    exchange.messageReceived = true;
    exchange.trailers = trailers;
    try {
      const waiting = delegate.finish();
      if (waiting !== undefined) {
        waiting.catch((error: unknown) => {
          if (this.#exchange === exchange) this.delegateFailed(error);
          else appLog.exception("Uncaught exception in an HTTP message delegate, after its exchange", error);
        });
      }
    } catch (error) {
      this.delegateFailed(error);
      return;
    }
    if (this.#exchange === exchange) this.#reader?.hold();
  }

  inputFailed(error: HTTP1Error): void {
    genLog.info("Malformed HTTP message from %s: %s", this.#peer, error.message);
    // What is wrong with a body that was being drained concerns nobody: its request has had its answer.
    if (this.#exchange === undefined && this.#reader?.receiving === true) this.#endInStages();
    else this.#refuse(error.status);
  }

  delegateFailed(error: unknown): void {
    const isInput = error instanceof HTTPInputError;
    if (isInput) genLog.info("Malformed HTTP message from %s: %s", this.#peer, error.message);
    else appLog.exception("Uncaught exception in an HTTP message delegate", error);
    // Without an exchange the request has had its answer: a second one would be taken for that to the next.
    if (this.#exchange === undefined) this.#endInStages();
    else this.#refuse(isInput ? error.status : 500);
  }

  readTimedOut(phase: ReadPhase, begun: boolean): void {
    if (phase === "rest" || (phase === "head" && !begun)) {
      this.#endInStages();
    } else if (phase === "drain") {
      this.drainFailed();
    } else if (phase === "held") {
      // The client has ended its side and got no answer for a long time: it is gone.
      this.#abortExchange("closed");
      this.#endInStages();
    } else {
      genLog.info("Timeout reading the %s of a request from %s", phase, this.#peer);
      this.#refuse(408);
    }
  }

  drainFailed(): void {
    this.#endInStages();
  }

  peerEnded(): void {
    if (this.#exchange === undefined) {
      // Requests that wait for room are answered; the reader tells of the end again behind them.
      if (!this.#backlog) this.#endInStages();
      return;
    }
    this.#reader?.limitHalfClosed();
    this.#abortExchange("half-closed");
  }

  writable(): void {
    this.#backlog = false;
    this.#writeStall?.clear();
    if (this.#exchange === undefined) this.#reader?.release();
  }

  streamClosed(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writeStall?.dispose();
    this.#abortExchange("closed", error);
    this.#exchange = undefined;
    this.#reader = undefined;
    this.#contained("onClose() of an HTTP server delegate", () => this.#delegate?.onClose?.(this));
    for (const resolve of this.#waitingForClose ?? []) resolve();
  }

  // -- ExchangeHost: what the exchange asks

  mayKeepAlive(exchange: HostedExchange): boolean {
    const head = exchange.requestHead!;
    return (
      head.keepAlive &&
      !this.#stopping &&
      !this.#closing &&
      this.#requests < this.params.maxRequests &&
      (exchange.messageReceived || this.#canDrain(head))
    );
  }

  outputBacklog(): void {
    this.#backlog = true;
    const { writeStallTimeout } = this.params;
    if (writeStallTimeout === Number.POSITIVE_INFINITY) return;
    this.#writeStall ??= new Deadline(this.stream.ioLoop, writeStalled, this);
    if (this.#writeStall.active) return;
    this.#progressAtStall = this.stream.writeProgress;
    this.#writeStall.set(writeStallTimeout);
  }

  exchangeFinished(exchange: HostedExchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    this.#message = undefined;
    if (!exchange.keepAlive || this.#stopping) this.#endInStages();
    else if (!exchange.messageReceived) this.#reader?.drain();
    else if (this.#backlog) this.#reader?.hold();
    else this.#reader?.release();
  }

  detach(exchange: HostedExchange, guest: UpgradedProtocol | undefined): IOStream {
    const reader = this.#reader;
    if (reader === undefined || this.#closing || this.#isPast(exchange)) {
      throw new InvalidStateError("detach() came too late: the connection ends, or serves another exchange");
    }
    this.#reader = undefined;
    if (this.#exchange === exchange) this.#exchange = undefined;
    this.#message = undefined;
    this.#guest = guest;
    this.#writeStall?.dispose();
    this.#writeStall = undefined;
    const stream = reader.detach();
    void stream.whenClosed().then(() => this.streamClosed(stream.error));
    return stream;
  }

  streamGone(exchange: HostedExchange): void {
    if (exchange === this.#exchange) this.#abortExchange("closed", this.stream.error);
  }

  closeNow(exchange: HostedExchange): void {
    if (!this.#closing && !this.#isPast(exchange)) exchange.breakOff();
  }

  setMaxBodySize(exchange: HostedExchange, bytes: number): void {
    if (this.#exchange === exchange) this.#reader?.setMaxBodySize(bytes);
  }

  setBodyTimeout(exchange: HostedExchange, ms: number): void {
    if (this.#exchange === exchange) this.#reader?.setBodyTimeout(ms);
  }

  /** True once the connection has gone on to another exchange. */
  #isPast(exchange: HostedExchange): boolean {
    return this.#exchange !== undefined && this.#exchange !== exchange;
  }

  // -- endings

  /** A body that may be thrown away to keep the connection: it is on its way, and short or of unknown length. */
  #canDrain(head: HTTP1RequestHead): boolean {
    return !head.expectContinue && head.contentLength <= this.params.drainSize;
  }

  /** Answers with a bare status if nothing was answered yet, tells the application, and closes in stages. */
  #refuse(status: number): void {
    const answered = this.#exchange?.started ?? false;
    this.#abortExchange("closed");
    if (!answered && !this.stream.closed()) {
      new HTTP1Sender(this.stream).respond(
        bareStartLine(status),
        bareHeaders(this.params.serverHeader, this.stream.ioLoop).toRaw(),
        REFUSED,
      );
    }
    this.#endInStages();
  }

  /** The exchange in progress ends before its answer is done. */
  #abortExchange(reason: AbortCause, cause?: Error): void {
    const exchange = this.#exchange;
    const message = this.#message;
    if (exchange === undefined) return;
    const error = new ExchangeAbortedError(reason, { cause });
    this.#message = undefined;
    // First, so that nothing that is called from here can write into what the server sends.
    if (reason === "closed") exchange.revoke();
    this.#contained("onConnectionClose() of an HTTP message delegate", () => {
      if (message !== undefined) {
        if (exchange.messageReceived) message.onExchangeAborted?.(error);
        else message.onConnectionClose();
      }
    });
    this.#contained("the close callback of an HTTP connection", () => exchange.aborted(error));
  }

  #endInStages(): void {
    if (this.#closing || this.#closed) return;
    this.#closing = true;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const peerEnded = this.#reader?.peerHasEnded ?? false;
    this.#reader?.stop();
    this.#writeStall?.clear();
    if (exchange?.endsByClosing) exchange.breakOff();
    if (this.stream.closed()) return;
    closeInStages(this.stream, this.params, peerEnded, (error) => this.streamClosed(error));
  }

  /** Called by the timer: a peer that took nothing in the whole time is gone for us. */
  writeStallPassed(): void {
    const progress = this.stream.writeProgress;
    if (progress > this.#progressAtStall) {
      this.#progressAtStall = progress;
      this.#writeStall?.set(this.params.writeStallTimeout);
      return;
    }
    genLog.info("%s stopped reading its response; closing the connection", this.#peer);
    this.#abortExchange("write-stalled");
    this.stream.abort();
  }

  get #peer(): unknown {
    return this.context ?? "peer";
  }

  /** Runs a piece of the application; its error is logged and hurts nobody else. */
  #contained(where: string, fn: () => void): void {
    try {
      fn();
    } catch (error) {
      appLog.exception("Uncaught exception in %s", where, error);
    }
  }
}
