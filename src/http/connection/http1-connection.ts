/**
 * Tornado's `HTTP1Connection`: one exchange on a stream of one's own, on the client's or the server's side.
 * It runs on the same connections that servers and pools use, for one exchange, and hands the stream back.
 */

import type { WaitOptions } from "../../async/cancel.js";
import { Deferred } from "../../async/deferred.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog } from "../../base/log.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import type { HTTP1RequestHead } from "../../protocol/http1/visitor.js";
import type { Chunk, HTTPMessageDelegate, UpgradedProtocol } from "../delegates.js";
import type { PeerContext } from "../peer.js";
import { HTTP1ClientConnection } from "./client-connection.js";
import { answers, HTTP1Exchange } from "./exchange.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "./params.js";
import { HTTP1ServerConnection } from "./server-connection.js";

/** Serves one request. */
class SingleServerConnection extends HTTP1ServerConnection {
  exchange: HTTP1Exchange | undefined = undefined;
  readonly ended: Deferred<boolean> = new Deferred();

  protected override makeExchange(
    head: HTTP1RequestHead,
    _peer: PeerContext | undefined,
    startTime: number,
  ): HTTP1Exchange {
    const exchange = this.exchange!;
    answers(exchange, head, startTime);
    return exchange;
  }

  protected override serveNext(): void {
    this.giveBack();
    this.ended.resolve(true);
  }

  override release(exchange: HTTP1Exchange, protocol: UpgradedProtocol | undefined): IOStream {
    if (this.state === "new") return this.stream;
    return super.release(exchange, protocol);
  }

  serve(delegate: HTTPMessageDelegate): Promise<boolean> {
    this.startServing({
      startRequest: () => delegate,
      onClose: () => {
        if (this.exchange?.requestHead === undefined) callClose(delegate);
        this.ended.resolve(false);
      },
    });
    return this.ended.promise;
  }
}

function callClose(delegate: HTTPMessageDelegate): void {
  try {
    delegate.onConnectionClose();
  } catch (error) {
    appLog.exception("Uncaught exception in onConnectionClose() of an HTTP message delegate", error);
  }
}

/**
 * One exchange. A server makes it for each request; made by hand it serves, or sends, one request on an open
 * stream. Tornado `http1connection.HTTP1Connection`.
 */
export class HTTP1Connection extends HTTP1Exchange {
  readonly #client: HTTP1ClientConnection | undefined;
  readonly #server: SingleServerConnection | undefined;
  #isRead = false;

  static {
    // Those of a server have no stream of their own to read, but they are what this class stands for.
    Object.defineProperty(this, Symbol.hasInstance, {
      value: (value: unknown): boolean => value instanceof HTTP1Exchange,
    });
  }

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
  ) {
    const resolved =
      params instanceof HTTP1ConnectionParameters ? params : new HTTP1ConnectionParameters(params);
    const client = isClient
      ? new HTTP1ClientConnection(stream, resolved, { onIdle: (idle) => void idle.giveBack() }, context)
      : undefined;
    const server = isClient ? undefined : new SingleServerConnection(stream, resolved, context);
    super((client ?? server)!, context, undefined, undefined);
    this.#client = client;
    this.#server = server;
    if (server !== undefined) server.exchange = this;
  }

  override get isClient(): boolean {
    return this.#client !== undefined;
  }

  override writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void> {
    if (this.#client?.state === "connecting" && this.stream?.closed() === false) this.#client.begin(this);
    return super.writeHeaders(startLine, headers, chunk, options);
  }

  /**
   * Reads one message and feeds `delegate`. On a client, call it once the request's head has been written.
   *
   * Resolves true when the connection can serve another exchange: the stream is the caller's again, with
   * nothing lost. Resolves false when it is finished. Errors of the message end the exchange, are reported to
   * the delegate by `onConnectionClose` and logged; they do not reject.
   * @throws InvalidStateError when the message is being read already, or on a client before the request.
   */
  async readResponse(delegate: HTTPMessageDelegate): Promise<boolean> {
    if (this.#isRead) throw new InvalidStateError("readResponse() was called before on this exchange");
    this.#isRead = true;
    const client = this.#client;
    if (client === undefined) return this.#server!.serve(delegate);
    if (client.state === "connecting") {
      if (this.stream?.closed() !== true) throw new InvalidStateError("readResponse() needs a request");
      client.begin(this);
    }
    const ended = client.whenExchangeEnds();
    client.receive(this.requestMethod, delegate);
    return ended;
  }

  /**
   * Closes the stream at once, also when the exchange is over. A message that would look whole is reset.
   * Twice is fine.
   */
  override close(): void {
    super.close();
    this.stream?.close();
  }
}
