/**
 * Checks for options and arguments. Each takes the name as the caller wrote it, so that the message can say
 * which option was wrong, what was expected and what came.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "./errors.js";

/** A value as messages show it: on one line, and not too long. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 80 });
}

/** The range of a number option, both ends included. */
export interface NumberRange {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

function describeRange({ min, max }: NumberRange): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

function inRange(value: number, { min, max }: NumberRange): boolean {
  return (min === undefined || value >= min) && (max === undefined || value <= max);
}

/** Returns `value` if it is an integer in the range; otherwise throws an {@link InvalidArgumentError}. */
export function checkInteger(name: string, value: unknown, range: NumberRange = {}): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && inRange(value, range)) return value;
  throw new InvalidArgumentError(`${name} must be an integer${describeRange(range)}, got ${shown(value)}`);
}

/** Returns `value` if it is a number in the range (`Infinity` included, `NaN` not); otherwise throws. */
export function checkNumber(name: string, value: unknown, range: NumberRange = {}): number {
  if (typeof value === "number" && !Number.isNaN(value) && inRange(value, range)) return value;
  throw new InvalidArgumentError(`${name} must be a number${describeRange(range)}, got ${shown(value)}`);
}

/**
 * Returns a limit or a time that can be switched off: an integer of at least `min` (0 if not given), or
 * `Infinity`, which means "no limit" everywhere in squall.
 */
export function checkLimit(name: string, value: unknown, min = 0): number {
  if (value === Number.POSITIVE_INFINITY) return value;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidArgumentError(
    `${name} must be an integer of at least ${min}, or Infinity for no limit, got ${shown(value)}`,
  );
}

/** Returns a time in milliseconds: a number of at least 0, or `Infinity` for "never". */
export function checkMilliseconds(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new InvalidArgumentError(
    `${name} must be a number of milliseconds of at least 0, or Infinity for never, got ${shown(value)}`,
  );
}

/** Returns `value` if it is one of `choices`; otherwise throws an {@link InvalidArgumentError}. */
export function checkOneOf<const T extends string | number>(
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  if ((choices as readonly unknown[]).includes(value)) return value as T;
  throw new InvalidArgumentError(`${name} must be one of ${choices.join(", ")}, got ${shown(value)}`);
}

/** Returns `value` if it is a boolean; otherwise throws an {@link InvalidArgumentError}. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new InvalidArgumentError(`${name} must be true or false, got ${shown(value)}`);
}

/** Returns `value` if it is a string; otherwise throws an {@link InvalidArgumentError}. */
export function checkString(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new InvalidArgumentError(`${name} must be a string, got ${shown(value)}`);
}

/** Returns `value` if it is an object, and no list and no function; otherwise throws. */
export function checkObject(name: string, value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new InvalidArgumentError(`${name} must be an object, got ${shown(value)}`);
}

/** Returns `value` if it can be called; otherwise throws an {@link InvalidArgumentError}. */
export function checkFunction<T extends (...args: never[]) => unknown>(name: string, value: T | unknown): T {
  if (typeof value === "function") return value as T;
  throw new InvalidArgumentError(`${name} must be a function, got ${shown(value)}`);
}

/** True for a class, which only `new` can call: a function that is one by mistake. */
export function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/**
 * Returns what a decorator of methods was given, if that is a function. TypeScript's `experimentalDecorators`
 * calls decorators with the prototype of the class, and drops what they return without a word: what they
 * should have done would not be done.
 * @throws InvalidArgumentError for anything else, with the form that works without decorators.
 */
export function checkDecorated<Method>(name: string, method: Method): Method {
  if (typeof method === "function") return method;
  throw new InvalidArgumentError(
    `${name} needs a function, got ${shown(method)}; as a decorator it is one of the language, which does not ` +
      `work with "experimentalDecorators": turn that off, or write: method = ${name}(function () { … })`,
  );
}

/** Whether an object is a plain one, of whatever realm, or has no prototype. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Whether JSON holds what an object is: a plain one, or one whose class has a `toJSON()`. `URLSearchParams`
 * have one in Bun and none elsewhere; they count as having none, so that the same is refused everywhere.
 */
export function survivesJson(value: object): boolean {
  if (isPlainObject(value)) return true;
  return typeof (value as { toJSON?: unknown }).toJSON === "function" && !(value instanceof URLSearchParams);
}
