/**
 * Opening a WebSocket as a client (RFC 6455 §4.1): one TCP or TLS connection, one request, and its stream
 * when the server has agreed. One deadline and one signal cover all of it.
 */
import { cancellable, onAbort, type WaitOptions } from "../async/cancel.js";
import { IOLoop } from "../async/ioloop.js";
import { InvalidArgumentError } from "../base/errors.js";
import { checkNames } from "../base/nearest-name.js";
import { checkMilliseconds } from "../base/validate.js";
import { version } from "../base/version.js";
import { openConnection } from "../http/client/connect.js";
import { basicAuthorization } from "../http/client/credentials.js";
import type { HTTPRequestOptions } from "../http/client/request.js";
import { type Route, routeTo } from "../http/client/route.js";
import { parseTarget, type Target } from "../http/client/target.js";
import { HTTP1ClientConnection } from "../http/connection/client-connection.js";
import { HTTP1ConnectionParameters } from "../http/connection/params.js";
import type { HTTPMessageDelegate } from "../http/delegates.js";
import type { Resolver } from "../net/resolver.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import { TCPClient } from "../net/tcp-client.js";
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
import { resolveWebSocketOptions, WEBSOCKET_OPTION_NAMES, type WebSocketOptions } from "./params.js";

/** Those options of requests that say how to reach a server. */
export type ConnectionOption =
  | "allowIpv6"
  | "caCerts"
  | "clientCert"
  | "clientKey"
  | "filterAddresses"
  | "networkInterface"
  | "proxyAuthMode"
  | "proxyFromEnvironment"
  | "proxyHost"
  | "proxyPassword"
  | "proxyPort"
  | "proxySecure"
  | "proxySslOptions"
  | "proxyUsername"
  | "sslOptions"
  | "unixSocket"
  | "validateCert";

/** Options of {@link websocketConnect}. Through a proxy the connection is always a tunnel (CONNECT). */
export interface WebSocketConnectOptions
  extends WebSocketOptions,
    WebSocketClientCallbacks,
    Pick<WaitOptions, "signal">,
    Pick<HTTPRequestOptions, ConnectionOption> {
  /** Further header fields of the request, such as `Origin` or `Authorization`; default none. */
  readonly headers?: HTTPHeaders | HTTPHeadersInit | undefined;
  /** The subprotocols that are offered, in order of preference; default none. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Offers compression, `{}` with its defaults; default none. */
  readonly compressionOptions?: CompressionOptions | null | undefined;
  /**
   * Milliseconds for name, connection, proxy, TLS and handshake together; default 20 s, `Infinity` for no
   * limit.
   */
  readonly connectTimeout?: number | undefined;
  /** Looks the host up; default the resolver that `Resolver` is configured to. */
  readonly resolver?: Resolver | undefined;
  /** The loop to work on; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
}

/** The names of {@link WebSocketConnectOptions}. */
const OPTION_NAMES: ReadonlySet<string> = new Set<string>([
  ...WEBSOCKET_OPTION_NAMES,
  "allowIpv6",
  "caCerts",
  "clientCert",
  "clientKey",
  "filterAddresses",
  "networkInterface",
  "proxyAuthMode",
  "proxyFromEnvironment",
  "proxyHost",
  "proxyPassword",
  "proxyPort",
  "proxySecure",
  "proxySslOptions",
  "proxyUsername",
  "sslOptions",
  "unixSocket",
  "validateCert",
  "signal",
  "headers",
  "subprotocols",
  "compressionOptions",
  "connectTimeout",
  "resolver",
  "ioLoop",
  "onMessageCallback",
  "onPingCallback",
  "onPongCallback",
]);

/** A response that refuses is not read further than its head. */
const MAX_BODY = 65_536;

/** Where a URL leads; as for HTTP, once the scheme is that of HTTP (RFC 6455 §3). */
function parseAddress(address: string | URL): Target {
  const text = String(address);
  if (!/^wss?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError(
      `the URL must be an absolute ws: or wss: URL, got ${JSON.stringify(text)}`,
    );
  }
  if (text.includes("#")) {
    throw new InvalidArgumentError(
      `the URL of a WebSocket must not have a fragment, got ${JSON.stringify(text)}`,
    );
  }
  return parseTarget(text.replace(/^ws/i, "http"));
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

function requestFields(target: Target, offer: ClientOffer, options: WebSocketConnectOptions): HTTPHeaders {
  const headers = new HTTPHeaders(options.headers);
  if (!headers.has("Host")) headers.set("Host", target.authority);
  if (!headers.has("User-Agent")) headers.set("User-Agent", `squall/${version}`);
  if (target.credentials !== undefined && !headers.has("Authorization"))
    headers.set("Authorization", basicAuthorization(target.credentials));
  for (const [name, value] of offerFields(offer)) headers.set(name, value);
  return headers;
}

/** Sends the request on a stream, and resolves when the server has agreed. */
async function handshakeOn(
  stream: IOStream,
  target: Target,
  options: WebSocketConnectOptions,
  httpParams: HTTP1ConnectionParameters,
): Promise<WebSocketClientConnection> {
  const wanted = options.compressionOptions ?? undefined;
  const compression = wanted && withinContextLimit(resolveCompressionOptions(wanted));
  const offer = newClientOffer(options.subprotocols, compression);
  const params = resolveWebSocketOptions(options);
  const http = new HTTP1ClientConnection(stream, httpParams);
  const answer = new Answer();
  const startLine = { method: "GET", path: target.path, version: "HTTP/1.1" };
  const exchange = http.request(startLine, requestFields(target, offer, options), answer, { finish: true });
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
 * Opens a WebSocket to a `ws:` or `wss:` URL; a user and a password in it go into the `Authorization` field.
 * Redirects are not followed.
 *
 *     const connection = await websocketConnect("wss://example.com/feed");
 *     for await (const message of connection) console.log(message);
 *
 * Tornado `websocket_connect`.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a URL or an option that is invalid.
 * @throws WebSocketHandshakeError (`ERR_SQUALL_WEBSOCKET_HANDSHAKE`) when the server does not agree, or ends
 * the
 *   connection; its `status` is that of a server that answered with another status than 101.
 * @throws StreamClosedError (`ERR_SQUALL_STREAM_CLOSED`) when no connection can be made; `realError` says
 *   why. When TLS fails, for instance because of a certificate, the error of Node. An `HTTPConnectError` when
 *   a proxy refuses.
 * @throws TimeoutError (`ERR_SQUALL_TIMEOUT`) after `connectTimeout` milliseconds; or the signal's reason.
 * Both leave
 *   nothing behind.
 */
export async function websocketConnect(
  address: string | URL,
  options: WebSocketConnectOptions = {},
): Promise<WebSocketClientConnection> {
  const target = parseAddress(address);
  checkNames("option of websocketConnect()", options, OPTION_NAMES, false);
  resolveWebSocketOptions(options);
  newClientOffer(options.subprotocols);
  const route = routeTo(target, (name) => (options as HTTPRequestOptions)[name]);
  const ioLoop = options.ioLoop ?? IOLoop.current();
  const tcpClient = new TCPClient({ ioLoop, resolver: options.resolver });
  const what = `opening a WebSocket to ${target.authority}`;
  const bounds = { signal: options.signal, timeout: connectTimeoutOf(options) };
  try {
    return await cancellable<WebSocketClientConnection>(ioLoop, what, bounds, (settle) => {
      const controller = new AbortController();
      open(route, target, options, tcpClient, controller.signal).then(settle.resolve, settle.reject);
      return (reason) => controller.abort(reason);
    });
  } finally {
    tcpClient.close();
  }
}

function connectTimeoutOf({ connectTimeout = 20_000 }: WebSocketConnectOptions): number {
  return checkMilliseconds("connectTimeout", connectTimeout);
}

/** Connects and shakes hands; an abort of `signal` closes whatever there is. */
async function open(
  route: Route,
  target: Target,
  options: WebSocketConnectOptions,
  tcpClient: TCPClient,
  signal: AbortSignal,
): Promise<WebSocketClientConnection> {
  const params = new HTTP1ConnectionParameters({
    headerTimeout: Number.POSITIVE_INFINITY,
    maxBodySize: MAX_BODY,
    noKeepAlive: true,
  });
  const context = { tcpClient, params, signal, onPhase() {} };
  const stream = await openConnection(route, context, true);
  stream.setNodelay(true);
  const stopListening = onAbort(signal, () => stream.close());
  try {
    return await handshakeOn(stream, target, options, params);
  } catch (error) {
    stream.close();
    throw error;
  } finally {
    stopListening();
  }
}
