/**
 * What a coroutine may yield, and the loop that drives it.
 *
 * A generator hands a *yieldable* to its driver, the driver waits for it and hands the result back:
 *
 *     promise, thenable, Future    its result, or its error thrown at the `yield`
 *     array, plain object          all of its members at once, in the same shape (see `multi`)
 *     generator object             driven to its end as a nested coroutine
 *     undefined, null, `moment`    nothing; the loop runs once in between
 *     anything registered          what its converter makes of it (`convertYielded.register`)
 *
 * Everything else is a BadYieldError, thrown inside the generator at the `yield` that made the mistake.
 *
 * The three definitions lean on each other (an array holds yieldables, a yieldable may be a generator, a
 * generator yields arrays), so they share this file; `coroutine.ts` and `multi.ts` are the friendly faces.
 */
import { inspect } from "node:util";
import { SquallError } from "../../base/errors.js";
import { isQuiet, type QuietExceptions, reportError } from "../report-error.js";
import { nextTurn } from "./moment.js";

/** Any generator that a driver can run to a result of type `T`. */
export type CoroutineGenerator<T> = Generator<unknown, T, unknown>;

/** The type that `yield` gives back for a yieldable of type `Y`. */
export type Yielded<Y> = Y extends null | undefined
  ? undefined
  : Y extends PromiseLike<infer T>
    ? Awaited<T>
    : Y extends Generator<unknown, infer R, never>
      ? Awaited<R>
      : Y extends object
        ? { -readonly [K in keyof Y]: Yielded<Y[K]> }
        : unknown;

/** A coroutine yielded something that cannot be waited for (`ERR_SQUALL_BAD_YIELD`). */
export class BadYieldError extends SquallError {
  static {
    this.prototype.name = "BadYieldError";
  }

  /** What was yielded. */
  readonly value: unknown;

  constructor(value: unknown) {
    super(
      "ERR_SQUALL_BAD_YIELD",
      "a coroutine may yield promises, generators, arrays and plain objects of them, null or undefined " +
        `(or types that convertYielded.register() knows), got ${inspect(value, { depth: 0 })}`,
    );
    this.value = value;
  }
}

/** True for everything with a `then` method. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** True for the object that calling a generator function gives; false for an async generator. */
export function isGenerator(value: unknown): value is CoroutineGenerator<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const candidate = value as Partial<Generator>;
  return (
    typeof candidate.next === "function" &&
    typeof candidate.throw === "function" &&
    typeof candidate[Symbol.iterator] === "function"
  );
}

// --- converting ---------------------------------------------------------------------------------

/** Whether a converter is for this value: a class, or a function that answers true. */
export type YieldedMatch<T> = (abstract new (...args: never[]) => T) | ((value: unknown) => value is T);

interface Converter {
  readonly matches: (value: unknown) => boolean;
  readonly convert: (value: never) => unknown;
}

const converters: Converter[] = [];

/** Removes a registration when it is disposed of. */
export interface Registration extends Disposable {
  /** Undoes the registration; harmless when called again. */
  remove(): void;
}

/** `convertYielded` is a function that others may teach new types. */
export interface ConvertYielded {
  /**
   * What a coroutine would wait for if it yielded `value`. Throws a {@link BadYieldError} for what cannot be
   * waited for.
   */
  (value: unknown): PromiseLike<unknown>;
  /**
   * Teaches coroutines a type of their own: `convert` turns the values that `match` recognises (instances of
   * a class, or what a predicate answers true for) into something yieldable. The latest registration is asked
   * first. Promises and thenables never get here. Tornado: `convert_yielded.register`.
   */
  register<T>(match: YieldedMatch<T>, convert: (value: T) => unknown): Registration;
}

/** Classes, built-in ones included, are the functions whose `prototype` cannot be replaced. */
function isClass(match: unknown): match is abstract new (...args: never[]) => unknown {
  return (
    typeof match === "function" && Object.getOwnPropertyDescriptor(match, "prototype")?.writable === false
  );
}

function register<T>(match: YieldedMatch<T>, convert: (value: T) => unknown): Registration {
  const matches = isClass(match)
    ? (value: unknown) => value instanceof match
    : (match as (value: unknown) => boolean);
  const converter: Converter = { matches, convert: convert as (value: never) => unknown };
  converters.unshift(converter);
  const remove = (): void => {
    const index = converters.indexOf(converter);
    if (index >= 0) converters.splice(index, 1);
  };
  return { remove, [Symbol.dispose]: remove };
}

function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function convert(value: unknown): PromiseLike<unknown> {
  if (value === undefined || value === null) return nextTurn();
  if (isThenable(value)) return value;
  for (const { matches, convert: make } of converters) {
    if (matches(value)) return convert(make(value as never));
  }
  if (typeof value === "object") {
    if (Array.isArray(value) || isPlainObject(value)) return gather(value, undefined);
    if (isGenerator(value)) return driveGenerator(value);
  }
  throw new BadYieldError(value);
}

/**
 * Turns a yieldable into something that can be awaited, by the table at the top of this file. Throws
 * {@link BadYieldError} for everything else. Tornado: `gen.convert_yielded`.
 */
export const convertYielded: ConvertYielded = Object.assign((value: unknown) => convert(value), { register });

// --- driving ------------------------------------------------------------------------------------

/** Runs a generator object to its end; see {@link driveGenerator}. */
export type Driver = <T>(generator: CoroutineGenerator<T>) => Promise<Awaited<T>>;

/**
 * Makes a driver whose frames in stack traces carry `name`. V8 shows the driving async function in the traces
 * of errors that come out of an awaited promise (`at async fetchStory`), so each coroutine gets a driver of
 * its own with its own name; the code behind them is shared.
 */
export function makeDriver(name: string): Driver {
  const drive = async <T>(generator: CoroutineGenerator<T>): Promise<Awaited<T>> => {
    try {
      let step = generator.next(undefined);
      while (step.done !== true) {
        const value = step.value;
        let sent: unknown;
        try {
          sent = await (value instanceof Promise ? value : convert(value));
        } catch (error) {
          step = generator.throw(error);
          continue;
        }
        step = generator.next(sent);
      }
      const result = step.value;
      return result instanceof Promise ? await result : (result as Awaited<T>);
    } catch (error) {
      if (error instanceof Return) return error.value as Awaited<T>;
      throw error;
    }
  };
  Object.defineProperty(drive, "name", { value: name });
  return drive;
}

/**
 * Drives a generator object as a coroutine: its first step runs at once, the promise settles with what it
 * returns or throws. A generator can be driven once.
 */
const driveGenerator: Driver = makeDriver("driveGenerator");

/**
 * Thrown inside a coroutine to end it with a value (`ERR_SQUALL_RETURN`). A relic for ports from Python 2,
 * where generators could not return values; here `return value` does the same. Tornado: `gen.Return`.
 */
export class Return<T = unknown> extends SquallError {
  static {
    this.prototype.name = "Return";
  }

  /** The coroutine's result. */
  readonly value: T | undefined;

  constructor(value?: T) {
    super("ERR_SQUALL_RETURN", "gen.Return was thrown outside of a coroutine; there it means nothing");
    this.value = value;
  }

  /** The value as a tuple of one. */
  get args(): readonly [T | undefined] {
    return [this.value];
  }
}

/**
 * What a handler method, a hook or a callback left to wait for: a promise for promises, thenables and
 * generator objects (which begin to run now), and undefined for everything else, which is done already. The
 * synchronous case costs one comparison and allocates nothing.
 */
export function pendingResult(value: unknown): PromiseLike<unknown> | undefined {
  if (value === undefined || value === null || typeof value !== "object") return undefined;
  if (value instanceof Promise || isThenable(value)) return value;
  return isGenerator(value) ? driveGenerator(value) : undefined;
}

// --- gathering ----------------------------------------------------------------------------------

/** Waits for all members of an array or plain object; the contract is that of `multi`. */
export async function gather(
  children: readonly unknown[] | Readonly<Record<string, unknown>>,
  quiet: QuietExceptions | undefined,
): Promise<unknown> {
  const keys = Array.isArray(children) ? undefined : Object.keys(children);
  const values: readonly unknown[] = Array.isArray(children) ? children : Object.values(children);
  const outcomes = await Promise.allSettled(Array.from(values, toSettled));
  const results: unknown[] = [];
  let failed = false;
  let first: unknown;
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") {
      results.push(outcome.value);
    } else if (!failed) {
      failed = true;
      first = outcome.reason;
    } else if (outcome.reason !== first && !isQuiet(outcome.reason, quiet)) {
      reportError("multi(): another member failed as well", outcome.reason);
    }
  }
  if (failed) throw first;
  return keys === undefined ? results : Object.fromEntries(keys.map((key, i) => [key, results[i]]));
}

/** A bad member must not lose the others: its error takes its place in the list. */
function toSettled(child: unknown): PromiseLike<unknown> {
  try {
    return convert(child);
  } catch (error) {
    return Promise.reject(error);
  }
}
