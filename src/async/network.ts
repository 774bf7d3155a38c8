/**
 * Where sockets come from: the seam between squall and an operating system. `net/` uses the loop's network,
 * or Node's when the loop has none; `squall/testing` has one that lives in memory.
 *
 * A {@link NetworkSocket} is the part of `net.Socket` that squall uses. Node's network hands out the socket
 * itself, without a wrapper; the memory network hands out a `stream.Duplex` with the same members, so that
 * `tls.TLSSocket` works on both.
 */
import type { Duplex } from "node:stream";

/** One end of a connection: the structural part of `net.Socket` that squall needs. */
export interface NetworkSocket extends Duplex {
  /** The other end's IP address; undefined for unix sockets, and once the connection is gone. */
  readonly remoteAddress?: string | undefined;
  /** The other end's port; undefined as {@link NetworkSocket.remoteAddress} is. */
  readonly remotePort?: number | undefined;
  /** `IPv4` or `IPv6`; undefined as {@link NetworkSocket.remoteAddress} is. */
  readonly remoteFamily?: string | undefined;
  /** This end's IP address; undefined for unix sockets. */
  readonly localAddress?: string | undefined;
  /** This end's port; undefined for unix sockets. */
  readonly localPort?: number | undefined;
  /** True while the connection is not established yet. */
  readonly connecting: boolean;
  /** Switches Nagle's algorithm off (true, the default) or on; means nothing where there is none. */
  setNoDelay(noDelay?: boolean): this;
  /**
   * Asks the system to probe a silent connection after `initialDelay` milliseconds; means nothing where it
   * cannot.
   */
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  /** Ends the connection with a reset (TCP RST), as far as the network knows such a thing. */
  resetAndDestroy(): this;
}

/** Where something listens or connects: a TCP address, or the path of a unix socket. */
export type NetworkAddress =
  | { readonly host: string; readonly port: number; readonly family: 4 | 6 }
  | { readonly path: string };

/** What {@link Network.listen} is asked for. */
export interface ListenRequest {
  /** Address to bind; absent for every interface. */
  readonly host?: string | undefined;
  /** Port to bind; 0 for a free one. Absent when `path` is given. */
  readonly port?: number | undefined;
  /** A unix socket instead of host and port. */
  readonly path?: string | undefined;
  /** An already open, listening descriptor instead of the above. */
  readonly fd?: number | undefined;
  /** Length of the queue of connections not yet accepted; default 128. */
  readonly backlog?: number | undefined;
  /** IPv6 sockets take IPv6 connections alone; default true. */
  readonly ipv6Only?: boolean | undefined;
  /** Several processes may bind the port, where the system can; default false. */
  readonly reusePort?: boolean | undefined;
  /** Inside a cluster worker: bind here instead of in the primary; default false. */
  readonly exclusive?: boolean | undefined;
}

/** A listening socket. Connections arrive as `allowHalfOpen` sockets with nothing read yet. */
export interface NetworkServer {
  /** The address really bound (with the port that was chosen for 0). */
  readonly address: NetworkAddress;
  /** At how many open connections the network drops new ones; `Infinity` for no limit. */
  maxConnections: number;
  /**
   * Starts accepting. `onConnection` must not throw; `scarce` says that the process is about to run out of
   * descriptors, of which the connection holds one. `onError` gets accept failures, which are not fatal.
   */
  accept(
    onConnection: (socket: NetworkSocket, scarce?: boolean) => void,
    onError: (error: Error) => void,
  ): void;
  /** Ends {@link NetworkServer.accept}: connections wait from now on. */
  hold(): void;
  /** Stops listening at once; open connections go on. Resolves when the address is free again. */
  close(): Promise<void>;
  /** Keeps the process alive while it listens, which is how it begins. Calling twice is fine. */
  ref(): void;
  /** Does not keep the process alive any more. Calling twice is fine. */
  unref(): void;
}

/** What {@link Network.connect} is asked for: one address, already resolved. */
export interface ConnectRequest {
  /** The IP address to connect to. Absent when `path` is given. */
  readonly host?: string | undefined;
  /** The port to connect to. Absent when `path` is given. */
  readonly port?: number | undefined;
  /** A unix socket instead of host and port. */
  readonly path?: string | undefined;
  /** The address to connect from; default the system's choice. */
  readonly localAddress?: string | undefined;
  /** The port to connect from; default the system's choice. */
  readonly localPort?: number | undefined;
}

/** One answer of {@link Network.resolve}. */
export interface ResolvedAddress {
  /** An IP address as text. */
  readonly address: string;
  /** Of which family it is. */
  readonly family: 4 | 6;
}

/** A way to listen, connect and look names up. */
export interface Network {
  /**
   * Only on networks inside the process: how many deliveries (bytes, a FIN, a reset, a new connection, an
   * answer of `resolve`) are under way that will happen without time passing. While it is not 0, a virtual
   * clock lets no time pass. Two things do not count: what waits for a timer of the loop (latency), and what
   * its reader has not asked for (back-pressure), because only time or the reader can move those.
   */
  readonly pending?: number | undefined;
  /** Binds and listens. Rejects with the system's error (`EADDRINUSE`, `EACCES`, …). */
  listen(request: ListenRequest): Promise<NetworkServer>;
  /**
   * Begins to connect and returns at once; the socket emits `connect` or `error` + `close` like `net.Socket`.
   */
  connect(request: ConnectRequest): NetworkSocket;
  /** Looks a host name up; `family` 0 asks for both. Rejects with the system's error (`ENOTFOUND`, …). */
  resolve(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]>;
}
