/**
 * Which connections a server admits: a limit of all, a limit for each address, and the descriptors of the
 * process.
 *
 * At the limit, idle connections make room before a new one is refused. Running out of descriptors looks
 * different on Node: libuv accepts a connection that it has no descriptor for and closes it, without a word.
 * So the network marks connections that got one of the last descriptors as *scarce*. Such a connection is
 * closed, and room is made for the next ones: if it were kept, the last descriptors would fill up, and from
 * then on nothing would be noticed any more.
 */
import type { IOLoop } from "../async/ioloop.js";
import type { NetworkAddress, NetworkSocket } from "../async/network.js";
import { genLog } from "../base/log.js";
import { addressBlock } from "./address.js";

/**
 * A part of the connections (1 / 16) makes room at once, so that not each new one has to look for another, …
 */
const ROOM_PART = 16;

/** … but no more than this many. */
const MOST_ROOM = 32;

/**
 * How long the server does not look for room again after it found none, in milliseconds: looking takes time.
 */
const ROOM_RETRY = 100;

/** What the system says when there are no descriptors left, in the process or altogether. */
const EXHAUSTED: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);

const OUT_OF_DESCRIPTORS: Error = Object.assign(new Error("file descriptors are running out"), {
  code: "EMFILE",
});

const LIMITER = Symbol("squall.limiter");
const BLOCK = Symbol("squall.block");

/** A connection that counts until it is closed. */
interface CountedSocket extends NetworkSocket {
  [LIMITER]?: ConnectionLimiter | undefined;
  [BLOCK]?: string | undefined;
}

/** The limits; `Infinity` for none. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

export class ConnectionLimiter {
  /** The connections that count. */
  readonly open: Set<NetworkSocket> = new Set();
  readonly #loop: IOLoop;
  readonly #limits: ConnectionLimits;
  readonly #closeIdle: (count: number) => number;
  readonly #perAddress: Map<string, number> = new Map();
  /** How many connections were closed to make room and are about to go. */
  #leaving = 0;
  #noRoomUntil = Number.NEGATIVE_INFINITY;
  /** When exhausted descriptors were last logged, in the loop's time. */
  #exhaustionLogged = Number.NEGATIVE_INFINITY;
  readonly #whenEmpty: (() => void)[] = [];

  /** `closeIdle` closes up to `count` idle connections at once and returns how many. */
  constructor(loop: IOLoop, limits: ConnectionLimits, closeIdle: (count: number) => number) {
    this.#loop = loop;
    this.#limits = limits;
    this.#closeIdle = closeIdle;
  }

  /**
   * Counts the connection until its socket is closed; false, with nothing counted, if there is no room for
   * it.
   */
  admit(socket: NetworkSocket, address: NetworkAddress, scarce: boolean): boolean {
    const { maxConnectionsPerAddress } = this.#limits;
    const block = maxConnectionsPerAddress === Number.POSITIVE_INFINITY ? undefined : addressBlock(address);
    if (block !== undefined && (this.#perAddress.get(block) ?? 0) >= maxConnectionsPerAddress) return false;
    if (scarce) {
      if (this.#leaving === 0) this.acceptFailed(OUT_OF_DESCRIPTORS);
      return false;
    }
    if (this.open.size - this.#leaving >= this.#limits.maxConnections && !this.#makeRoom()) return false;
    this.#count(socket, block);
    return true;
  }

  /** Accepting failed: looks for room if descriptors are what is missing, and logs it. */
  acceptFailed(error: Error): void {
    const madeRoom = EXHAUSTED.has((error as NodeJS.ErrnoException).code) && this.#makeRoom();
    // This comes with every connection that waits, so one line a second will do.
    const now = this.#loop.time();
    if (now - this.#exhaustionLogged < 1000) return;
    this.#exhaustionLogged = now;
    if (madeRoom) genLog.warning("closing idle connections: %s", error.message);
    else genLog.error("cannot accept connections: %s", error.message);
  }

  /** Calls `callback` once when the last open connection is closed. */
  whenEmpty(callback: () => void): void {
    this.#whenEmpty.push(callback);
  }

  /** True if there is room now, or will be in a moment. */
  #makeRoom(): boolean {
    const now = this.#loop.time();
    if (now < this.#noRoomUntil) return false;
    const closed = this.#closeIdle(Math.min(MOST_ROOM, Math.ceil(this.open.size / ROOM_PART)));
    this.#leaving += closed;
    if (closed === 0) this.#noRoomUntil = now + ROOM_RETRY;
    return closed > 0;
  }

  #count(socket: CountedSocket, block: string | undefined): void {
    socket[LIMITER] = this;
    socket.on("close", ConnectionLimiter.#closed);
    this.open.add(socket);
    if (block === undefined) return;
    socket[BLOCK] = block;
    this.#perAddress.set(block, (this.#perAddress.get(block) ?? 0) + 1);
  }

  static #closed(this: CountedSocket): void {
    const limiter = this[LIMITER];
    if (limiter !== undefined) limiter.#uncount(this, this[BLOCK]);
  }

  #uncount(socket: NetworkSocket, block: string | undefined): void {
    this.open.delete(socket);
    if (this.#leaving > 0) this.#leaving--;
    if (block !== undefined) {
      const left = (this.#perAddress.get(block) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(block);
      else this.#perAddress.set(block, left);
    }
    if (this.open.size === 0) for (const wake of this.#whenEmpty.splice(0)) wake();
  }
}
