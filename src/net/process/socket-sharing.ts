/**
 * The primary's side of the sockets that worker processes share; `worker-sockets.ts` has the other one, and
 * the messages.
 *
 * Why not Node's two ways: its round robin forgets the connection that a dying worker was just handed, which
 * then hangs; and a socket that all workers accept from by themselves (`SCHED_NONE`) spreads connections as
 * chance has it, and is closed when the last worker is gone. Here the primary accepts, hands each connection
 * to the workers in turn, and keeps it until it is taken: what a worker leaves behind goes to another one. As
 * long as there is no worker, connections wait.
 *
 * A worker gets its next connection when it has taken the last one, so one that is busy gets fewer.
 */
import type { Worker } from "node:cluster";
import { ignore } from "../../async/deferred.js";
import type { NetworkServer, NetworkSocket } from "../../async/network.js";
import { genLog } from "../../base/log.js";
import { listenUnix, nodeNetwork } from "../node-network.js";
import type { ErrorParts, PrimaryMessage, SharedRequest, WorkerMessage } from "./worker-sockets.js";

/** A connection that a worker was handed and has not taken yet. */
interface Offer {
  readonly socket: NetworkSocket;
  readonly listener: Listener;
  readonly worker: Worker;
}

/** One listening socket and the workers that accept from it. */
class Listener {
  readonly key: string;
  readonly server: NetworkServer;
  /** All that have asked for it. */
  readonly members: Set<Worker> = new Set();
  /** Those that are ready for a connection, the next one first. */
  readonly ready: Set<Worker> = new Set();
  /** Connections that no worker was ready for. */
  readonly waiting: NetworkSocket[] = [];

  constructor(key: string, server: NetworkServer) {
    this.key = key;
    this.server = server;
  }
}

export class SocketSharing {
  readonly #listeners: Map<string, Promise<Listener>> = new Map();
  readonly #bound: Set<Listener> = new Set();
  readonly #offers: Map<number, Offer> = new Map();
  /** How often a worker has asked for any free port: the n-th of each worker is the same port. */
  readonly #freePorts: WeakMap<Worker, number> = new WeakMap();
  #lastSerial = 0;
  #taken = 0;
  #settled: (() => void) | undefined;

  /** How many connections workers have taken. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes a message of a worker. With `isLeaving` the worker is about to end and another one will take its
   * place, so what it no longer listens on stays bound.
   */
  receive(worker: Worker, message: WorkerMessage, isLeaving: boolean): void {
    switch (message.squall) {
      case "listen":
        void this.#listen(worker, message.id, message.request);
        return;
      case "ready":
      case "hold":
      case "close":
        for (const listener of this.#bound) {
          if (listener.key !== message.key || !listener.members.has(worker)) continue;
          if (message.squall === "ready") this.#readyAgain(listener, worker);
          else listener.ready.delete(worker);
          if (message.squall !== "close") continue;
          listener.members.delete(worker);
          if (listener.members.size === 0 && !isLeaving) this.#unbind(listener);
        }
        return;
      case "taken":
      case "refused":
        this.#answered(message.serial, message.squall === "taken");
    }
  }

  /** The worker is gone: others get the connections that it has not taken. */
  forget(worker: Worker): void {
    for (const listener of this.#bound) {
      listener.members.delete(worker);
      listener.ready.delete(worker);
    }
    for (const [serial, offer] of this.#offers) {
      if (offer.worker !== worker) continue;
      this.#offers.delete(serial);
      this.#distribute(offer.listener, offer.socket);
    }
    this.#checkSettled();
  }

  /**
   * Stops listening, after what the system had queued was accepted, and resolves when the workers have taken
   * all of it.
   */
  async stop(): Promise<void> {
    await Promise.all([...this.#bound].map((listener) => listener.server.close()));
    await new Promise<void>((resolve) => {
      this.#settled = resolve;
      this.#checkSettled();
    });
  }

  /** Closes the connections that no worker will take any more. */
  close(): void {
    for (const listener of this.#bound) for (const socket of listener.waiting.splice(0)) socket.destroy();
    for (const { socket } of this.#offers.values()) socket.destroy();
    this.#offers.clear();
    this.#checkSettled();
  }

  async #listen(worker: Worker, id: number, request: SharedRequest): Promise<void> {
    const key = this.#keyOf(worker, request);
    try {
      let binding = this.#listeners.get(key);
      if (binding === undefined) {
        binding = this.#bind(key, request);
        this.#listeners.set(key, binding);
        binding.catch(() => this.#listeners.delete(key));
      }
      const listener = await binding;
      if (listener.members.has(worker)) {
        throw Object.assign(new Error("listen EADDRINUSE: this process listens on the address already"), {
          code: "EADDRINUSE",
          syscall: "listen",
        });
      }
      if (!worker.isConnected()) return;
      listener.members.add(worker);
      tell(worker, { squall: "listening", id, key, address: listener.server.address });
    } catch (error) {
      tell(worker, { squall: "failed", id, error: partsOf(error as NodeJS.ErrnoException) });
    }
  }

  async #bind(key: string, request: SharedRequest): Promise<Listener> {
    const { path, backlog, mode } = request;
    const server =
      path !== undefined && mode !== undefined
        ? await listenUnix(path, backlog, mode)
        : await nodeNetwork.listen(request);
    const listener = new Listener(key, server);
    this.#bound.add(listener);
    server.accept(
      (socket, scarce) => {
        socket.on("error", ignore);
        // The last descriptors are needed to start workers.
        if (scarce === true) socket.destroy();
        else this.#distribute(listener, socket);
      },
      (error) => genLog.error("cannot accept connections: %s", error.message),
    );
    return listener;
  }

  /** No worker wants the socket any more. */
  #unbind(listener: Listener): void {
    this.#bound.delete(listener);
    this.#listeners.delete(listener.key);
    for (const socket of listener.waiting.splice(0)) socket.destroy();
    void listener.server.close();
  }

  #keyOf(worker: Worker, { host, port, path, ipv6Only }: SharedRequest): string {
    if (path !== undefined) return `unix:${path}`;
    let which = String(port ?? 0);
    if (which === "0") {
      const count = (this.#freePorts.get(worker) ?? 0) + 1;
      this.#freePorts.set(worker, count);
      which = `free-${count}`;
    }
    return `tcp:${host ?? ""}:${which}:${ipv6Only ?? true}`;
  }

  #distribute(listener: Listener, socket: NetworkSocket): void {
    if (socket.destroyed) return;
    const [worker] = listener.ready;
    if (worker === undefined && !this.#bound.has(listener)) {
      socket.destroy();
      return;
    }
    if (worker === undefined) {
      listener.waiting.push(socket);
      return;
    }
    listener.ready.delete(worker);
    const serial = ++this.#lastSerial;
    this.#offers.set(serial, { socket, listener, worker });
    tell(worker, { squall: "connection", key: listener.key, serial }, socket);
  }

  #readyAgain(listener: Listener, worker: Worker): void {
    listener.ready.add(worker);
    const socket = listener.waiting.shift();
    if (socket !== undefined) this.#distribute(listener, socket);
  }

  #answered(serial: number, isTaken: boolean): void {
    const offer = this.#offers.get(serial);
    if (offer === undefined) return;
    this.#offers.delete(serial);
    const { listener, worker, socket } = offer;
    if (isTaken) {
      this.#taken++;
      socket.destroy();
      if (listener.members.has(worker)) this.#readyAgain(listener, worker);
    } else {
      this.#distribute(listener, socket);
    }
    this.#checkSettled();
  }

  #checkSettled(): void {
    if (this.#settled === undefined) return;
    if (this.#offers.size > 0) return;
    for (const listener of this.#bound) if (listener.waiting.length > 0 && listener.members.size > 0) return;
    this.#settled();
  }
}

/** False where the raw handle of a socket cannot be sent, as under Bun. */
let sendsRawHandles = true;

/** As Node takes it; its types do not know of raw handles. */
type Sendable = Parameters<Worker["process"]["send"]>[1];

function tell(worker: Worker, message: PrimaryMessage, socket?: NetworkSocket): void {
  // What cannot be sent to a worker that is going is given to another one when it is gone.
  if (!worker.isConnected()) return;
  // The raw handle, which stays open here until the worker has taken it; a socket would be wound up when it
  // is sent. Where the runtime does not show it, or cannot send it, the socket itself is sent and kept open.
  const handle = (socket as { _handle?: Sendable | null } | undefined)?._handle ?? undefined;
  if (handle !== undefined && sendsRawHandles) {
    try {
      worker.process.send(message, handle, { keepOpen: true }, ignore);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_INVALID_HANDLE_TYPE") throw error;
      sendsRawHandles = false;
    }
  }
  worker.process.send(message, socket as unknown as Sendable, { keepOpen: true }, ignore);
}

function partsOf({ message, code, errno, syscall, ...rest }: NodeJS.ErrnoException): ErrorParts {
  return { message, code, errno, syscall, ...(rest as { address?: string; port?: number }) };
}
