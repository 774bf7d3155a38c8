/**
 * The network of the operating system, by way of `node:net`. Sockets are Node's own objects without a wrapper.
 *
 * Listening and accepting are two steps (`TCPServer.bind` and `start`), and Node knows only one: a connection that
 * comes in between is kept here, paused, until somebody accepts. `pauseOnConnect` makes Node hand out every socket
 * before it reads from it, so that a server may also pass the socket on (to TLS, to another stream) with nothing lost.
 */

import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import type {
  ConnectRequest,
  ListenRequest,
  Network,
  NetworkAddress,
  NetworkServer,
  NetworkSocket,
  ResolvedAddress,
} from "../async/network.js";
import { AcceptQueue, type ConnectionListener } from "./accept-queue.js";

/** As Tornado: how many connections the system keeps for us before it refuses. */
const DEFAULT_BACKLOG = 128;

/**
 * Above how many bytes not yet taken by the kernel a writer is asked to wait: the same on every version of Node (16 KiB
 * until 20, 64 KiB from 22 on).
 */
const HIGH_WATER = 65_536;

/**
 * From which number on a descriptor says that they run out; `Infinity` where the system does not tell its limit.
 *
 * When there is none left, libuv accepts connections and closes them, so that they do not keep the loop busy, and Node
 * never hears of it. Descriptors are numbered from below, so the number of an accepted one shows in time.
 */
let scarce: number | undefined;

function scarceDescriptor(): number {
  if (scarce === undefined) {
    scarce = Number.POSITIVE_INFINITY;
    try {
      const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
      if (limit !== null) scarce = Number(limit[1]) - Math.max(4, Math.min(32, Number(limit[1]) >> 5));
    } catch {
      // Not Linux, or /proc is not there.
    }
  }
  return scarce;
}

/** The number of a socket's descriptor; -1 if Node does not show it. */
function descriptorOf(socket: Socket): number {
  return (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}

class NodeServer implements NetworkServer {
  readonly address: NetworkAddress;
  readonly #server: Server;
  readonly #queue = new AcceptQueue();
  #closed: Promise<void> | undefined;

  constructor(server: Server, path: string | undefined) {
    this.#server = server;
    const bound = server.address();
    this.address =
      bound === null || typeof bound === "string"
        ? { path: bound ?? path ?? "" }
        : { host: bound.address, port: bound.port, family: bound.family === "IPv6" ? 6 : 4 };
    const limit = scarceDescriptor();
    server.on("connection", (socket: Socket) => {
      if (this.#closed !== undefined) socket.destroy();
      else this.#queue.push(socket, descriptorOf(socket) >= limit);
    });
    // A server without a listener for its errors would end the process when accept() fails.
    server.on("error", (error) => this.#queue.fail(error));
  }

  get maxConnections(): number {
    return this.#server.maxConnections ?? Number.POSITIVE_INFINITY;
  }

  set maxConnections(limit: number) {
    this.#server.maxConnections = limit;
  }

  accept(onConnection: ConnectionListener, onError: (error: Error) => void): void {
    this.#queue.accept(onConnection, onError);
  }

  hold(): void {
    this.#queue.hold();
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#queue.close((socket) => socket.destroy());
      // Node calls back when the last connection is gone as well; the address is free as soon as the handle is closed,
      // which takes one turn of the loop.
      this.#server.close();
      setImmediate(resolve);
    });
    return this.#closed;
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

function listen(request: ListenRequest): Promise<NetworkServer> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, highWaterMark: HIGH_WATER });
    server.once("error", reject);
    const { path, fd, exclusive } = request;
    const backlog = request.backlog ?? DEFAULT_BACKLOG;
    // `reusePort` is known to Node from 22.12 and 23.1 on; `netutil` refuses it where it would be ignored.
    const options =
      fd !== undefined
        ? { fd, backlog, exclusive }
        : path !== undefined
          ? { path, backlog, exclusive }
          : {
              host: request.host,
              port: request.port ?? 0,
              backlog,
              exclusive,
              ipv6Only: request.host?.includes(":") === true && (request.ipv6Only ?? true),
              reusePort: request.reusePort,
            };
    server.listen(options, () => {
      server.off("error", reject);
      resolve(new NodeServer(server, path));
    });
  });
}

function connect(request: ConnectRequest): NetworkSocket {
  const { path, host, port, localAddress, localPort } = request;
  const common = { allowHalfOpen: true, highWaterMark: HIGH_WATER };
  if (path !== undefined) return netConnect({ path, ...common });
  return netConnect({
    host,
    port: port ?? 0,
    localAddress,
    localPort,
    ...common,
    // Choosing between the addresses of a name is the connector's work: it has the resolver and the deadlines.
    autoSelectFamily: false,
  });
}

async function resolve(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]> {
  const found = await lookup(host, { all: true, family, order: "verbatim" } as {
    all: true;
    family: 0 | 4 | 6;
  });
  return found.map((entry) => ({ address: entry.address, family: entry.family === 6 ? 6 : 4 }));
}

/** The sockets of the operating system; what a loop without a network of its own uses. */
export const nodeNetwork: Network = { listen, connect, resolve };
