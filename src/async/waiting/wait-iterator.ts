/** Taking results in the order in which they come. */
import { Deque } from "../../base/deque.js";
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import { cancellable } from "../cancel.js";
import { convertYielded, isGenerator, isThenable, type Yielded } from "../coroutine/yieldable.js";
import { IOLoop } from "../ioloop.js";
import { refusal, type WaitOptions } from "../wait-options.js";

interface Outcome {
  readonly index: number | string;
  readonly future: unknown;
  readonly failed: boolean;
  readonly value: unknown;
}

interface Taker {
  resolve(value: never): void;
  reject(error: unknown): void;
}

function isNamed(children: readonly unknown[]): boolean {
  const [only] = children;
  return (
    children.length === 1 &&
    typeof only === "object" &&
    only !== null &&
    !Array.isArray(only) &&
    !isThenable(only) &&
    !isGenerator(only)
  );
}

/**
 * Gives the results of several futures in the order of their completion.
 *
 *     const waiting = new WaitIterator(first, second);          // or by name: new WaitIterator({ a, b })
 *     while (!waiting.done()) {
 *       const result = await waiting.next();
 *       console.log(waiting.currentIndex, result);              // 1, or "b"
 *     }
 *     for await (const result of waiting) { … }                 // the same
 *
 * A future's error is thrown by the `next()` that delivers it; in a `for await` it ends the loop, after which
 * another one goes on with the rest. Errors that are not taken are dropped. Tornado: `gen.WaitIterator`.
 */
export class WaitIterator<T = unknown> implements AsyncIterable<Yielded<T>> {
  /** Which future delivered last: its position or its name; undefined before the first. */
  currentIndex: number | string | undefined = undefined;
  /** The future that delivered last; undefined before the first. */
  currentFuture: unknown = undefined;
  readonly #finished = new Deque<Outcome>();
  readonly #takers = new Deque<Taker>();
  /** How many have not been promised to a `next()` yet. */
  #open: number;

  /**
   * Takes futures (or anything that a coroutine may yield) as arguments, or one object of them by name; both
   * at once is an {@link InvalidArgumentError}.
   */
  constructor(...children: readonly T[] | readonly [Readonly<Record<string, T>>]) {
    const named = isNamed(children);
    if (!named && children.some((child) => isNamed([child]))) {
      throw new InvalidArgumentError(
        "WaitIterator takes futures as arguments or one object of named futures, not both",
      );
    }
    const entries: (readonly [number | string, unknown])[] = named
      ? Object.entries(children[0] as Record<string, unknown>)
      : children.map((child, index) => [index, child]);
    this.#open = entries.length;
    const pending = entries.map(([index, future]) => [index, future, convertYielded(future)] as const);
    for (const [index, future, promise] of pending) {
      promise.then(
        (value) => this.#arrive({ index, future, failed: false, value }),
        (value: unknown) => this.#arrive({ index, future, failed: true, value }),
      );
    }
  }

  /** True when every future has been delivered, or asked for by a `next()` under way. */
  done(): boolean {
    return this.#open === 0;
  }

  /**
   * The next result: a promise for the future that completes next, or has completed first among those not
   * delivered. Calls that overlap wait in line. Rejects with an {@link InvalidStateError} when {@link
   * WaitIterator.done} is true. Giving up, by `options`, leaves the result for the next call.
   */
  next(options?: WaitOptions): Promise<Yielded<T>> {
    if (this.#open === 0) {
      return Promise.reject(new InvalidStateError("every future of the WaitIterator has been delivered"));
    }
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    this.#open--;
    const outcome = this.#finished.shift();
    if (outcome !== undefined) {
      return new Promise((resolve, reject) => this.#deliver({ resolve, reject } as Taker, outcome));
    }
    return cancellable<Yielded<T>>(IOLoop.current(), "waiting for the next future", options, (taker) => {
      this.#takers.push(taker as Taker);
      return () => {
        this.#open++;
        this.#takers.remove(taker as Taker);
      };
    });
  }

  /** Iterates over what has not been delivered. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Yielded<T>, void, undefined> {
    while (!this.done()) yield await this.next();
  }

  #arrive(outcome: Outcome): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#finished.push(outcome);
    else this.#deliver(taker, outcome);
  }

  #deliver(taker: Taker, outcome: Outcome): void {
    this.currentIndex = outcome.index;
    this.currentFuture = outcome.future;
    if (outcome.failed) taker.reject(outcome.value);
    else taker.resolve(outcome.value as never);
  }
}
