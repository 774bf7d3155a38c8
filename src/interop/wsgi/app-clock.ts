/**
 * The time that an application takes for a request. It stands still while the application cannot go on
 * because of the client, whose slowness has limits of its own in the server.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { Deadline } from "../../async/timers/deadline.js";

/** One for each channel, used for one request after the other. */
export class AppClock {
  readonly #loop: IOLoop;
  readonly #deadline: Deadline<AppClock>;
  readonly #onExpire: () => void;
  /** Milliseconds that are left while it stands. */
  #left = 0;
  #runs = false;

  constructor(loop: IOLoop, onExpire: () => void) {
    this.#loop = loop;
    this.#onExpire = onExpire;
    this.#deadline = new Deadline<AppClock>(loop, AppClock.#expired, this);
  }

  static #expired(clock: AppClock): void {
    clock.#runs = false;
    clock.#left = Number.POSITIVE_INFINITY;
    clock.#onExpire();
  }

  /** Begins a request that may take `ms` milliseconds; the clock stands. */
  begin(ms: number): void {
    this.stop();
    this.#left = ms;
  }

  /** Lets the clock run, or stand. */
  run(runs: boolean): void {
    if (runs === this.#runs || this.#left === Number.POSITIVE_INFINITY) return;
    this.#runs = runs;
    if (runs) {
      this.#deadline.set(this.#left);
    } else {
      this.#left = Math.max(0, this.#deadline.due - this.#loop.time());
      this.#deadline.clear();
    }
  }

  /** The request is over. */
  stop(): void {
    this.#deadline.clear();
    this.#runs = false;
    this.#left = Number.POSITIVE_INFINITY;
  }

  /** The channel is gone. */
  dispose(): void {
    this.#deadline.dispose();
  }
}
