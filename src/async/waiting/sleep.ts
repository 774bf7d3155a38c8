/** Doing nothing for a while. */

import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkObject } from "../../base/validate.js";
import { type Abortable, unwatchAbort, watchAbort } from "../abort-hub.js";
import { IOLoop } from "../ioloop.js";
import { type Duration, toMilliseconds } from "../timers/duration.js";
import type { Timeout } from "../timers/timeout.js";
import { checkSignal } from "../wait-options.js";

/** Options of {@link sleep}. */
export interface SleepOptions {
  /** Ends the sleep with its reason when it aborts; default and `null`: none. */
  readonly signal?: AbortSignal | null | undefined;
}

const OPTIONS = optionNames<SleepOptions>({ signal: 1 });

class Sleeper implements Abortable {
  readonly #loop: IOLoop;
  readonly #signal: AbortSignal;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  readonly #timer: Timeout;

  constructor(
    loop: IOLoop,
    delay: number,
    signal: AbortSignal,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.#loop = loop;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = loop.callLater(delay, wake, this);
    watchAbort(signal, this);
  }

  wake(): void {
    unwatchAbort(this.#signal, this);
    this.#resolve();
  }

  onAbort(reason: unknown): void {
    this.#loop.removeTimeout(this.#timer);
    this.#reject(reason);
  }
}

function wake(sleeper: Sleeper): void {
  sleeper.wake();
}

/**
 * Resolves after this time (milliseconds, or a duration such as `{ seconds: 1.5 }`) on the clock of the
 * current loop, never earlier. Zero and below resolve in the next turn; `Infinity` sleeps until the signal
 * aborts. Rejects with the signal's reason and leaves no timer behind. Tornado: `gen.sleep`.
 *
 * @throws InvalidArgumentError (as a rejection) if the time or the signal is invalid
 */
export function sleep(delay: number | Duration, options: SleepOptions = {}): Promise<void> {
  // What an executor throws is in its promise.
  return new Promise((resolve, reject) => {
    checkNames("option of sleep()", checkObject("the options of sleep()", options), OPTIONS);
    const signal = checkSignal(options.signal);
    const milliseconds = toMilliseconds("delay", delay);
    signal?.throwIfAborted();
    const loop = IOLoop.current();
    if (signal === undefined) loop.callLater(milliseconds, resolve);
    else new Sleeper(loop, milliseconds, signal, resolve, reject);
  });
}
