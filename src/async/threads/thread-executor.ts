/**
 * Work that would block the loop (hashing, compressing, parsing something huge) on threads of its own.
 *
 *     // tasks.ts
 *     export const sum = (numbers: Float64Array): number => numbers.reduce((a, b) => a + b, 0);
 *
 *     // main.ts
 *     const pool = new ThreadExecutor<typeof import("./tasks.js")>(new URL("./tasks.js", import.meta.url));
 *     const total = await pool.submit("sum", numbers);
 *
 * A task is named, its arguments and its result are copied by structured clone, and its error arrives with
 * the stack of the thread. Each thread runs one task at a time; those that find no thread free wait in line,
 * and when the line is full the answer is an error instead of memory that grows. Threads are started when
 * needed, stay, and do not keep the process alive while they have nothing to do.
 */
import { availableParallelism } from "node:os";
import type { ResourceLimits } from "node:worker_threads";
import { InvalidArgumentError, InvalidStateError, SquallError, TimeoutError } from "../../base/errors.js";
import { appLog, genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkInteger, checkLimit } from "../../base/validate.js";
import { type Abortable, unwatchAbort, watchAbort } from "../abort-hub.js";
import { CancelledError } from "../cancelled.js";
import { Deferred } from "../deferred.js";
import type { Executor, ShutdownOptions } from "../executor/executor.js";
import { IOLoop } from "../ioloop.js";
import type { Timeout } from "../timers/timeout.js";
import { boundsOf, checkTimeout, refusal, type WaitOptions } from "../wait-options.js";
import { type Job, PoolWorker, type WorkerOwner } from "./pool-worker.js";
import type { TaskMessage } from "./thread-protocol.js";

/** More tasks wait for a thread than `maxQueue` allows (`ERR_SQUALL_EXECUTOR_FULL`). */
export class ExecutorFullError extends SquallError {
  static {
    this.prototype.name = "ExecutorFullError";
  }

  constructor(maxQueue: number) {
    super(
      "ERR_SQUALL_EXECUTOR_FULL",
      `all threads are busy and ${maxQueue} tasks wait already (option maxQueue); try again later`,
    );
  }
}

/** Options of {@link ThreadExecutor}. */
export interface ThreadExecutorOptions {
  /** How many threads there are at most; default the number of processors. */
  readonly maxWorkers?: number | undefined;
  /** How many tasks may wait for a thread; default 1024, 0 for none, off: `Infinity`. */
  readonly maxQueue?: number | undefined;
  /** Limits of each thread's heap and stack, as `worker_threads` has them; default Node's. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

const SHUTDOWN_OPTIONS = optionNames<ShutdownOptions>({ wait: 1, cancelPending: 1, timeout: 1 });

const THREAD_EXECUTOR_OPTIONS = optionNames<ThreadExecutorOptions>({
  maxWorkers: 1,
  maxQueue: 1,
  resourceLimits: 1,
});

/** The tasks of an executor whose module is not known to the compiler. */
export type AnyTasks = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** The names of the functions among the members of `T`. */
export type TaskName<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never;
}[keyof T] &
  string;

type TaskArgs<F> = F extends (...args: infer A) => unknown ? A : never;
type TaskResult<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

const DEFAULT_MAX_QUEUE = 1024;
/** How long a shutdown waits for tasks, in milliseconds; the servers of `net/` have the same grace. */
const SHUTDOWN_TIMEOUT = 30_000;

/** One submitted task: waiting, then running, then settled once. */
class ThreadJob implements Job, Abortable {
  readonly message: TaskMessage;
  readonly promise: Promise<unknown>;
  worker: PoolWorker | undefined = undefined;
  readonly #giveUp: (job: ThreadJob) => void;
  readonly #signal: AbortSignal | undefined;
  #loop: IOLoop | undefined = undefined;
  #timer: Timeout | undefined = undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(message: TaskMessage, options: WaitOptions | undefined, giveUp: (job: ThreadJob) => void) {
    this.message = message;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#giveUp = giveUp;
    const { signal, timeout } = boundsOf(options);
    this.#signal = signal;
    if (signal !== undefined) watchAbort(signal, this);
    if (timeout === Number.POSITIVE_INFINITY) return;
    this.#loop = IOLoop.current();
    this.#timer = this.#loop.callLater(timeout, () =>
      this.onAbort(new TimeoutError(`the task "${message.task}" was not done within ${timeout} ms`)),
    );
  }

  resolve(value: unknown): void {
    this.#disarm();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#disarm();
    this.#reject(error);
  }

  onAbort(reason: unknown): void {
    this.reject(reason);
    this.#giveUp(this);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#loop?.removeTimeout(this.#timer);
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
  }
}

/**
 * Runs the functions of a module in worker threads. Tornado's users know
 * `concurrent.futures.ThreadPoolExecutor`.
 *
 * Giving up (signal, timeout) on a task that waits takes it out of the line. A task that *runs* is stopped by
 * ending its thread, as nothing else stops a busy thread; what the module kept in memory there is lost, and
 * the next task gets a new thread. A thread that ends by itself rejects the task it held with a {@link
 * WorkerDiedError}.
 */
export class ThreadExecutor<T extends object = AnyTasks> implements Executor, AsyncDisposable {
  readonly #href: string;
  readonly #maxWorkers: number;
  readonly #maxQueue: number;
  readonly #resourceLimits: ResourceLimits | undefined;
  readonly #workers = new Set<PoolWorker>();
  readonly #idle: PoolWorker[] = [];
  /** Those that wait for a thread, in order; a set, because any of them may give up. */
  readonly #line = new Set<ThreadJob>();
  readonly #ending = new Set<Promise<void>>();
  readonly #owner: WorkerOwner = {
    onIdle: (worker) => this.#onIdle(worker),
    onLateRejection: (task, error) =>
      appLog.exception('the task "%s" was done and left a rejection unhandled', task, error),
    onDeath: (worker, exitCode, error) => this.#onDeath(worker, exitCode, error),
  };
  #lastId = 0;
  #closed = false;
  #onQuiet: (() => void)[] = [];

  /**
   * `module` is the URL of the module with the tasks, usually `new URL("./tasks.js", import.meta.url)`. It is
   * loaded in each thread; if that fails, the tasks are rejected with the error of loading.
   */
  constructor(module: URL | string, options: ThreadExecutorOptions = {}) {
    checkNames("option of ThreadExecutor", options, THREAD_EXECUTOR_OPTIONS);
    const href = String(module);
    if (!URL.canParse(href)) {
      throw new InvalidArgumentError(
        `a ThreadExecutor needs the URL of a module, as in new URL("./tasks.js", import.meta.url), got "${href}"`,
      );
    }
    this.#href = href;
    this.#maxWorkers = checkInteger("maxWorkers", options.maxWorkers ?? availableParallelism(), { min: 1 });
    this.#maxQueue = checkLimit("maxQueue", options.maxQueue ?? DEFAULT_MAX_QUEUE);
    this.#resourceLimits = options.resourceLimits;
  }

  /** How many threads there are, busy or not. */
  get workers(): number {
    return this.#workers.size;
  }

  /** How many tasks wait for a thread. */
  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Runs the task of that name with these arguments and resolves with its result. Rejects with the task's
   * error, {@link ExecutorFullError}, {@link WorkerDiedError}, an {@link InvalidStateError} after {@link
   * ThreadExecutor.shutdown}, and an {@link InvalidArgumentError} for a function, which cannot cross into a
   * thread, or for arguments that cannot be cloned. Arguments are copied when a thread takes the task.
   */
  submit<K extends TaskName<T>>(task: K, ...args: TaskArgs<T[K]>): Promise<TaskResult<T[K]>>;
  submit<A extends unknown[], R>(task: string | ((...args: A) => R), ...args: A): Promise<Awaited<R>>;
  submit(task: unknown, ...args: unknown[]): Promise<unknown> {
    return this.#run(task, args, undefined);
  }

  /**
   * The same as {@link ThreadExecutor.submit} with `{ signal, timeout }`; the class says what giving up does.
   */
  run<K extends TaskName<T>>(
    task: K,
    args: TaskArgs<T[K]>,
    options?: WaitOptions,
  ): Promise<TaskResult<T[K]>> {
    return this.#run(task, args, options) as Promise<TaskResult<T[K]>>;
  }

  /**
   * Accepts no further tasks. Those that were accepted are done (or, with `cancelPending`, those that have
   * not begun are rejected with a {@link CancelledError}); then the threads end. After `timeout`, by default
   * 30 seconds, they end in any case, and the tasks that are not done are rejected with a {@link
   * CancelledError}. Resolves when the threads have ended, or at once with `wait: false`. Calling it twice is
   * fine: the earlier deadline counts.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkNames("option of shutdown()", options, SHUTDOWN_OPTIONS);
    const { wait = true, cancelPending = false, timeout = SHUTDOWN_TIMEOUT } = options;
    const limit = checkTimeout(timeout);
    this.#closed = true;
    if (cancelPending) {
      for (const job of this.#line) job.reject(new CancelledError("the executor was shut down"));
      this.#line.clear();
    }
    const ended = this.#endWhenQuiet(limit);
    if (wait) await ended;
  }

  /** The same as {@link ThreadExecutor.shutdown}, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #run(task: unknown, args: readonly unknown[], options: WaitOptions | undefined): Promise<unknown> {
    if (typeof task !== "string") throw new InvalidArgumentError(this.#noName(task));
    if (this.#closed) throw new InvalidStateError("the ThreadExecutor has been shut down");
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    const job = new ThreadJob({ id: ++this.#lastId, task, args }, options, (late) => this.#giveUp(late));
    this.#enter(job);
    return IOLoop.current().external(job.promise);
  }

  #noName(task: unknown): string {
    const what = typeof task === "function" ? `the function ${task.name || "(anonymous)"}` : typeof task;
    return (
      `a ThreadExecutor runs tasks by name, got ${what}: functions and what they close over cannot cross into a ` +
      `thread. Export it from ${this.#href} and submit its name, or use dummyExecutor to run it here`
    );
  }

  #enter(job: ThreadJob): void {
    if (this.#idle.length === 0 && this.#workers.size >= this.#maxWorkers) {
      if (this.#line.size >= this.#maxQueue) job.reject(new ExecutorFullError(this.#maxQueue));
      else this.#line.add(job);
      return;
    }
    const worker = this.#idle.pop() ?? this.#start();
    if (!this.#give(worker, job)) this.#onIdle(worker);
  }

  #start(): PoolWorker {
    const worker = new PoolWorker(this.#owner, this.#href, { resourceLimits: this.#resourceLimits ?? {} });
    this.#workers.add(worker);
    return worker;
  }

  #give(worker: PoolWorker, job: ThreadJob): boolean {
    if (!worker.give(job)) return false;
    job.worker = worker;
    return true;
  }

  /** The next in line gets the worker; one whose arguments cannot cross makes way for the next. */
  #onIdle(worker: PoolWorker): void {
    for (const job of this.#line) {
      this.#line.delete(job);
      if (this.#give(worker, job)) return;
    }
    worker.rest();
    this.#idle.push(worker);
    this.#noticeQuiet();
  }

  #onDeath(worker: PoolWorker, exitCode: number, error: unknown): void {
    this.#forget(worker);
    if (error !== undefined) genLog.exception("an idle thread ended with code %d", exitCode, error);
    this.#replace();
  }

  #giveUp(job: ThreadJob): void {
    if (this.#line.delete(job)) return;
    const { worker } = job;
    if (worker === undefined) return;
    this.#forget(worker);
    this.#end(worker);
    this.#replace();
  }

  /** A thread has ended: the next task in line gets a new one. */
  #replace(): void {
    for (const job of this.#line) {
      if (this.#workers.size >= this.#maxWorkers) return;
      this.#line.delete(job);
      this.#enter(job);
    }
    this.#noticeQuiet();
  }

  #forget(worker: PoolWorker): void {
    this.#workers.delete(worker);
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #end(worker: PoolWorker, reason?: Error): void {
    const ended = worker.end(reason).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  get #quiet(): boolean {
    return this.#line.size === 0 && this.#idle.length === this.#workers.size;
  }

  #noticeQuiet(): void {
    if (!this.#quiet) return;
    for (const resolve of this.#onQuiet.splice(0)) resolve();
  }

  /** Ends every thread that is busy. */
  #abandon(): void {
    const reason = new CancelledError("the executor was shut down before the task was done");
    for (const job of this.#line) job.reject(reason);
    this.#line.clear();
    for (const worker of [...this.#workers]) {
      if (this.#idle.includes(worker)) continue;
      this.#forget(worker);
      this.#end(worker, reason);
    }
    this.#noticeQuiet();
  }

  async #endWhenQuiet(limit: number): Promise<void> {
    if (!this.#quiet) {
      const quiet = new Deferred();
      this.#onQuiet.push(quiet.resolve);
      const loop = IOLoop.current();
      const timer =
        limit === Number.POSITIVE_INFINITY ? undefined : loop.callLater(limit, () => this.#abandon());
      await quiet.promise;
      if (timer !== undefined) loop.removeTimeout(timer);
    }
    for (const worker of [...this.#workers]) {
      this.#forget(worker);
      this.#end(worker);
    }
    await Promise.all(this.#ending);
  }
}
