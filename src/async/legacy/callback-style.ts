/**
 * Bridges between callbacks and promises. `util.promisify` is for functions of Node's form (`callback(error,
 * value)`); these are for functions that call back with their result alone.
 */
import { SquallError } from "../../base/errors.js";
import { coroutine } from "../coroutine/coroutine.js";
import { reportError } from "../report-error.js";
import { foldArguments } from "./callback-keys.js";

/** The body of an `engine` returned a value, which has no receiver (`ERR_SQUALL_RETURN_VALUE_IGNORED`). */
export class ReturnValueIgnoredError extends SquallError {
  static {
    this.prototype.name = "ReturnValueIgnoredError";
  }

  constructor(name: string) {
    super(
      "ERR_SQUALL_RETURN_VALUE_IGNORED",
      `${name}() is an engine and returned a value that has no receiver; make it a coroutine, or call back`,
    );
  }
}

/** `A` without its last member. */
type Leading<A extends unknown[]> = A extends [...infer L, unknown] ? L : never;

/**
 * Calls `fn(...args, callback)` and resolves with what the callback is called with: one argument as it is,
 * several as an `Arguments`. Rejects with what `fn` throws. Only the first call counts. Tornado: `gen.Task`.
 */
export function Task<A extends [...unknown[], (...results: never[]) => void]>(
  fn: (...args: A) => unknown,
  ...args: Leading<A>
): Promise<unknown> {
  return new Promise((resolve) => {
    const callback = (...results: unknown[]): void => resolve(foldArguments(results));
    fn(...([...args, callback] as unknown as A));
  });
}

/**
 * A coroutine that runs unattended: the function returns nothing, and errors are logged to `appLog`. So is a
 * {@link ReturnValueIgnoredError} if the body returns a value. Tornado: `gen.engine`.
 */
export function engine<This, A extends unknown[]>(
  body: (this: This, ...args: A) => unknown,
): (this: This, ...args: A) => void {
  const run = coroutine(body);
  const name = body.name || "(anonymous)";
  const start = function (this: This, ...args: A): void {
    run.apply(this, args).then(
      (value: unknown) => {
        if (value !== undefined) reportError(`the engine ${name} failed`, new ReturnValueIgnoredError(name));
      },
      (error: unknown) => reportError(`the engine ${name} failed`, error),
    );
  };
  Object.defineProperty(start, "name", { value: body.name });
  return start;
}
