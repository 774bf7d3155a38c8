/**
 * Listening sockets: for a port on every address of a name, for a unix socket, and a way to accept from them
 * without a `TCPServer`.
 */
import { lstat } from "node:fs/promises";
import { IOLoop } from "../async/ioloop.js";
import type { Network, NetworkServer, NetworkSocket } from "../async/network.js";
import { InvalidArgumentError } from "../base/errors.js";
import { appLog, genLog } from "../base/log.js";
import { checkNames, nearestName, optionNames } from "../base/nearest-name.js";
import { checkInteger, checkObject, checkOneOf } from "../base/validate.js";
import { isValidIp, type PeerAddress, peerAddress } from "./address.js";
import { explainListenError, listenSite } from "./listen-error.js";
import { checkSocketPath, listenUnix, nodeNetwork } from "./node-network.js";

/** Options of {@link bindSockets}. */
export interface BindOptions {
  /** Which address to listen on, an IP or a name with one or several addresses; default every interface. */
  readonly address?: string | undefined;
  /** 4 or 6 for one address family alone; default 0, both. IPv6 sockets never take IPv4 connections. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** How many connections the system keeps before it refuses; default 128. */
  readonly backlog?: number | undefined;
  /** Ignored, because Node has no such flags; accepted for compatibility with Tornado. Default: not set. */
  readonly flags?: number | undefined;
  /** Several processes may bind the port; default false. Needs Node 22.12 and a system that can. */
  readonly reusePort?: boolean | undefined;
  /** Inside a cluster worker: bind here instead of in the primary; default false. */
  readonly exclusive?: boolean | undefined;
  /** Whose network to use; default the current loop. */
  readonly ioLoop?: IOLoop | undefined;
}

/** The options that say where to listen. */
export const LISTEN_OPTIONS: ReadonlySet<string> = optionNames<Omit<BindOptions, "ioLoop">>({
  address: 1,
  family: 1,
  backlog: 1,
  flags: 1,
  reusePort: 1,
  exclusive: 1,
});

const BIND_OPTIONS: ReadonlySet<string> = new Set([...LISTEN_OPTIONS, "ioLoop"]);

/**
 * Refuses the first name that looks like one of `listen()`: with `host`, as Node calls it, a server would
 * listen on all interfaces that was meant for one.
 * @param others names that are known to somebody else.
 * @throws InvalidArgumentError for a name that is not known, with the one that was meant.
 */
export function checkListenNames(names: Iterable<string>, others: ReadonlySet<string>): void {
  for (const name of names) {
    if (LISTEN_OPTIONS.has(name) || others.has(name)) continue;
    const meant = /^host(?:name)?$/i.test(name) ? "address" : nearestName(name, LISTEN_OPTIONS);
    if (meant === undefined) continue;
    throw new InvalidArgumentError(`unknown option of listen() "${name}"; did you mean "${meant}"?`);
  }
}

/**
 * Checks where a server is to listen whose own options, `server`, are given already.
 * @throws InvalidArgumentError for every name that is no option of `listen()`.
 */
export function checkWhere(options: unknown, server: ReadonlySet<string>): void {
  if (typeof options !== "object" || options === null) return;
  const names = Object.keys(options);
  checkListenNames(names, server);
  const unknown = names.find((name) => !LISTEN_OPTIONS.has(name));
  if (unknown === undefined) return;
  const place = server.has(unknown) ? "; it is one of the server, for its constructor" : "";
  throw new InvalidArgumentError(`unknown option of listen() "${unknown}"${place}`);
}

/**
 * Refuses what Node's `listen()` takes and this one does not: a callback would never be called.
 * @throws InvalidArgumentError for anything but options or an address behind the port.
 */
export function refuseCallback(options: unknown, callback: unknown): void {
  if (typeof options === "function" || callback !== undefined) {
    throw new InvalidArgumentError(
      "listen() takes no callback: await it; its options stand in one object, as in listen(8888, { address })",
    );
  }
  if (options !== undefined && typeof options !== "string") checkObject("the options of listen()", options);
}

/** How often a free port is sought that is free in both families. */
const PORT_ATTEMPTS = 16;

/** What a system without IPv6 says when asked for it. */
const NO_SUCH_FAMILY: ReadonlySet<unknown> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EPROTONOSUPPORT"]);

/**
 * Listens on a port, on all addresses of `address`, with one socket each; 0 gives a free port, the same for
 * all. The sockets queue their connections until a server accepts them (`TCPServer.addSockets`,
 * {@link addAcceptHandler}).
 *
 * Rejects with the system's error if one address cannot be bound (an interface that is to be all of them may
 * lack one family); no socket stays open then. The message also says what to do about it (`EADDRINUSE`,
 * `EACCES`, `EADDRNOTAVAIL`), and the stack is that of the call.
 */
export async function bindSockets(
  port: number,
  options: BindOptions | string = {},
): Promise<NetworkServer[]> {
  checkInteger("port", port, { min: 0, max: 65_535 });
  if (typeof options === "object") checkListenNames(Object.keys(options), BIND_OPTIONS);
  checkNames("option of bindSockets()", options, BIND_OPTIONS);
  const settings = typeof options === "string" ? { address: options } : options;
  checkOneOf("family", settings.family ?? 0, [0, 4, 6]);
  const network = (settings.ioLoop ?? IOLoop.current()).network ?? nodeNetwork;
  if (settings.reusePort === true && network === nodeNetwork && !nodeKnowsReusePort()) {
    throw new InvalidArgumentError("reusePort needs Node 22.12 or newer");
  }
  const anywhere = settings.address === undefined || settings.address === "";
  // Before the first wait: the program's frames are on the stack.
  const site = listenSite(bindSockets);
  const hosts = await listenHosts(network, settings);
  try {
    for (let attempt = 1; ; attempt++) {
      const sockets = await bindAll(network, hosts, port, settings, anywhere, attempt < PORT_ATTEMPTS);
      if (sockets !== undefined) return sockets;
    }
  } catch (error) {
    explainListenError(error, site);
    throw error;
  }
}

async function listenHosts(network: Network, { address, family = 0 }: BindOptions): Promise<string[]> {
  if (address === undefined || address === "") {
    // Deno ignores `ipv6Only`: the system's IPv6 sockets take IPv4 connections as well there.
    if (family === 0 && network === nodeNetwork && process.versions.deno !== undefined) return ["::"];
    return family === 4 ? ["0.0.0.0"] : family === 6 ? ["::"] : ["0.0.0.0", "::"];
  }
  if (isValidIp(address)) return [address];
  const found = await network.resolve(address, family);
  return [...new Set(found.map((entry) => entry.address))];
}

/** Binds one socket per host; undefined if a port that was free for the first is taken for another. */
async function bindAll(
  network: Network,
  hosts: readonly string[],
  port: number,
  { backlog, reusePort, exclusive }: BindOptions,
  anywhere: boolean,
  mayRetry: boolean,
): Promise<NetworkServer[] | undefined> {
  const sockets: NetworkServer[] = [];
  let chosen = port;
  let lastError: unknown;
  for (const host of hosts) {
    try {
      const socket = await network.listen({
        host,
        port: chosen,
        backlog,
        reusePort,
        exclusive,
        ipv6Only: true,
      });
      sockets.push(socket);
      if ("port" in socket.address) chosen = socket.address.port;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      lastError = error;
      if (anywhere && NO_SUCH_FAMILY.has(code)) continue;
      await Promise.all(sockets.map((socket) => socket.close()));
      if (port === 0 && sockets.length > 0 && code === "EADDRINUSE" && mayRetry) return undefined;
      throw error;
    }
  }
  if (sockets.length === 0)
    throw lastError ?? new InvalidArgumentError("the name has no address to listen on");
  return sockets;
}

function nodeKnowsReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return (major === 22 && minor >= 12) || (major === 23 && minor >= 1) || major > 23;
}

/** Options of {@link bindUnixSocket}. */
export interface BindUnixOptions {
  /** Who may connect, as permission bits of the file; default `0o600`, the owner alone. */
  readonly mode?: number | undefined;
  /** How many connections the system keeps before it refuses; default 128. */
  readonly backlog?: number | undefined;
  /** Whose network to use; default the current loop. */
  readonly ioLoop?: IOLoop | undefined;
}

const UNIX_OPTIONS = optionNames<BindUnixOptions>({ mode: 1, backlog: 1, ioLoop: 1 });

/**
 * Listens on a unix socket. A socket file that is there already is taken for a leftover and replaced. The
 * file goes when the socket is closed, unless another process has taken the name meanwhile. A path that
 * begins with a NUL is a name in Linux's abstract namespace, where there are neither files nor modes. Rejects
 * with the system's error.
 *
 * @throws InvalidArgumentError if another kind of file is there (it is left alone), or the path is longer
 *   than the system can have it (107 bytes on Linux)
 */
export async function bindUnixSocket(path: string, options: BindUnixOptions = {}): Promise<NetworkServer> {
  checkNames("option of bindUnixSocket()", options, UNIX_OPTIONS);
  const { backlog } = options;
  const mode = checkInteger("mode", options.mode ?? 0o600, { min: 0, max: 0o777 });
  const network = (options.ioLoop ?? IOLoop.current()).network ?? nodeNetwork;
  const site = listenSite(bindUnixSocket);
  try {
    if (network !== nodeNetwork) return await network.listen({ path, backlog });
    checkSocketPath(path);
    if (path.startsWith("\0")) return await network.listen({ path, backlog });
    await refuseOtherFiles(path);
    return await listenUnix(path, backlog, mode);
  } catch (error) {
    explainListenError(error, site);
    throw error;
  }
}

async function refuseOtherFiles(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found !== undefined && !found.isSocket()) {
    throw new InvalidArgumentError(`${path} exists and is not a socket`);
  }
}

/**
 * Accepts connections from a listening socket and calls back with each and its address; the callback owns the
 * socket, which is paused and half-open. Its errors are logged. Returns the function that stops accepting
 * (connections wait again; the socket stays open); calling that twice is fine.
 */
export function addAcceptHandler(
  socket: NetworkServer,
  callback: (connection: NetworkSocket, address: PeerAddress) => void,
): () => void {
  let active = true;
  socket.accept(
    (connection) => {
      try {
        callback(connection, peerAddress(connection));
      } catch (error) {
        appLog.exception("error in an accept handler", error);
        connection.destroy();
      }
    },
    (error) => genLog.error("cannot accept connections: %s", error.message),
  );
  return () => {
    if (active) socket.hold();
    active = false;
  };
}
