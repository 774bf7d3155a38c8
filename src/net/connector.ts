/**
 * Connecting to the first address that answers: "happy eyeballs" (RFC 8305).
 *
 * The addresses are tried in the resolver's order with the families taking turns, the next one 300 ms after
 * the one before (Tornado's figure; the RFC recommends 250 and allows more) or as soon as that has failed.
 * The first connection wins and the others are closed. So a broken IPv6 costs a third of a second and not a
 * minute.
 */
import type { IOLoop } from "../async/ioloop.js";
import type { Timeout } from "../async/timers/timeout.js";
import type { ResolvedEndpoint } from "./resolver.js";
import { StreamClosedError } from "./stream/stream-errors.js";

/** How long one attempt is alone, in milliseconds. */
export const ATTEMPT_DELAY = 300;

/** What can be raced: it connects, and is closed when another one has won. */
export interface Contender {
  close(error?: Error): void;
}

/** The addresses with the families taking turns, beginning with the family of the first (RFC 8305 §4). */
export function interleave(addresses: readonly ResolvedEndpoint[]): ResolvedEndpoint[] {
  const first = addresses[0]?.family;
  const mine = addresses.filter((address) => address.family === first);
  const others = addresses.filter((address) => address.family !== first);
  const result: ResolvedEndpoint[] = [];
  for (let i = 0; i < Math.max(mine.length, others.length); i++) {
    const a = mine[i];
    const b = others[i];
    if (a !== undefined) result.push(a);
    if (b !== undefined) result.push(b);
  }
  return result;
}

/** One race. `make` makes a contender; `connect` connects it to an address and rejects when that fails. */
export class Race<T extends Contender> {
  readonly #loop: IOLoop;
  readonly #queue: ResolvedEndpoint[];
  readonly #make: () => T;
  readonly #connect: (contender: T, address: ResolvedEndpoint) => Promise<unknown>;
  readonly #running: Set<T> = new Set();
  #timer: Timeout | undefined;
  #over = false;
  #lastError: unknown;
  #settle: { resolve(winner: T): void; reject(error: unknown): void } | undefined;

  constructor(
    loop: IOLoop,
    addresses: readonly ResolvedEndpoint[],
    make: () => T,
    connect: (contender: T, address: ResolvedEndpoint) => Promise<unknown>,
  ) {
    this.#loop = loop;
    this.#queue = interleave(addresses);
    this.#make = make;
    this.#connect = connect;
  }

  /**
   * Resolves with the winner; rejects with the last error when all have failed, or with what `abort` was
   * called with.
   */
  run(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#next();
    });
  }

  /** Ends the race without a winner. */
  abort(reason: unknown): void {
    if (!this.#finish(undefined)) return;
    this.#settle?.reject(reason);
  }

  #next(): void {
    if (this.#timer !== undefined) this.#loop.removeTimeout(this.#timer);
    this.#timer = undefined;
    const address = this.#queue.shift();
    if (address === undefined) {
      if (this.#running.size > 0 || !this.#finish(undefined)) return;
      this.#settle?.reject(
        this.#lastError ?? new StreamClosedError(undefined, "there is no address to connect to"),
      );
      return;
    }
    const contender = this.#make();
    this.#running.add(contender);
    if (this.#queue.length > 0) this.#timer = this.#loop.callLater(ATTEMPT_DELAY, () => this.#next());
    this.#connect(contender, address).then(
      () => {
        if (this.#finish(contender)) this.#settle?.resolve(contender);
      },
      (error: unknown) => {
        this.#lastError = error;
        this.#running.delete(contender);
        if (!this.#over) this.#next();
      },
    );
  }

  /** True the first time; closes all contenders but the winner. */
  #finish(winner: T | undefined): boolean {
    if (this.#over) {
      winner?.close();
      return false;
    }
    this.#over = true;
    if (this.#timer !== undefined) this.#loop.removeTimeout(this.#timer);
    for (const contender of this.#running) if (contender !== winner) contender.close();
    this.#running.clear();
    return true;
  }
}
