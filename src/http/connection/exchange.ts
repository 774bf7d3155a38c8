/**
 * One HTTP/1 exchange, seen from the side that writes: a server's response, or a client's request.
 *
 * The connection below reads, and owns the one sender of its stream. An exchange writes through that sender
 * while it is the connection's current one, and refuses to write when it is over, so a handler that outlives
 * its request cannot disturb the next one. Its states:
 *
 *     fresh ──▶ open, ended, failed, revoked, detached  no final start line has been written
 *     open ───▶ ended, failed, revoked, detached        the head is out, the message is incomplete
 *     revoked ▶ failed                                  the connection ends: writes report a closed stream
 *     ended ──▶ detached                                the message is complete
 *     failed, detached                                  it can never be complete; the stream was given away
 */
import { rejectedQuietly } from "../../async/deferred.js";
import type { IOLoop } from "../../async/ioloop.js";
import { resolveWait, type WaitOptions } from "../../async/wait-options.js";
import { InvalidStateError } from "../../base/errors.js";
import { checkLimit, checkMilliseconds } from "../../base/validate.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPOutputError } from "../../protocol/fields/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { HTTP1OutputError } from "../../protocol/http1/output-errors.js";
import type { HTTP1Sender, ResponseContext } from "../../protocol/http1/sender.js";
import type { HTTP1RequestHead } from "../../protocol/http1/visitor.js";
import { AbortWatchers } from "../delegates/abort-watchers.js";
import type { Chunk, HTTPConnection, UpgradedProtocol } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";
import { type PeerContext, UNKNOWN_PEER } from "../peer.js";
import type { HTTP1ConnectionParameters } from "./params.js";
import { type State, statesOf, step, type Transitions } from "./transitions.js";

/** Methods whose requests have a body, though maybe an empty one (RFC 9110 §9.3). */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** Where an exchange is. */
export type ExchangeState = "fresh" | "open" | "ended" | "failed" | "revoked" | "detached";

/** Which states may follow which. */
export const EXCHANGE_TRANSITIONS: Transitions<ExchangeState> = {
  fresh: ["ended", "open", "failed", "revoked", "detached"],
  open: ["ended", "failed", "revoked", "detached"],
  revoked: ["failed"],
  ended: ["detached"], // a client: its request is complete, and the response gives the stream away
  failed: [],
  detached: [],
};

const STATE = statesOf(EXCHANGE_TRANSITIONS);

/**
 * What an exchange reports to its connection: its output is above the high-water mark; its message is
 * complete; it found the stream closed when it wrote; it is to be broken off; a limit for the incoming body
 * has changed.
 */
export type ExchangeEvent = "full" | "finished" | "stream-gone" | "close" | "max-body-size" | "body-timeout";

/** What an exchange sees of the connection that it runs on. */
export interface ExchangeHost {
  readonly stream: IOStream;
  readonly params: HTTP1ConnectionParameters;
  readonly sender: HTTP1Sender;
  /** What the framing of the response depends on besides its head. */
  responseContext(exchange: HTTP1Exchange): ResponseContext;
  /** Reports an event; `value` is the new limit of the last two. */
  onExchange(event: ExchangeEvent, exchange: HTTP1Exchange, value?: number): void;
  /**
   * Gives the stream away, with what was read too far put back.
   * @throws InvalidStateError when the connection ends, or the exchange is not the current one.
   */
  release(exchange: HTTP1Exchange, protocol: UpgradedProtocol | undefined): IOStream;
}

// What the connection of an exchange may do with it, and handlers may not. The class assigns these functions.

/** The incoming message was received whole. */
export let markReceived: (exchange: HTTP1Exchange, trailers: RawFields | undefined) => void;
/** What is written from now on is refused with a closed stream, because the connection ends. */
export let revoke: (exchange: HTTP1Exchange) => void;
/** The exchange ended before its outgoing message was complete: calls the watchers, once. */
export let reportAbort: (exchange: HTTP1Exchange, reason: ExchangeAbortedError) => void;
/** The exchange answers this request; for one that was made before the head was there. */
export let answers: (exchange: HTTP1Exchange, head: HTTP1RequestHead, startTime: number) => void;

/** One exchange. Connections make it; `HTTP1Connection` is its name at the door. */
export class HTTP1Exchange implements HTTPConnection {
  readonly #host: ExchangeHost;
  readonly #peer: PeerContext | undefined;
  /** On a server the head of the request, on a client its start line. */
  #request: RequestStartLine | undefined;
  #startTime: number | undefined;
  #state: State<ExchangeState>;
  /** Undefined until the incoming message was received whole, null if it had no trailers that may be kept. */
  #incoming: RawFields | null | undefined;
  #maxBodySize: number;
  /** What was sent when the exchange ended; until then the sender counts. */
  #bytesSent: number;
  /** Made when a caller wants to know of an early end, or it has come. */
  #watchers: AbortWatchers | undefined;

  static {
    markReceived = (exchange, trailers) => {
      exchange.#incoming = trailers ?? null;
    };
    revoke = (exchange) => {
      if (exchange.#isWritable) exchange.#become(STATE.revoked);
    };
    reportAbort = (exchange, reason) => {
      exchange.#watchers ??= new AbortWatchers();
      exchange.#watchers.abort(reason);
    };
    answers = (exchange, head, startTime) => {
      exchange.#request = head;
      exchange.#startTime = startTime;
    };
  }

  /** @internal Connections make exchanges. */
  constructor(
    host: ExchangeHost,
    peer: PeerContext | undefined,
    requestHead: HTTP1RequestHead | undefined,
    startTime: number | undefined,
  ) {
    this.#host = host;
    this.#peer = peer;
    this.#request = requestHead;
    this.#startTime = startTime;
    this.#state = STATE.fresh;
    this.#incoming = undefined;
    this.#maxBodySize = host.params.limits.maxBodySize;
    this.#bytesSent = 0;
    this.#watchers = undefined;
  }

  // --- what is known ---------------------------------------------------------------------------------------

  /** Limits and times; those of the connection. */
  get params(): HTTP1ConnectionParameters {
    return this.#host.params;
  }

  /** True on the side that sends the request. */
  get isClient(): boolean {
    return false;
  }

  /** Where the exchange is. */
  get state(): ExchangeState {
    return this.#state.name;
  }

  /** The stream below; undefined after {@link HTTP1Exchange.detach}. */
  get stream(): IOStream | undefined {
    return this.#state === STATE.detached ? undefined : this.#host.stream;
  }

  get ioLoop(): IOLoop {
    return this.#host.stream.ioLoop;
  }

  get peer(): PeerContext {
    return this.#peer ?? UNKNOWN_PEER;
  }

  /** What the connection knows of its peer; Tornado's name for {@link HTTP1Exchange.peer}. */
  get context(): PeerContext | undefined {
    return this.#peer;
  }

  get serverHeader(): string | false {
    return this.params.serverHeader;
  }

  /** True when the connection is not kept after this exchange. */
  get noKeepAlive(): boolean {
    return this.params.noKeepAlive;
  }

  get requestHead(): HTTP1RequestHead | undefined {
    return this.isClient ? undefined : (this.#request as HTTP1RequestHead | undefined);
  }

  /** The method of the request that was received (server) or sent (client); "GET" before there is one. */
  get requestMethod(): string {
    return this.#request?.method ?? "GET";
  }

  get startTime(): number | undefined {
    return this.#startTime;
  }

  /** True when the incoming message was received whole. */
  get messageReceived(): boolean {
    return this.#incoming !== undefined;
  }

  get trailers(): RawFields | undefined {
    return this.#incoming ?? undefined;
  }

  /** True once the outgoing message is complete. */
  get finished(): boolean {
    return this.#state === STATE.ended;
  }

  get closed(): boolean {
    return this.#state === STATE.revoked || this.#state === STATE.detached || this.#host.stream.closed();
  }

  get bytesSent(): number {
    return this.#state === STATE.open ? this.#host.sender.bodyBytes : this.#bytesSent;
  }

  get maxBodySize(): number {
    return this.#maxBodySize;
  }

  // --- writing ---------------------------------------------------------------------------------------------

  writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void> {
    if (this.#unwritable) return this.#refusal();
    // Before anything is sent. A signal that has aborted ends the waiting alone.
    resolveWait(options);
    this.#begin(startLine, headers, chunk);
    return this.#host.stream.whenWritable(options, chunk?.length);
  }

  write(chunk: Chunk, options?: WaitOptions): Promise<void> {
    if (this.#unwritable) return this.#refusal();
    // Before anything is sent. A signal that has aborted ends the waiting alone.
    resolveWait(options);
    if (this.#state === STATE.fresh) throw tooEarly("write()");
    let hasRoom: boolean;
    try {
      hasRoom = this.#host.sender.write(chunk);
    } catch (error) {
      this.#failOutput(error);
    }
    if (!hasRoom) this.#host.onExchange("full", this);
    return this.#host.stream.whenWritable(options, chunk.length);
  }

  finish(trailers?: HTTPHeaders): void {
    if (this.#unwritable) {
      this.#giveUp();
      return;
    }
    if (this.#state === STATE.fresh) throw tooEarly("finish()");
    const { sender } = this.#host;
    let hasRoom: boolean;
    try {
      hasRoom = sender.end(trailers?.toRaw());
    } catch (error) {
      // A trailer that must not be one leaves the message as it was.
      if (sender.state === "open") throw error;
      this.#failOutput(error);
    }
    this.#finished(hasRoom);
  }

  respond(startLine: ResponseStartLine, headers: HTTPHeaders, body?: Chunk): void {
    if (this.#unwritable) {
      this.#giveUp();
      return;
    }
    let hasRoom: boolean;
    try {
      const context = this.#host.responseContext(this);
      hasRoom = this.#host.sender.respond(startLine, headers.toRaw(), context, body);
    } catch (error) {
      this.#failOutput(error);
    }
    this.#finished(hasRoom);
  }

  informational(startLine: ResponseStartLine, headers: HTTPHeaders): boolean {
    if (startLine.code === 100) {
      throw new HTTPOutputError("100 (Continue) is sent by the server itself; see writeContinue()");
    }
    if (this.#unwritable || this.requestHead?.version === "HTTP/1.0") return false;
    if (this.#state !== STATE.fresh)
      throw new HTTPOutputError("an interim response cannot follow the final one");
    if (!this.#host.sender.informational(startLine, headers.toRaw())) this.#host.onExchange("full", this);
    return true;
  }

  /**
   * Tells a server's client that it may send the body (RFC 9110 §10.1.1), if it waits for that and nothing
   * was answered yet. The server calls it by itself once the delegate has taken the head.
   */
  writeContinue(): void {
    if (this.#state !== STATE.fresh || this.closed || this.requestHead?.expectContinue !== true) return;
    this.#host.sender.continue100();
  }

  // --- ending ----------------------------------------------------------------------------------------------

  upgrade(startLine: ResponseStartLine, headers: HTTPHeaders, protocol?: UpgradedProtocol): IOStream {
    const { code } = startLine;
    const head = this.requestHead;
    const isAsked =
      code === 101 ? head?.upgrade === true : head?.method === "CONNECT" && code >= 200 && code < 300;
    if (!isAsked) {
      throw new InvalidStateError(`a ${code} cannot answer a request that did not ask for another protocol`);
    }
    if (this.#state === STATE.open)
      throw new InvalidStateError("upgrade() came too late: the response has begun");
    if (this.#unwritable) throw new InvalidStateError("upgrade() needs an open connection");
    this.#begin(startLine, headers, undefined);
    return this.detach(protocol);
  }

  detach(protocol?: UpgradedProtocol): IOStream {
    if (this.#state === STATE.detached) {
      throw new InvalidStateError("detach() was called twice on the same exchange");
    }
    if (this.#host.stream.closed())
      throw new InvalidStateError("detach() needs an open stream; it is closed");
    // The connection lets its sender go, which counts until then.
    const sent = this.bytesSent;
    const stream = this.#host.release(this, protocol);
    this.#state = step(this.#state, STATE.detached);
    this.#bytesSent = sent;
    this.#watchers = undefined;
    // The new owner of the stream may live long, and needs no head.
    if (!this.isClient) this.#request = undefined;
    return stream;
  }

  close(): void {
    if (this.#state === STATE.detached || this.#state === STATE.revoked) return;
    this.#host.onExchange("close", this);
  }

  onAbort(callback: (reason: ExchangeAbortedError) => void): void {
    if (!this.#isRunning) return;
    this.#watchers ??= new AbortWatchers();
    this.#watchers.add(callback);
  }

  /**
   * Tornado's form of {@link HTTP1Exchange.onAbort}: one callback, called after the others, which another one
   * replaces and `undefined` takes away.
   */
  setCloseCallback(callback: ((reason: ExchangeAbortedError) => void) | undefined): void {
    if (!this.#isRunning) return;
    this.#watchers ??= new AbortWatchers();
    this.#watchers.closeCallback = callback;
  }

  setMaxBodySize(bytes: number): void {
    this.#maxBodySize = checkLimit("maxBodySize", bytes);
    this.#host.onExchange("max-body-size", this, bytes);
  }

  setBodyTimeout(ms: number): void {
    this.#host.onExchange("body-timeout", this, checkMilliseconds("the time for a body", ms));
  }

  // --- inside ----------------------------------------------------------------------------------------------

  #become(next: State<ExchangeState>): void {
    // The sender's count is that of the next exchange soon.
    if (this.#state === STATE.open) this.#bytesSent = this.#host.sender.bodyBytes;
    this.#state = step(this.#state, next);
  }

  /** True while the exchange may be aborted: it has not ended by itself. */
  get #isRunning(): boolean {
    return this.#isWritable || this.#state === STATE.revoked;
  }

  get #isWritable(): boolean {
    return this.#state === STATE.fresh || this.#state === STATE.open;
  }

  get #unwritable(): boolean {
    return !this.#isWritable || this.#host.stream.closed();
  }

  #begin(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk: Chunk | undefined,
  ): void {
    const { sender } = this.#host;
    let hasRoom: boolean;
    try {
      if ("code" in startLine) {
        const context = this.#host.responseContext(this);
        hasRoom = sender.beginResponse(startLine, headers.toRaw(), context, chunk);
      } else {
        this.#request = startLine;
        const context = { hasBody: WITH_BODY.has(startLine.method) };
        hasRoom = sender.beginRequest(startLine, headers.toRaw(), context, chunk);
      }
    } catch (error) {
      this.#failOutput(error);
    }
    this.#become(STATE.open);
    if (!hasRoom) this.#host.onExchange("full", this);
  }

  #finished(hasRoom: boolean): void {
    this.#state = step(this.#state, STATE.ended);
    this.#bytesSent = this.#host.sender.bodyBytes;
    this.#watchers = undefined;
    if (!hasRoom) this.#host.onExchange("full", this);
    this.#host.onExchange("finished", this);
  }

  /** The application has ended a message that can no longer be sent. */
  #giveUp(): void {
    if (this.#isRunning) this.#become(STATE.failed);
    if (this.#state !== STATE.failed) return;
    this.#watchers = undefined;
  }

  #refusal(): Promise<void> {
    const { stream } = this.#host;
    if (this.#isRunning && (this.#state === STATE.revoked || stream.closed())) {
      if (this.#state !== STATE.revoked) this.#host.onExchange("stream-gone", this);
      return rejectedQuietly(new StreamClosedError(stream.error));
    }
    throw new InvalidStateError(
      "the exchange is over: its message was finished or its stream was given away",
    );
  }

  /**
   * What the application wrote cannot be sent: once a part is out, nothing more leaves and the connection
   * ends.
   */
  #failOutput(error: unknown): never {
    if (this.#state === STATE.open) {
      this.close();
      if (this.#isRunning) this.#become(STATE.failed);
    }
    throw error;
  }
}

function tooEarly(call: string): HTTP1OutputError {
  return new HTTP1OutputError(
    "ERR_SQUALL_HTTP_OUTPUT_STATE",
    `${call} is not possible before the head of the message`,
  );
}
