/**
 * Work that runs elsewhere than in the caller's turn of the loop.
 *
 * Python's executors take any function. A JavaScript thread shares no functions with another one, so there
 * are two kinds here: {@link DummyExecutor} takes functions and runs them inline, `ThreadExecutor` takes the
 * *names* of functions that a module exports and runs them in threads. Both have this interface, and each
 * says clearly what it cannot take. Source text is never sent.
 */

import type { Duration } from "../timers/duration.js";

/** Options of {@link Executor.shutdown}. */
export interface ShutdownOptions {
  /** Whether the promise waits for the work that was accepted; default true. */
  readonly wait?: boolean | undefined;
  /** Whether work that has not begun is rejected instead of done; default false. */
  readonly cancelPending?: boolean | undefined;
  /**
   * How long work may go on, in milliseconds or as a duration; then it is ended and rejected. Default 30 s;
   * `Infinity` and `null`: as long as it takes.
   */
  readonly timeout?: number | Duration | null | undefined;
}

/** Runs tasks: functions, or the names of functions, as the kind of executor has it. */
export interface Executor {
  /** Runs a task and resolves with its result; rejects with its error. */
  submit<A extends unknown[], R>(task: string | ((...args: A) => R), ...args: A): Promise<Awaited<R>>;
  /** Accepts no further tasks; see the executor for what becomes of those under way. Twice is fine. */
  shutdown(options?: ShutdownOptions): Promise<void>;
}
