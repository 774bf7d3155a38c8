/** A timer that can be called off: what `callLater()`, `callAt()` and `addTimeout()` return. */
import type { HeapEntry } from "../../base/heap.js";

/** Anything that can be called later. */
export type AnyCallback = (...args: never[]) => unknown;

/** The queue that a timer belongs to. */
export interface TimeoutOwner {
  /** The number of pending timers which keep the process alive has changed by `change`. */
  countReferences(change: 1 | -1): void;
  remove(timeout: Timeout): void;
}

/**
 * A pending timer: the handle for `removeTimeout()`. It keeps the process alive until it has fired or was
 * removed, unless {@link Timeout.unref} is called.
 */
export class Timeout {
  /** When it is due, in milliseconds of the loop's clock. */
  readonly deadline: number;
  /** @internal What to call; undefined once it has been called or removed. */
  callback: AnyCallback | undefined;
  /** @internal */
  readonly args: readonly unknown[];
  /** @internal Its place in the queue; undefined when it is in none. */
  entry: HeapEntry<Timeout> | undefined;
  readonly #owner: TimeoutOwner;
  #ref: boolean;

  /** @internal Timers are made by the loop. */
  constructor(
    owner: TimeoutOwner,
    deadline: number,
    callback: AnyCallback | undefined,
    args: readonly unknown[],
  ) {
    this.deadline = deadline;
    this.callback = callback;
    this.args = args;
    this.entry = undefined;
    this.#owner = owner;
    this.#ref = true;
  }

  /** True while it is going to fire. */
  get pending(): boolean {
    return this.callback !== undefined;
  }

  /**
   * Keeps the process alive until the timer has fired: the state that it is made in. Calling twice is fine.
   */
  ref(): this {
    if (this.#ref) return this;
    this.#ref = true;
    if (this.entry !== undefined) this.#owner.countReferences(1);
    return this;
  }

  /** Lets the process end although the timer is pending. Calling twice is fine. */
  unref(): this {
    if (!this.#ref) return this;
    this.#ref = false;
    if (this.entry !== undefined) this.#owner.countReferences(-1);
    return this;
  }

  /** True unless {@link Timeout.unref} was called. */
  hasRef(): boolean {
    return this.#ref;
  }

  /** The same as `loop.removeTimeout(this)`. */
  [Symbol.dispose](): void {
    this.#owner.remove(this);
  }
}
