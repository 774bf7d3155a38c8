/**
 * The network of the operating system, by way of `node:net`. Sockets are Node's own objects without a
 * wrapper.
 *
 * Listening and accepting are two steps (`TCPServer.bind` and `start`), and Node knows only one: a connection
 * that comes in between is kept here, paused, until a server accepts it. `pauseOnConnect` makes Node hand out
 * every socket before it reads from it, so that a server may also pass the socket on (to TLS, to another
 * stream) with nothing lost.
 */

import { readFileSync } from "node:fs";
import { chmod, lstat, rename, rm } from "node:fs/promises";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import type {
  ConnectRequest,
  ListenRequest,
  Network,
  NetworkAddress,
  NetworkServer,
  NetworkSocket,
  ResolvedAddress,
} from "../async/network.js";
import { systemClock } from "../async/timers/clock.js";
import { InvalidArgumentError } from "../base/errors.js";
import { AcceptQueue, type ConnectionListener } from "./accept-queue.js";
import { nodeCluster } from "./process/node-cluster.js";
import { listenShared, sharesSockets } from "./process/worker-sockets.js";

/** As Tornado: how many connections the system keeps for us before it refuses. */
const DEFAULT_BACKLOG = 128;

/**
 * Above how many bytes not yet taken by the kernel a writer is asked to wait: the same on every version of
 * Node (16 KiB until 20, 64 KiB from 22 on).
 */
const HIGH_WATER = 65_536;

/** Options of all sockets. */
const SOCKET_OPTIONS = { allowHalfOpen: true, highWaterMark: HIGH_WATER };

/**
 * From which number on a descriptor shows that they are running out; `Infinity` where the limit is unknown.
 *
 * When there is none left, libuv accepts connections and closes them, so that they do not keep the loop busy,
 * and Node is not notified. Descriptors are numbered from below, so the number of an accepted one shows in
 * time.
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

/**
 * Resolves when the runtime has polled for input. Node has between two rounds of `setImmediate`; Deno, while
 * rounds follow one another, polls in every 61st of them alone, but does so before a timer fires.
 */
function polled(): Promise<void> {
  if (process.versions.deno === undefined) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => systemClock.setAlarm(resolve, 1, true));
}

class NodeServer implements NetworkServer {
  readonly address: NetworkAddress;
  readonly #server: Server;
  readonly #queue = new AcceptQueue();
  readonly #onClose: (() => Promise<void>) | undefined;
  #closed: Promise<void> | undefined;
  #isClosed = false;
  readonly #backlog: number;
  /** How many connections have come. */
  #accepted = 0;

  constructor(server: Server, { path, backlog }: ListenRequest, onClose?: () => Promise<void>) {
    this.#server = server;
    this.#onClose = onClose;
    this.#backlog = backlog ?? DEFAULT_BACKLOG;
    const bound = server.address();
    this.address =
      bound === null || typeof bound === "string"
        ? { path: path ?? bound ?? "" }
        : { host: bound.address, port: bound.port, family: bound.family === "IPv6" ? 6 : 4 };
    const limit = scarceDescriptor();
    server.on("connection", (socket: Socket) => {
      this.#accepted++;
      if (this.#isClosed) socket.destroy();
      else this.#queue.push(socket, descriptorOf(socket) >= limit);
    });
    // A server without a listener for its errors ends the process when accept() fails.
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
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#queue.isAccepting) await this.#acceptRest();
    this.#isClosed = true;
    this.#queue.close((socket) => socket.destroy());
    // Node calls back when the last connection is gone as well; the address is free as soon as the handle is
    // closed, which takes one turn of the loop.
    this.#server.close();
    await new Promise((resolve) => setImmediate(resolve));
    await this.#onClose?.();
  }

  /**
   * Accepts what the system has queued: those clients are connected, as far as they know, and closing would
   * reset them. Node may accept one connection each time it polls. No more than the queue holds are accepted,
   * so new clients cannot hold the close up.
   */
  async #acceptRest(): Promise<void> {
    const last = this.#accepted + this.#backlog;
    for (let idle = 0, before = this.#accepted; idle < 2 && before < last; before = this.#accepted) {
      await polled();
      idle = this.#accepted === before ? idle + 1 : 0;
    }
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

async function listen(request: ListenRequest): Promise<NetworkServer> {
  const { path, fd, exclusive, reusePort } = request;
  if (path !== undefined) checkSocketPath(path);
  if (sharesSockets() && fd === undefined && exclusive !== true && reusePort !== true) {
    return await listenShared(request, SOCKET_OPTIONS);
  }
  return new NodeServer(await openServer(request), request);
}

function openServer(request: ListenRequest): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
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
      resolve(server);
    });
  });
}

/**
 * The longest path of a unix socket, in bytes (`sun_path` without its NUL). libuv cuts off what is longer.
 */
const LONGEST_PATH = process.platform === "linux" ? 107 : 103;

/** @throws InvalidArgumentError if the system cannot have a unix socket of this name */
export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (process.platform === "win32" || (length > 0 && length <= LONGEST_PATH)) return;
  throw new InvalidArgumentError(
    `the path of a unix socket must have from 1 to ${LONGEST_PATH} bytes, got ${length}: ${path}`,
  );
}

/**
 * Listens on a unix socket that is a file with the permissions `mode`.
 *
 * The socket is made under a name of its own beside `path`, gets its mode, and then takes the place of
 * whatever is there: at no time can a user connect whom the mode forbids. When the server is closed, the file
 * goes if it is still this socket (by device and inode), and stays if another process has taken the name
 * meanwhile. libuv itself would remove whatever has the name by then, so it is better off with a name that is
 * gone.
 *
 * In a worker of `node:cluster` that squall did not start, the primary has the socket and shares it under its
 * name, which must not change.
 */
export async function listenUnix(
  path: string,
  backlog: number | undefined,
  mode: number,
): Promise<NetworkServer> {
  if (sharesSockets()) return await listenShared({ path, backlog, mode }, SOCKET_OPTIONS);
  const random = process.getBuiltinModule("node:crypto").randomBytes(4).toString("hex");
  const own = join(dirname(path), `.s${random}`);
  const name = nodeCluster().isWorker || Buffer.byteLength(own) > LONGEST_PATH ? path : own;
  if (name === path) await rm(path, { force: true });
  const server = await withMask(0o777 & ~mode, () => openServer({ path: name, backlog }));
  try {
    await chmod(name, mode);
    const { dev, ino } = await lstat(name);
    if (name === path) return new NodeServer(server, { path, backlog });
    await rename(name, path);
    return new NodeServer(server, { path, backlog }, async () => {
      const found = await lstat(path).catch(() => undefined);
      if (found !== undefined && found.dev === dev && found.ino === ino) await rm(path, { force: true });
    });
  } catch (error) {
    server.close();
    await rm(name, { force: true });
    throw error;
  }
}

/** Node binds inside the call, so the mask is in force for nothing else. A thread cannot change it. */
function withMask<T>(mask: number, listen: () => T): T {
  if (!process.getBuiltinModule("node:worker_threads").isMainThread) return listen();
  const before = process.umask(mask);
  try {
    return listen();
  } finally {
    process.umask(before);
  }
}

function connect(request: ConnectRequest): NetworkSocket {
  const { path, host, port, localAddress, localPort } = request;
  if (path !== undefined) {
    checkSocketPath(path);
    const socket = netConnect({ path, ...SOCKET_OPTIONS });
    // A connect that fails at once reports its error later; until then Bun says that it is not connecting.
    if (socket.pending) (socket as { connecting: boolean }).connecting = true;
    return socket;
  }
  return netConnect({
    host,
    port: port ?? 0,
    localAddress,
    localPort,
    ...SOCKET_OPTIONS,
    // Choosing between the addresses of a name is the connector's work: it has the resolver and the
    // deadlines.
    autoSelectFamily: false,
  });
}

async function resolve(host: string, family: 0 | 4 | 6): Promise<ResolvedAddress[]> {
  const { lookup } = process.getBuiltinModule("node:dns/promises");
  const found = await lookup(host, { all: true, family, order: "verbatim" } as {
    all: true;
    family: 0 | 4 | 6;
  });
  return found.map((entry) => ({ address: entry.address, family: entry.family === 6 ? 6 : 4 }));
}

/** The sockets of the operating system; what a loop without a network of its own uses. */
export const nodeNetwork: Network = { listen, connect, resolve };
