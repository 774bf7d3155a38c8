/**
 * Methods whose work is done by an executor that their object holds.
 *
 *     class Thumbnails {
 *       readonly executor = new ThreadExecutor(new URL("./image-tasks.js", import.meta.url));
 *
 *       @runOnExecutor({ task: "shrink" })
 *       async shrink(_image: Uint8Array): Promise<Uint8Array> {
 *         throw new Error("the work is done by shrink() of image-tasks.js");
 *       }
 *     }
 *
 * Without `task` it is the method's own body that the executor gets. A `DummyExecutor` (or one of your own)
 * can run that; a `ThreadExecutor` refuses it, because a method cannot leave its thread.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkDecorated } from "../../base/validate.js";
import type { Executor } from "./executor.js";

/** Options of {@link runOnExecutor}. */
export interface RunOnExecutorOptions {
  /** The property of the object that holds the executor; default `executor`. */
  readonly executor?: string | undefined;
  /** The name of the task to run in place of the method's body; default none. */
  readonly task?: string | undefined;
}

/** A method that returns a promise, as one that runs elsewhere must. */
export type AsyncMethod<This, A extends unknown[], R> = (this: This, ...args: A) => Promise<R>;

function wrap<This extends object, A extends unknown[], R>(
  method: AsyncMethod<This, A, R>,
  { executor: key = "executor", task }: RunOnExecutorOptions,
): AsyncMethod<This, A, R> {
  checkDecorated("runOnExecutor", method);
  async function submit(this: This, ...args: A): Promise<R> {
    const executor = (this as Record<string, unknown>)[key] as Executor | undefined;
    if (typeof executor?.submit !== "function") {
      throw new InvalidArgumentError(
        `${method.name}() runs on an executor, but the property "${key}" of its object holds none`,
      );
    }
    return executor.submit<A, R>(task ?? (method.bind(this) as (...args: A) => R), ...args) as Promise<R>;
  }
  Object.defineProperty(submit, "name", { value: method.name });
  return submit;
}

/**
 * Makes a method run on the executor that its object holds in the property `executor` (or the one named). As
 * a decorator, `@runOnExecutor` or `@runOnExecutor({ executor: "pool" })`; without decorators, a function
 * around a function. The promise settles as the executor's does, and rejects with an {@link
 * InvalidArgumentError} if there is no executor. Tornado: `concurrent.run_on_executor`.
 */
export function runOnExecutor<This extends object, A extends unknown[], R>(
  method: AsyncMethod<This, A, R>,
  context?: ClassMethodDecoratorContext<This, AsyncMethod<This, A, R>>,
): AsyncMethod<This, A, R>;
export function runOnExecutor(
  options: RunOnExecutorOptions,
): <This extends object, A extends unknown[], R>(
  method: AsyncMethod<This, A, R>,
  context?: ClassMethodDecoratorContext<This, AsyncMethod<This, A, R>>,
) => AsyncMethod<This, A, R>;
export function runOnExecutor(
  first: AsyncMethod<object, unknown[], unknown> | RunOnExecutorOptions,
  context?: unknown,
): unknown {
  // With experimentalDecorators the first argument is the prototype, and the second a name.
  if (typeof first === "function" || (context !== undefined && typeof context !== "object"))
    return wrap(first as never, {});
  return (method: AsyncMethod<object, unknown[], unknown>) => wrap(method, first);
}
