/**
 * The event loop, as the rest of squall sees it.
 *
 * Node has one loop per thread and runs it by itself, so an `IOLoop` does not turn anything: it is the place where
 * callbacks and timers are kept, where errors of callbacks end, and where time and network come from. Its parts are
 * files of their own: the queue of callbacks, the queue of timers, the table of handlers. What is left here is the
 * names of Tornado, the life of a loop (current, started, stopped, closed), and the rule that nothing which a
 * callback does wrong reaches another one.
 *
 * Callbacks run in the asynchronous context (`AsyncLocalStorage`) of whoever woke the queue, not each in its own;
 * keeping them apart would cost every callback more than the callback itself. Wrap those that need theirs with
 * `AsyncResource.bind()`.
 */
import { InvalidArgumentError, InvalidStateError, TimeoutError } from "../base/errors.js";
import { appLog } from "../base/log.js";
import { checkFunction } from "../base/validate.js";
import { BlockedLoopWatch } from "./blocked-loop/blocked-loop.js";
import { CallbackQueue } from "./callback-queue.js";
import { onAbort } from "./cancel.js";
import { pendingResult } from "./coroutine/yieldable.js";
import { currentLoop, setCurrentLoop } from "./current-loop.js";
import { dummyExecutor } from "./executor/dummy-executor.js";
import type { Executor } from "./executor/executor.js";
import { HandlerTable, IOEvents, type IOHandler, type Watchable } from "./handlers.js";
import type { Network } from "./network.js";
import { type Clock, systemClock, type WorkSource } from "./timers/clock.js";
import { type Duration, toDeadline, toMilliseconds } from "./timers/duration.js";
import type { AnyCallback, Timeout } from "./timers/timeout.js";
import { TimerQueue } from "./timers/timer-queue.js";
import { resolveWait, type WaitOptions } from "./wait-options.js";

/** Options of {@link IOLoop}. */
export interface IOLoopOptions {
  /**
   * Whether the new loop becomes the thread's current one. `true` fails if there is one already; by default it
   * does if there is none.
   */
  readonly makeCurrent?: boolean | undefined;
  /** Where time comes from; default {@link systemClock}. */
  readonly clock?: Clock | undefined;
  /** Where sockets come from; default Node's. */
  readonly network?: Network | undefined;
}

/** A class whose objects are loops. */
export type IOLoopClass = new (options?: IOLoopOptions) => IOLoop;

let implementation: IOLoopClass | undefined;

/** Keeps the process alive until the returned function is called. */
function keepAlive(): () => void {
  const hold = setInterval(() => {}, 2 ** 31 - 1);
  return () => clearInterval(hold);
}

/** A loop: callbacks, timers, handlers, time. See the top of this file. */
export class IOLoop implements WorkSource {
  /** For {@link IOLoop.addHandler}: nothing but errors, which are always told. */
  static readonly NONE: 0 = IOEvents.NONE;
  /** For {@link IOLoop.addHandler}: there is something to read, or a connection to accept. */
  static readonly READ: 1 = IOEvents.READ;
  /** For {@link IOLoop.addHandler}: there is room to write. */
  static readonly WRITE: 4 = IOEvents.WRITE;
  /** An error or the close; told whether it was asked for or not. */
  static readonly ERROR: 24 = IOEvents.ERROR;

  /** Where time comes from. */
  readonly clock: Clock;
  /** Where sockets come from; undefined means Node's own. */
  readonly network: Network | undefined;
  /** @internal The timers, for {@link Deadline}. */
  readonly timers: TimerQueue;
  readonly #callbacks: CallbackQueue;
  readonly #handlers: HandlerTable;
  readonly #signals: Map<NodeJS.Signals, () => void> = new Map();
  #executor: Executor = dummyExecutor;
  #blockedWatch: BlockedLoopWatch | undefined = undefined;
  #externals = 0;
  /** Settles the promise of `start()`; with an argument, rejects it. */
  #onStop: ((reason?: unknown) => void) | undefined = undefined;
  /** Each call of `runSync()` under way, as the function that makes it reject. */
  readonly #runs: Set<(reason: unknown) => void> = new Set();
  #stopEarly = false;
  #closed = false;

  constructor(options: IOLoopOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.network = options.network;
    const run = (callback: AnyCallback, args: readonly unknown[]): void => this.runCallback(callback, args);
    this.timers = new TimerQueue(this.clock, run);
    this.#callbacks = new CallbackQueue(run, () => this.clock.stir?.());
    this.#handlers = new HandlerTable(this);
    this.clock.watch?.(this);
    this.initialize(options);
  }

  /**
   * The end of the constructor, for subclasses to override: makes the loop current, as `makeCurrent` says. It runs
   * before the fields of the subclass have their values.
   */
  initialize({ makeCurrent }: IOLoopOptions): void {
    const present = currentLoop();
    if (makeCurrent === true && present !== undefined) {
      throw new InvalidStateError(
        "there is a current loop already; close it or call IOLoop.clearCurrent() first",
      );
    }
    if (makeCurrent ?? present === undefined) this.makeCurrent();
  }

  // --- the current loop ---------------------------------------------------------------------------------------

  /**
   * The current loop of this thread. If there is none, one is made; with `instance: false` the answer is then
   * undefined.
   */
  static current(options?: { readonly instance?: true | undefined }): IOLoop;
  static current(options: { readonly instance?: boolean | undefined }): IOLoop | undefined;
  static current(options?: { readonly instance?: boolean | undefined }): IOLoop | undefined {
    const loop = currentLoop() as IOLoop | undefined;
    if (loop !== undefined || options?.instance === false) return loop;
    const made = new (implementation ?? IOLoop)({ makeCurrent: false });
    made.makeCurrent();
    return made;
  }

  /** Makes this loop the thread's current one, in place of any other. */
  makeCurrent(): void {
    setCurrentLoop(this);
  }

  /** Leaves the thread without a current loop. */
  static clearCurrent(): void {
    setCurrentLoop(undefined);
  }

  /** The same as {@link IOLoop.current}; the older name. */
  static instance(): IOLoop {
    return IOLoop.current();
  }

  /** True if there is a current loop. */
  static initialized(): boolean {
    return currentLoop() !== undefined;
  }

  /** The same as {@link IOLoop.makeCurrent}; the older name. */
  install(): void {
    this.makeCurrent();
  }

  /** The same as {@link IOLoop.clearCurrent}; the older name. */
  static clearInstance(): void {
    IOLoop.clearCurrent();
  }

  /** Decides which class {@link IOLoop.current} makes a loop of when there is none; undefined for `IOLoop` itself. */
  static configure(loopClass: IOLoopClass | undefined): void {
    if (loopClass !== undefined && loopClass !== IOLoop && !(loopClass.prototype instanceof IOLoop)) {
      throw new InvalidArgumentError("IOLoop.configure() needs a class that extends IOLoop");
    }
    implementation = loopClass;
  }

  // --- time ---------------------------------------------------------------------------------------------------

  /** The loop's time in milliseconds: it only runs forward, and only differences mean anything. */
  time(): number {
    return this.clock.time();
  }

  /** The time of day in milliseconds since 1970, as `Date.now()`: for dates, cookies and signatures, never for waiting. */
  wallTime(): number {
    return this.clock.wallTime();
  }

  // --- callbacks ----------------------------------------------------------------------------------------------

  /**
   * Calls `callback(...args)` in the next iteration of the loop. An error that it throws is logged and hurts nobody;
   * if it returns a promise or a generator, the loop watches over that as well. After `close()` it does nothing.
   */
  addCallback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.#callbacks.add(callback, args.length === 0 ? undefined : args);
  }

  /** The same as {@link IOLoop.addCallback}; Node runs signal handlers as ordinary callbacks. */
  addCallbackFromSignal<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.addCallback(callback, ...args);
  }

  /** The same as {@link IOLoop.addCallback}: fire and forget, with the errors logged. */
  spawnCallback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.addCallback(callback, ...args);
  }

  /** Calls `callback(future)` in an iteration of the loop after the promise or Future has settled, either way. */
  addFuture<F extends PromiseLike<unknown>>(future: F, callback: (future: F) => unknown): void {
    checkFunction("callback", callback);
    const done = (): void => this.addCallback(callback, future);
    future.then(done, done);
  }

  /** @internal Calls back now. An error goes to {@link IOLoop.handleCallbackException} and no further. */
  runCallback(callback: AnyCallback, args: readonly unknown[]): void {
    try {
      const result = (callback as (...args: unknown[]) => unknown)(...args);
      if (result === undefined) return;
      const pending = pendingResult(result);
      if (pending !== undefined) pending.then(undefined, (error: unknown) => this.#report(callback, error));
    } catch (error) {
      this.#report(callback, error);
    }
  }

  /**
   * What becomes of an error that a callback has thrown: it is logged with the callback's name and the stack. May be
   * overridden; an error that the override throws is logged in its turn.
   */
  handleCallbackException(callback: AnyCallback, error: unknown): void {
    appLog.exception("Exception in callback %s", callback.name || "(anonymous)", error);
  }

  #report(callback: AnyCallback, error: unknown): void {
    try {
      this.handleCallbackException(callback, error);
    } catch (second) {
      appLog.exception("Exception in handleCallbackException()", second);
    }
  }

  // --- timers -------------------------------------------------------------------------------------------------

  /**
   * Calls `callback(...args)` once after `delay`, in milliseconds or as a duration such as `{ minutes: 5 }`: never
   * earlier, and as soon after as the loop is free. Timers with equal deadlines fire in the order in which they were
   * made. `Infinity` never fires.
   *
   * @throws InvalidArgumentError if `delay` is neither a number nor a duration
   */
  callLater<A extends unknown[]>(
    delay: number | Duration,
    callback: (...args: A) => unknown,
    ...args: A
  ): Timeout {
    const milliseconds = typeof delay === "number" ? delay : toMilliseconds("delay", delay);
    return this.callAt(this.clock.time() + milliseconds, callback, ...args);
  }

  /** Like {@link IOLoop.callLater}, at a time of the loop's clock: `loop.callAt(loop.time() + 100, …)`. */
  callAt<A extends unknown[]>(when: number, callback: (...args: A) => unknown, ...args: A): Timeout {
    if (typeof when !== "number" || Number.isNaN(when)) {
      throw new InvalidArgumentError(`a timer's time must be a number of milliseconds, got ${String(when)}`);
    }
    return this.timers.add(when, checkFunction<(...args: A) => unknown>("callback", callback), args);
  }

  /**
   * Like {@link IOLoop.callAt} for a number and like {@link IOLoop.callLater} for a duration such as `{ seconds: 5 }`.
   *
   * @throws InvalidArgumentError for anything else
   */
  addTimeout<A extends unknown[]>(
    deadline: number | Duration,
    callback: (...args: A) => unknown,
    ...args: A
  ): Timeout {
    return this.callAt(toDeadline(this, "deadline", deadline), callback, ...args);
  }

  /** Calls a timer off. Harmless when it has fired or was removed before. */
  removeTimeout(timeout: Timeout): void {
    this.timers.remove(timeout);
  }

  // --- handlers and signals -----------------------------------------------------------------------------------

  /**
   * Calls `handler(handle, events, …)` as long as `handle` is ready for one of `events`, a sum of `IOLoop.READ` and
   * `IOLoop.WRITE`, or has failed or closed (`IOLoop.ERROR`, which needs not be asked for). `handle` is a Node socket,
   * server, pipe or datagram socket; what each means by ready is told in `handlers.ts`.
   *
   * @throws InvalidStateError if the object has a handler already
   * @throws InvalidArgumentError for a file descriptor, which Node cannot poll
   */
  addHandler<T extends Watchable>(handle: T, handler: IOHandler<T>, events: number): void {
    this.#handlers.add(handle, checkFunction("handler", handler) as IOHandler, events);
  }

  /** Changes which events an object's handler is called for. */
  updateHandler(handle: Watchable, events: number): void {
    this.#handlers.update(handle, events);
  }

  /** Stops watching an object; its handler is not called any more, not even for what has happened already. */
  removeHandler(handle: Watchable): void {
    this.#handlers.remove(handle);
  }

  /**
   * Calls back in an iteration of the loop whenever the process gets the signal, which then has no other effect.
   * A second call for the same signal replaces the first.
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => unknown,
    ...args: A
  ): void {
    checkFunction("callback", callback);
    this.removeSignalHandler(signal);
    const listener = (): void => this.addCallbackFromSignal(callback, ...args);
    process.on(signal, listener);
    this.#signals.set(signal, listener);
  }

  /** Gives a signal its usual effect again; true if there was a handler of this loop. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    const listener = this.#signals.get(signal);
    if (listener === undefined) return false;
    process.removeListener(signal, listener);
    return this.#signals.delete(signal);
  }

  // --- work elsewhere -----------------------------------------------------------------------------------------

  /**
   * Registers an operation that the loop cannot see (a file, compression, a thread, another process) and returns its
   * promise. It matters to virtual clocks alone: they let no time pass while one is under way.
   */
  external<T>(operation: PromiseLike<T>): Promise<T> {
    if (this.clock.watch === undefined) return Promise.resolve(operation);
    const end = this.beginExternal();
    const promise = Promise.resolve(operation);
    promise.then(end, end);
    return promise;
  }

  /** Like {@link IOLoop.external} for what has no promise: returns the function to call at the end. Twice is fine. */
  beginExternal(): () => void {
    this.#externals += 1;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#externals -= 1;
      this.clock.stir?.();
    };
  }

  /**
   * Runs a task in an executor, or in the loop's own if the first argument is undefined, and resolves with its result.
   * What a task can be is up to the executor: a `ThreadExecutor` takes the names of functions. The loop's own is
   * `dummyExecutor` until {@link IOLoop.setDefaultExecutor} is called; that runs functions here and now, in this thread.
   */
  runInExecutor<A extends unknown[], R>(
    executor: Executor | undefined,
    task: string | ((...args: A) => R),
    ...args: A
  ): Promise<Awaited<R>> {
    return (executor ?? this.#executor).submit(task, ...args);
  }

  /** Decides where {@link IOLoop.runInExecutor} runs what was given no executor. */
  setDefaultExecutor(executor: Executor): void {
    this.#executor = executor;
  }

  /**
   * Logs a warning with the stack of what is running when a callback keeps the loop busy for longer than so many
   * milliseconds, at least 10; undefined, which is the beginning, for never. Resolves when the change is in force. It costs a thread
   * and some speed: a tool for finding faults rather than for all days. It ends with {@link IOLoop.close}.
   *
   * @throws InvalidStateError (as a rejection) in a worker thread, which cannot be looked into
   */
  async setBlockingLogThreshold(threshold: number | undefined): Promise<void> {
    const before = this.#blockedWatch;
    this.#blockedWatch = undefined;
    await before?.stop();
    if (threshold === undefined || this.#closed) return;
    this.#blockedWatch = new BlockedLoopWatch(threshold);
    await this.#blockedWatch.ready;
  }

  // --- start, stop, close -------------------------------------------------------------------------------------

  /** True while somebody waits in `start()` or `runSync()`. */
  get running(): boolean {
    return this.#onStop !== undefined || this.#runs.size > 0;
  }

  /** True after {@link IOLoop.close}. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Resolves when {@link IOLoop.stop} is called, and keeps the process alive until then. Callbacks, timers and sockets
   * do not wait for it: Node's loop runs anyway.
   *
   * @throws InvalidStateError (as a rejection) if it is started or closed already
   */
  async start(): Promise<void> {
    this.#mustBeOpen();
    if (this.#onStop !== undefined) throw new InvalidStateError("the loop is started already");
    const release = keepAlive();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onStop = (reason) => (reason === undefined ? resolve() : reject(reason));
        this.clock.stir?.();
        if (this.#stopEarly) this.stop();
      });
    } finally {
      this.#onStop = undefined;
      release();
    }
  }

  /**
   * Lets `start()` return after the current iteration; before `start()` it makes the next one return soon. A
   * `runSync()` under way rejects. Callbacks, timers and sockets go on; {@link IOLoop.close} ends those.
   */
  stop(): void {
    this.#stopEarly = !this.running;
    if (!this.running) return;
    this.addCallback(() => {
      this.#onStop?.();
      for (const giveUp of [...this.#runs]) {
        giveUp(new InvalidStateError("the loop was stopped before runSync() was done"));
      }
    });
  }

  /**
   * Calls `fn`, waits for what it returns (a promise, a generator or a value) and resolves with its result. `fn` gets
   * an `AbortSignal` that tells it when nobody waits any more.
   *
   * @throws TimeoutError after `timeout` milliseconds; the signal's reason if `signal` is aborted; InvalidStateError
   * if `stop()` is called before `fn` is done. In all three cases what `fn` has begun goes on unless it
   * minds its signal, and its later errors are logged.
   */
  async runSync<R>(
    fn: (signal: AbortSignal) => R,
    options: WaitOptions = {},
  ): Promise<R extends Generator<unknown, infer T, never> ? Awaited<T> : Awaited<R>> {
    this.#mustBeOpen();
    const { signal, timeout } = resolveWait(options);
    signal?.throwIfAborted();
    const controller = new AbortController();
    const release = keepAlive();
    let unlisten: (() => void) | undefined;
    let timer: Timeout | undefined;
    let giveUp: ((reason: unknown) => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        let waiting = true;
        const cancel = (reason: unknown): void => {
          waiting = false;
          reject(reason);
          controller.abort(reason);
        };
        giveUp = cancel;
        this.#runs.add(cancel);
        this.clock.stir?.();
        if (timeout !== Number.POSITIVE_INFINITY) {
          timer = this.callLater(timeout, () =>
            cancel(new TimeoutError(`runSync() did not finish within ${timeout} ms`)),
          );
        }
        unlisten = onAbort(signal, cancel);
        // In the next iteration, as everything that a loop is asked to run.
        this.addCallback(() => {
          if (!waiting) return;
          const fail = (error: unknown): void => {
            if (waiting) reject(error);
            else if (error !== controller.signal.reason) this.#report(fn as AnyCallback, error);
          };
          try {
            const result: unknown = fn(controller.signal);
            const pending = pendingResult(result);
            if (pending === undefined) resolve(result as never);
            else pending.then(resolve as (value: unknown) => void, fail);
          } catch (error) {
            fail(error);
          }
        });
      });
    } finally {
      if (giveUp !== undefined) this.#runs.delete(giveUp);
      if (timer !== undefined) this.removeTimeout(timer);
      unlisten?.();
      release();
    }
  }

  /**
   * Ends the loop: pending callbacks and timers are dropped, handlers and signal handlers removed. With `allFds` the
   * watched sockets and servers are closed, too. If it was the current loop, there is none afterwards. Calling twice is
   * fine.
   *
   * @throws InvalidStateError while it is running: call `stop()` and wait for `start()` first
   */
  close({ allFds = false }: { readonly allFds?: boolean | undefined } = {}): void {
    if (this.#closed) return;
    if (this.running) throw new InvalidStateError("the loop is running; stop() it before close()");
    this.#closed = true;
    this.#callbacks.close();
    this.timers.close();
    this.#handlers.clear(allFds);
    void this.setBlockingLogThreshold(undefined);
    for (const signal of [...this.#signals.keys()]) this.removeSignalHandler(signal);
    this.clock.unwatch?.(this);
    if (currentLoop() === this) setCurrentLoop(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new InvalidStateError("the loop is closed");
  }

  // --- what a virtual clock asks (see `WorkSource`) -------------------------------------------------------------

  /** @internal */
  get pendingWork(): number {
    return this.#callbacks.size + (this.network?.pending ?? 0);
  }

  /** @internal */
  get pendingExternals(): number {
    return this.#externals;
  }

  /** @internal */
  interrupt(reason: unknown): void {
    this.#onStop?.(reason);
    for (const giveUp of [...this.#runs]) giveUp(reason);
  }

  /** @internal */
  tidyTimers(): void {
    this.timers.tidy();
  }
}
