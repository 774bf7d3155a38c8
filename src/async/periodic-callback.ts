/**
 * Work at regular intervals.
 *
 * Due times lie on a grid: start plus a multiple of the interval. The next one is always computed from the
 * grid and never from the moment at which the callback happened to run, so small delays do not add up (no
 * drift); and a callback that takes longer than the interval skips the ticks it has missed instead of
 * catching up in a burst.
 */
import { InvalidArgumentError } from "../base/errors.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { checkFunction, checkNumber } from "../base/validate.js";
import { pendingResult } from "./coroutine/yieldable.js";
import { IOLoop } from "./ioloop.js";
import { type Duration, toMilliseconds } from "./timers/duration.js";
import type { Timeout } from "./timers/timeout.js";

/** Options of {@link PeriodicCallback}. */
export interface PeriodicCallbackOptions {
  /**
   * The fraction by which each interval varies, from 0 (the default: not at all) to 1: with 0.1 an interval
   * of 1000 ms is between 950 and 1050 ms. It keeps many processes from doing the same thing at the same
   * moment.
   */
  readonly jitter?: number | undefined;
  /** Whether it keeps the process alive; default true. */
  readonly ref?: boolean | undefined;
}

const PERIODIC_CALLBACK_OPTIONS = optionNames<PeriodicCallbackOptions>({ jitter: 1, ref: 1 });

/**
 * Calls a function every `callbackTime` milliseconds, first one interval after {@link
 * PeriodicCallback.start}.
 *
 * If the function returns a promise or a generator, the next call waits for it: two calls never overlap.
 * Errors are logged, and the calls go on.
 *
 * @throws InvalidArgumentError if the interval is not above 0 or the jitter not between 0 and 1
 */
export class PeriodicCallback {
  /** The function that is called. */
  readonly callback: () => unknown;
  /** The interval in milliseconds. */
  readonly callbackTime: number;
  /** See {@link PeriodicCallbackOptions.jitter}. */
  readonly jitter: number;
  /** The loop that was current when it was made. */
  readonly ioLoop: IOLoop;
  readonly #ref: boolean;
  readonly #tick: () => unknown;
  #running = false;
  #next = 0;
  #timeout: Timeout | undefined = undefined;

  constructor(
    callback: () => unknown,
    callbackTime: number | Duration,
    options: PeriodicCallbackOptions = {},
  ) {
    checkNames("option of PeriodicCallback", options, PERIODIC_CALLBACK_OPTIONS);
    const interval = toMilliseconds("callbackTime", callbackTime);
    if (!(interval > 0) || interval === Number.POSITIVE_INFINITY) {
      throw new InvalidArgumentError(`callbackTime must be above 0 ms and finite, got ${interval}`);
    }
    this.callback = checkFunction<() => unknown>("callback", callback);
    this.callbackTime = interval;
    this.jitter = checkNumber("jitter", options.jitter ?? 0, { min: 0, max: 1 });
    this.ioLoop = IOLoop.current();
    this.#ref = options.ref ?? true;
    const tick = (): unknown => this.#run();
    // The log names the callback that failed, not the wrapper.
    this.#tick = Object.defineProperty(tick, "name", { value: callback.name });
  }

  /** Starts the calls: the first is one interval from now. Harmless when they are started already. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#next = this.ioLoop.time();
    this.#schedule();
  }

  /** Stops the calls; one that is under way goes on to its end. It can be started again. */
  stop(): void {
    this.#running = false;
    if (this.#timeout !== undefined) this.ioLoop.removeTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  /** True between `start()` and `stop()`. */
  isRunning(): boolean {
    return this.#running;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #schedule(): void {
    this.#next = this.#nextTime(this.ioLoop.time());
    this.#timeout = this.ioLoop.callAt(this.#next, this.#tick);
    if (!this.#ref) this.#timeout.unref();
  }

  /** The first due time after `now`. */
  #nextTime(now: number): number {
    const interval = this.callbackTime * (1 + this.jitter * (Math.random() - 0.5));
    // On time, or a clock that went back: one interval after the due time before. Else skip what was missed.
    const missed = now < this.#next ? 0 : Math.floor((now - this.#next) / interval);
    return this.#next + (missed + 1) * interval;
  }

  #run(): PromiseLike<unknown> | undefined {
    this.#timeout = undefined;
    let pending: PromiseLike<unknown> | undefined;
    try {
      pending = pendingResult(this.callback());
    } finally {
      if (pending === undefined && this.#running && this.#timeout === undefined) this.#schedule();
    }
    return pending === undefined ? undefined : this.#whenDone(pending);
  }

  async #whenDone(pending: PromiseLike<unknown>): Promise<void> {
    try {
      await pending;
    } finally {
      if (this.#running && this.#timeout === undefined) this.#schedule();
    }
  }
}
