/**
 * A promise that is settled from outside.
 *
 * A native promise can only be settled by the code that made it, and its state cannot be seen. A `Future` is
 * a promise (`await` it, `yield` it, pass it to `Promise.all`) with the handles on the outside: `setResult`,
 * `setException`, `cancel`; and with windows: `done()`, `result()`, `exception()`.
 *
 *     pending ──setResult──▶ finished        done() is true for all but pending;
 *        ├─────setException──▶ failed        what is done stays as it is
 *        └─────cancel──▶ cancelled
 *
 * An error that was not looked at (no `then`, no callback, no `result()` or `exception()`) is logged when the
 * Future is collected; it does not end the process as an unhandled rejection of a native promise does.
 */

import { InvalidArgumentError, InvalidStateError } from "../base/errors.js";
import { CancelledError } from "./cancelled.js";
import { isThenable } from "./coroutine/yieldable.js";
import { reportError } from "./report-error.js";

type State = "pending" | "finished" | "failed" | "cancelled";

/** Shared by a Future and the registry, which outlives it: the error, until it was looked at. */
interface Unseen {
  error: unknown;
  seen: boolean;
}

let graveyard: FinalizationRegistry<Unseen> | undefined;

function buryWhenCollected(future: object, unseen: Unseen): void {
  graveyard ??= new FinalizationRegistry((late: Unseen) => {
    if (!late.seen) reportError("the exception of a Future was never retrieved", late.error);
  });
  graveyard.register(future, unseen);
}

/** Called with a Future once that is done. */
export type DoneCallback<T> = (future: Future<T>) => void;

/** A promise settled from outside. Tornado: `concurrent.Future`. */
export class Future<T = unknown> extends Promise<T> {
  // What then(), catch() and finally() return are ordinary promises.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  #state: State = "pending";
  #value: T | undefined = undefined;
  #error: unknown = undefined;
  #unseen: Unseen | undefined = undefined;
  #callbacks: DoneCallback<T>[] | undefined = undefined;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  /**
   * Makes a pending Future. The optional executor is that of `Promise`, so that `Future.resolve(1)` and the
   * like work; a promise given to its `resolve` is followed.
   */
  constructor(
    executor?: (resolve: (value: T | PromiseLike<T>) => void, reject: (error?: unknown) => void) => void,
  ) {
    let resolveOuter!: (value: T) => void;
    let rejectOuter!: (error: unknown) => void;
    super((resolve, reject) => {
      resolveOuter = resolve;
      rejectOuter = reject;
    });
    this.#resolve = resolveOuter;
    this.#reject = rejectOuter;
    if (executor === undefined) return;
    const fail = (error: unknown): void => {
      if (this.#state === "pending") this.setException(error);
    };
    let settled = false;
    const once =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        if (settled) return;
        settled = true;
        settle(value);
      };
    const reject = once(fail);
    try {
      executor(
        once((value: T | PromiseLike<T>) => {
          if (isThenable(value)) value.then((late) => futureSetResultUnlessCancelled(this, late as T), fail);
          else if (this.#state === "pending") this.setResult(value);
        }),
        reject,
      );
    } catch (error) {
      reject(error);
    }
  }

  /** True once there is a result, an error or a cancellation. */
  done(): boolean {
    return this.#state !== "pending";
  }

  /** True while {@link Future.done} is not. */
  running(): boolean {
    return this.#state === "pending";
  }

  /** True if {@link Future.cancel} ended it. */
  cancelled(): boolean {
    return this.#state === "cancelled";
  }

  /** The result; throws the error if it failed, and an {@link InvalidStateError} while it is pending. */
  result(): T {
    if (this.#state === "finished") return this.#value as T;
    this.#checkDone();
    this.#look();
    throw this.#error;
  }

  /**
   * The error, or undefined if there is a result. Throws an {@link InvalidStateError} while pending, and the
   * {@link CancelledError} if it was cancelled.
   */
  exception(): unknown {
    this.#checkDone();
    this.#look();
    if (this.#state === "cancelled") throw this.#error;
    return this.#error;
  }

  /**
   * Calls `callback` with this Future when it is done, at once if it is done already. Callbacks run in the
   * order in which they were added; what they throw is logged and goes no further. A callback counts as a
   * look at the error.
   */
  addDoneCallback(callback: DoneCallback<T>): void {
    this.#look();
    if (this.#state !== "pending") this.#call(callback);
    else if (this.#callbacks === undefined) this.#callbacks = [callback];
    else this.#callbacks.push(callback);
  }

  /** Takes a callback away again, every time it was added; returns how many times that was. */
  removeDoneCallback(callback: DoneCallback<T>): number {
    const before = this.#callbacks?.length ?? 0;
    this.#callbacks = this.#callbacks?.filter((other) => other !== callback);
    return before - (this.#callbacks?.length ?? 0);
  }

  /**
   * Finishes with a value. Throws an {@link InvalidStateError} if it is done already, and an
   * {@link InvalidArgumentError} for a promise, which no promise can hold (see {@link chainFuture}).
   */
  setResult(value: T): void {
    if (isThenable(value)) {
      throw new InvalidArgumentError(
        "setResult() needs a value, got a promise; chainFuture(promise, future) follows one",
      );
    }
    this.#finish("finished");
    this.#value = value;
    this.#resolve(value);
    this.#runCallbacks();
  }

  /** Fails with an error. Throws an {@link InvalidStateError} if it is done already. */
  setException(error: unknown): void {
    this.#fail("failed", error);
    this.#runCallbacks();
  }

  /**
   * Ends a pending Future with a {@link CancelledError} and answers true; answers false when it is done
   * already. It does not reach the code that is about to settle it, which uses
   * `futureSetResultUnlessCancelled`.
   */
  cancel(reason?: unknown): boolean {
    if (this.#state !== "pending") return false;
    this.#fail("cancelled", new CancelledError(undefined, { cause: reason }));
    this.#runCallbacks();
    return true;
  }

  /** As `Promise.prototype.then`. */
  // biome-ignore lint/suspicious/noThenProperty: its own then notes the look at the error.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#look();
    return super.then(onFulfilled, onRejected);
  }

  #checkDone(): void {
    if (this.#state === "pending") {
      throw new InvalidStateError("the Future is still pending: await it, or ask done() first");
    }
  }

  #look(): void {
    if (this.#unseen === undefined) this.#unseen = { error: undefined, seen: true };
    else this.#unseen.seen = true;
  }

  #finish(state: State): void {
    if (this.#state !== "pending") {
      throw new InvalidStateError(`the Future is ${this.#state} already; a Future is settled once`);
    }
    this.#state = state;
  }

  #fail(state: State, error: unknown): void {
    this.#finish(state);
    this.#error = error;
    // Marks the rejection as handled: the registry reports errors that were not looked at; they do not end
    // the process.
    super.then(undefined, () => {});
    this.#reject(error);
    if (this.#unseen === undefined && state === "failed") {
      this.#unseen = { error, seen: false };
      buryWhenCollected(this, this.#unseen);
    }
  }

  #runCallbacks(): void {
    const callbacks = this.#callbacks;
    if (callbacks === undefined) return;
    this.#callbacks = undefined;
    for (const callback of callbacks) this.#call(callback);
  }

  #call(callback: DoneCallback<T>): void {
    try {
      callback(this);
    } catch (error) {
      reportError(`the callback ${callback.name || "(anonymous)"} of a Future failed`, error);
    }
  }
}

/** True for promises and Futures; not for foreign thenables. Tornado: `concurrent.is_future`. */
export function isFuture(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}

/** The classes that {@link isFuture} recognises. */
export const FUTURES: readonly [PromiseConstructor, typeof Future] = [Promise, Future];

/**
 * Settles `target` as `source` settles, unless `target` is done by then. A cancelled `source` cancels
 * `target`; a cancelled `target` does not reach back. Tornado: `concurrent.chain_future`.
 */
export function chainFuture<T>(source: PromiseLike<T>, target: Future<T>): void {
  const fail = (error: unknown): void => {
    if (target.done()) return;
    if (source instanceof Future && source.cancelled()) target.cancel(error);
    else target.setException(error);
  };
  if (source instanceof Future) {
    source.addDoneCallback((done: Future<T>) => {
      if (target.done()) return;
      let value: T;
      try {
        value = done.result();
      } catch (error) {
        fail(error);
        return;
      }
      target.setResult(value);
    });
  } else {
    source.then((value) => {
      if (!target.done()) target.setResult(value);
    }, fail);
  }
}

/**
 * Finishes `future` with `value`, or does nothing if it was cancelled. Throws an {@link InvalidStateError} if
 * it is done for another reason. Tornado: `future_set_result_unless_cancelled`.
 */
export function futureSetResultUnlessCancelled<T>(future: Future<T>, value: T): void {
  if (!future.cancelled()) future.setResult(value);
}

/**
 * Fails `future` with `error`; if it was cancelled, logs the error, which would be lost otherwise. Throws an
 * {@link InvalidStateError} if it is done for another reason. Tornado:
 * `future_set_exception_unless_cancelled`.
 */
export function futureSetExceptionUnlessCancelled<T>(future: Future<T>, error: unknown): void {
  if (future.cancelled()) reportError("an error arrived after its Future was cancelled", error);
  else future.setException(error);
}

/**
 * The same as {@link futureSetExceptionUnlessCancelled}: where Python has a triple of class, error and
 * traceback, a JavaScript error carries its own stack. Tornado: `future_set_exc_info`.
 */
export const futureSetExcInfo: typeof futureSetExceptionUnlessCancelled = futureSetExceptionUnlessCancelled;

/**
 * Calls `callback` with the future once that is done. With a {@link Future} that is done already it runs at
 * once; a native promise cannot tell, so there it runs as soon as the promise's own reactions do. What the
 * callback throws is logged. Tornado: `future_add_done_callback`.
 */
export function futureAddDoneCallback<F extends PromiseLike<unknown>>(
  future: F,
  callback: (future: F) => void,
): void {
  if (future instanceof Future) {
    future.addDoneCallback(callback as unknown as DoneCallback<unknown>);
    return;
  }
  const call = (): void => {
    try {
      callback(future);
    } catch (error) {
      reportError(`the callback ${callback.name || "(anonymous)"} of a promise failed`, error);
    }
  };
  future.then(call, call);
}
