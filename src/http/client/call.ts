/**
 * One fetch, from the queue to the response: the one object that exists for it, and the delegate of its
 * exchanges.
 *
 *     queued ─────▶ connecting          there are `maxClients` others; its deadline is that of connecting
 *     connecting ─▶ exchange            the route has no idle connection, so one is opened
 *     exchange ───▶ connecting, exchange, waiting     a redirect, a challenge, a stale connection, a retry
 *     waiting ────▶ connecting, exchange              before a retry
 *     all ────────▶ settled             the caller has the response or the error
 *
 * What comes next after an exchange is decided when its head is there (`#next`), and begun when the
 * connection is idle again or closed, so that it can use the same one.
 */
import { onAbort } from "../../async/cancel.js";
import { ignore } from "../../async/deferred.js";
import type { IOLoop } from "../../async/ioloop.js";
import { Deadline } from "../../async/timers/deadline.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { ByteQueue } from "../../base/byte-queue.js";
import { NO_BYTES } from "../../base/bytes.js";
import { HTTPInputError, HTTPOutputError } from "../../protocol/fields/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import type { HTTP1Exchange } from "../connection/exchange.js";
import type { Chunk, HTTPMessageDelegate } from "../delegates.js";
import { storeCookies } from "./cookies.js";
import { decoderFor } from "./decode.js";
import { type FetchPhase, HTTPRedirectError, HTTPStreamClosedError } from "./errors.js";
import {
  afterFailure,
  afterResponse,
  connectError,
  idleLimitOf,
  type Next,
  type Progress,
} from "./follow.js";
import { showHead } from "./head-lines.js";
import { firstIntent, type Hop, hopOf, type Intent, unpacks } from "./hop.js";
import type { ConnectionPool, PooledConnection, PoolUser } from "./pool.js";
import { DEFAULTS, type HTTPRequest } from "./request.js";
import { HTTPResponse, type TimeInfo } from "./response.js";
import { ResponseStream } from "./response-stream.js";
import { type ResolvedRetryPolicy, resolveRetryPolicy } from "./retry.js";
import { type Lookup, optionsOf, type Route } from "./route.js";
import type { ClientSettings } from "./settings.js";
import { limitOf, timeoutIn } from "./time-limits.js";

/** What a call needs of its client. */
export interface CallHost {
  readonly loop: IOLoop;
  readonly settings: ClientSettings;
  readonly pool: ConnectionPool;
  /** The client's defaults alone. */
  readonly defaultOption: Lookup;
  /** Opens a connection; its first user is the caller. */
  open(route: Route, signal: AbortSignal, onPhase: (phase: FetchPhase) => void): Promise<PooledConnection>;
  /** A call that had a slot is over. */
  leave(): void;
  /** A call that waited for one is over. */
  leaveQueue(call: Call): void;
}

/** Where a call is; see the head of this file. */
type CallState = "queued" | "connecting" | "exchange" | "waiting" | "settled";

/** An unwanted body is read up to here, so that its connection can be kept. */
const MAX_DISCARDED = 64 * 1024;
/** Shorter request timeouts are exact; longer ones may be an eighth late and cost no timer. */
const EXACT_BELOW = 5000;

function requestTimeUp(call: Call): void {
  call.timeUp();
}

/** See the head of this file. */
export class Call implements HTTPMessageDelegate, PoolUser {
  readonly request: HTTPRequest;
  readonly #engine: CallHost;
  readonly #raiseError: boolean;
  readonly #option: Lookup;
  readonly #resolve: (response: HTTPResponse) => void;
  readonly #reject: (error: unknown) => void;
  #state: CallState = "queued";
  #phase: FetchPhase = "queue";
  #hop: Hop | undefined;
  #connection: PooledConnection | undefined = undefined;
  #exchange: HTTP1Exchange | undefined = undefined;
  #next: Next | undefined = undefined;
  /** Inside a call that writes; see {@link Call.#writing}. */
  #isWriting = false;
  #redirects = 0;
  #attempt = 1;
  #policy: ResolvedRetryPolicy | undefined = undefined;
  // The response.
  #startLine: ResponseStartLine | undefined = undefined;
  #headers: HTTPHeaders | undefined = undefined;
  #chunk: Buffer | undefined = undefined;
  #chunks: ByteQueue | undefined = undefined;
  #decoder: HTTPMessageDelegate | undefined = undefined;
  #stream: ResponseStream | undefined = undefined;
  #discarded = 0;
  // Time.
  readonly #queuedAt: number;
  #startedAt = 0;
  #times: TimeInfo | undefined = undefined;
  #deadline: Deadline<Call> | undefined = undefined;
  #timer: Timeout | undefined = undefined;
  #phaseTimer: Timeout | undefined = undefined;
  #opening: AbortController | undefined = undefined;
  #unlisten: () => void = ignore;

  constructor(
    engine: CallHost,
    request: HTTPRequest,
    hop: Hop | undefined,
    raiseError: boolean,
    resolve: (response: HTTPResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request;
    this.#engine = engine;
    this.#hop = hop;
    this.#raiseError = raiseError;
    this.#option = hop === undefined ? optionsOf(request, engine.settings.defaults) : engine.defaultOption;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#queuedAt = engine.loop.time();
  }

  /** True when the caller has the response or the error. */
  get settled(): boolean {
    return this.#state === "settled";
  }

  /** Listens to the signal; checks what can be checked before anything is done. */
  prepare(): void {
    const option = this.#option;
    const signal = option("signal");
    signal?.throwIfAborted();
    const retry = option("retry");
    if (retry !== undefined) this.#policy = resolveRetryPolicy(retry);
    if (this.#hop === undefined) {
      const intent = firstIntent(this.request, option);
      // Without a jar that may have to be waited for, everything is checked at once.
      if (option("cookieJar") === undefined) this.#hop = hopOf(intent, option, this.#engine.settings);
      else this.#next = { kind: "hop", intent, isRedirect: false };
    }
    if (signal !== undefined) this.#unlisten = onAbort(signal, (reason) => this.fail(reason));
  }

  /** All slots are taken. */
  waitInQueue(): void {
    const { loop } = this.#engine;
    const limit = Math.min(this.#connectTimeout, this.#requestTimeout);
    if (limit !== Number.POSITIVE_INFINITY) this.#phaseTimer = loop.callLater(limit, () => this.timeUp());
  }

  /** The fetch has a slot. */
  begin(): void {
    const { loop } = this.#engine;
    this.#stopPhaseTimer();
    this.#state = "waiting";
    this.#phase = "headers";
    this.#startedAt = loop.time();
    this.request.startTime = loop.wallTime();
    const limit = this.#requestTimeout;
    if (limit < EXACT_BELOW) this.#timer = loop.callLater(limit, requestTimeUp, this);
    else if (limit !== Number.POSITIVE_INFINITY) {
      this.#deadline = new Deadline(loop, requestTimeUp, this);
      this.#deadline.set(limit, this.#startedAt);
    }
    if (this.#next === undefined) this.#dispatch(false);
    else this.#goOn();
  }

  /** A deadline has passed. */
  timeUp(): void {
    this.fail(timeoutIn(this.#phase));
  }

  /** Ends the fetch with an error, at any time. */
  fail(error: unknown): void {
    if (this.#state === "settled") {
      // The head was delivered, and the body is still coming.
      this.#stream?.fail(error);
      this.#connection?.close();
      return;
    }
    const wasQueued = this.#state === "queued";
    this.#settle();
    this.#next = undefined;
    this.#stream?.fail(error);
    this.#reject(error);
    this.#opening?.abort(error);
    this.#opening = undefined;
    if (wasQueued) this.#engine.leaveQueue(this);
    else if (this.#connection === undefined) this.#leave();
    else this.#connection.close();
  }

  // --- getting a connection --------------------------------------------------------------------------------

  get #connectTimeout(): number {
    return limitOf("connectTimeout", this.#option("connectTimeout"), DEFAULTS.connectTimeout);
  }

  get #requestTimeout(): number {
    return limitOf("requestTimeout", this.#option("requestTimeout"), DEFAULTS.requestTimeout);
  }

  #dispatch(fresh: boolean): void {
    const { route } = this.#hop!;
    const idle = fresh ? undefined : this.#engine.pool.take(route.key, this.#engine.loop.time());
    if (idle === undefined) this.#connect();
    else this.#send(idle);
  }

  #connect(): void {
    const { loop } = this.#engine;
    const opening = new AbortController();
    this.#opening = opening;
    this.#state = "connecting";
    this.#phase = "lookup";
    const limit = this.#connectTimeout;
    if (limit !== Number.POSITIVE_INFINITY) this.#phaseTimer = loop.callLater(limit, () => this.timeUp());
    const onPhase = (phase: FetchPhase): void => {
      if (this.#opening !== opening) return;
      this.#note(phase);
      this.#phase = phase;
    };
    this.#engine.open(this.#hop!.route, opening.signal, onPhase).then(
      (connection) => {
        if (this.#opening !== opening) {
          this.#engine.pool.putBack(connection);
          return;
        }
        this.#opening = undefined;
        this.#stopPhaseTimer();
        this.#times ??= {};
        this.#times[this.#hop!.route.ssl === undefined ? "connect" : "appconnect"] = this.#elapsed;
        this.#send(connection);
      },
      (error: unknown) => {
        if (this.#opening !== opening) return;
        this.#opening = undefined;
        this.#stopPhaseTimer();
        this.#broken(connectError(error, this.#phase, this.#hop!));
      },
    );
  }

  /** A phase of connecting begins, and so the one before is over. */
  #note(phase: FetchPhase): void {
    this.#times ??= {};
    if (phase === "connect") this.#times.namelookup = this.#elapsed;
    else if (phase !== "lookup") this.#times.connect ??= this.#elapsed;
  }

  get #elapsed(): number {
    return this.#engine.loop.time() - this.#startedAt;
  }

  // --- sending ---------------------------------------------------------------------------------------------

  #send(connection: PooledConnection): void {
    const { intent, startLine, headers } = this.#hop!;
    this.#connection = connection;
    this.#state = "exchange";
    connection.user = this;
    if (connection.uses++ > 0) connection.stream.keepsAlive(true);
    const { body } = intent;
    const waits = body !== undefined && this.#option("expect100Continue") === true;
    const isWhole = body?.produce === undefined;
    this.#phase = isWhole ? "headers" : "upload";
    if (this.#times !== undefined) this.#times.pretransfer = this.#elapsed;
    try {
      const exchange = connection.request(startLine, headers, this, {
        chunk: waits ? undefined : body?.bytes,
        finish: isWhole && !waits,
        onContinue: waits ? () => this.#upload() : undefined,
      });
      this.#exchange = exchange;
      if (this.#streams) exchange.setMaxBodySize(this.#engine.settings.maxStreamedSize);
      if (!waits && !isWhole) this.#upload();
    } catch (error) {
      // The connection has ended, and its end was reported already.
      if (this.#connection !== connection) return;
      if (connection.state !== "closed") {
        this.fail(error);
        return;
      }
      this.#connection = undefined;
      connection.user = undefined;
      this.#broken(new HTTPStreamClosedError(undefined, { cause: error, phase: this.#phase }));
    }
  }

  /** Writes the body, piece by piece if it has to be produced. */
  #upload(): void {
    const exchange = this.#exchange;
    const { body } = this.#hop!.intent;
    if (exchange === undefined || body === undefined) return;
    if (body.produce === undefined) {
      const { bytes = NO_BYTES } = body;
      this.#writing(() => void exchange.write(bytes));
      this.#writing(() => exchange.finish());
      return;
    }
    const write = (chunk: Chunk): Promise<void> => this.#writing(() => exchange.write(chunk));
    const produce = async (): Promise<void> => {
      await body.produce!(write);
      if (this.#exchange === exchange) {
        this.#writing(() => exchange.finish());
        if (this.#phase === "upload") this.#phase = "headers";
      }
    };
    produce().catch((error: unknown) => {
      // When the connection ended, or a response came first, that is the outcome.
      if (this.#exchange !== exchange || exchange.closed || exchange.finished) return;
      if (exchange.messageReceived) this.#connection?.close();
      else this.fail(error);
    });
  }

  /**
   * A call that writes may end the exchange: a body that does not fit its Content-Length is refused, and the
   * connection closed. What the call throws is the outcome then, not the end of the connection.
   */
  #writing<T>(write: () => T): T {
    this.#isWriting = true;
    let result: T;
    try {
      result = write();
    } catch (error) {
      this.#isWriting = false;
      this.fail(error);
      throw error;
    }
    this.#isWriting = false;
    if (this.#state === "exchange" && this.#connection === undefined) {
      this.#broken(this.#closedError(undefined));
    }
    return result;
  }

  // --- receiving -------------------------------------------------------------------------------------------

  /** The body is not held in memory. */
  get #streams(): boolean {
    return this.#option("streamBody") === true || this.#option("streamingCallback") !== undefined;
  }

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    if (this.#state === "settled") return undefined;
    const line = startLine as ResponseStartLine;
    const { code } = line;
    if (code < 200) {
      if (code === 101) this.fail(new HTTPStreamClosedError("the server switched protocols unasked"));
      else this.#showHead(line, headers);
      return undefined;
    }
    this.#startLine = line;
    this.#headers = headers;
    this.#phase = "body";
    if (this.#times !== undefined) this.#times.starttransfer = this.#elapsed;
    const jar = this.#option("cookieJar");
    const cookies = jar === undefined ? [] : headers.getList("Set-Cookie");
    const stored = jar && cookies.length > 0 ? storeCookies(jar, cookies, this.#hop!.intent.url) : undefined;
    if (stored === undefined) {
      this.#headIsThere(line, headers);
      return undefined;
    }
    return stored.then(() => {
      if (this.#state !== "settled") this.#headIsThere(line, headers);
    });
  }

  #headIsThere(line: ResponseStartLine, headers: HTTPHeaders): void {
    // What is asked for comes with a 2xx mostly, and is not thought about.
    if (line.code > 299 && this.#goesOnAfter(line, headers)) return;
    this.#showHead(line, headers);
    if (this.#state === "settled") return;
    if (unpacks(this.#option)) {
      const { settings, loop } = this.#engine;
      const maxBodySize = this.#streams ? settings.maxStreamedSize : settings.maxBodySize;
      const limits = { maxBodySize, chunkSize: settings.params.chunkSize };
      this.#decoder = decoderFor(headers, new UnpackedBody(this), loop, limits, (error) =>
        this.fail(this.#closedError(error)),
      );
    }
    if (this.#option("streamBody") === true) this.#deliverHead();
  }

  /** Decides about a response that may not be the last; true if it is not the caller's. */
  #goesOnAfter(line: ResponseStartLine, headers: HTTPHeaders): boolean {
    try {
      this.#next = afterResponse(this.#progress(), line.code, headers, (why, location) => {
        throw new HTTPRedirectError(why, location, this.#responseOf(line.code, headers, NO_BYTES));
      });
      if (this.#next?.kind === "hop" && this.#next.isRedirect) this.#redirects++;
    } catch (error) {
      this.fail(error);
      return true;
    }
    return this.#next !== undefined;
  }

  /** What decides about the next step. */
  #progress(): Progress {
    return {
      hop: this.#hop!,
      option: this.#option,
      redirects: this.#redirects,
      attempt: this.#attempt,
      policy: this.#policy,
      now: this.#engine.loop.wallTime(),
    };
  }

  /** Runs `headerCallback` over the lines of a head. */
  #showHead(line: ResponseStartLine, headers: HTTPHeaders): void {
    const show = this.#option("headerCallback");
    if (show === undefined) return;
    try {
      showHead(show, line, headers);
    } catch (error) {
      this.fail(error);
    }
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.#next !== undefined) {
      this.#discarded += chunk.length;
      if (this.#discarded > MAX_DISCARDED) this.#connection?.close();
      return undefined;
    }
    return this.#decoder === undefined ? this.take(chunk) : this.#decoder.dataReceived(chunk);
  }

  /** A piece of the body, unpacked. */
  take(chunk: Buffer): void | Promise<void> {
    if (this.#stream !== undefined) return this.#stream.push(chunk);
    if (this.#state === "settled") return undefined;
    const callback = this.#option("streamingCallback");
    if (callback !== undefined) return this.#callBack(callback, chunk);
    if (this.#chunk === undefined && this.#chunks === undefined) this.#chunk = chunk;
    else {
      if (this.#chunks === undefined) {
        this.#chunks = new ByteQueue();
        this.#chunks.push(this.#chunk!);
        this.#chunk = undefined;
      }
      this.#chunks.push(chunk);
    }
    return undefined;
  }

  #callBack(callback: (chunk: Buffer) => void | Promise<void>, chunk: Buffer): void | Promise<void> {
    try {
      const waiting = callback(chunk);
      if (waiting === undefined) return undefined;
      return Promise.resolve(waiting).catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  finish(): void | Promise<void> {
    if (this.#next !== undefined) return undefined;
    return this.#decoder === undefined ? this.bodyIsWhole() : this.#decoder.finish();
  }

  /** The body has been received, and unpacked. */
  bodyIsWhole(): void {
    if (this.#stream !== undefined) {
      this.#stream.end();
      return;
    }
    if (this.#state === "settled") return;
    const body = this.#chunk ?? this.#chunks?.takeAll();
    this.#deliver(this.#responseOf(this.#startLine!.code, this.#headers!, body ?? NO_BYTES));
  }

  /** The caller gets the head; the body comes through a stream. */
  #deliverHead(): void {
    const stream = new ResponseStream((reason) => this.fail(reason));
    this.#stream = stream;
    this.#deliver(this.#responseOf(this.#startLine!.code, this.#headers!, undefined, stream));
  }

  #responseOf(
    code: number,
    headers: HTTPHeaders,
    body: Buffer | undefined,
    stream?: ResponseStream,
  ): HTTPResponse {
    const requestTime = this.#elapsed;
    const times = this.#times;
    if (times !== undefined) {
      times.total = requestTime;
      times.queue = this.#startedAt - this.#queuedAt;
    }
    return new HTTPResponse(this.request, code, {
      headers,
      reason: this.#startLine!.reason,
      buffer: body,
      stream,
      effectiveUrl: this.#hop!.intent.url,
      requestTime,
      timeInfo: times ?? { queue: this.#startedAt - this.#queuedAt, total: requestTime },
      startTime: this.request.startTime,
    });
  }

  #deliver(response: HTTPResponse): void {
    const hasStream = this.#stream !== undefined;
    if (hasStream) this.#stopTimers();
    else this.#settle();
    this.#state = "settled";
    if (this.#raiseError && !response.ok) this.#reject(response.error);
    else this.#resolve(response);
  }

  // --- the end of an exchange ------------------------------------------------------------------------------

  /** The exchange failed before its response was whole; see {@link Call.exchangeOver} for what follows. */
  onConnectionClose(): void {
    this.#decoder?.onConnectionClose();
    if (this.#state === "settled") {
      this.#stream?.fail(this.#closedError(this.#connection?.error));
      return;
    }
    // What follows was decided by the head, or is decided by what a write throws.
    if (this.#next !== undefined || this.#isWriting) return;
    const connection = this.#connection!;
    this.#afterFailure(this.#closedError(connection.error), connection.uses > 1 && !connection.responseBegun);
  }

  exchangeOver(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#exchange = undefined;
    this.#decoder = undefined;
    if (connection !== undefined && connection.state === "idle") {
      connection.idleLimit = idleLimitOf(this.#headers);
    }
    if (this.#isWriting && this.#state !== "settled") return;
    if (this.#state === "settled" || this.#next === undefined) {
      if (this.#state !== "settled") this.#broken(new HTTPStreamClosedError("Connection closed"));
      else this.#leave();
      return;
    }
    this.#goOn();
  }

  /** No connection, or one that broke before anything was sent on it. */
  #broken(error: Error): void {
    this.#afterFailure(error, false);
    if (this.#state !== "settled") this.#goOn();
  }

  /**
   * Decides what follows an attempt without a response; `isStale`: the server had given the connection up.
   */
  #afterFailure(error: Error, isStale: boolean): void {
    this.#next = afterFailure(this.#progress(), isStale);
    if (this.#next === undefined) this.fail(error);
  }

  #goOn(): void {
    const next = this.#next!;
    this.#next = undefined;
    this.#startLine = undefined;
    this.#headers = undefined;
    this.#chunk = undefined;
    this.#chunks = undefined;
    this.#discarded = 0;
    try {
      switch (next.kind) {
        case "again":
          this.#dispatch(true);
          break;
        case "hop":
          if (this.#times !== undefined && this.#redirects > 0) this.#times.redirect = this.#elapsed;
          this.#withCookies(next.intent);
          break;
        case "retry":
          this.#attempt++;
          this.#state = "waiting";
          this.#phase = "headers";
          this.#phaseTimer = this.#engine.loop.callLater(next.delay, () => this.#dispatch(false));
          break;
      }
    } catch (error) {
      this.fail(error);
    }
  }

  #withCookies(intent: Intent): void {
    const jar = this.#option("cookieJar");
    const cookie = jar?.getCookieString(intent.url) ?? "";
    const begin = (text: string): void => {
      this.#hop = hopOf(intent, this.#option, this.#engine.settings, text);
      this.#dispatch(false);
    };
    if (typeof cookie === "string") {
      begin(cookie);
      return;
    }
    this.#state = "waiting";
    this.#phase = "headers";
    cookie
      .then((text) => {
        if (this.#state !== "settled") begin(text);
      })
      .catch((error: unknown) => this.fail(error));
  }

  #closedError(cause: unknown): HTTPStreamClosedError {
    const phase = this.#phase;
    if (cause instanceof HTTPInputError || cause instanceof HTTPOutputError) {
      return new HTTPStreamClosedError(`Connection closed: ${cause.message}`, { cause, phase });
    }
    const message = this.#startLine === undefined ? "Stream closed" : "Connection closed";
    return new HTTPStreamClosedError(message, cause === undefined ? { phase } : { cause, phase });
  }

  #settle(): void {
    this.#state = "settled";
    this.#stopTimers();
    this.#unlisten();
    this.#unlisten = ignore;
  }

  #stopTimers(): void {
    this.#deadline?.dispose();
    this.#deadline = undefined;
    if (this.#timer !== undefined) this.#engine.loop.removeTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopPhaseTimer();
  }

  #stopPhaseTimer(): void {
    if (this.#phaseTimer !== undefined) this.#engine.loop.removeTimeout(this.#phaseTimer);
    this.#phaseTimer = undefined;
  }

  #leave(): void {
    this.#unlisten();
    this.#unlisten = ignore;
    this.#engine.leave();
  }
}

/** Gets a body behind its decoder. */
class UnpackedBody implements HTTPMessageDelegate {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  headersReceived(): void {}

  dataReceived(chunk: Buffer): void | Promise<void> {
    return this.#call.take(chunk);
  }

  finish(): void {
    this.#call.bodyIsWhole();
  }

  onConnectionClose(): void {}
}
