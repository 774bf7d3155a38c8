/**
 * A server for any protocol over TCP or unix sockets, with or without TLS: it listens, accepts, and hands
 * each connection to `handleStream` as a stream.
 *
 *     class Echo extends TCPServer {
 *       override async handleStream(stream: IOStream) {
 *         for await (const chunk of stream) await stream.write(chunk);
 *       }
 *     }
 *     const server = new Echo();
 *     await server.listen(7);
 *
 * Three ways to begin, as in Tornado: `listen(port)`; `bind(port)` now and `start()` later; or
 * `addSockets(sockets)` with what `bindSockets()` returned. Whatever goes wrong with one connection is logged
 * and hurts no other.
 */

import type { SecureContext } from "node:tls";
import { cancellable } from "../async/cancel.js";
import { pendingResult } from "../async/coroutine/yieldable.js";
import type { IOLoop } from "../async/ioloop.js";
import type { NetworkAddress, NetworkServer, NetworkSocket } from "../async/network.js";
import { appLog, genLog } from "../base/log.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { checkLimit, checkMilliseconds } from "../base/validate.js";
import { formatAddress, type PeerAddress, peerAddress } from "./address.js";
import { ConnectionLimiter } from "./connection-limiter.js";
import { type BindOptions, bindSockets, checkWhere, refuseCallback } from "./listen.js";
import { nodeCluster } from "./process/node-cluster.js";
import { type ForkOptions, forkProcesses, onWorkerStop } from "./process/workers.js";
import { StreamClosedError } from "./stream/stream-errors.js";
import { STREAM_OPTIONS, type StreamOptions, StreamSettings } from "./stream/stream-settings.js";
import { IOStream, reset, SSLIOStream, SSLStreamSettings } from "./stream/tcp-stream.js";
import type { SSLContext, SSLOptions } from "./tls/ssl-options.js";

/** Options of {@link TCPServer}; those of streams are for the streams of its connections. */
export interface TCPServerOptions extends StreamOptions {
  /** Speaks TLS, with these options or this context; default: does not. */
  readonly sslOptions?: SSLOptions | SSLContext | SecureContext | undefined;
  /**
   * How long a client may take for the TLS handshake, in milliseconds; default 30 s, `Infinity` for no limit.
   */
  readonly handshakeTimeout?: number | undefined;
  /**
   * How many connections may be open; default `Infinity`, off. At the limit idle ones make room, if the
   * protocol knows which those are (HTTP does); else the new one is closed at once.
   */
  readonly maxConnections?: number | undefined;
  /**
   * How many of them may come from one address, which for IPv6 is a /64 network; more are closed at once.
   * Default `Infinity`, off. Behind a proxy all connections come from one address.
   */
  readonly maxConnectionsPerAddress?: number | undefined;
}

/** The names of {@link TCPServerOptions}. */
export const TCP_SERVER_OPTIONS: ReadonlySet<string> = new Set([
  ...STREAM_OPTIONS,
  ...optionNames<Omit<TCPServerOptions, keyof StreamOptions>>({
    sslOptions: 1,
    handshakeTimeout: 1,
    maxConnections: 1,
    maxConnectionsPerAddress: 1,
  }),
]);

const CLOSE_OPTIONS = optionNames<{ timeout: number }>({ timeout: 1 });

/** The time of `closeAllConnections()`, checked. */
export function closeTimeout(options: { readonly timeout?: number | undefined }): number {
  checkNames("option of closeAllConnections()", options, CLOSE_OPTIONS);
  return checkMilliseconds("timeout", options.timeout ?? 30_000);
}

/** Options of {@link TCPServer.listen} and {@link TCPServer.bind}. */
export type ListenOptions = Omit<BindOptions, "ioLoop">;

/** Listens and hands each connection to {@link TCPServer.handleStream}. */
export class TCPServer {
  /** The loop on which it works. */
  readonly ioLoop: IOLoop;
  readonly #settings: StreamSettings;
  readonly #limiter: ConnectionLimiter;
  readonly #sockets: Set<NetworkServer> = new Set();
  readonly #bound: NetworkServer[] = [];
  #stopped = false;
  #started = false;
  #stopping: Promise<void> = Promise.resolve();
  /**
   * Reads and checks the TLS options at once.
   *
   * @throws InvalidArgumentError if an option is invalid or named almost as one is (a subclass may have
   *   options of its own, under other names), or a certificate is missing or cannot be read
   * @throws Error of OpenSSL if a certificate or key is broken
   */
  constructor(options: TCPServerOptions = {}) {
    checkNames("option of TCPServer", options, TCP_SERVER_OPTIONS, true);
    this.#settings =
      options.sslOptions === undefined
        ? new StreamSettings(options)
        : new SSLStreamSettings({ ...options, serverSide: true });
    this.ioLoop = this.#settings.ioLoop;
    const limits = {
      maxConnections: checkLimit("maxConnections", options.maxConnections ?? Number.POSITIVE_INFINITY),
      maxConnectionsPerAddress: checkLimit(
        "maxConnectionsPerAddress",
        options.maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY,
      ),
    };
    this.#limiter = new ConnectionLimiter(this.ioLoop, limits, (count) => this.closeIdle(count));
  }

  /** The TLS context of the server; undefined if it does not speak TLS. */
  get sslOptions(): SSLContext | undefined {
    return this.#settings instanceof SSLStreamSettings ? this.#settings.sslOptions : undefined;
  }

  /** For the streams; see `StreamOptions`. */
  get maxBufferSize(): number {
    return this.#settings.maxBufferSize;
  }

  /** For the streams; see `StreamOptions`. */
  get readChunkSize(): number {
    return this.#settings.readChunkSize;
  }

  /** @internal What the options of its constructor are called; `listen()` says so of one that it gets. */
  protected get optionNames(): ReadonlySet<string> {
    return TCP_SERVER_OPTIONS;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#limiter.open.size;
  }

  /** What the server listens on; with several interfaces or ports more than one. */
  get addresses(): NetworkAddress[] {
    return [...this.#sockets, ...this.#bound].map((socket) => socket.address);
  }

  /**
   * The first TCP port it listens on (the real one where 0 was asked for); undefined if it listens on none.
   */
  get port(): number | undefined {
    for (const address of this.addresses) if ("port" in address) return address.port;
    return undefined;
  }

  /**
   * Listens on a port (0: a free one, the same for IPv4 and IPv6) and accepts. May be called for several
   * ports. Resolves with the server, whose `port` and `addresses` are known then; rejects with the system's
   * error (`EADDRINUSE`, `EACCES`, …), and with an InvalidArgumentError for an unknown option: with `host`
   * for `address` it would listen on all interfaces.
   */
  async listen(port: number, options?: ListenOptions | string): Promise<this>;
  async listen(port: number, options?: ListenOptions | string, callback?: unknown): Promise<this> {
    refuseCallback(options, callback);
    this.addSockets(await this.#bind(port, options));
    return this;
  }

  /**
   * Listens without accepting: connections wait until {@link TCPServer.start}, after which it accepts at
   * once. May be called for several ports. Rejects as {@link TCPServer.listen} does.
   */
  async bind(port: number, options?: ListenOptions | string): Promise<void> {
    refuseCallback(options, undefined);
    const sockets = await this.#bind(port, options);
    if (this.#started) this.addSockets(sockets);
    else this.#bound.push(...sockets);
  }

  /**
   * Accepts on everything that was bound. With another number than 1 it does so in that many worker processes
   * (0 or null: one for each processor), each of which runs the program from its beginning: see
   * `forkProcesses`. In the primary process the promise does not resolve then, and the process exits when the
   * workers are done; a worker that is to stop calls {@link TCPServer.stop} and
   * {@link TCPServer.closeAllConnections} before it exits.
   */
  async start(numProcesses: number | null = 1, options: ForkOptions = {}): Promise<void> {
    if (numProcesses !== 1) {
      if (nodeCluster().isPrimary) {
        // The workers bind them again, by way of this process, which holds them for all.
        await Promise.all(this.#bound.splice(0).map((socket) => socket.close()));
      }
      await forkProcesses(numProcesses, options);
      onWorkerStop(async () => {
        await this.stop();
        await this.closeAllConnections();
      });
    }
    this.#started = true;
    this.addSockets(this.#bound.splice(0));
  }

  /** Accepts on listening sockets, as `bindSockets()` and `bindUnixSocket()` return them. */
  addSockets(sockets: Iterable<NetworkServer>): void {
    for (const socket of sockets) this.addSocket(socket);
  }

  /** Accepts on one listening socket. */
  addSocket(socket: NetworkServer): void {
    if (this.#sockets.has(socket)) return;
    this.#stopped = false;
    this.#sockets.add(socket);
    socket.accept(
      (connection, scarce) => this.#accepted(connection, scarce ?? false),
      (error) => this.#limiter.acceptFailed(error),
    );
  }

  /**
   * Accepts what the system has queued, then stops listening; open connections go on. Resolves when the
   * addresses are free again. Calling twice is fine.
   */
  stop(): Promise<void> {
    if (this.#stopped) return this.#stopping;
    this.#stopped = true;
    const closing = [...this.#sockets, ...this.#bound].map((socket) => socket.close());
    this.#sockets.clear();
    this.#bound.length = 0;
    this.#stopping = Promise.all(closing).then(() => undefined);
    return this.#stopping;
  }

  /**
   * Waits until the open connections have ended, at most `timeout` milliseconds (default 30 s; 0: not at all;
   * Infinity: as long as it takes), then cuts off those that have not. Says how many ended by themselves and
   * how many were cut off. Call {@link TCPServer.stop} first, or new ones go on coming.
   */
  async closeAllConnections(
    options: { readonly timeout?: number | undefined } = {},
  ): Promise<{ readonly finished: number; readonly aborted: number }> {
    const timeout = closeTimeout(options);
    const before = this.#limiter.open.size;
    if (before > 0 && timeout > 0) {
      await cancellable<void>(this.ioLoop, "closing connections", { timeout }, (settle) => {
        this.#limiter.whenEmpty(() => settle.resolve());
        return undefined;
      }).catch(ignore);
    }
    const left = [...this.#limiter.open];
    for (const socket of left) reset(socket);
    return { finished: Math.max(0, before - left.length), aborted: left.length };
  }

  /**
   * Called with the stream and the address of each connection: override it. It may be asynchronous (also a
   * generator); its errors are logged and the stream is closed.
   */
  handleStream(_stream: IOStream, _address: PeerAddress): unknown {
    throw new Error(
      "handleStream() must be overridden: the server does not know what to do with a connection",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Makes the stream of a connection. */
  protected makeStream(socket: NetworkSocket): IOStream {
    return this.#settings instanceof SSLStreamSettings
      ? new SSLIOStream(socket, this.#settings)
      : new IOStream(socket, this.#settings);
  }

  /**
   * Closes up to `count` idle connections at once, at the limit of connections or descriptors, and returns
   * how many. Override it where the protocol knows which connections are idle; a plain server has none.
   */
  protected closeIdle(_count: number): number {
    return 0;
  }

  #bind(port: number, options: ListenOptions | string | undefined): Promise<NetworkServer[]> {
    checkWhere(options, this.optionNames);
    const settings = typeof options === "string" ? { address: options } : options;
    return bindSockets(port, { ...settings, ioLoop: this.ioLoop });
  }

  #accepted(socket: NetworkSocket, scarce: boolean): void {
    const address = peerAddress(socket);
    if (!this.#limiter.admit(socket, address, scarce)) {
      socket.on("error", ignore);
      socket.destroy();
      return;
    }
    let stream: IOStream | undefined;
    try {
      stream = this.makeStream(socket);
      const pending = pendingResult(this.handleStream(stream, address));
      if (pending !== undefined)
        pending.then(undefined, (error) => this.#handlerFailed(stream, address, error));
    } catch (error) {
      if (stream === undefined) socket.destroy();
      this.#handlerFailed(stream, address, error);
    }
  }

  #handlerFailed(stream: IOStream | undefined, address: PeerAddress, error: unknown): void {
    // A handler that reads until the connection is gone ends like this every time.
    if (error instanceof StreamClosedError) {
      genLog.info("connection of %s ended: %s", formatAddress(address), error.message);
    } else {
      appLog.exception("error in the connection of %s", formatAddress(address), error);
    }
    stream?.close(error instanceof Error ? error : undefined);
  }
}

function ignore(): void {}
