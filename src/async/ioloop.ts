/**
 * The event loop, as the rest of squall sees it.
 *
 * Node has one loop per thread and turns it by itself, so an `IOLoop` turns nothing. It holds callbacks and
 * timers, logs the errors of callbacks, and is the source of time and of sockets. Its parts have files of
 * their own: callbacks (`callback-queue.ts`), timers (`timers/`), watched objects (`handlers.ts`), runs
 * (`loop-runs.ts`). Left here are the names of Tornado, the life of a loop, and one rule: an error of one
 * callback does not reach another.
 *
 * Callbacks run in the asynchronous context (`AsyncLocalStorage`) of the call that woke the queue, not each
 * in its own: keeping contexts apart would cost more than the callbacks. A callback that needs its own
 * context is wrapped with `AsyncResource.bind()`.
 */
import { InvalidArgumentError, InvalidStateError } from "../base/errors.js";
import { appLog } from "../base/log.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { checkFunction } from "../base/validate.js";
import type { BlockedLoopWatch } from "./blocked-loop/blocked-loop.js";
import { CallbackQueue } from "./callback-queue.js";
import { pendingResult } from "./coroutine/yieldable.js";
import { currentLoop, forgetLoop, setCurrentLoop } from "./current-loop.js";
import { dummyExecutor } from "./executor/dummy-executor.js";
import type { Executor } from "./executor/executor.js";
import { HandlerTable, IOEvents, type IOHandler, type Watchable } from "./handlers.js";
import { LoopRuns } from "./loop-runs.js";
import type { Network } from "./network.js";
import { SignalHandlers } from "./signal-handlers.js";
import { type Clock, systemClock, type WorkSource } from "./timers/clock.js";
import { type Duration, toDeadline, toMilliseconds } from "./timers/duration.js";
import type { AnyCallback, Timeout } from "./timers/timeout.js";
import { TimerQueue } from "./timers/timer-queue.js";
import { resolveWait, type WaitOptions } from "./wait-options.js";

/** Options of {@link IOLoop}. */
export interface IOLoopOptions {
  /**
   * Whether the loop becomes the thread's current one. Default: if there is none. `true` fails if there is
   * one.
   */
  readonly makeCurrent?: boolean | undefined;
  /** Where time comes from; default the clock of this computer. */
  readonly clock?: Clock | undefined;
  /** Where sockets come from; default Node's. */
  readonly network?: Network | undefined;
}

const IOLOOP_OPTIONS = optionNames<IOLoopOptions>({ makeCurrent: 1, clock: 1, network: 1 });

/** A class whose objects are loops. */
export type IOLoopClass = new (options?: IOLoopOptions) => IOLoop;

let implementation: IOLoopClass | undefined;

/** A loop: callbacks, timers, handlers, time. See the top of this file. */
export class IOLoop implements WorkSource {
  /** For {@link IOLoop.addHandler}: errors alone, which are always reported. */
  static readonly NONE: 0 = IOEvents.NONE;
  /** For {@link IOLoop.addHandler}: there is something to read, or a connection to accept. */
  static readonly READ: 1 = IOEvents.READ;
  /** For {@link IOLoop.addHandler}: there is room to write. */
  static readonly WRITE: 4 = IOEvents.WRITE;
  /** An error or the close; reported whether it was asked for or not. */
  static readonly ERROR: 24 = IOEvents.ERROR;

  /** Where time comes from. */
  readonly clock: Clock;
  /** Where sockets come from; undefined means Node's own. */
  readonly network: Network | undefined;
  /** @internal The timers, for {@link Deadline}. */
  readonly timers: TimerQueue;
  readonly #callbacks: CallbackQueue;
  readonly #handlers: HandlerTable;
  readonly #signals: SignalHandlers = new SignalHandlers();
  readonly #runs: LoopRuns;
  #executor: Executor = dummyExecutor;
  #blockedWatch: BlockedLoopWatch | undefined = undefined;
  #externals = 0;
  #closed = false;

  constructor(options: IOLoopOptions = {}) {
    checkNames("option of an IOLoop", options, IOLOOP_OPTIONS, true);
    this.clock = options.clock ?? systemClock;
    this.network = options.network;
    const run = (callback: AnyCallback, args: readonly unknown[]): void => this.runCallback(callback, args);
    this.timers = new TimerQueue(this.clock, run);
    this.#callbacks = new CallbackQueue(run, () => this.clock.stir?.());
    this.#handlers = new HandlerTable(this);
    this.#runs = new LoopRuns(this, (callback, error) => this.#report(callback, error));
    this.clock.watch?.(this);
    this.initialize(options);
  }

  /**
   * The end of the constructor, for subclasses to override: makes the loop current, as `makeCurrent` says. It
   * runs before the fields of the subclass have their values.
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

  // --- the current loop -------------------------------------------------------------------------

  /**
   * The current loop of this thread: the one that `start()` or `runSync()` runs, else the one made current.
   * If there is none, one is made; with `instance: false` the answer is then undefined.
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

  /**
   * Sets the class of the loop that {@link IOLoop.current} makes when there is none; undefined for `IOLoop`
   * itself.
   */
  static configure(loopClass: IOLoopClass | undefined): void {
    if (loopClass !== undefined && loopClass !== IOLoop && !(loopClass.prototype instanceof IOLoop)) {
      throw new InvalidArgumentError("IOLoop.configure() needs a class that extends IOLoop");
    }
    implementation = loopClass;
  }

  // --- time -------------------------------------------------------------------------------------

  /** The loop's time in milliseconds: it only runs forward, and only differences mean anything. */
  time(): number {
    return this.clock.time();
  }

  /**
   * The time of day in milliseconds since 1970, as `Date.now()`: for dates, cookies and signatures, never for
   * waiting.
   */
  wallTime(): number {
    return this.clock.wallTime();
  }

  // --- callbacks --------------------------------------------------------------------------------

  /**
   * Calls `callback(...args)` in the next iteration of the loop. An error that it throws is logged and goes
   * no further; so is the rejection of a promise or generator that it returns. After `close()` it does
   * nothing.
   */
  addCallback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.#callbacks.add(callback, args.length === 0 ? undefined : args);
  }

  /** The same as {@link IOLoop.addCallback}; Node runs signal handlers as ordinary callbacks. */
  addCallbackFromSignal<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.addCallback(callback, ...args);
  }

  /** The same as {@link IOLoop.addCallback}, for a coroutine that runs unattended: its errors are logged. */
  spawnCallback<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    this.addCallback(callback, ...args);
  }

  /**
   * Calls `callback(future)` in an iteration of the loop after the promise or Future has settled, either way.
   */
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
   * Handles an error that a callback has thrown: logs it with the callback's name and the stack. May be
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

  // --- timers -----------------------------------------------------------------------------------

  /**
   * Calls `callback(...args)` once after `delay`, in milliseconds or as a duration such as `{ minutes: 5 }`:
   * never earlier, and as soon after as the loop is free. Timers with equal deadlines fire in the order in
   * which they were made. `Infinity` never fires. After the loop was blocked, what has arrived meanwhile is
   * read before timers fire.
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
   * Like {@link IOLoop.callAt} for a number and like {@link IOLoop.callLater} for a duration such as `{
   * seconds: 5 }`.
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

  // --- handlers and signals ---------------------------------------------------------------------

  /**
   * Calls `handler(handle, events, …)` as long as `handle` is ready for one of `events`, a sum of
   * `IOLoop.READ` and `IOLoop.WRITE`, or has failed or closed (`IOLoop.ERROR`, which is always included).
   * `handle` is a Node socket, server, pipe or datagram socket; `handlers.ts` says when each of them is
   * ready.
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
   * Calls back in an iteration of the loop whenever the process gets the signal, which then has no other
   * effect. A second call for the same signal replaces the first.
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => unknown,
    ...args: A
  ): void {
    checkFunction("callback", callback);
    this.#signals.set(signal, () => this.addCallbackFromSignal(callback, ...args));
  }

  /** Gives a signal its usual effect again; true if there was a handler of this loop. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return this.#signals.remove(signal);
  }

  // --- work elsewhere ---------------------------------------------------------------------------

  /**
   * Registers an operation that the loop cannot see (a file, compression, a thread, another process) and
   * returns its promise. It matters to virtual clocks alone: they let no time pass while one is under way.
   */
  external<T>(operation: PromiseLike<T>): Promise<T> {
    if (this.clock.watch === undefined) return Promise.resolve(operation);
    const end = this.beginExternal();
    const promise = Promise.resolve(operation);
    promise.then(end, end);
    return promise;
  }

  /**
   * Like {@link IOLoop.external} for what has no promise: returns the function to call at the end. Twice is
   * fine.
   */
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
   * Runs a task in an executor (undefined: the loop's own) and resolves with its result. The executor says
   * what can be a task: a `ThreadExecutor` takes the names of functions. The loop's own is `dummyExecutor`,
   * which runs functions here and now in this thread, until {@link IOLoop.setDefaultExecutor} is called.
   */
  runInExecutor<A extends unknown[], R>(
    executor: Executor | undefined,
    task: string | ((...args: A) => R),
    ...args: A
  ): Promise<Awaited<R>> {
    return (executor ?? this.#executor).submit(task, ...args);
  }

  /** Sets the executor of {@link IOLoop.runInExecutor} for tasks that are given none. */
  setDefaultExecutor(executor: Executor): void {
    this.#executor = executor;
  }

  /**
   * Logs a warning with the stack of what is running when a callback keeps the loop busy for longer than so
   * many milliseconds, at least 10; undefined, the default, for never. Resolves when the change is in force.
   * It costs a thread and some speed: a tool for finding faults, not for production. It ends with {@link
   * IOLoop.close}.
   *
   * @throws InvalidStateError (as a rejection) in a worker thread, which cannot be looked into
   */
  async setBlockingLogThreshold(threshold: number | undefined): Promise<void> {
    const before = this.#blockedWatch;
    this.#blockedWatch = undefined;
    await before?.stop();
    if (threshold === undefined) return;
    // A worker thread and the inspector's protocol are loaded at first use: most programs never ask.
    const { BlockedLoopWatch } = await import("./blocked-loop/blocked-loop.js");
    if (this.#closed) return;
    this.#blockedWatch = new BlockedLoopWatch(threshold);
    await this.#blockedWatch.ready;
  }

  // --- start, stop, close -----------------------------------------------------------------------

  /** True while `start()` or `runSync()` is under way. */
  get running(): boolean {
    return this.#runs.running;
  }

  /** True after {@link IOLoop.close}. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Resolves when {@link IOLoop.stop} is called, and keeps the process alive until then. The loop is the
   * current one meanwhile; afterwards the former one is. Callbacks, timers and sockets do not wait for it:
   * Node's loop runs anyway.
   *
   * @throws InvalidStateError (as a rejection) if it is started or closed already
   */
  async start(): Promise<void> {
    this.#mustBeOpen();
    await this.#runs.start();
  }

  /**
   * Lets `start()` return after the current iteration; before `start()` it makes the next one return soon. A
   * `runSync()` under way rejects. Callbacks, timers and sockets go on; {@link IOLoop.close} ends those.
   */
  stop(): void {
    this.#runs.stop();
  }

  /**
   * Calls `fn`, waits for what it returns (a promise, a generator or a value) and resolves with its result.
   * The loop is the current one from this call to the end; then the former one is. `fn` gets an `AbortSignal`
   * that aborts when the wait is given up.
   *
   * @throws TimeoutError after `timeout`; the signal's reason if `signal` is aborted; InvalidStateError
   * if `stop()` is called before `fn` is done. In all three cases what `fn` has begun goes on unless it
   * minds its signal, and its later errors are logged.
   */
  async runSync<R>(
    fn: (signal: AbortSignal) => R,
    options: WaitOptions = {},
  ): Promise<R extends Generator<unknown, infer T, never> ? Awaited<T> : Awaited<R>> {
    this.#mustBeOpen();
    const bounds = resolveWait(options);
    bounds.signal?.throwIfAborted();
    return (await this.#runs.run(checkFunction("fn", fn), bounds)) as never;
  }

  /**
   * Ends the loop: pending callbacks and timers are dropped, handlers and signal handlers removed. With
   * `allFds` the watched sockets and servers are closed, too. If it was the current loop, there is none
   * afterwards. Calling twice is fine.
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
    this.#signals.clear();
    this.clock.unwatch?.(this);
    forgetLoop(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new InvalidStateError("the loop is closed");
  }

  // --- what a virtual clock asks (see `WorkSource`) ---------------------------------------------

  /** See {@link WorkSource.pendingWork}. */
  get pendingWork(): number {
    return this.#callbacks.size + (this.network?.pending ?? 0);
  }

  /** See {@link WorkSource.pendingExternals}. */
  get pendingExternals(): number {
    return this.#externals;
  }

  /** See {@link WorkSource.interrupt}. */
  interrupt(reason: unknown): void {
    this.#runs.interrupt(reason);
  }

  /** See {@link WorkSource.tidyTimers}. */
  tidyTimers(): void {
    this.timers.tidy();
  }
}
