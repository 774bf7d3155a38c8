/**
 * Coroutines as generator functions, the form that Tornado's users know from `@gen.coroutine`.
 *
 *     const fetchBoth = coroutine(function* (a: string, b: string) {
 *       const [left, right] = yield* resultOf([client.fetch(a), client.fetch(b)]);
 *       return left.body.length + right.body.length;
 *     });
 *     await fetchBoth("http://…", "http://…");
 *
 * `async` functions do the same job and need no wrapper; generators are for ports, and for code that wants to
 * wait for arrays, objects and registered types with a bare `yield`.
 */
import { checkDecorated } from "../../base/validate.js";
import { isGenerator, makeDriver, Return, type Yielded } from "./yieldable.js";

const coroutines = new WeakSet<object>();

/**
 * What a function gives once it is driven: a generator's return value, a promise's result, or the value
 * itself.
 */
export type CoroutineResult<R> = R extends Generator<unknown, infer T, never> ? Awaited<T> : Awaited<R>;

/**
 * As a decorator of a method, `@coroutine *get() { … }`. Decorators cannot change a method's type, so the
 * compiler goes on to see the generator where there is a promise now.
 */
export function coroutine<This, A extends unknown[], R>(
  method: (this: This, ...args: A) => R,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: A) => R>,
): (this: This, ...args: A) => R;
/**
 * Makes a generator function (or any other) into one that returns a promise.
 *
 * The body runs at once up to its first `yield`. What it throws, even before that, is in the promise and
 * never thrown at the caller. A plain function's value is wrapped; an `async` function's promise is passed
 * on. `this` and all arguments reach the body. Wrapping twice changes nothing. Tornado: `gen.coroutine`.
 */
export function coroutine<This, A extends unknown[], R>(
  body: (this: This, ...args: A) => R,
): (this: This, ...args: A) => Promise<CoroutineResult<R>>;
export function coroutine<This, A extends unknown[], R>(
  body: (this: This, ...args: A) => R,
  _context?: unknown,
): (this: This, ...args: A) => Promise<CoroutineResult<R>> {
  checkDecorated("coroutine", body);
  type Wrapped = (this: This, ...args: A) => Promise<CoroutineResult<R>>;
  if (coroutines.has(body)) return body as unknown as Wrapped;
  const drive = makeDriver(body.name || "coroutine");
  function start(this: This, ...args: A): Promise<CoroutineResult<R>> {
    try {
      const result: unknown = body.apply(this, args);
      return (isGenerator(result) ? drive(result) : Promise.resolve(result)) as Promise<CoroutineResult<R>>;
    } catch (error) {
      if (error instanceof Return) return Promise.resolve(error.value) as Promise<CoroutineResult<R>>;
      return Promise.reject(error);
    }
  }
  Object.defineProperty(start, "name", { value: body.name });
  Object.defineProperty(start, "length", { value: body.length });
  coroutines.add(start);
  return start;
}

/** True for functions made by {@link coroutine}. Tornado: `gen.is_coroutine_function`. */
export function isCoroutineFunction(value: unknown): boolean {
  return typeof value === "function" && coroutines.has(value);
}

/**
 * Waits for one yieldable with its type: `const story = yield* resultOf(db.story(7))`. A bare `yield` does
 * the same, but TypeScript cannot know the type of its result.
 */
export function* resultOf<Y>(yieldable: Y): Generator<Y, Yielded<Y>, Yielded<Y>> {
  return yield yieldable;
}

/**
 * A promise for anything: promises and thenables as they are, every other value wrapped. Unlike
 * `convertYielded` it takes arrays and objects as plain values. Tornado: `gen.maybe_future`.
 */
export function maybeFuture<T>(value: T): Promise<Awaited<T>> {
  if (value instanceof Promise) return value as Promise<Awaited<T>>;
  return Promise.resolve(value) as Promise<Awaited<T>>;
}
