/**
 * Giving way: a coroutine that computes for long lets the loop serve others in between.
 */
import { currentLoop } from "../current-loop.js";

/** Resolves in the next iteration of the loop, after the input and the callbacks that wait now. */
export function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    const finish = (): void => resolve(undefined);
    const loop = currentLoop();
    if (loop === undefined) setImmediate(finish);
    else loop.addCallback(finish);
  });
}

/** See {@link moment}. */
class Moment implements PromiseLike<undefined> {
  // biome-ignore lint/suspicious/noThenProperty: a thenable is the point; each `await` asks for a new turn.
  then<A = undefined, B = never>(
    onFulfilled?: ((value: undefined) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return nextTurn().then(onFulfilled, onRejected);
  }
}

/**
 * Waiting for it (`await moment`, `yield moment`) lets the loop run once: input is read, timers fire, other
 * coroutines go on. May be used any number of times. Tornado: `gen.moment`.
 */
export const moment: PromiseLike<undefined> = new Moment();
