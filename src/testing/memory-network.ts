/**
 * A network that lives in memory: servers, clients, TLS and WebSockets run on it unchanged, with latency,
 * small pieces, loss, silence and resets as settings, in virtual or in real time, and with the same result
 * every time.
 *
 *     const network = new MemoryNetwork({ latency: 20, chunkSize: 1 });
 *     await VirtualLoop.run(async () => { … }, { network });
 *
 * Nothing arrives inside the call that sends it. Without latency things arrive in the next turn of the loop;
 * those are `pending`, and a virtual clock lets no time pass while there are any. With latency they wait for
 * a timer of the loop.
 */

import { IOLoop } from "../async/ioloop.js";
import type {
  ConnectRequest,
  ListenRequest,
  Network,
  NetworkAddress,
  NetworkServer,
  ResolvedAddress,
} from "../async/network.js";
import { checkLimit, checkNumber } from "../base/validate.js";
import { AcceptQueue, type ConnectionListener } from "../net/accept-queue.js";
import { ipFamily } from "../net/address.js";
import { type Carrier, type Channel, MemorySocket, systemError } from "./memory-socket.js";

/** What happens to who connects to a host: see {@link MemoryNetwork.setHost}. */
export type HostBehaviour = "normal" | "refuse" | "unreachable" | "silent";

/** Options of {@link MemoryNetwork}; most are properties, too, and may be changed while it runs. */
export interface MemoryNetworkOptions {
  /** How long everything takes one way, in milliseconds, or a function that says so each time; default 0. */
  readonly latency?: number | (() => number) | undefined;
  /**
   * How many bytes arrive at once at most, or a function that says so each time; default `Infinity`: as
   * written.
   */
  readonly chunkSize?: number | (() => number) | undefined;
  /**
   * How many bytes, one way, may be on their way or unread before the writer has to wait; default 256 KiB.
   */
  readonly bufferSize?: number | undefined;
  /** The part of the arrivals, 0 to 1, that is lost and comes only when it is sent again; default 0. */
  readonly lossRate?: number | undefined;
  /** How much later what was lost arrives, in milliseconds; default 200. */
  readonly retransmitDelay?: number | undefined;
  /** Where the random numbers for losses begin; default 1. The same seed gives the same losses. */
  readonly seed?: number | undefined;
  /**
   * Names and their addresses; default `localhost` alone, which is always there. Unknown names fail with
   * `ENOTFOUND`.
   */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Whose timers make the latency; default the loop that is current when something first needs one. */
  readonly ioLoop?: IOLoop | undefined;
}

const FIRST_PORT = 49_152;

/** A listening socket in memory. */
class MemoryServer implements NetworkServer {
  readonly address: NetworkAddress;
  readonly reusePort: boolean;
  maxConnections: number = Number.POSITIVE_INFINITY;
  connections = 0;
  readonly #backlog: number;
  readonly #release: () => void;
  readonly #queue = new AcceptQueue();
  #closed = false;

  constructor(address: NetworkAddress, request: ListenRequest, release: () => void) {
    this.address = address;
    this.reusePort = request.reusePort ?? false;
    this.#backlog = request.backlog ?? 128;
    this.#release = release;
  }

  /** Whether another connection may wait. */
  get hasRoom(): boolean {
    return this.#queue.isAccepting || this.#queue.length < this.#backlog;
  }

  connected(socket: MemorySocket): void {
    if (this.#closed || this.connections >= this.maxConnections) {
      socket.destroy();
      return;
    }
    this.connections++;
    socket.once("close", () => this.connections--);
    this.#queue.push(socket);
  }

  /** Lets `accept` fail once, as it does when descriptors run out. */
  fail(error: Error): void {
    this.#queue.fail(error);
  }

  accept(onConnection: ConnectionListener, onError: (error: Error) => void): void {
    this.#queue.accept(onConnection, onError);
  }

  hold(): void {
    this.#queue.hold();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#release();
      this.#queue.close((socket) => socket.resetAndDestroy());
    }
    return Promise.resolve();
  }

  ref(): void {}

  unref(): void {}
}

/** A {@link Network} in memory; see the top of this file. */
export class MemoryNetwork implements Network {
  /** See {@link MemoryNetworkOptions.latency}. */
  latency: number | (() => number);
  /** See {@link MemoryNetworkOptions.chunkSize}. */
  chunkSize: number | (() => number);
  /** See {@link MemoryNetworkOptions.lossRate}. */
  lossRate: number;
  /** See {@link MemoryNetworkOptions.retransmitDelay}. */
  retransmitDelay: number;
  readonly #bufferSize: number;
  readonly #servers: Set<MemoryServer> = new Set();
  readonly #sockets: Set<MemorySocket> = new Set();
  readonly #hosts: Map<string, readonly string[]> = new Map([["localhost", ["127.0.0.1", "::1"]]]);
  readonly #behaviours: Map<string, HostBehaviour> = new Map();
  readonly #carrier: Carrier;
  #random: number;
  #loop: IOLoop | undefined;
  #nextPort = FIRST_PORT;
  /** What happens in the next turn. */
  #ready: (() => void)[] = [];
  /** What would have happened since the network was cut. */
  #held: (() => void)[] | undefined;

  constructor(options: MemoryNetworkOptions = {}) {
    this.latency = options.latency ?? 0;
    this.chunkSize = options.chunkSize ?? Number.POSITIVE_INFINITY;
    this.lossRate = checkNumber("lossRate", options.lossRate ?? 0, { min: 0, max: 1 });
    this.retransmitDelay = checkNumber("retransmitDelay", options.retransmitDelay ?? 200, { min: 0 });
    this.#bufferSize = checkLimit("bufferSize", options.bufferSize ?? 262_144, 1);
    this.#random = checkNumber("seed", options.seed ?? 1);
    this.#loop = options.ioLoop;
    for (const [name, addresses] of Object.entries(options.hosts ?? {})) this.addHost(name, addresses);
    this.#carrier = {
      carry: (channel, arrive) => this.#carry(channel, arrive),
      pieceSize: () => (typeof this.chunkSize === "function" ? this.chunkSize() : this.chunkSize),
      bufferSize: this.#bufferSize,
      forget: (socket) => this.#sockets.delete(socket),
    };
  }

  /** How many arrivals will happen without time passing; see `Network.pending`. */
  get pending(): number {
    return this.#ready.length;
  }

  /** How many ends of connections are open, for tests of leaks. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  // --- Network ----------------------------------------------------------------------------------

  async listen(request: ListenRequest): Promise<NetworkServer> {
    const address = this.#listenAddress(request);
    for (const other of this.#servers) {
      if (overlap(other.address, address) && !(other.reusePort && request.reusePort === true)) {
        throw systemError("EADDRINUSE", "listen", hostAndPort(address));
      }
    }
    const server: MemoryServer = new MemoryServer(address, request, () => this.#servers.delete(server));
    this.#servers.add(server);
    return server;
  }

  connect(request: ConnectRequest): MemorySocket {
    const client = new MemorySocket(this.#carrier);
    this.#sockets.add(client);
    const host = request.host ?? "127.0.0.1";
    if (request.path !== undefined || ipFamily(host) !== 0) {
      this.#begin(client, request, host);
    } else {
      this.resolve(host, 0).then(
        (found) => this.#begin(client, request, (found[0] as ResolvedAddress).address),
        (error: Error) => client.destroy(error),
      );
    }
    return client;
  }

  async resolve(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]> {
    await new Promise<void>((resolve) => this.#later(2, resolve));
    const literal = ipFamily(host);
    const addresses = literal === 0 ? (this.#hosts.get(host.toLowerCase()) ?? []) : [host];
    const found = addresses
      .map((address): ResolvedAddress => ({ address, family: ipFamily(address) === 6 ? 6 : 4 }))
      .filter((entry) => family === 0 || entry.family === family);
    if (found.length > 0) return found;
    throw Object.assign(systemError("ENOTFOUND", "getaddrinfo"), {
      hostname: host,
      message: `getaddrinfo ENOTFOUND ${host}`,
    });
  }

  // --- for tests --------------------------------------------------------------------------------

  /** Gives a name its addresses, replacing those it had. */
  addHost(name: string, addresses: string | readonly string[]): void {
    this.#hosts.set(name.toLowerCase(), typeof addresses === "string" ? [addresses] : addresses);
  }

  /**
   * What happens to who connects to an address: `normal`; `refuse` (`ECONNREFUSED`), `unreachable`
   * (`EHOSTUNREACH`), or `silent`: no answer ever.
   */
  setHost(address: string, behaviour: HostBehaviour): void {
    this.#behaviours.set(address, behaviour);
  }

  /** Two ends that are connected with each other, without anybody listening. */
  pair(): [MemorySocket, MemorySocket] {
    const a = new MemorySocket(this.#carrier);
    const b = new MemorySocket(this.#carrier);
    this.#introduce(a, b, { host: "127.0.0.1", port: this.#freePort(), family: 4 }, {});
    a.established();
    b.established();
    return [a, b];
  }

  /**
   * From now on nothing arrives anywhere, until {@link MemoryNetwork.mend}. Nothing is lost; twice is fine.
   */
  cut(): void {
    this.#held ??= [];
  }

  /** Ends {@link MemoryNetwork.cut}: everything held up arrives, in order. */
  mend(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const happening of held) this.#soon(happening);
  }

  /** Resets every connection, as a crashing router or host does. */
  resetAll(): void {
    for (const socket of [...this.#sockets]) socket.resetAndDestroy();
  }

  /** Lets `accept` fail once on every listening socket, as with `EMFILE` when descriptors run out. */
  failAccept(code = "EMFILE"): void {
    for (const server of this.#servers) server.fail(systemError(code, "accept"));
  }

  // --- connecting -------------------------------------------------------------------------------

  #begin(client: MemorySocket, request: ConnectRequest, host: string): void {
    const target =
      request.path === undefined ? { address: host, port: request.port ?? 0 } : { address: request.path };
    const behaviour = this.#behaviours.get(target.address) ?? "normal";
    if (behaviour === "silent") return;
    this.#later(1, () => {
      if (client.destroyed) return;
      const server = behaviour === "normal" ? this.#findServer(request, host) : undefined;
      if (server === undefined || !server.hasRoom) {
        const nothing = request.path === undefined ? "ECONNREFUSED" : "ENOENT";
        const code =
          behaviour === "unreachable" ? "EHOSTUNREACH" : server === undefined ? nothing : "ECONNREFUSED";
        this.#later(1, () => client.destroy(systemError(code, "connect", target)));
        return;
      }
      const peer = new MemorySocket(this.#carrier);
      this.#introduce(client, peer, hostOf(server.address, host), request);
      peer.established();
      server.connected(peer);
      this.#later(1, () => {
        if (!client.destroyed) client.established();
      });
    });
  }

  /** Joins the two ends and gives each the address of the other. */
  #introduce(
    client: MemorySocket,
    peer: MemorySocket,
    address: NetworkAddress,
    request: ConnectRequest,
  ): void {
    this.#sockets.add(client);
    this.#sockets.add(peer);
    MemorySocket.join(this.#carrier, client, peer);
    if ("path" in address) return;
    const family = address.family === 6 ? "IPv6" : "IPv4";
    client.remoteAddress = address.host;
    client.remotePort = address.port;
    client.remoteFamily = family;
    client.localAddress = request.localAddress ?? (address.family === 6 ? "::1" : "127.0.0.1");
    client.localPort = request.localPort ?? this.#freePort();
    peer.localAddress = address.host;
    peer.localPort = address.port;
    peer.remoteAddress = client.localAddress;
    peer.remotePort = client.localPort;
    peer.remoteFamily = family;
  }

  #findServer(request: ConnectRequest, host: string): MemoryServer | undefined {
    const { path } = request;
    let found: MemoryServer | undefined;
    for (const server of this.#servers) {
      const { address } = server;
      const fits =
        path !== undefined
          ? "path" in address && address.path === path
          : "port" in address && address.port === request.port && covers(address, host);
      // Among those that share a port, the one with the fewest connections.
      if (fits && (found === undefined || server.connections < found.connections)) found = server;
    }
    return found;
  }

  #listenAddress({ host, port, path, fd }: ListenRequest): NetworkAddress {
    if (fd !== undefined) throw systemError("EINVAL", "listen");
    if (path !== undefined) return { path };
    const chosen = host ?? "::";
    return {
      host: chosen,
      port: port === undefined || port === 0 ? this.#freePort() : port,
      family: ipFamily(chosen) === 6 ? 6 : 4,
    };
  }

  #freePort(): number {
    for (;;) {
      const port = this.#nextPort;
      this.#nextPort = port === 65_535 ? FIRST_PORT : port + 1;
      let taken = false;
      for (const { address } of this.#servers) taken ||= "port" in address && address.port === port;
      if (!taken) return port;
    }
  }

  // --- carrying ---------------------------------------------------------------------------------

  #delay(): number {
    return typeof this.latency === "function" ? this.latency() : this.latency;
  }

  /** In order, one way: nothing overtakes what was sent before it on the same channel. */
  #carry(channel: Channel, arrive: () => void): void {
    let delay = this.#delay();
    if (this.lossRate > 0 && this.#nextRandom() < this.lossRate) delay += this.retransmitDelay;
    if (delay <= 0 && channel.lastDue === 0) {
      this.#soon(arrive);
      return;
    }
    const loop = this.#timers();
    const due = Math.max(loop.time() + delay, channel.lastDue);
    channel.lastDue = due;
    loop.callAt(due, () => this.#soon(arrive));
  }

  #later(trips: number, happening: () => void): void {
    let delay = 0;
    for (let i = 0; i < trips; i++) delay += this.#delay();
    if (delay <= 0) this.#soon(happening);
    else this.#timers().callLater(delay, () => this.#soon(happening));
  }

  #timers(): IOLoop {
    this.#loop ??= IOLoop.current();
    return this.#loop;
  }

  #soon(happening: () => void): void {
    if (this.#held !== undefined) {
      this.#held.push(happening);
      return;
    }
    this.#ready.push(happening);
    if (this.#ready.length === 1) setImmediate(() => this.#turn());
  }

  /** What was ready when the turn began happens in it; what that leads to, in the next. */
  #turn(): void {
    const happenings = this.#ready;
    this.#ready = [];
    for (const happening of happenings) {
      if (this.#held !== undefined) this.#held.push(happening);
      else happening();
    }
  }

  /** A small generator of its own (mulberry32): the same seed, the same losses. */
  #nextRandom(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  }
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function covers(address: { readonly host: string; readonly family: 4 | 6 }, host: string): boolean {
  return address.host === host || (isWildcard(address.host) && ipFamily(host) === address.family);
}

function overlap(a: NetworkAddress, b: NetworkAddress): boolean {
  if ("path" in a || "path" in b) return "path" in a && "path" in b && a.path === b.path;
  return a.port === b.port && (covers(a, b.host) || covers(b, a.host));
}

function hostOf(address: NetworkAddress, host: string): NetworkAddress {
  return "path" in address ? address : { ...address, host };
}

function hostAndPort(address: NetworkAddress): { address: string; port?: number } {
  return "path" in address ? { address: address.path } : { address: address.host, port: address.port };
}
