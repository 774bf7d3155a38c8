/** One at a time. */
import { InvalidStateError } from "../../base/errors.js";
import { showAsText } from "../../base/show-as-text.js";
import type { Yielded } from "../coroutine/yieldable.js";
import type { WaitOptions } from "../wait-options.js";
import type { ReleasingContext } from "./releasing-context.js";
import { Semaphore } from "./semaphore.js";

/**
 * Lets one in at a time, first come, first served. It has no owner and is not re-entrant: a task that
 * acquires it twice waits for itself. Tornado: `locks.Lock`.
 *
 *     await lock.use(async () => { … });
 */
export class Lock {
  static {
    showAsText(this.prototype);
  }

  readonly #semaphore = new LockSemaphore();

  /** True while it is held. */
  locked(): boolean {
    return this.#semaphore.locked();
  }

  /**
   * Resolves when the lock is acquired, with an object that releases it when disposed of. Rejects with a
   * `TimeoutError` or the signal's reason; the lock is then not held, and its line is as before the call.
   */
  acquire(options?: WaitOptions): Promise<ReleasingContext> {
    return this.#semaphore.acquire(options);
  }

  /** Takes the lock if it is free now, without waiting: the object to release it with, or undefined. */
  tryAcquire(): ReleasingContext | undefined {
    return this.#semaphore.tryAcquire();
  }

  /**
   * Hands the lock to the first waiter, or unlocks it. Throws an {@link InvalidStateError} if it is not
   * locked.
   */
  release(): void {
    this.#semaphore.release();
  }

  /** Runs `body` with the lock held, however it ends; see {@link Semaphore.use}. */
  use<R>(
    body: () => R,
    options?: WaitOptions,
  ): Promise<R extends Generator | PromiseLike<unknown> ? Yielded<R> : R> {
    return this.#semaphore.use(body, options);
  }

  /** For debugging: `<Lock locked waiters:2>`. */
  toString(): string {
    return this.#semaphore.toString();
  }
}

/** A semaphore of one that calls itself a lock in messages. */
class LockSemaphore extends Semaphore {
  constructor() {
    super(1);
  }

  override release(): void {
    if (!this.locked()) throw new InvalidStateError("the Lock was released, but it is not held");
    super.release();
  }

  protected override label(): string {
    return "Lock";
  }

  protected override describe(): string {
    return this.locked() ? "locked" : "unlocked";
  }
}
