/**
 * `addHandler()`: calling back when something can be read, written or has failed.
 *
 * Tornado polls file descriptors. Node polls them itself and reports in events, whose names depend on the
 * kind of object; this file translates them back into READ, WRITE and ERROR:
 *
 *     streams (sockets, pipes)   READ: `readable`, or the end             WRITE: `writableNeedDrain` is false
 *     servers                    READ: `connection`                        WRITE: never
 *     datagram sockets           READ: `message`                           WRITE: always
 *     all                        ERROR: `error`, or `close`
 *
 * As with `epoll`, readiness is a state and not an event (*level-triggered*): as long as there is unread
 * data, or room while WRITE is asked for, the handler is called in every iteration. Objects are recognised by
 * their methods, because this layer knows no sockets.
 */
import type { EventEmitter } from "node:events";
import { InvalidArgumentError, InvalidStateError } from "../base/errors.js";

/** The events that a handler is called for, as a sum of these. */
export const IOEvents: { readonly NONE: 0; readonly READ: 1; readonly WRITE: 4; readonly ERROR: 24 } = {
  NONE: 0,
  READ: 1,
  WRITE: 4,
  ERROR: 24,
};

/** A Node object that can be watched: a socket, a pipe or another stream, a server, a datagram socket. */
export type Watchable = EventEmitter;

/**
 * Called with the object and what is the matter with it. `details` is what Node passed with the event: the
 * socket of a server's `connection`, message and sender of a datagram, the error.
 */
export type IOHandler<T extends Watchable = Watchable> = (
  handle: T,
  events: number,
  ...details: unknown[]
) => unknown;

/** What the handlers need of their loop. */
export interface HandlerHost {
  addCallback(callback: () => void): void;
  runCallback(callback: (...args: never[]) => unknown, args: readonly unknown[]): void;
}

/** The members that distinguish the kinds. */
interface Features {
  readonly destroyed?: unknown;
  readonly readableLength?: unknown;
  readonly readableEnded?: unknown;
  readonly writable?: unknown;
  readonly writableNeedDrain?: unknown;
  readonly connecting?: unknown;
  readonly listening?: unknown;
  readonly addMembership?: unknown;
  readonly read?: unknown;
  readonly destroy?: unknown;
  readonly close?: unknown;
}

type Kind = "stream" | "server" | "datagram";

function kindOf(handle: Watchable): Kind {
  const features = handle as unknown as Features;
  if (typeof features.addMembership === "function") return "datagram";
  if (typeof features.listening === "boolean") return "server";
  if (typeof features.readableLength === "number" || typeof features.writable === "boolean") return "stream";
  throw new InvalidArgumentError(
    "addHandler() watches Node's sockets, pipes and other streams, servers and datagram sockets; " +
      "got another object",
  );
}

/** Throws unless `handle` is an object that emits events. */
function checkWatchable(handle: unknown): asserts handle is Watchable {
  if (typeof handle === "number") {
    throw new InvalidArgumentError(
      `addHandler() cannot watch the raw file descriptor ${handle}: Node has no poll for them. ` +
        'Pass the net.Socket, server, pipe or dgram socket that owns it, or use the optional package "epoll"',
    );
  }
  if (typeof (handle as Partial<EventEmitter> | undefined)?.on === "function") return;
  throw new InvalidArgumentError(`addHandler() needs a Node socket, server, pipe or dgram socket`);
}

/** One watched object. */
class Watch {
  readonly handle: Watchable;
  readonly handler: IOHandler;
  readonly #host: HandlerHost;
  readonly #kind: Kind;
  readonly #listeners: [event: string, listener: (...args: unknown[]) => void][] = [];
  #events: number;
  #reading = false;
  /**
   * Node said `readable`: there is data, or the end, which shows in no other property until it has been read.
   */
  #announced = false;
  /** A look at the state of a stream is due in the next iteration. */
  #looking = false;
  #active = true;

  constructor(host: HandlerHost, handle: Watchable, handler: IOHandler, events: number) {
    this.#host = host;
    this.handle = handle;
    this.handler = handler;
    this.#kind = kindOf(handle);
    this.#events = IOEvents.NONE;
    this.#listen("error", (error) => this.#emit(IOEvents.ERROR, [error]));
    this.#listen("close", () => this.#emit(IOEvents.ERROR, []));
    this.update(events);
  }

  update(events: number): void {
    this.#events = events;
    if (events & IOEvents.READ && !this.#reading) {
      // Only now: the first listener for `readable` takes a stream out of flowing mode.
      this.#reading = true;
      if (this.#kind === "server") this.#listen("connection", (socket) => this.#emitRead([socket]));
      else if (this.#kind === "datagram") {
        this.#listen("message", (message, sender) => this.#emitRead([message, sender]));
      } else {
        this.#listen("readable", () => this.#onReadable());
        // At once: a moment later a socket without `allowHalfOpen` is destroyed, and the end would go
        // unreported.
        this.#listen("end", () => this.#emitRead([]));
      }
    }
    if (events & IOEvents.WRITE && this.#kind === "stream") {
      this.#listenOnce("connect", () => this.#lookSoon());
      this.#listenOnce("drain", () => this.#lookSoon());
    }
    this.#lookSoon();
  }

  stop(): void {
    this.#active = false;
    for (const [event, listener] of this.#listeners) this.handle.removeListener(event, listener);
    this.#listeners.length = 0;
  }

  /** Ends the object itself, whatever its kind. */
  destroy(): void {
    const { destroy, close } = this.handle as unknown as Features;
    try {
      if (typeof destroy === "function") destroy.call(this.handle);
      else if (typeof close === "function") close.call(this.handle);
    } catch {
      // Closed already, which is what was wanted.
    }
  }

  #listen(event: string, listener: (...args: unknown[]) => void): void {
    this.handle.on(event, listener);
    this.#listeners.push([event, listener]);
  }

  #listenOnce(event: string, listener: (...args: unknown[]) => void): void {
    if (!this.#listeners.some(([name]) => name === event)) this.#listen(event, listener);
  }

  #emit(events: number, details: readonly unknown[]): void {
    if (this.#active)
      this.#host.runCallback(this.handler as IOHandler<never>, [this.handle, events, ...details]);
  }

  #emitRead(details: readonly unknown[]): void {
    if (this.#events & IOEvents.READ) this.#emit(IOEvents.READ, details);
  }

  #onReadable(): void {
    this.#announced = true;
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#looking || !this.#active) return;
    this.#looking = true;
    this.#host.addCallback(() => this.#look());
  }

  #look(): void {
    this.#looking = false;
    const ready = this.#active ? this.#events & this.#state() : 0;
    if (ready === 0) return;
    if (ready & IOEvents.READ) this.#announced = false;
    this.#emit(ready, []);
    if (this.#active && (ready & IOEvents.READ) !== 0) this.#nudge();
    // Still ready? Then again, in the next iteration.
    if (this.#active && (this.#events & this.#state()) !== 0) this.#lookSoon();
  }

  /**
   * A stream says that it has ended only when it is read once more after its last data: this reads nothing.
   */
  #nudge(): void {
    const { read, readableLength } = this.handle as unknown as Features;
    if (typeof read === "function" && readableLength === 0) read.call(this.handle, 0);
  }

  /** What the object is ready for, as far as that is a state and no event. */
  #state(): number {
    if (this.#kind === "server") return IOEvents.NONE;
    if (this.#kind === "datagram") return IOEvents.WRITE;
    const features = this.handle as unknown as Features;
    if (features.connecting === true || features.destroyed === true) return IOEvents.NONE;
    const unread = typeof features.readableLength === "number" && features.readableLength > 0;
    const readable = this.#announced || unread || features.readableEnded === true;
    const writable = features.writable === true && features.writableNeedDrain !== true;
    return (readable ? IOEvents.READ : 0) | (writable ? IOEvents.WRITE : 0);
  }
}

/** The handlers of one loop. */
export class HandlerTable {
  readonly #host: HandlerHost;
  readonly #watches: Map<Watchable, Watch> = new Map();

  constructor(host: HandlerHost) {
    this.#host = host;
  }

  add(handle: Watchable, handler: IOHandler, events: number): void {
    checkWatchable(handle);
    if (this.#watches.has(handle)) {
      throw new InvalidStateError(
        "this object has a handler already; use updateHandler() or remove it first",
      );
    }
    this.#watches.set(handle, new Watch(this.#host, handle, handler, events));
  }

  update(handle: Watchable, events: number): void {
    const watch = this.#watches.get(handle);
    if (watch === undefined)
      throw new InvalidStateError("this object has no handler; use addHandler() first");
    watch.update(events);
  }

  remove(handle: Watchable): void {
    this.#watches.get(handle)?.stop();
    this.#watches.delete(handle);
  }

  /** Removes all; with `destroy`, also ends the objects themselves. */
  clear(destroy: boolean): void {
    for (const watch of this.#watches.values()) {
      watch.stop();
      if (destroy) watch.destroy();
    }
    this.#watches.clear();
  }
}
