/**
 * Opening a connection along a route: looking the host up and connecting, TLS to a proxy, its tunnel, TLS to
 * the server (inside that to the proxy, if there is one). The caller learns which phase is going on, so that
 * an error or a deadline can name it.
 */
import { onAbort } from "../../async/cancel.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import { IOStream } from "../../net/stream/tcp-stream.js";
import type { TCPClient } from "../../net/tcp-client.js";
import { type SSLContext, sslOptionsToContext } from "../../net/tls/ssl-options.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { HTTP1ClientConnection } from "../connection/client-connection.js";
import type { HTTP1ConnectionParameters } from "../connection/params.js";
import type { HTTPMessageDelegate } from "../delegates.js";
import { basicAuthorization, digestAuthorization, findDigestChallenge } from "./credentials.js";
import { type FetchPhase, HTTPConnectError } from "./errors.js";
import type { HTTPProxy } from "./proxy.js";
import type { Route } from "./route.js";

/** What a connector works with. */
export interface ConnectContext {
  readonly tcpClient: TCPClient;
  readonly params: HTTP1ConnectionParameters;
  readonly signal: AbortSignal;
  /** A phase begins. */
  onPhase(phase: FetchPhase): void;
}

/** How many octets of a proxy's refusal are read; its words are not shown to anyone. */
const MAX_REFUSAL = 64 * 1024;

/** TLS contexts by the options that they were made of: files are read once. */
const contexts = new WeakMap<object, SSLContext>();

/**
 * Opens a connection. A cancel by the context's signal leaves nothing behind. Through a proxy, `tunnel` true
 * asks for a tunnel without TLS too, as a WebSocket needs (RFC 6455 §4.1).
 *
 * Rejects with the error of the resolver, the network or TLS, or with an {@link HTTPConnectError} of a proxy.
 */
export async function openConnection(
  route: Route,
  context: ConnectContext,
  tunnel = false,
): Promise<IOStream> {
  const { proxy } = route;
  if (route.ssl === undefined) {
    const first = await reach(route, context);
    return tunnel && proxy !== undefined ? await openTunnel(first, route, proxy, context) : first;
  }
  const ssl = contextOf(route.ssl);
  let stream = await reach(route, context);
  if (proxy !== undefined) stream = await openTunnel(stream, route, proxy, context);
  context.onPhase("tls");
  return await stream.startTls(false, {
    sslOptions: ssl,
    serverHostname: route.host,
    signal: context.signal,
  });
}

function contextOf(ssl: NonNullable<Route["ssl"]>): SSLContext {
  let context = contexts.get(ssl);
  if (context === undefined) {
    context = sslOptionsToContext(ssl);
    contexts.set(ssl, context);
  }
  return context;
}

/** Connects to the server or its proxy; the proxy's TLS is its own and says nothing about the server's. */
async function reach(route: Route, context: ConnectContext): Promise<IOStream> {
  const { proxy } = route;
  if (proxy?.ssl === undefined) return await connectTo(route, context);
  const sslOptions = contextOf(proxy.ssl);
  const stream = await connectTo(route, context);
  context.onPhase("proxy-tls");
  return await stream.startTls(false, { sslOptions, serverHostname: proxy.host, signal: context.signal });
}

function connectTo(route: Route, context: ConnectContext): Promise<IOStream> {
  const { signal, tcpClient } = context;
  // The server may close behind its response while that is still being unpacked.
  const allowHalfOpen = true;
  context.onPhase("lookup");
  if (route.unixSocket !== undefined) {
    context.onPhase("connect");
    const stream = new IOStream(undefined, { ioLoop: tcpClient.ioLoop, allowHalfOpen });
    return stream.connect({ path: route.unixSocket }, { signal });
  }
  const { proxy, filterAddresses } = route;
  const { host, port } = proxy ?? route;
  return tcpClient.connect(host, port, {
    signal,
    allowHalfOpen,
    af: route.family,
    sourceIp: route.sourceIp,
    filterAddresses: (addresses) => {
      context.onPhase("connect");
      return proxy === undefined ? (filterAddresses?.(addresses, host) ?? addresses) : addresses;
    },
  });
}

/** The answer to CONNECT; what a refusing proxy says beyond its head is thrown away. */
class TunnelAnswer implements HTTPMessageDelegate {
  code = 0;
  headers = new HTTPHeaders();
  readonly #tooMuch: () => void;
  #size = 0;

  constructor(tooMuch: () => void) {
    this.#tooMuch = tooMuch;
  }

  headersReceived(startLine: RequestStartLine | ResponseStartLine, headers: HTTPHeaders): void {
    this.code = (startLine as ResponseStartLine).code;
    this.headers = headers;
  }

  dataReceived(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > MAX_REFUSAL) this.#tooMuch();
  }

  finish(): void {}

  onConnectionClose(): void {}
}

/**
 * Asks a proxy for a tunnel to the route's server (RFC 9110 §9.3.6); once more with the answer to its
 * challenge.
 */
async function openTunnel(
  first: IOStream,
  route: Route,
  proxy: HTTPProxy,
  context: ConnectContext,
): Promise<IOStream> {
  const { credentials, authMode } = proxy;
  const authority = `${route.host.includes(":") ? `[${route.host}]` : route.host}:${route.port}`;
  const basic =
    authMode === "basic" && credentials !== undefined ? basicAuthorization(credentials) : undefined;
  context.onPhase("proxy");
  const answer = await askForTunnel(first, authority, basic, context);
  if (answer.tunnel !== undefined) return answer.tunnel;
  const challenge =
    answer.code === 407 && authMode === "digest"
      ? findDigestChallenge(answer.headers.getList("Proxy-Authenticate"))
      : undefined;
  if (challenge === undefined || credentials === undefined) throw refused(answer.code);
  const second = await reach(route, context);
  context.onPhase("proxy");
  const authorization = digestAuthorization(challenge, credentials, "CONNECT", authority);
  const again = await askForTunnel(second, authority, authorization, context);
  if (again.tunnel === undefined) throw refused(again.code);
  return again.tunnel;
}

function refused(code: number): HTTPConnectError {
  return new HTTPConnectError(`the proxy refused the tunnel with status ${code}`, "proxy");
}

async function askForTunnel(
  stream: IOStream,
  authority: string,
  authorization: string | undefined,
  { params, signal }: ConnectContext,
): Promise<{ tunnel: IOStream | undefined; code: number; headers: HTTPHeaders }> {
  const headers = new HTTPHeaders({ Host: authority });
  if (authorization !== undefined) headers.set("Proxy-Authorization", authorization);
  const connection = new HTTP1ClientConnection(stream, params);
  const answer = new TunnelAnswer(() => connection.close());
  const unlisten = onAbort(signal, () => connection.close());
  try {
    const startLine: RequestStartLine = { method: "CONNECT", path: authority, version: "HTTP/1.1" };
    const exchange = connection.request(startLine, headers, answer, { finish: true });
    await connection.whenExchangeEnds();
    signal.throwIfAborted();
    const { code } = answer;
    if (connection.state === "upgraded") return { tunnel: exchange.detach(), code, headers: answer.headers };
    connection.close();
    if (code < 200) {
      throw new HTTPConnectError("the proxy closed the connection", "proxy", {
        cause: connection.error ?? new StreamClosedError(stream.error),
      });
    }
    return { tunnel: undefined, code, headers: answer.headers };
  } finally {
    unlisten();
  }
}
