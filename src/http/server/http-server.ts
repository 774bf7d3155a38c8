/**
 * The HTTP/1.1 server: a TCP server whose streams are served by {@link HTTP1ServerConnection}, each request going
 * to a connection delegate (an `Application`, a router) or to a plain function.
 */

import { inspect } from "node:util";
import type { NetworkAddress } from "../../async/network.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkBoolean, checkMilliseconds, checkOneOf } from "../../base/validate.js";
import { AddressSet } from "../../net/address-set.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { TCPServer, type TCPServerOptions } from "../../net/tcp-server.js";
import { type HTTP1ConnectionOptions, HTTP1ConnectionParameters } from "../connection/params.js";
import { HTTP1ServerConnection } from "../connection/server-connection.js";
import { CallableDelegate, type RequestCallback } from "../delegates/callable.js";
import type { HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate } from "../delegates.js";
import { type ContextOptions, HTTPRequestContext } from "./context.js";

/** Options of {@link HTTPServer}: those of its TCP server and its connections, and the following. */
export interface HTTPServerOptions extends TCPServerOptions, Omit<HTTP1ConnectionOptions, "decompress"> {
  /**
   * Believe X-Real-Ip, X-Forwarded-For, X-Scheme and X-Forwarded-Proto; default false. Only for servers that
   * nobody but proxies can reach: a client can send these fields too.
   */
  readonly xheaders?: boolean | undefined;
  /** Proxies ("10.0.0.1" or "10.0.0.0/8") skipped from the right of X-Forwarded-For; default none. */
  readonly trustedDownstream?: Iterable<string> | undefined;
  /** The protocol that requests report, for servers behind a proxy that ends TLS; default what the stream says. */
  readonly protocol?: "http" | "https" | undefined;
  /** Unpack request bodies that come with `Content-Encoding: gzip`; default false. */
  readonly decompressRequest?: boolean | undefined;
  /** Another name for `idleTimeout`, in milliseconds; default 620 s. */
  readonly idleConnectionTimeout?: number | undefined;
}

/** What {@link HTTPServer.closeAllConnections} waited for. */
export interface ShutdownReport {
  /** Connections that were resting between requests and were closed at once. */
  readonly idle: number;
  /** Connections whose running exchange, or whose other protocol, ended within the time. */
  readonly finished: number;
  /** Connections that had to be cut off when the time was over. */
  readonly aborted: number;
}

/** A function of the request, or what makes a delegate for each request. */
export type HTTPServerCallback = RequestCallback | HTTPServerConnectionDelegate;

/** A connection that spoke within so many milliseconds is about to be used, and does not make room. */
const MIN_REST = 1000;

/** Every option by name, so that a misspelt one is not a limit that is silently off. */
const OPTION_NAMES: ReadonlySet<string> = new Set([
  "allowHalfOpen",
  "bodyStallTimeout",
  "bodyTimeout",
  "chunkSize",
  "decompressRequest",
  "drainSize",
  "drainTimeout",
  "halfClosedTimeout",
  "handshakeTimeout",
  "headerTimeout",
  "idleConnectionTimeout",
  "idleTimeout",
  "ioLoop",
  "maxBlankLines",
  "maxBodySize",
  "maxBufferSize",
  "maxChunkExtensionSize",
  "maxConnections",
  "maxConnectionsPerAddress",
  "maxHeaderFields",
  "maxHeaderSize",
  "maxInformational",
  "maxPipelinedSize",
  "maxRequests",
  "maxStartLineSize",
  "maxWriteBufferSize",
  "noKeepAlive",
  "protocol",
  "readChunkSize",
  "serverHeader",
  "sslOptions",
  "trustedDownstream",
  "writeStallTimeout",
  "xheaders",
] satisfies readonly (keyof HTTPServerOptions)[]);

function isDelegate(callback: HTTPServerCallback): callback is HTTPServerConnectionDelegate {
  const { startRequest } = (callback ?? {}) as Partial<HTTPServerConnectionDelegate>;
  return typeof startRequest === "function";
}

/**
 * A non-blocking HTTP/1.1 server.
 *
 * `listen(port, options)` starts it, `stop()` ends accepting, `closeAllConnections()` ends what is open; the three
 * are those of {@link TCPServer} and Tornado's. TLS is on when `sslOptions` is given.
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
  readonly #connections = new Set<HTTP1ServerConnection>();
  readonly #context: ContextOptions;

  constructor(requestCallback: HTTPServerCallback, options: HTTPServerOptions = {}) {
    if (typeof requestCallback !== "function" && !isDelegate(requestCallback)) {
      throw new InvalidArgumentError(
        `HTTPServer needs a function of the request or an object with startRequest(), such as an Application, got ${inspect(requestCallback, { depth: 0 })}`,
      );
    }
    checkNames("option of HTTPServer", options, OPTION_NAMES, false);
    // A client that has sent its FIN may still read: its answer is sent (RFC 9112 §9.6).
    super({ ...options, allowHalfOpen: true });
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
    this.#context = {
      protocol: this.protocol,
      xheaders: this.xheaders,
      trustedDownstream: this.trustedDownstream,
    };
  }

  /** Serves HTTP on an accepted stream; {@link TCPServer} calls it for each connection. */
  override handleStream(stream: IOStream, address: NetworkAddress): void {
    // What the server writes, it writes in one piece: waiting for more (Nagle) would only delay the next chunk.
    stream.setNodelay(true);
    const context = new HTTPRequestContext(stream, address, this.#context);
    const connection = new HTTP1ServerConnection(stream, this.connParams, context);
    this.#connections.add(connection);
    connection.startServing(this);
  }

  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    const callback = this.requestCallback;
    return isDelegate(callback)
      ? callback.startRequest(serverConnection, requestConnection)
      : new CallableDelegate(callback, serverConnection, requestConnection);
  }

  onClose(serverConnection: unknown): void {
    this.#connections.delete(serverConnection as HTTP1ServerConnection);
    if (isDelegate(this.requestCallback)) this.requestCallback.onClose?.(serverConnection);
  }

  /**
   * Ends the open connections: resting ones now, running exchanges after their response, other protocols on
   * detached streams when they have said goodbye. Call `stop()` first, or new connections go on coming.
   *
   * What is not done after `timeout` milliseconds (default 30 s; 0: at once; Infinity: never) is cut off, and
   * `handler.signal` of the exchanges aborts with the reason "stopping". Never rejects; calling it twice is fine.
   */
  override async closeAllConnections(
    options: { readonly timeout?: number | undefined } = {},
  ): Promise<ShutdownReport> {
    const timeout = checkMilliseconds("timeout", options.timeout ?? 30_000);
    const open = [...this.#connections];
    const idle = new Set<HTTP1ServerConnection>();
    let aborted = 0;
    for (const connection of open) if (connection.shutdown() === "idle") idle.add(connection);
    const cutOff = (): void => {
      for (const connection of open) {
        if (!this.#connections.has(connection)) continue;
        // An idle one was closed already; that its peer has not closed as well cuts nothing off.
        if (!idle.has(connection)) aborted++;
        connection.abort();
      }
    };
    const grace = timeout === Number.POSITIVE_INFINITY ? undefined : this.ioLoop.callLater(timeout, cutOff);
    await Promise.all(open.map((connection) => connection.whenClosed()));
    if (grace !== undefined) this.ioLoop.removeTimeout(grace);
    return { idle: idle.size, finished: open.length - idle.size - aborted, aborted };
  }

  /** At the limit of connections or descriptors, those that rest make room, the oldest first. */
  protected override closeIdle(count: number): number {
    const since = this.ioLoop.time() - MIN_REST;
    let closed = 0;
    for (const connection of this.#connections) {
      if (closed >= count) break;
      if (connection.idleSince > since) continue;
      // At once, not in stages: nothing was being said, and the place is needed.
      void connection.close();
      closed++;
    }
    return closed;
  }
}
