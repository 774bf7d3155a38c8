/**
 * A coarse deadline: "close this connection unless something happens within about a minute". Its place in
 * time is the timer wheel (`timer-wheel.ts`), which is why moving it costs no more than writing a number.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { type TimerWheel, tickOf, type WheelEntry } from "./timer-wheel.js";

const NEVER: number = Number.POSITIVE_INFINITY;
/**
 * `slotTime` of a deadline that was disposed of: earlier than anything, so that `set` never inserts it again.
 */
const DISPOSED: number = Number.NEGATIVE_INFINITY;

/** What a deadline needs of a loop. */
export interface DeadlineHost {
  readonly timers: { readonly wheel: TimerWheel };
}

/**
 * One deadline that can be moved any number of times, for a connection or another long-lived object.
 *
 * When it passes, `onExpire(owner)` is called once and the deadline is inactive until it is set again. It is
 * never early and at most `max(500, ms / 8)` milliseconds late (more only if the loop itself is blocked).
 * What has arrived by then is read first: a deadline that such input moves or clears does not expire. A
 * deadline never keeps the process alive. An error of `onExpire` is logged like that of any callback.
 *
 *     const idle = new Deadline(loop, onIdle, connection); // once, with a shared function
 *     idle.set(620_000);                                   // as often as wanted
 *     idle.clear();
 *     idle.dispose();                                      // when the connection ends
 */
export class Deadline<T = unknown> implements WheelEntry {
  readonly #wheel: TimerWheel;
  // Without T, so that the wheel can hold deadlines of every kind.
  readonly #onExpire: (owner: never) => void;
  readonly #owner: unknown;
  /** The exact time at which it is due; Infinity when it is not active. */
  #due: number;
  #tick: number;
  /** @internal */
  slotTime: number;
  /** @internal */
  next: WheelEntry["next"];
  /** @internal */
  previous: WheelEntry["previous"];

  constructor(loop: DeadlineHost, onExpire: (owner: T) => void, owner: T) {
    this.#wheel = loop.timers.wheel;
    this.#onExpire = onExpire;
    this.#owner = owner;
    this.#due = NEVER;
    this.#tick = tickOf(0);
    this.slotTime = NEVER;
    this.next = undefined;
    this.previous = undefined;
  }

  /** True between `set` and the expiry or `clear`. */
  get active(): boolean {
    return this.#due !== NEVER && this.slotTime !== DISPOSED;
  }

  /** When it is due, in milliseconds of the loop's clock; `Infinity` when it is not active. */
  get due(): number {
    return this.active ? this.#due : NEVER;
  }

  /**
   * Moves the deadline to `ms` milliseconds from now; `Infinity` is the same as `clear()`. A caller that has
   * just read the loop's time passes it as `now`. Does nothing after `dispose()`.
   *
   * @throws InvalidArgumentError if `ms` is negative or not a number
   */
  set(ms: number, now: number = this.#wheel.clock.time()): void {
    if (!(ms >= 0)) throw new InvalidArgumentError(`a deadline must be at least 0 ms away, got ${ms}`);
    const due = now + ms;
    const tick = tickOf(ms);
    this.#due = due;
    this.#tick = tick;
    // In a slot that is early enough: its sweep sees the new time. In no slot counts as in one at Infinity.
    if (this.slotTime > due + tick) this.#wheel.insert(this, due, tick);
  }

  /** Calls the deadline off; it can be set again. Harmless when it is not active. */
  clear(): void {
    this.#due = NEVER;
  }

  /** Calls the deadline off for good and lets go of the owner. Calling twice is fine. */
  dispose(): void {
    this.#wheel.remove(this);
    this.#due = NEVER;
    this.slotTime = DISPOSED;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal Its slot's moment has come; it is in no slot any more. */
  sweep(now: number): void {
    if (this.#due === NEVER) return;
    if (this.#due > now) {
      this.#wheel.insert(this, this.#due, this.#tick);
      return;
    }
    this.#due = NEVER;
    this.#wheel.run(this.#onExpire, [this.#owner]);
  }
}
