/** Waiting for several things at once. */
import { InvalidArgumentError } from "../../base/errors.js";
import type { QuietExceptions } from "../report-error.js";
import { gather, type Yielded } from "./yieldable.js";

/** Options of {@link multi}. */
export interface MultiOptions {
  /** Error classes that are not logged when they are not the first; default none. */
  readonly quietExceptions?: QuietExceptions | undefined;
}

/**
 * Waits for all members of an array or an object and gives their results in the same shape and order.
 *
 * It waits for all even when some fail. The first error *in the order of the list* is thrown; the others are
 * logged to `appLog`, unless their class is in `quietExceptions` or they are the very same error. Members may
 * be anything a coroutine may yield, and the same one may appear twice. An empty list gives an empty list. To
 * stop at the first failure in time, use `Promise.all`. Tornado: `gen.multi`.
 */
export function multi<const C extends readonly unknown[] | Readonly<Record<string, unknown>>>(
  children: C,
  options?: MultiOptions,
): Promise<{ -readonly [K in keyof C]: Yielded<C[K]> }>;
export function multi<T>(children: Iterable<T>, options?: MultiOptions): Promise<Yielded<T>[]>;
export async function multi(children: object, options: MultiOptions = {}): Promise<unknown> {
  if (typeof children !== "object" || children === null) {
    throw new InvalidArgumentError(`multi() needs an array or an object, got ${typeof children}`);
  }
  const members =
    Symbol.iterator in children
      ? Array.from(children as Iterable<unknown>)
      : (children as Readonly<Record<string, unknown>>);
  return gather(members, options.quietExceptions);
}

/** The same as {@link multi}, under the name of Tornado's form for futures alone. */
export const multiFuture: typeof multi = multi;

/** The same as {@link multi}, under its old name. */
export const Multi: typeof multi = multi;
