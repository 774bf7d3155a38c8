/**
 * Limiting how many may be inside at once.
 *
 * `value` is how many may still enter. When it is 0, later callers wait in line, and a release hands the
 * place to the first of them without raising the value in between: no later caller can slip in.
 */
import { InvalidStateError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { showAsText } from "../../base/show-as-text.js";
import { checkInteger } from "../../base/validate.js";
import { pendingResult, type Yielded } from "../coroutine/yieldable.js";
import { refusal, type WaitOptions } from "../wait-options.js";
import { WaiterList } from "../waiting/waiter-list.js";
import { ReleasingContext } from "./releasing-context.js";

/** Options of {@link Semaphore}. */
export interface SemaphoreOptions {
  /** How many may hold it at once; default 1, at least 0. */
  readonly value?: number | undefined;
}

const SEMAPHORE_OPTIONS = optionNames<SemaphoreOptions>({ value: 1 });

/**
 * Lets a limited number in at once, first come, first served. Tornado: `locks.Semaphore`.
 *
 *     const held = await semaphore.acquire();      using held = await semaphore.acquire();
 *     try { … } finally { held.release(); }        …
 *
 *     await semaphore.use(async () => { … });
 */
export class Semaphore {
  static {
    showAsText(this.prototype);
  }

  readonly #waiters: WaiterList<ReleasingContext>;
  #value: number;

  /**
   * Takes the initial value (default 1) as a number or as an option; throws `InvalidArgumentError` below 0.
   */
  constructor(options: number | SemaphoreOptions = {}) {
    checkNames("option of a semaphore", options, SEMAPHORE_OPTIONS, true);
    const value = typeof options === "object" && options !== null ? (options.value ?? 1) : options;
    this.#value = checkInteger("value", value, { min: 0 });
    this.#waiters = new WaiterList(`waiting to acquire a ${this.label()}`);
  }

  /** How many may still enter. */
  get value(): number {
    return this.#value;
  }

  /** True if the next to come would have to wait. */
  locked(): boolean {
    return this.#value === 0;
  }

  /**
   * Resolves when there is a place, with an object that gives it back when it is disposed of. Rejects with a
   * `TimeoutError` or the signal's reason; then no place was taken and none is lost. A place that was handed
   * over in the same tick in which the signal aborted counts as taken: the promise resolves.
   */
  acquire(options?: WaitOptions): Promise<ReleasingContext> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (this.#value === 0) return this.#waiters.wait(undefined, options);
    this.#value--;
    return Promise.resolve(new ReleasingContext(this));
  }

  /** Takes a place if there is one now, without waiting: the object to give it back with, or undefined. */
  tryAcquire(): ReleasingContext | undefined {
    if (this.#value === 0) return undefined;
    this.#value--;
    return new ReleasingContext(this);
  }

  /**
   * Gives a place back: to the first waiter, else to the value, which may rise above where it began (a
   * {@link BoundedSemaphore} refuses that).
   */
  release(): void {
    if (this.#waiters.length === 0) this.#value++;
    else this.#waiters.settleFirst(new ReleasingContext(this));
  }

  /**
   * Runs `body` with a place held, and gives it back however `body` ends. `body` may be async or a generator
   * function; the promise is for its result. Waiting for the place obeys the options, `body` is not
   * interrupted.
   */
  async use<R>(body: () => R, options?: WaitOptions): Promise<Result<R>> {
    const held = await this.acquire(options);
    try {
      const result = body();
      return (await (pendingResult(result) ?? result)) as Result<R>;
    } finally {
      held.release();
    }
  }

  /** For debugging: `<Semaphore value:0 waiters:2>`. */
  toString(): string {
    const { length } = this.#waiters;
    const waiters = length === 0 ? "" : ` waiters:${length}`;
    return `<${this.label()} ${this.describe()}${waiters}>`;
  }

  /** How it calls itself in messages; must not need fields of a subclass. */
  protected label(): string {
    return this.constructor.name;
  }

  /** The part of {@link Semaphore.toString} that shows the state. */
  protected describe(): string {
    return this.#value === 0 ? "locked" : `unlocked value:${this.#value}`;
  }
}

/** What {@link Semaphore.use} gives for a body that returns `R`. */
type Result<R> = R extends Generator | PromiseLike<unknown> ? Yielded<R> : R;

/**
 * A {@link Semaphore} that takes too many releases for the bug that they are. Tornado:
 * `locks.BoundedSemaphore`.
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  /** As {@link Semaphore}; the initial value is the bound. */
  constructor(options: number | SemaphoreOptions = {}) {
    super(options);
    this.#bound = this.value;
  }

  /**
   * As {@link Semaphore.release}; throws an {@link InvalidStateError} if that would exceed the initial value.
   */
  override release(): void {
    if (this.value >= this.#bound) {
      throw new InvalidStateError(
        `the BoundedSemaphore was released more often than acquired (its bound is ${this.#bound})`,
      );
    }
    super.release();
  }
}
