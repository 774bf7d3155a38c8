/**
 * A client's connection: owns its stream, one receiver and one sender from the beginning to the end, so that
 * bytes which no request asked for can never become the answer to the next one.
 *
 *     connecting ─▶ idle, busy               nothing is read yet; what is written waits for the connection
 *     idle ───────▶ busy                     kept for another request; bytes or a FIN end it at once
 *     busy ───────▶ idle, draining, upgraded a request is being sent, its response is due or coming
 *     draining ───▶ idle                     answered early: the rest of the request is still to be sent
 *     upgraded                               a 101, or a 2xx to CONNECT: `detach()` gives the stream away
 *     all ────────▶ closed
 *
 * Nothing is sent before the exchange that was begun last is over: there is no pipelining on the client side.
 */
import { Deferred } from "../../async/deferred.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog, genLog } from "../../base/log.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { RequestStartLine } from "../../protocol/fields/start-line.js";
import { HTTP1Error } from "../../protocol/http1/errors.js";
import { HTTP1Sender, type ResponseContext } from "../../protocol/http1/sender.js";
import type { HTTP1ResponseHead } from "../../protocol/http1/visitor.js";
import type { Chunk, HTTPMessageDelegate } from "../delegates.js";
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
import { type MessageOwner, MessageReader, type ReadFailure } from "./message-reader.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./params.js";
import { type State, statesOf, step, type Transitions } from "./transitions.js";
import { WriteStall } from "./write-stall.js";

/** Where a client's connection is. */
export type ClientConnectionState = "connecting" | "idle" | "busy" | "draining" | "upgraded" | "closed";

/** Which states may follow which. */
export const CLIENT_TRANSITIONS: Transitions<ClientConnectionState> = {
  connecting: ["idle", "busy", "closed"],
  idle: ["busy", "closed"],
  busy: ["idle", "draining", "upgraded", "closed"],
  draining: ["idle", "closed"],
  upgraded: ["closed"],
  closed: [],
};

const STATE = statesOf(CLIENT_TRANSITIONS);

/**
 * How long a server has to answer `Expect: 100-continue` before the body is sent without an answer, in
 * milliseconds.
 */
const CONTINUE_TIMEOUT = 1000;

/** Watches a connection; a pool is one. */
export interface ClientConnectionWatcher {
  /** An exchange is over, and the connection can serve another. */
  onIdle?(connection: HTTP1ClientConnection): void;
  /**
   * The connection ended while it was idle: the server sent its FIN, or bytes that no request asked for
   * (`error` is an `HTTP1Error` then), or nothing happened for `idleTimeout`.
   */
  onIdleClose?(connection: HTTP1ClientConnection, error: Error | undefined): void;
  /**
   * The connection has ended, whatever it was doing; the last call. `error` is what ended it, as far as it is
   * known.
   */
  onClose?(connection: HTTP1ClientConnection, error: Error | undefined): void;
}

/** Options of {@link HTTP1ClientConnection.request}. */
export interface ClientRequestOptions {
  /**
   * The first piece of the body, sent with the head; more may be written, `finish()` ends it. Default none.
   */
  readonly chunk?: Chunk | undefined;
  /** The request is complete with its head and `chunk`; default false. */
  readonly finish?: boolean | undefined;
  /**
   * For a request with `Expect: 100-continue`: called once when the body may be sent, because the server said
   * so or did not answer within `continueTimeout`. Not called if the final response comes first: the body is
   * not sent then, and the connection ends with this exchange. Default: not waited for.
   */
  readonly onContinue?: (() => void) | undefined;
  /**
   * Milliseconds that the server has to answer the expectation; default 1 s. `Infinity`: it is waited for.
   */
  readonly continueTimeout?: number | undefined;
}

/** The exchange of a client. */
export class ClientExchange extends HTTP1Exchange {
  override get isClient(): boolean {
    return true;
  }
}

/** One connection to a server, for one request after the other. */
export class HTTP1ClientConnection implements ExchangeHost, MessageOwner<HTTP1ResponseHead> {
  /** The stream; it belongs to the connection until it is detached. */
  readonly stream: IOStream;
  /** Limits and times. */
  readonly params: HTTP1ConnectionParameters;
  /** What exchanges say about the peer. */
  readonly context: PeerContext | undefined;
  /** The one sender of the connection. */
  readonly sender: HTTP1Sender;

  readonly #watcher: ClientConnectionWatcher | undefined;
  readonly #reader: MessageReader<HTTP1ResponseHead>;
  #state: State<ClientConnectionState> = STATE.connecting;
  #exchange: HTTP1Exchange | undefined = undefined;
  /** The response that is being received, or was last. */
  #response: HTTP1ResponseHead | undefined = undefined;
  /** Resolves when the exchange in progress is over. */
  #ended: Deferred<boolean> | undefined = undefined;
  #onContinue: (() => void) | undefined = undefined;
  #continueTimer: Timeout | undefined = undefined;
  #writeStall: WriteStall | undefined = undefined;
  #error: Error | undefined = undefined;

  /**
   * `stream` is connected, or connecting: what is written before waits in it. Nothing is read before
   * {@link HTTP1ClientConnection.start} or the first request.
   */
  constructor(
    stream: IOStream,
    params?: HTTP1ConnectionParameters | HTTP1ConnectionOptions,
    watcher?: ClientConnectionWatcher,
    context?: PeerContext,
  ) {
    this.stream = stream;
    this.params =
      params instanceof HTTP1ConnectionParameters ? params : new HTTP1ConnectionParameters(params);
    this.context = context;
    this.sender = new HTTP1Sender(stream);
    this.#watcher = watcher;
    this.#reader = new MessageReader<HTTP1ResponseHead>(stream, "client", this.params, this);
  }

  /** Where the connection is. */
  get state(): ClientConnectionState {
    return this.#state.name;
  }

  /** What ended the connection, once it is closed; undefined for an orderly end. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** True when a part of a response to the exchange in progress has come, or all of it. */
  get responseBegun(): boolean {
    return this.#reader.responseBegun;
  }

  /** Since when, in the loop's monotonic time, the connection has been idle; `Infinity` while it is not. */
  get idleSince(): number {
    return this.#state === STATE.idle ? this.#reader.now : Number.POSITIVE_INFINITY;
  }

  /** Begins to watch the server on an idle connection. A request does so by itself. */
  start(): void {
    if (this.#state !== STATE.connecting) return;
    this.#become(STATE.idle);
    this.#reader.start();
  }

  /**
   * Sends a request. `delegate` gets the heads of interim responses (1xx) by `headersReceived`, then the
   * response; its `onConnectionClose()` says that the exchange failed, and {@link
   * HTTP1ClientConnection.error} why. The rest of the body is written to the exchange that is returned; its
   * `onAbort` says that nothing more of it is wanted.
   * @throws InvalidStateError unless the connection is idle, or new.
   * @throws HTTPOutputError for a head that cannot be sent; nothing was sent then.
   */
  request(
    startLine: RequestStartLine,
    headers: HTTPHeaders,
    delegate: HTTPMessageDelegate,
    options: ClientRequestOptions = {},
  ): HTTP1Exchange {
    if (this.stream.closed()) throw new InvalidStateError("a request needs an open connection");
    const exchange = new ClientExchange(this, this.context, undefined, undefined);
    this.begin(exchange);
    try {
      void exchange.writeHeaders(startLine, headers, options.chunk);
    } catch (error) {
      this.#exchange = undefined;
      this.#settle(true);
      this.#become(STATE.idle);
      throw error;
    }
    if (options.onContinue !== undefined) this.#awaitContinue(options.onContinue, options.continueTimeout);
    this.receive(startLine.method, delegate);
    if (options.finish === true) exchange.finish();
    return exchange;
  }

  /**
   * For `HTTP1Connection`: `exchange` is the one in progress from now on. Its response is not awaited yet.
   */
  begin(exchange: HTTP1Exchange): void {
    if (this.#state !== STATE.idle && this.#state !== STATE.connecting) {
      throw new InvalidStateError(`a request needs an idle connection; this one is ${this.#state}`);
    }
    // Only a stream that was not watched can have these: they would be taken for the answer.
    if (this.#state === STATE.connecting && (this.stream.bytesBuffered > 0 || this.stream.finReceived)) {
      this.#close(unasked());
      throw new InvalidStateError("the server ended the connection, or sent something, before the request");
    }
    this.#become(STATE.busy);
    this.#exchange = exchange;
    this.#response = undefined;
  }

  /** For `HTTP1Connection`: awaits the response to a request with this method. */
  receive(method: string, delegate: HTTPMessageDelegate): void {
    this.#reader.start();
    this.#reader.expectResponse(method, delegate);
  }

  /**
   * Resolves when the exchange in progress is over: true if the connection can serve another; at once if
   * there is none.
   */
  whenExchangeEnds(): Promise<boolean> {
    // Made on demand: a pool learns of it by its watcher's methods.
    if (this.#exchange !== undefined) this.#ended ??= new Deferred();
    return this.#ended?.promise ?? Promise.resolve(this.#state === STATE.idle);
  }

  /** Closes the connection at once; an exchange in progress is broken off. Twice is fine. */
  close(error?: Error): void {
    this.#close(error);
  }

  /** Resolves when the stream is closed; never rejects. */
  whenClosed(): Promise<void> {
    return this.stream.whenClosed();
  }

  /** Gives the stream of an idle connection back, with what was read too far; the connection is over then. */
  giveBack(): IOStream {
    if (this.#state !== STATE.idle)
      throw new InvalidStateError(`an idle connection is needed; this one is ${this.#state}`);
    this.#become(STATE.closed);
    return this.#reader.detach();
  }

  // --- MessageOwner ----------------------------------------------------------------------------------------

  messageBegins(head: HTTP1ResponseHead): undefined {
    if (head.code === 100) this.#continue();
    else if (head.code >= 200 || head.code === 101) {
      this.#response = head;
      this.#stopContinueTimer();
    }
  }

  headAccepted(): void {}

  messageWhole(trailers: RawFields | undefined): void {
    if (this.#exchange !== undefined) markReceived(this.#exchange, trailers);
  }

  /** The response was received whole, and its delegate is done with it. */
  messageEnds(): void {
    if (this.#state !== STATE.busy) return;
    if (this.#response?.upgrade === true) {
      this.#become(STATE.upgraded);
      this.#settle(false);
    } else if (this.#exchange?.finished === true) {
      this.#exchangeEnds();
    } else if (this.#mayDrain) {
      this.#become(STATE.draining);
    } else {
      // The server has answered and will not read the rest (RFC 9112 §9.6).
      this.#close(undefined);
    }
  }

  /**
   * The rest of a request that was answered early is worth sending: the connection can be used again
   * afterwards.
   */
  get #mayDrain(): boolean {
    if (this.#onContinue !== undefined || this.stream.finReceived || this.stream.closed()) return false;
    return this.#response?.keepAlive === true && this.#exchange?.state === "open";
  }

  readFailed(failure: ReadFailure, error: unknown): void {
    if (failure === "delegate") appLog.exception("Uncaught exception in an HTTP message delegate", error);
    else if (failure === "input" && this.#state !== STATE.idle) {
      genLog.info("Malformed HTTP message from %s: %s", this.#peer, (error as Error).message);
    } else if (failure === "timeout") {
      genLog.info("Timeout reading the %s of a response from %s", this.#reader.state, this.#peer);
    }
    this.#close(error instanceof Error ? error : undefined);
  }

  /** A FIN inside a message was reported as an input error. */
  peerEnded(): void {
    const isWhole = this.#state === STATE.busy && this.#exchange?.messageReceived === true;
    if (!isWhole && this.#state !== STATE.upgraded) this.#close(undefined);
  }

  full(): void {
    this.#writeStall ??= new WriteStall(this.stream, this.params.writeStallTimeout, this);
    this.#writeStall.full();
  }

  writable(): void {
    this.#writeStall?.drained();
  }

  streamClosed(error: Error | undefined): void {
    // A whole response is not spoiled by the end of its connection, also while its delegate is not done with
    // it.
    if (this.#state === STATE.busy && this.#exchange?.messageReceived === true) this.#error ??= error;
    else this.#close(error);
  }

  // --- ExchangeHost ----------------------------------------------------------------------------------------

  responseContext(): ResponseContext {
    throw new InvalidStateError("a client sends no responses");
  }

  onExchange(event: ExchangeEvent, exchange: HTTP1Exchange, value = 0): void {
    if (exchange !== this.#exchange) return;
    switch (event) {
      case "full":
        this.full();
        break;
      case "finished":
        if (this.#state === STATE.draining) this.#exchangeEnds();
        break;
      case "stream-gone":
        this.#abortExchange("closed", this.stream.error);
        break;
      case "close":
        this.#close(undefined);
        break;
      case "max-body-size":
        this.#reader.setMaxBodySize(value);
        break;
      case "body-timeout":
        this.#reader.setBodyTimeout(value);
        break;
    }
  }

  release(exchange: HTTP1Exchange): IOStream {
    const isNew = this.#state === STATE.connecting;
    if ((this.#exchange !== exchange && !isNew) || this.#state === STATE.closed) {
      throw new InvalidStateError("detach() came too late: the exchange is over");
    }
    this.#writeStall?.dispose();
    this.#forgetContinue();
    this.#exchange = undefined;
    this.#become(STATE.closed);
    const stream = this.#reader.detach();
    this.#settle(false);
    this.#watcher?.onClose?.(this, undefined);
    return stream;
  }

  // --- inside ----------------------------------------------------------------------------------------------

  #become(next: State<ClientConnectionState>): void {
    this.#state = step(this.#state, next);
  }

  #awaitContinue(onContinue: () => void, timeout = CONTINUE_TIMEOUT): void {
    this.#onContinue = onContinue;
    if (timeout === Number.POSITIVE_INFINITY) return;
    this.#continueTimer = this.stream.ioLoop.callLater(timeout, () => this.#continue());
  }

  /** The body may be sent. A server may say so more than once. */
  #continue(): void {
    const onContinue = this.#onContinue;
    this.#forgetContinue();
    if (onContinue !== undefined) contained("onContinue() of a request", onContinue);
  }

  #forgetContinue(): void {
    this.#onContinue = undefined;
    this.#stopContinueTimer();
  }

  #stopContinueTimer(): void {
    if (this.#continueTimer !== undefined) this.stream.ioLoop.removeTimeout(this.#continueTimer);
    this.#continueTimer = undefined;
  }

  /** Both messages are complete. */
  #exchangeEnds(): void {
    const { receiver } = this.#reader;
    const isReusable =
      this.#response?.keepAlive === true && this.sender.keepAlive && !this.params.noKeepAlive;
    // What stands behind the response was asked for by no request: nothing may be believed of this connection
    // any more.
    if (!isReusable || receiver.bufferedBytes > 0 || this.stream.finReceived || this.stream.closed()) {
      this.#close(undefined);
      return;
    }
    this.#exchange = undefined;
    this.#become(STATE.idle);
    this.#reader.release();
    this.#settle(true);
    contained("onIdle() of a connection's watcher", () => this.#watcher?.onIdle?.(this));
  }

  #settle(reusable: boolean): void {
    this.#ended?.resolve(reusable);
    this.#ended = undefined;
  }

  /** @internal */
  writeStalled(): void {
    genLog.info("%s stopped reading its request; closing the connection", this.#peer);
    this.#abortExchange("write-stalled");
    this.#close(undefined);
  }

  /** The exchange in progress ends before it is complete. */
  #abortExchange(reason: AbortCause, cause?: Error): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const error = new ExchangeAbortedError(reason, { cause });
    revoke(exchange);
    this.#error ??= cause ?? (reason === "write-stalled" ? error : undefined);
    if (!exchange.messageReceived) {
      contained("onConnectionClose() of an HTTP message delegate", () => this.#reader.abort(error, false));
    }
    reportAbort(exchange, error);
  }

  /** Ends everything, once. */
  #close(error: Error | undefined): void {
    if (this.#state === STATE.closed) return;
    const wasIdle = this.#state === STATE.idle;
    this.#error ??= error;
    this.#forgetContinue();
    this.#reader.stop();
    this.#writeStall?.dispose();
    const isCut = this.sender.endsByClosing;
    this.#become(STATE.closed);
    this.#abortExchange("closed", error);
    this.#exchange = undefined;
    if (isCut) this.stream.abort();
    else this.stream.close(error);
    this.#settle(false);
    const watcher = this.#watcher;
    if (watcher === undefined) return;
    contained("the watcher of a connection", () => {
      if (wasIdle) watcher.onIdleClose?.(this, this.#error);
      watcher.onClose?.(this, this.#error);
    });
  }

  get #peer(): unknown {
    return this.context ?? "peer";
  }
}

function unasked(): HTTP1Error {
  return new HTTP1Error(
    "ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE",
    "the server sent bytes although no response was expected",
  );
}
