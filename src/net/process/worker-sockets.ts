/**
 * Listening sockets of a worker process: the primary has them and hands each connection to one of the
 * workers.
 *
 * The messages go over the channel of `node:cluster`, beside those of Node and of the application:
 *
 *     worker                          primary (`socket-sharing.ts`)
 *     listen id request ────────────► binds, or shares what another worker has asked for
 *     ◄──────────────────────────────  listening id key address, or failed id error
 *     ready key ────────────────────► gives it connections, in turn with the others
 *     ◄──────────────────────────────  connection key serial, with the handle
 *     taken serial ─────────────────► closes its own copy
 *     refused serial ───────────────► gives the connection to another worker
 *     hold key, close key ──────────► gives it no more
 *
 * Until `taken` has come the primary keeps its copy of the connection: if the worker dies meanwhile, another
 * one gets it.
 */
import { Socket, type SocketConstructorOpts } from "node:net";
import type { ListenRequest, NetworkAddress, NetworkServer, NetworkSocket } from "../../async/network.js";
import { AcceptQueue, type ConnectionListener } from "../accept-queue.js";
import { nodeCluster } from "./node-cluster.js";

/** Set in the environment of workers whose primary shares its sockets in this way. */
export const SHARING = "SQUALL_SOCKET_SHARING";

/** What a worker asks the primary to listen on. */
export interface SharedRequest extends ListenRequest {
  /** For unix sockets: the permissions of the file. */
  readonly mode?: number | undefined;
}

/** An error of the system, as it goes through the channel. */
export interface ErrorParts {
  readonly message: string;
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** Messages of a worker. */
export type WorkerMessage =
  | { readonly squall: "listen"; readonly id: number; readonly request: SharedRequest }
  | { readonly squall: "ready" | "hold" | "close"; readonly key: string }
  | { readonly squall: "taken" | "refused"; readonly serial: number }
  | { readonly squall: "stopping" };

/** Messages of the primary. */
export type PrimaryMessage =
  | {
      readonly squall: "listening";
      readonly id: number;
      readonly key: string;
      readonly address: NetworkAddress;
    }
  | { readonly squall: "failed"; readonly id: number; readonly error: ErrorParts }
  | { readonly squall: "connection"; readonly key: string; readonly serial: number };

/** Whether a message of the channel is one of these. */
export function isOurs(message: unknown): message is { readonly squall: string } {
  return typeof message === "object" && message !== null && "squall" in message;
}

/** Sends a message to the primary, unless that is gone. */
export function tellPrimary(message: WorkerMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Whether listening sockets of this process belong to the primary. */
export function sharesSockets(): boolean {
  return process.env[SHARING] === "1" && nodeCluster().isWorker;
}

interface PendingListen {
  resolve(server: NetworkServer): void;
  reject(error: Error): void;
}

const pending: Map<number, PendingListen> = new Map();
const servers: Map<string, SharedServer> = new Map();
let lastId = 0;
let isListening = false;

/** Listens on what the primary has bound; rejects with the system's error. */
export function listenShared(request: SharedRequest, options: SocketConstructorOpts): Promise<NetworkServer> {
  if (!isListening) {
    isListening = true;
    nodeCluster().worker?.on("message", (message: unknown, handle: unknown) => {
      if (isOurs(message)) received(message as PrimaryMessage, handle, options);
    });
  }
  return new Promise((resolve, reject) => {
    const id = ++lastId;
    pending.set(id, { resolve, reject });
    tellPrimary({ squall: "listen", id, request });
  });
}

function received(message: PrimaryMessage, handle: unknown, options: SocketConstructorOpts): void {
  switch (message.squall) {
    case "listening": {
      const server = new SharedServer(message.key, message.address);
      servers.set(message.key, server);
      pending.get(message.id)?.resolve(server);
      pending.delete(message.id);
      return;
    }
    case "failed": {
      const { message: text, ...rest } = message.error;
      pending.get(message.id)?.reject(Object.assign(new Error(text), rest));
      pending.delete(message.id);
      return;
    }
    case "connection": {
      const server = servers.get(message.key);
      const { serial } = message;
      if (server === undefined || !server.isAccepting) {
        (handle as { close?(): void } | undefined)?.close?.();
        tellPrimary({ squall: "refused", serial });
        return;
      }
      tellPrimary({ squall: "taken", serial });
      // The connection may have broken on its way.
      if (handle != null) server.push(socketOf(handle, options));
    }
  }
}

/** The options by which `net.Server` makes sockets; the types know only those that are documented. */
interface AcceptedSocketOptions extends SocketConstructorOpts {
  readonly handle: unknown;
  readonly pauseOnCreate: boolean;
}

function socketOf(handle: unknown, options: SocketConstructorOpts): NetworkSocket {
  if (handle instanceof Socket) return handle.pause();
  const accepted: AcceptedSocketOptions = {
    ...options,
    handle,
    pauseOnCreate: true,
    readable: true,
    writable: true,
  };
  return new Socket(accepted);
}

/** A listening socket that the primary has. */
class SharedServer implements NetworkServer {
  readonly address: NetworkAddress;
  maxConnections: number = Number.POSITIVE_INFINITY;
  readonly #key: string;
  readonly #queue = new AcceptQueue();
  #open = 0;

  constructor(key: string, address: NetworkAddress) {
    this.#key = key;
    this.address = address;
  }

  get isAccepting(): boolean {
    return this.#queue.isAccepting;
  }

  push(socket: NetworkSocket): void {
    if (this.#open >= this.maxConnections) {
      socket.destroy();
      return;
    }
    this.#open++;
    socket.once("close", () => this.#open--);
    this.#queue.push(socket);
  }

  accept(onConnection: ConnectionListener, onError: (error: Error) => void): void {
    this.#queue.accept(onConnection, onError);
    tellPrimary({ squall: "ready", key: this.#key });
  }

  hold(): void {
    this.#queue.hold();
    tellPrimary({ squall: "hold", key: this.#key });
  }

  close(): Promise<void> {
    if (servers.delete(this.#key)) tellPrimary({ squall: "close", key: this.#key });
    this.#queue.close((socket) => socket.destroy());
    return Promise.resolve();
  }

  // The channel to the primary keeps a worker alive, whatever listens.
  ref(): void {}

  unref(): void {}
}
