/**
 * The HTTP/1.1 server: a TCP server whose streams are served by {@link HTTP1ServerConnection}, each request
 * going to a connection delegate (an `Application`, a router) or to a plain function.
 */

import { inspect } from "node:util";
import type { NetworkAddress } from "../../async/network.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { LogLevel } from "../../base/log-record.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkBoolean, checkOneOf, isClass } from "../../base/validate.js";
import { formatAddress } from "../../net/address.js";
import { AddressSet } from "../../net/address-set.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import {
  closeTimeout,
  type ListenOptions,
  TCP_SERVER_OPTIONS,
  TCPServer,
  type TCPServerOptions,
} from "../../net/tcp-server.js";
import type { SSLOptions } from "../../net/tls/ssl-options.js";
import { DEFAULT_HTTP1_LIMITS, type HTTP1LimitsOptions } from "../../protocol/http1/limits.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "../connection/params.js";
import { HTTP1ServerConnection } from "../connection/server-connection.js";
import type { ServerConnection, ServerProtocol } from "../connection/server-protocol.js";
import { CallableDelegate, type RequestCallback } from "../delegates/callable.js";
import type { HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate } from "../delegates.js";
import { type ContextOptions, HTTPRequestContext } from "./context.js";
import { ProtocolChoice } from "./protocol-choice.js";

/** Options of {@link HTTPServer}: those of its TCP server and its connections, and the following. */
export interface HTTPServerOptions extends TCPServerOptions, Omit<HTTP1ConnectionOptions, "decompress"> {
  /**
   * Believe X-Real-Ip, X-Forwarded-For, X-Scheme and X-Forwarded-Proto; default false. Only for servers that
   * proxies alone can reach: a client can send these fields too.
   */
  readonly xheaders?: boolean | undefined;
  /** Proxies ("10.0.0.1" or "10.0.0.0/8") skipped from the right of X-Forwarded-For; default none. */
  readonly trustedDownstream?: Iterable<string> | undefined;
  /**
   * The protocol that requests report, for servers behind a proxy that ends TLS; default what the stream
   * says.
   */
  readonly protocol?: "http" | "https" | undefined;
  /** Unpack request bodies that come with `Content-Encoding: gzip`; default false. */
  readonly decompressRequest?: boolean | undefined;
  /**
   * What the server speaks beside HTTP/1; default nothing. A TLS connection speaks what the handshake agrees
   * on (their names are offered by ALPN, unless `sslOptions` has `ALPNProtocols` of its own or is a context);
   * others by their first octets. The choice has `headerTimeout`.
   */
  readonly protocols?: readonly ServerProtocol[] | undefined;
  /** Another name for `idleTimeout`, in milliseconds; default 620 s. */
  readonly idleConnectionTimeout?: number | undefined;
}

/** What {@link HTTPServer.closeAllConnections} waited for. */
export interface ShutdownReport {
  /** Connections that were idle between requests and were closed at once. */
  readonly idle: number;
  /** Connections whose running exchange, or whose upgraded protocol, ended within the time. */
  readonly finished: number;
  /** Connections that had to be cut off when the time was over. */
  readonly aborted: number;
}

/** The TLS options of a server that speaks several protocols: it says which. */
function withALPN({ protocols = [], sslOptions }: HTTPServerOptions): HTTPServerOptions["sslOptions"] {
  if (protocols.length === 0 || sslOptions === undefined || !isPlain(sslOptions)) return sslOptions;
  return { ALPNProtocols: [...protocols.map(({ name }) => name), "http/1.1"], ...sslOptions };
}

function isPlain(options: object): options is SSLOptions {
  const prototype: unknown = Object.getPrototypeOf(options);
  return prototype === Object.prototype || prototype === null;
}

/** A function of the request, or what makes a delegate for each request. */
export type HTTPServerCallback = RequestCallback | HTTPServerConnectionDelegate;

/**
 * A connection that has been idle for less than this, in milliseconds, is about to be used and does not make
 * room.
 */
const MIN_IDLE = 1000;

/** Every option by name, so that a misspelt one is not a limit that is silently off. */
export const SERVER_OPTION_NAMES: ReadonlySet<string> = new Set([
  ...TCP_SERVER_OPTIONS,
  ...(Object.keys(DEFAULT_HTTP1_LIMITS) as (keyof HTTP1LimitsOptions)[]),
  ...optionNames<Omit<HTTPServerOptions, keyof TCPServerOptions | keyof HTTP1LimitsOptions>>({
    bodyStallTimeout: 1,
    bodyTimeout: 1,
    chunkSize: 1,
    decompressRequest: 1,
    drainSize: 1,
    drainTimeout: 1,
    halfClosedTimeout: 1,
    headerTimeout: 1,
    idleConnectionTimeout: 1,
    idleTimeout: 1,
    maxPipelinedSize: 1,
    maxRequests: 1,
    noKeepAlive: 1,
    protocol: 1,
    protocols: 1,
    serverHeader: 1,
    trustedDownstream: 1,
    writeStallTimeout: 1,
    xheaders: 1,
  }),
]);

function isDelegate(callback: HTTPServerCallback): callback is HTTPServerConnectionDelegate {
  const { startRequest } = (callback ?? {}) as Partial<HTTPServerConnectionDelegate>;
  return typeof startRequest === "function";
}

/**
 * A non-blocking HTTP/1.1 server.
 *
 * `listen(port, options)` starts it, `stop()` ends accepting, `closeAllConnections()` ends what is open; the
 * three are those of {@link TCPServer} and Tornado's. TLS is on when `sslOptions` is given.
 *
 * @throws InvalidArgumentError for an option that is unknown or of the wrong type or range.
 */
export class HTTPServer extends TCPServer implements HTTPServerConnectionDelegate {
  /** The application: a function of the request, or a connection delegate. */
  readonly requestCallback: HTTPServerCallback;
  /** Whether proxy fields are believed; see {@link HTTPServerOptions.xheaders}. */
  readonly xheaders: boolean;
  /** What requests report instead of what the stream says; see {@link HTTPServerOptions.protocol}. */
  readonly protocol: "http" | "https" | undefined;
  /** Proxies that are skipped from the right of X-Forwarded-For. */
  readonly trustedDownstream: AddressSet;
  /** Limits and times of the connections. */
  readonly connParams: HTTP1ConnectionParameters;
  readonly #connections = new Set<ServerConnection>();
  readonly #protocols: readonly ServerProtocol[];
  readonly #context: ContextOptions;

  constructor(requestCallback: HTTPServerCallback, options: HTTPServerOptions = {}) {
    if (isClass(requestCallback) || (typeof requestCallback !== "function" && !isDelegate(requestCallback))) {
      throw new InvalidArgumentError(
        `HTTPServer needs a function of the request or an object with startRequest(), such as an Application, got ${inspect(requestCallback, { depth: 0 })}`,
      );
    }
    checkNames("option of HTTPServer", options, SERVER_OPTION_NAMES);
    // A client that has sent its FIN may still read: its answer is sent (RFC 9112 §9.6).
    super({ ...options, sslOptions: withALPN(options), allowHalfOpen: true });
    this.requestCallback = requestCallback;
    this.xheaders = checkBoolean("xheaders", options.xheaders ?? false);
    this.protocol =
      options.protocol === undefined
        ? undefined
        : checkOneOf("protocol", options.protocol, ["http", "https"]);
    this.trustedDownstream = new AddressSet(options.trustedDownstream ?? []);
    this.connParams = new HTTP1ConnectionParameters({
      ...options,
      idleTimeout: options.idleConnectionTimeout ?? options.idleTimeout,
      maxBodySize: options.maxBodySize ?? options.maxBufferSize,
      decompress: options.decompressRequest,
      serverHeader:
        options.serverHeader ?? (isDelegate(requestCallback) ? requestCallback.serverHeader : undefined),
    });
    this.#protocols = [...(options.protocols ?? [])];
    this.#context = {
      protocol: this.protocol,
      xheaders: this.xheaders,
      trustedDownstream: this.trustedDownstream,
    };
  }

  /** As {@link TCPServer.listen}. A line at info level says under which URLs the server can be reached. */
  override async listen(port: number, options?: ListenOptions | string): Promise<this>;
  override async listen(...args: Parameters<TCPServer["listen"]>): Promise<this> {
    const known = this.addresses.length;
    await super.listen(...args);
    if (genLog.isEnabledFor(LogLevel.INFO)) {
      const scheme = this.sslOptions === undefined ? "http" : "https";
      const urls = this.addresses.slice(known).map((address) => `${scheme}://${formatAddress(address)}/`);
      genLog.info("listening on %s", urls.join(", "));
    }
    return this;
  }

  /** @internal */
  protected override get optionNames(): ReadonlySet<string> {
    return SERVER_OPTION_NAMES;
  }

  /** Serves HTTP on an accepted stream; {@link TCPServer} calls it for each connection. */
  override handleStream(stream: IOStream, address: NetworkAddress): void {
    // What the server writes, it writes in one piece: waiting for more (Nagle) would only delay the next
    // chunk.
    stream.setNodelay(true);
    const context = new HTTPRequestContext(stream, address, this.#context);
    if (this.#protocols.length === 0) this.#serveHTTP1(stream, context);
    else this.#choose(stream, context);
  }

  #serveHTTP1(stream: IOStream, context: HTTPRequestContext): void {
    const connection = new HTTP1ServerConnection(stream, this.connParams, context);
    this.#connections.add(connection);
    connection.startServing(this);
  }

  #choose(stream: IOStream, context: HTTPRequestContext): void {
    const choice = new ProtocolChoice(
      stream,
      this.#protocols,
      this.connParams.headerTimeout,
      (protocol) => {
        this.#connections.delete(choice);
        if (protocol === undefined) this.#serveHTTP1(stream, context);
        else this.#connections.add(protocol.serve(stream, context, this));
      },
      () => this.#connections.delete(choice),
    );
    this.#connections.add(choice);
  }

  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    const callback = this.requestCallback;
    return isDelegate(callback)
      ? callback.startRequest(serverConnection, requestConnection)
      : new CallableDelegate(callback, serverConnection, requestConnection);
  }

  onClose(serverConnection: unknown): void {
    this.#connections.delete(serverConnection as ServerConnection);
    if (isDelegate(this.requestCallback)) this.requestCallback.onClose?.(serverConnection);
  }

  /**
   * Ends the open connections: idle ones now, running exchanges after their response, upgraded protocols when
   * they have said goodbye. A request that has arrived and was not read yet is answered. Call `stop()` first,
   * or new connections go on coming.
   *
   * What is not done after `timeout` milliseconds (default 30 s; 0: at once; Infinity: never) is cut off, and
   * `handler.signal` of the exchanges aborts with the reason "stopping"; what a handler answers to that at
   * once still leaves. Never rejects; calling it twice is fine.
   */
  override async closeAllConnections(
    options: { readonly timeout?: number | undefined } = {},
  ): Promise<ShutdownReport> {
    const timeout = closeTimeout(options);
    const open = [...this.#connections];
    const states = open.map((connection) => connection.shutdown());
    const cuts: Promise<unknown>[] = [];
    const cut = new Set<ServerConnection>();
    const cutOff = (): void => {
      for (const connection of open) {
        if (!this.#connections.has(connection)) continue;
        cuts.push(connection.abort().then((isCut) => isCut && cut.add(connection)));
      }
    };
    const grace = timeout === Number.POSITIVE_INFINITY ? undefined : this.ioLoop.callLater(timeout, cutOff);
    await Promise.all(open.map((connection) => connection.whenClosed()));
    if (grace !== undefined) this.ioLoop.removeTimeout(grace);
    const idle = (await Promise.all(states)).filter((state) => state === "idle").length;
    await Promise.all(cuts);
    // An upgraded protocol may have cut its connection itself.
    for (const connection of open) if (connection.wasCut === true) cut.add(connection);
    const aborted = cut.size;
    return { idle, finished: open.length - idle - aborted, aborted };
  }

  /** At the limit of connections or descriptors, idle ones make room, upgraded ones too; the oldest first. */
  protected override closeIdle(count: number): number {
    const since = this.ioLoop.time() - MIN_IDLE;
    let closed = 0;
    for (const connection of this.#connections) {
      if (closed >= count) break;
      if (connection.idleSince > since) continue;
      // At once, without lingering: nothing was being said, and the place is needed.
      void connection.close();
      closed++;
    }
    return closed;
  }
}
