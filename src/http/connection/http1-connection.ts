/**
 * One HTTP/1 exchange on a stream: a request and its response, seen from the side that `isClient` names.
 *
 * Reading and writing are two machines. Reading is the {@link MessageReader} of whoever hosts the exchange: a
 * server's connection, which serves many exchanges, or a {@link SingleExchange}, made by
 * {@link HTTP1Connection.readResponse}. Writing is this object: it owns an {@link HTTP1Sender} and refuses to
 * write into an exchange that is over, so that a handler which outlives its request cannot disturb the next one.
 */
import type { WaitOptions } from "../../async/cancel.js";
import type { IOLoop } from "../../async/ioloop.js";
import { InvalidStateError } from "../../base/errors.js";
import { checkLimit, checkMilliseconds } from "../../base/validate.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { HTTPOutputError } from "../../protocol/fields/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { HTTP1Sender, type ResponseContext } from "../../protocol/http1/sender.js";
import type { HTTP1RequestHead } from "../../protocol/http1/visitor.js";
import { AbortWatchers } from "../delegates/abort-watchers.js";
import type { Chunk, HTTPConnection, HTTPMessageDelegate, UpgradedProtocol } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";
import { type PeerContext, UNKNOWN_PEER } from "../peer.js";
import type { ExchangeHost, HostedExchange } from "./exchange-host.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./params.js";
import { SingleExchange } from "./single-exchange.js";

/** Methods whose requests have a body, though maybe an empty one (RFC 9110 §9.3). */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

// What may still be written.
const OPEN = 0; // everything
const OVER = 1; // nothing: the message is complete, or can never be
const REVOKED = 2; // nothing: the host ends the connection
const DETACHED = 3; // nothing: the stream belongs to somebody else

/** A promise that rejects without being reported when nobody looks at it. */
function rejectedQuietly(error: Error): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

/** One exchange. Made by the server for each request; a client makes its own. */
export class HTTP1Connection implements HTTPConnection, HostedExchange {
  /** True on the side that sends the request. */
  readonly isClient: boolean;
  /** Limits and times; those of the server if one hosts the exchange. */
  readonly params: HTTP1ConnectionParameters;
  /** What the server knows of the peer (address, protocol); copied to the request. */
  readonly context: PeerContext | undefined;
  /** True when the connection is not kept after this exchange. */
  readonly noKeepAlive: boolean;
  /** The fields after a chunked body that may be kept, once the message was received whole. */
  trailers: RawFields | undefined = undefined;
  /** True when the incoming message was received whole. */
  messageReceived = false;
  /** When the head of the request arrived, in the loop's time; undefined on a client. */
  startTime: number | undefined = undefined;

  readonly #stream: IOStream;
  readonly #sender: HTTP1Sender;
  #host: ExchangeHost | undefined;
  #requestHead: HTTP1RequestHead | undefined;
  #requestMethod = "GET";
  #state = OPEN;
  #maxBodySize: number;
  /** Made when somebody asks to be told of an early end, or it has come. */
  #watchers: AbortWatchers | undefined = undefined;

  /**
   * @param stream the open stream.
   * @param isClient which side of the exchange this is.
   * @param params limits and times, or options to make them from.
   * @param context what requests learn about the peer.
   */
  constructor(
    stream: IOStream,
    isClient: boolean,
    params?: HTTP1ConnectionParameters | HTTP1ConnectionOptions,
    context?: PeerContext,
    host?: ExchangeHost,
    requestHead?: HTTP1RequestHead,
  ) {
    this.isClient = isClient;
    this.params =
      params instanceof HTTP1ConnectionParameters ? params : new HTTP1ConnectionParameters(params);
    this.context = context;
    this.noKeepAlive = this.params.noKeepAlive;
    this.#maxBodySize = this.params.maxBodySize;
    this.#requestHead = requestHead;
    this.#stream = stream;
    this.#sender = new HTTP1Sender(stream);
    this.#host = host;
  }

  /** The stream below; undefined after {@link HTTP1Connection.detach}. */
  get stream(): IOStream | undefined {
    return this.#state === DETACHED ? undefined : this.#stream;
  }

  get ioLoop(): IOLoop {
    return this.#stream.ioLoop;
  }

  get peer(): PeerContext {
    return this.context ?? UNKNOWN_PEER;
  }

  get serverHeader(): string | false {
    return this.params.serverHeader;
  }

  get closed(): boolean {
    return this.#state === REVOKED || this.#state === DETACHED || this.#stream.closed();
  }

  get bytesSent(): number {
    return this.#sender.bodyBytes;
  }

  /** The head of the request that this exchange answers; undefined on a client. */
  get requestHead(): HTTP1RequestHead | undefined {
    return this.#requestHead;
  }

  /** The method of the request that was received (server) or sent (client). */
  get requestMethod(): string {
    return this.#requestHead?.method ?? this.#requestMethod;
  }

  /** For hosts: the request that this exchange answers. */
  answers(head: HTTP1RequestHead): void {
    this.#requestHead = head;
  }

  /** True once a final start line has been written. */
  get started(): boolean {
    return this.#sender.state !== "idle";
  }

  /** True once the outgoing message is complete. */
  get finished(): boolean {
    return this.#sender.state === "ended";
  }

  /** True while only the end of the connection can end the message, so that one cut short would look whole. */
  get endsByClosing(): boolean {
    return this.#sender.endsByClosing;
  }

  /** False when what was written closes the connection afterwards. */
  get keepAlive(): boolean {
    return this.#sender.keepAlive;
  }

  /**
   * Reads one message and feeds `delegate`. For an exchange that no server hosts (a client's, or a server's on
   * a stream of its own).
   *
   * Resolves true when the connection can serve another exchange, false when it is finished. Errors of the
   * message end the exchange, are told to the delegate by `onConnectionClose` and logged; they do not reject.
   * @throws InvalidStateError when a server hosts the exchange or it is being read already.
   */
  readResponse(delegate: HTTPMessageDelegate): Promise<boolean> {
    if (this.#host !== undefined) {
      throw new InvalidStateError("readResponse() was called on an exchange that is already being read");
    }
    const host = new SingleExchange(this, this.#stream, delegate);
    this.#host = host;
    return host.run();
  }

  writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void> {
    if (this.#unwritable) return this.#refusal();
    this.#begin(startLine, headers, chunk);
    return this.#stream.whenWritable(options);
  }

  write(chunk: Chunk, options?: WaitOptions): Promise<void> {
    if (this.#unwritable) return this.#refusal();
    try {
      if (!this.#sender.write(chunk)) this.#host?.outputBacklog();
    } catch (error) {
      this.#failOutput(error);
    }
    return this.#stream.whenWritable(options);
  }

  /**
   * The outgoing message is complete. Calling it on a closed connection or twice does nothing.
   * @throws HTTPOutputError when less was written than Content-Length promised; the connection is closed.
   */
  finish(trailers?: HTTPHeaders): void {
    if (this.#unwritable) {
      this.#end();
      return;
    }
    try {
      if (!this.#sender.end(trailers?.toRaw())) this.#host?.outputBacklog();
    } catch (error) {
      if (this.#sender.state === "open") throw error;
      this.#failOutput(error);
    }
    this.#end();
    this.#host?.exchangeFinished(this);
  }

  informational(startLine: ResponseStartLine, headers: HTTPHeaders): boolean {
    if (startLine.code === 100) {
      throw new HTTPOutputError("100 (Continue) is sent by the server itself; see writeContinue()");
    }
    if (this.#unwritable || this.#requestHead?.version === "HTTP/1.0") return false;
    if (this.started) throw new HTTPOutputError("an interim response cannot follow the final one");
    if (!this.#sender.informational(startLine, headers.toRaw())) this.#host?.outputBacklog();
    return true;
  }

  respond(startLine: ResponseStartLine, headers: HTTPHeaders, body?: Chunk): void {
    if (this.#unwritable) {
      this.#end();
      return;
    }
    try {
      if (!this.#sender.respond(startLine, headers.toRaw(), this.#responseContext, body)) {
        this.#host?.outputBacklog();
      }
    } catch (error) {
      this.#failOutput(error);
    }
    this.#end();
    this.#host?.exchangeFinished(this);
  }

  /**
   * Tells a server's client that it may send the body (RFC 9110 §10.1.1), if it waits for that and nothing was
   * answered yet. The server calls it by itself once the delegate has taken the head.
   */
  writeContinue(): void {
    if (this.#unwritable || this.started || this.#requestHead?.expectContinue !== true) return;
    this.#sender.continue100();
  }

  /**
   * Registers a function for the case that the exchange ends early: the peer is gone, half-closed, or the server
   * stops. Called at most once, never after {@link HTTP1Connection.finish}. `undefined` takes it off.
   */
  setCloseCallback(callback: ((reason: ExchangeAbortedError) => void) | undefined): void {
    if (callback === undefined && this.#watchers === undefined) return;
    if (this.#state === OVER || this.#state === DETACHED) return;
    this.#watchers ??= new AbortWatchers();
    this.#watchers.closeCallback = callback;
  }

  onAbort(callback: (reason: ExchangeAbortedError) => void): void {
    if (this.#state === OVER || this.#state === DETACHED) return;
    this.#watchers ??= new AbortWatchers();
    this.#watchers.add(callback);
  }

  /**
   * Closes the stream at once; pending promises of writes settle. A message that the end of the connection would
   * make look whole is broken off with a reset. Does nothing when the server is closing the connection already,
   * or once it has begun with the next exchange. Calling it twice is fine.
   */
  close(): void {
    if (this.#state === DETACHED || this.#state === REVOKED) return;
    if (this.#host === undefined) this.breakOff();
    else this.#host.closeNow(this);
  }

  /** For hosts: closes the stream, in the way that {@link HTTP1Connection.close} says. */
  breakOff(): void {
    if (this.endsByClosing) this.#stream.abort();
    else this.#stream.close();
  }

  /** For hosts: what is written from now on is refused, because the host ends the connection. */
  revoke(): void {
    if (this.#state === OPEN) this.#state = REVOKED;
  }

  /**
   * Gives up the stream, which then belongs to the caller, with the bytes that were read too far put back in
   * front. A server remembers the stream until it closes; `guest` hears when the server stops.
   * @throws InvalidStateError when it was detached before, the stream is closed, or the server is closing the
   * connection or has begun with the next exchange.
   */
  detach(guest?: UpgradedProtocol): IOStream {
    if (this.#state === DETACHED)
      throw new InvalidStateError("detach() was called twice on the same exchange");
    if (this.#stream.closed()) throw new InvalidStateError("detach() needs an open stream; it is closed");
    const stream = this.#host === undefined ? this.#stream : this.#host.detach(this, guest);
    this.#state = DETACHED;
    this.#watchers = undefined;
    return stream;
  }

  upgrade(startLine: ResponseStartLine, headers: HTTPHeaders, protocol?: UpgradedProtocol): IOStream {
    const { code } = startLine;
    const head = this.#requestHead;
    const isAsked =
      code === 101 ? head?.upgrade === true : head?.method === "CONNECT" && code >= 200 && code < 300;
    if (!isAsked) {
      throw new InvalidStateError(`a ${code} cannot answer a request that did not ask for another protocol`);
    }
    if (this.started) throw new InvalidStateError("upgrade() came too late: the response has begun");
    if (this.#unwritable) throw new InvalidStateError("upgrade() needs an open connection");
    this.#begin(startLine, headers, undefined);
    return this.detach(protocol);
  }

  /**
   * Changes the total time in milliseconds for the body of this message, counted from now; `Infinity`: none.
   * @throws InvalidArgumentError unless it is a number of at least 0.
   */
  setBodyTimeout(ms: number): void {
    this.#host?.setBodyTimeout(this, checkMilliseconds("the time for a body", ms));
  }

  /**
   * Changes the limit in bytes for the body of this message, also when it is unpacked. Call it before the body is
   * read.
   * @throws InvalidArgumentError unless it is an integer of at least 0 or `Infinity`.
   */
  setMaxBodySize(bytes: number): void {
    this.#maxBodySize = checkLimit("maxBodySize", bytes);
    this.#host?.setMaxBodySize(this, bytes);
  }

  /** The limit in bytes for the body of this message. */
  get maxBodySize(): number {
    return this.#maxBodySize;
  }

  /** For hosts: the exchange ended before its outgoing message was complete. */
  aborted(reason: ExchangeAbortedError): void {
    this.#watchers ??= new AbortWatchers();
    this.#watchers.abort(reason);
  }

  get #unwritable(): boolean {
    return this.#state !== OPEN || this.#stream.closed();
  }

  get #responseContext(): ResponseContext {
    const head = this.#requestHead;
    return {
      method: head?.method ?? "GET",
      version: head?.version ?? "HTTP/1.1",
      keepAlive: !this.noKeepAlive && (this.#host?.mayKeepAlive(this) ?? true),
    };
  }

  /** The application is through with the message, whether or not it could be sent. */
  #end(): void {
    if (this.#state !== DETACHED) this.#state = OVER;
    this.#watchers = undefined;
  }

  #refusal(): Promise<void> {
    const state = this.#state;
    if (state === REVOKED || (state !== OVER && this.#stream.closed())) {
      if (state === OPEN) this.#host?.streamGone(this);
      return rejectedQuietly(new StreamClosedError(this.#stream.error));
    }
    throw new InvalidStateError(
      "the exchange is over: its message was finished or its stream was given away",
    );
  }

  #begin(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk: Chunk | undefined,
  ): void {
    if ("method" in startLine) this.#requestMethod = startLine.method;
    try {
      const room =
        "code" in startLine
          ? this.#sender.beginResponse(startLine, headers.toRaw(), this.#responseContext, chunk)
          : this.#sender.beginRequest(
              startLine,
              headers.toRaw(),
              { hasBody: WITH_BODY.has(startLine.method) },
              chunk,
            );
      if (!room) this.#host?.outputBacklog();
    } catch (error) {
      this.#failOutput(error);
    }
  }

  /** What the application wrote cannot be sent: nothing more leaves, the connection ends, the caller hears why. */
  #failOutput(error: unknown): never {
    if (this.started) {
      this.close();
      this.#state = OVER;
    }
    throw error;
  }
}
