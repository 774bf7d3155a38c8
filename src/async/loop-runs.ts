/**
 * `start()`, `stop()` and `runSync()` of a loop.
 *
 * Node turns its loop by itself, so a run turns nothing. It is a stretch of time, from a call to the end of
 * its promise, during which the loop is the thread's current one and the process stays alive.
 */
import { InvalidStateError, TimeoutError } from "../base/errors.js";
import { onAbort, type TimerHost } from "./cancel.js";
import { pendingResult } from "./coroutine/yieldable.js";
import { enterLoop, type LoopCore } from "./current-loop.js";
import { Deferred } from "./deferred.js";
import type { Clock } from "./timers/clock.js";
import type { AnyCallback, Timeout } from "./timers/timeout.js";
import type { WaitBounds } from "./wait-options.js";

/** What the runs need of their loop. */
export interface RunHost extends LoopCore, TimerHost {
  readonly clock: Clock;
}

/** Logs an error of a callback that has no other receiver. */
export type ErrorReporter = (callback: AnyCallback, error: unknown) => void;

/** Begins a run of the loop. Returns the function that ends it. */
function beginRun(loop: LoopCore): () => void {
  const leave = enterLoop(loop);
  const hold = setInterval(() => {}, 2 ** 31 - 1);
  return () => {
    clearInterval(hold);
    leave();
  };
}

/** The runs of one loop. */
export class LoopRuns {
  readonly #loop: RunHost;
  readonly #report: ErrorReporter;
  /** The promise of `start()`. */
  #started: Deferred | undefined = undefined;
  /** Each call of `runSync()` under way, as the function that makes it reject. */
  readonly #tasks: Set<(reason: unknown) => void> = new Set();
  /** `stop()` was called before `start()`. */
  #stopEarly = false;

  constructor(loop: RunHost, report: ErrorReporter) {
    this.#loop = loop;
    this.#report = report;
  }

  /** True while `start()` or `runSync()` is under way. */
  get running(): boolean {
    return this.#started !== undefined || this.#tasks.size > 0;
  }

  /** See `IOLoop.start`. */
  async start(): Promise<void> {
    if (this.#started !== undefined) throw new InvalidStateError("the loop is started already");
    const started = new Deferred();
    this.#started = started;
    const end = beginRun(this.#loop);
    try {
      this.#loop.clock.stir?.();
      if (this.#stopEarly) this.stop();
      await started.promise;
    } finally {
      this.#started = undefined;
      end();
    }
  }

  /** See `IOLoop.stop`. */
  stop(): void {
    this.#stopEarly = !this.running;
    if (!this.running) return;
    this.#loop.addCallback(() => {
      this.#started?.resolve();
      this.#giveUp(new InvalidStateError("the loop was stopped before runSync() was done"));
    });
  }

  /** Ends every run with an error. */
  interrupt(reason: unknown): void {
    this.#started?.reject(reason);
    this.#giveUp(reason);
  }

  /** See `IOLoop.runSync`. */
  async run(fn: (signal: AbortSignal) => unknown, { signal, timeout }: WaitBounds): Promise<unknown> {
    const loop = this.#loop;
    const task = new Task(fn, this.#report);
    const cancel = (reason: unknown): void => task.cancel(reason);
    const end = beginRun(loop);
    let timer: Timeout | undefined;
    let unlisten: (() => void) | undefined;
    this.#tasks.add(cancel);
    try {
      loop.clock.stir?.();
      if (timeout !== Number.POSITIVE_INFINITY) {
        const late = (): void => cancel(new TimeoutError(`runSync() did not finish within ${timeout} ms`));
        timer = loop.callLater(timeout, late);
      }
      unlisten = onAbort(signal, cancel);
      // In the next iteration, as everything that a loop is asked to run.
      loop.addCallback(() => task.begin());
      return await task.promise;
    } finally {
      this.#tasks.delete(cancel);
      if (timer !== undefined) loop.removeTimeout(timer);
      unlisten?.();
      end();
    }
  }

  #giveUp(reason: unknown): void {
    for (const cancel of [...this.#tasks]) cancel(reason);
  }
}

/** What one `runSync()` runs. */
class Task extends Deferred<unknown> {
  readonly #report: ErrorReporter;
  readonly #fn: (signal: AbortSignal) => unknown;
  readonly #controller = new AbortController();
  #waiting = true;

  constructor(fn: (signal: AbortSignal) => unknown, report: ErrorReporter) {
    super();
    this.#fn = fn;
    this.#report = report;
  }

  begin(): void {
    if (!this.#waiting) return;
    try {
      const result = this.#fn(this.#controller.signal);
      const pending = pendingResult(result);
      if (pending === undefined) this.resolve(result);
      else pending.then(this.resolve, (error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  cancel(reason: unknown): void {
    this.#waiting = false;
    this.reject(reason);
    this.#controller.abort(reason);
  }

  #fail(error: unknown): void {
    if (this.#waiting) this.reject(error);
    else if (error !== this.#controller.signal.reason) this.#report(this.#fn as AnyCallback, error);
  }
}
