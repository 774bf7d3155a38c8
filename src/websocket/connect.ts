/**
 * Opening a WebSocket as a client (RFC 6455 §4.1): one TCP or TLS connection, one request, and its stream when the
 * server has agreed. One deadline and one signal cover all of it.
 */
import { onAbort, type WaitOptions } from "../async/cancel.js";
import { IOLoop } from "../async/ioloop.js";
import { InvalidArgumentError, TimeoutError } from "../base/errors.js";
import { checkMilliseconds } from "../base/validate.js";
import { version } from "../base/version.js";
import { HTTP1ClientConnection } from "../http/connection/client-connection.js";
import type { HTTPMessageDelegate } from "../http/delegates.js";
import type { Resolver } from "../net/resolver.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import { TCPClient, type TCPConnectOptions } from "../net/tcp-client.js";
import { HTTPHeaders, type HTTPHeadersInit } from "../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../protocol/fields/start-line.js";
import { WebSocketHandshakeError } from "../protocol/websocket/errors.js";
import {
  type ClientOffer,
  newClientOffer,
  offerFields,
  readServerHandshake,
} from "../protocol/websocket/handshake/client-handshake.js";
import {
  type CompressionOptions,
  resolveCompressionOptions,
} from "../protocol/websocket/handshake/permessage-deflate.js";
import { type WebSocketClientCallbacks, WebSocketClientConnection } from "./client-connection.js";
import { withinContextLimit } from "./deflate-contexts.js";
import { resolveWebSocketOptions, type WebSocketOptions } from "./params.js";

/** Options of {@link websocketConnect}. */
export interface WebSocketConnectOptions
  extends WebSocketOptions,
    WebSocketClientCallbacks,
    Pick<WaitOptions, "signal"> {
  /** Further header fields of the request, such as `Origin` or `Authorization`; default none. */
  readonly headers?: HTTPHeaders | HTTPHeadersInit | undefined;
  /** The subprotocols that are offered, in order of preference; default none. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Offers compression, `{}` with its defaults; default none. */
  readonly compressionOptions?: CompressionOptions | null | undefined;
  /**
   * Milliseconds for name, connection, TLS and handshake together; default 20 s, `Infinity` for no limit.
   */
  readonly connectTimeout?: number | undefined;
  /** TLS options for a `wss:` URL; default: the server's chain and name are verified. */
  readonly sslOptions?: TCPConnectOptions["sslOptions"];
  /** Looks the host up; default the resolver that `Resolver` is configured to. */
  readonly resolver?: Resolver | undefined;
  /** 4 or 6 for one address family alone; default 0, both. */
  readonly af?: 0 | 4 | 6 | undefined;
  /** The local address to connect from; default the system's choice. */
  readonly sourceIp?: string | undefined;
  /** The loop to work on; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
}

/** A response that refuses is not read further than its head. */
const MAX_BODY = 65_536;

function parseUrl(address: string | URL): URL {
  const text = String(address);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "ws:" && url.protocol !== "wss:")) {
    throw new InvalidArgumentError(
      `the URL must be an absolute ws: or wss: URL, got ${JSON.stringify(text)}`,
    );
  }
  // RFC 6455 §3.
  if (url.hash !== "" || text.includes("#")) {
    throw new InvalidArgumentError(
      `the URL of a WebSocket must not have a fragment, got ${JSON.stringify(text)}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidArgumentError(
      "a user and a password belong into the Authorization field, not into the URL",
    );
  }
  return url;
}

/** Receives the head of the answer; the body of a refusal is dropped. */
class Answer implements HTTPMessageDelegate {
  head: { readonly code: number; readonly headers: HTTPHeaders } | undefined = undefined;

  headersReceived(startLine: RequestStartLine | ResponseStartLine, headers: HTTPHeaders): void {
    const { code } = startLine as ResponseStartLine;
    if (code >= 200 || code === 101) this.head = { code, headers };
  }

  dataReceived(): void {}
  finish(): void {}
  onConnectionClose(): void {}
}

function requestFields(url: URL, offer: ClientOffer, options: WebSocketConnectOptions): HTTPHeaders {
  const headers = new HTTPHeaders(options.headers);
  if (!headers.has("Host")) headers.set("Host", url.host);
  if (!headers.has("User-Agent")) headers.set("User-Agent", `squall/${version}`);
  for (const [name, value] of offerFields(offer)) headers.set(name, value);
  return headers;
}

/** Sends the request on a stream, and resolves when the server has agreed. */
async function handshakeOn(
  stream: IOStream,
  url: URL,
  options: WebSocketConnectOptions,
): Promise<WebSocketClientConnection> {
  const wanted = options.compressionOptions ?? undefined;
  const compression = wanted && withinContextLimit(resolveCompressionOptions(wanted));
  const offer = newClientOffer(options.subprotocols, compression);
  const params = resolveWebSocketOptions(options);
  const http = new HTTP1ClientConnection(stream, {
    headerTimeout: Number.POSITIVE_INFINITY,
    maxBodySize: MAX_BODY,
    noKeepAlive: true,
  });
  const answer = new Answer();
  const startLine = { method: "GET", path: `${url.pathname}${url.search}`, version: "HTTP/1.1" };
  const exchange = http.request(startLine, requestFields(url, offer, options), answer, { finish: true });
  await http.whenExchangeEnds();
  const { head } = answer;
  if (head === undefined) {
    throw new WebSocketHandshakeError("the connection ended before the server had answered", {
      cause: http.error,
    });
  }
  if (head.code !== 101) {
    throw new WebSocketHandshakeError(
      `the server did not open a WebSocket: the status must be 101, got ${head.code}`,
      { status: head.code },
    );
  }
  const handshake = readServerHandshake(head.code, head.headers, offer);
  exchange.detach();
  return new WebSocketClientConnection({
    stream,
    headers: head.headers,
    handshake,
    params,
    compression,
    callbacks: options,
  });
}

/**
 * Opens a WebSocket to a `ws:` or `wss:` URL. Redirects are not followed.
 *
 *     const connection = await websocketConnect("wss://example.com/feed");
 *     for await (const message of connection) console.log(message);
 *
 * Tornado `websocket_connect`.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a URL or an option that is invalid.
 * @throws WebSocketHandshakeError (`ERR_SQUALL_WEBSOCKET_HANDSHAKE`) when the server does not agree, or ends the
 *   connection; its `status` is that of a server that answered with another status than 101.
 * @throws StreamClosedError (`ERR_SQUALL_STREAM_CLOSED`) when no connection can be made; `realError` says why.
 * @throws TimeoutError (`ERR_SQUALL_TIMEOUT`) after `connectTimeout` milliseconds; or the signal's reason. Both leave
 *   nothing behind.
 */
export async function websocketConnect(
  address: string | URL,
  options: WebSocketConnectOptions = {},
): Promise<WebSocketClientConnection> {
  const url = parseUrl(address);
  resolveWebSocketOptions(options);
  newClientOffer(options.subprotocols);
  const ioLoop = options.ioLoop ?? IOLoop.current();
  const timeout = checkMilliseconds("connectTimeout", options.connectTimeout ?? 20_000);
  const deadline = ioLoop.time() + timeout;
  const isSecure = url.protocol === "wss:";
  const client = new TCPClient({ ioLoop, resolver: options.resolver });
  try {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
    const stream = await client.connect(host, port, {
      timeout,
      signal: options.signal,
      sslOptions: isSecure ? (options.sslOptions ?? {}) : undefined,
      af: options.af,
      sourceIp: options.sourceIp,
      // The end of TCP is part of the closing handshake.
      allowHalfOpen: true,
    });
    stream.setNodelay(true);
    return await within(stream, deadline, options.signal, () => handshakeOn(stream, url, options));
  } finally {
    client.close();
  }
}

/** Runs the handshake on a stream, which is closed when it fails, by itself, in time or by the signal. */
async function within<T>(
  stream: IOStream,
  deadline: number,
  signal: WaitOptions["signal"],
  run: () => Promise<T>,
): Promise<T> {
  const { ioLoop } = stream;
  let failure: { readonly reason: unknown } | undefined;
  const giveUp = (reason: unknown): void => {
    failure ??= { reason };
    stream.close();
  };
  const stopListening = onAbort(signal, giveUp);
  const timer =
    deadline === Number.POSITIVE_INFINITY
      ? undefined
      : ioLoop.callLater(Math.max(0, deadline - ioLoop.time()), () =>
          giveUp(new TimeoutError("the WebSocket was not opened within the connectTimeout")),
        );
  try {
    return await run();
  } catch (error) {
    stream.close();
    throw failure === undefined ? error : failure.reason;
  } finally {
    stopListening();
    if (timer !== undefined) ioLoop.removeTimeout(timer);
  }
}
