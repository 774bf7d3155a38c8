/**
 * A deadline for something that has none of its own.
 *
 * A promise cannot be stopped, so `withTimeout` only stops *waiting* for it: it goes on, and if it fails
 * later, that is logged, because it has no other receiver. What can be stopped should be given as a function,
 * which gets a signal.
 */
import { TimeoutError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkObject } from "../../base/validate.js";
import { type Abortable, unwatchAbort, watchAbort } from "../abort-hub.js";
import { CancelledError } from "../cancelled.js";
import { convertYielded, type Yielded } from "../coroutine/yieldable.js";
import { IOLoop } from "../ioloop.js";
import { isQuiet, type QuietExceptions, reportError } from "../report-error.js";
import { type Duration, toMilliseconds } from "../timers/duration.js";
import type { Timeout } from "../timers/timeout.js";
import { checkSignal } from "../wait-options.js";

/** Options of {@link withTimeout}. */
export interface WithTimeoutOptions {
  /** Error classes that are not logged when they come too late; default none. */
  readonly quietExceptions?: QuietExceptions | undefined;
  /** Stops waiting with its reason when it aborts; default and `null`: none. */
  readonly signal?: AbortSignal | null | undefined;
}

const OPTIONS = optionNames<WithTimeoutOptions>({ quietExceptions: 1, signal: 1 });

/** What can be given a deadline: anything yieldable, or a function of a signal that begins it. */
export type Operation<Y> = Y | ((signal: AbortSignal) => Y);

/**
 * Waits for `operation` (a promise or anything that a coroutine may yield) for at most so many milliseconds
 * from now, or a duration such as `{ minutes: 1 }`; `Infinity` waits without limit. Afterwards it rejects
 * with a {@link TimeoutError}.
 *
 * The operation goes on after that. Its late result is dropped; its late error is logged to `appLog`, unless
 * its class is in `quietExceptions`, it is a {@link CancelledError}, or the operation was stopped by the
 * signal. To stop it, pass a function: `withTimeout(1000, (signal) => fetchIt({ signal }))`; its signal
 * aborts with the `TimeoutError`, or with the reason of `options.signal`. Tornado: `gen.with_timeout`.
 */
export async function withTimeout<Y>(
  timeout: number | Duration,
  operation: Operation<Y>,
  options: WithTimeoutOptions = {},
): Promise<Yielded<Y>> {
  checkNames("option of withTimeout()", checkObject("the options of withTimeout()", options), OPTIONS);
  const milliseconds = Math.max(0, toMilliseconds("timeout", timeout));
  const signal = checkSignal(options.signal);
  signal?.throwIfAborted();
  const controller = typeof operation === "function" ? new AbortController() : undefined;
  const begun: unknown =
    controller === undefined ? operation : (operation as (signal: AbortSignal) => Y)(controller.signal);
  const pending = convertYielded(begun);
  return new Promise<unknown>((resolve, reject) => {
    new TimedWait(pending, milliseconds, signal, options.quietExceptions, controller, resolve, reject);
  }) as Promise<Yielded<Y>>;
}

class TimedWait implements Abortable {
  readonly #loop: IOLoop;
  readonly #signal: AbortSignal | undefined;
  readonly #quiet: QuietExceptions | undefined;
  readonly #controller: AbortController | undefined;
  readonly #reject: (error: unknown) => void;
  readonly #timer: Timeout | undefined;
  /** Why the wait was given up, if it was. */
  #gaveUp: { readonly reason: unknown } | undefined = undefined;

  constructor(
    pending: PromiseLike<unknown>,
    timeout: number,
    signal: AbortSignal | undefined,
    quiet: QuietExceptions | undefined,
    controller: AbortController | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#loop = IOLoop.current();
    this.#signal = signal;
    this.#quiet = quiet;
    this.#controller = controller;
    this.#reject = reject;
    this.#timer =
      timeout === Number.POSITIVE_INFINITY ? undefined : this.#loop.callLater(timeout, expire, this, timeout);
    if (signal !== undefined) watchAbort(signal, this);
    pending.then(
      (value) => {
        this.#disarm();
        resolve(value);
      },
      (error: unknown) => this.#onError(error),
    );
  }

  onAbort(reason: unknown): void {
    this.giveUp(reason);
  }

  giveUp(reason: unknown): void {
    this.#disarm();
    this.#gaveUp = { reason };
    this.#reject(reason);
    this.#controller?.abort(reason);
  }

  #onError(error: unknown): void {
    if (this.#gaveUp === undefined) {
      this.#disarm();
      this.#reject(error);
    } else if (
      error !== this.#gaveUp.reason &&
      !(error instanceof CancelledError) &&
      !isQuiet(error, this.#quiet)
    ) {
      reportError("an operation failed after withTimeout() had given up on it", error);
    }
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#loop.removeTimeout(this.#timer);
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
  }
}

function expire(wait: TimedWait, timeout: number): void {
  wait.giveUp(new TimeoutError(`timed out after ${timeout} ms`));
}
