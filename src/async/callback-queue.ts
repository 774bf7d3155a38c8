/**
 * The callbacks of the next iteration: one queue, emptied in one go once in each turn of Node's loop.
 *
 * Adding one is two stores into an array, where `setImmediate` makes an object for each callback. What is
 * added while the queue is being emptied waits for the next turn, so callbacks that add callbacks never
 * starve input.
 */

import type { AnyCallback } from "./timers/timeout.js";
import type { CallbackRunner } from "./timers/timer-queue.js";

const NO_ARGUMENTS: readonly unknown[] = [];

export class CallbackQueue {
  readonly #run: CallbackRunner;
  readonly #onEmptied: () => void;
  readonly #empty: () => void;
  /** Callback, arguments, callback, arguments, … */
  #waiting: unknown[] = [];
  /** The array that was emptied last, to be filled next. */
  #spare: unknown[] = [];
  #armed = false;
  #closed = false;

  /** `run` must not throw; `onEmptied` is called after each round. */
  constructor(run: CallbackRunner, onEmptied: () => void) {
    this.#run = run;
    this.#onEmptied = onEmptied;
    this.#empty = () => this.#runAll();
  }

  /** How many callbacks wait. */
  get size(): number {
    return this.#waiting.length / 2;
  }

  /** Adds a callback; after {@link CallbackQueue.close} it is dropped. */
  add(callback: AnyCallback, args: readonly unknown[] | undefined): void {
    if (this.#closed) return;
    this.#waiting.push(callback, args);
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#empty);
  }

  /** Drops what waits and all that comes. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #runAll(): void {
    this.#armed = false;
    const round = this.#waiting;
    this.#waiting = this.#spare;
    for (let i = 0; i < round.length && !this.#closed; i += 2) {
      this.#run(round[i] as AnyCallback, (round[i + 1] as readonly unknown[] | undefined) ?? NO_ARGUMENTS);
    }
    round.length = 0;
    this.#spare = round;
    this.#onEmptied();
  }
}
