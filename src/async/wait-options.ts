/**
 * `{ signal, timeout }`, the last argument of everything that waits, and its check.
 *
 * The rule of every operation: check first, then register. {@link resolveWait} throws before a waiter stands
 * in a list, a socket is opened or a byte is sent, so a call that is refused leaves nothing behind.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "../base/errors.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { type Duration, toMilliseconds } from "./timers/duration.js";

/** The last argument of everything that waits. */
export interface WaitOptions {
  /** Gives up with the signal's reason; default and `null`: none. */
  readonly signal?: AbortSignal | null | undefined;
  /**
   * Gives up with a `TimeoutError` after this time, in milliseconds or as a duration such as `{ minutes: 1
   * }`. Zero and below is a time that has just passed. Default, `null` and `Infinity`: never.
   */
  readonly timeout?: number | Duration | null | undefined;
}

/** {@link WaitOptions} after their check. */
export interface WaitBounds {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds, at least 0; `Infinity` for no limit. */
  readonly timeout: number;
}

/** The names of {@link WaitOptions}. */
export const WAIT_OPTIONS: ReadonlySet<string> = optionNames<WaitOptions>({ signal: 1, timeout: 1 });

const UNBOUNDED: WaitBounds = { signal: undefined, timeout: Number.POSITIVE_INFINITY };

/**
 * Returns `signal`, with undefined in place of `null`.
 *
 * @throws InvalidArgumentError if it is something other than an `AbortSignal`, such as a controller
 */
export function checkSignal(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal === "object" && typeof signal.aborted === "boolean") return signal;
  const hint = (signal as unknown) instanceof AbortController ? "; pass controller.signal" : "";
  throw new InvalidArgumentError(
    `signal must be an AbortSignal or null, got ${inspect(signal, { depth: 0 })}${hint}`,
  );
}

/**
 * Returns a timeout in milliseconds, at least 0: a negative one has just passed. `Infinity` for undefined and
 * `null`.
 *
 * @throws InvalidArgumentError if it is neither a number nor a duration
 */
export function checkTimeout(timeout: number | Duration | null | undefined): number {
  if (timeout === undefined || timeout === null) return Number.POSITIVE_INFINITY;
  return Math.max(0, toMilliseconds("timeout", timeout));
}

/**
 * Checks `{ signal, timeout }`, and that there is no option of another name but `others`. It does not look
 * whether the signal has aborted.
 *
 * @throws InvalidArgumentError if one of them is invalid, and for an unknown name
 */
export function resolveWait(
  options: WaitOptions | null | undefined,
  others?: ReadonlySet<string>,
): WaitBounds {
  if (options === undefined || options === null) return UNBOUNDED;
  // A loop over so few names costs less than a list of them.
  for (const name in options) {
    if (name === "timeout" || name === "signal" || others?.has(name) === true) continue;
    checkNames(
      "option",
      options,
      others === undefined ? WAIT_OPTIONS : new Set([...WAIT_OPTIONS, ...others]),
    );
    break;
  }
  return boundsOf(options);
}

/** {@link resolveWait} where the names are checked already, or are those of a larger set of options. */
export function boundsOf(options: WaitOptions | null | undefined): WaitBounds {
  if (options === undefined || options === null) return UNBOUNDED;
  if (typeof options !== "object") {
    throw new InvalidArgumentError(
      `options must be an object such as { timeout: 100 }, got ${inspect(options)}`,
    );
  }
  return { signal: checkSignal(options.signal), timeout: checkTimeout(options.timeout) };
}

/**
 * Why a wait must not begin: a rejected promise if an option is invalid or the signal has aborted, else
 * undefined. An operation asks this before it takes or registers anything. Without options the answer costs
 * one comparison.
 */
export function refusal(
  options: WaitOptions | null | undefined,
  others?: ReadonlySet<string>,
): Promise<never> | undefined {
  if (options === undefined || options === null) return undefined;
  try {
    const { signal } = resolveWait(options, others);
    return signal?.aborted ? Promise.reject(signal.reason) : undefined;
  } catch (error) {
    return Promise.reject(error);
  }
}
