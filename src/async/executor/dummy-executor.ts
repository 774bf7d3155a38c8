/** An executor that has no threads: for tests, and for code that takes an executor but needs none. */
import { InvalidArgumentError } from "../../base/errors.js";
import { pendingResult } from "../coroutine/yieldable.js";
import type { Executor, ShutdownOptions } from "./executor.js";

/** Runs functions at once, in the caller. Tornado: `concurrent.DummyExecutor`. */
export class DummyExecutor implements Executor {
  /**
   * Calls `task(...args)` before it returns; the promise settles with what the function gives, which may be a
   * promise or a generator object. Rejects with an {@link InvalidArgumentError} for the name of a task.
   */
  async submit<A extends unknown[], R>(task: string | ((...args: A) => R), ...args: A): Promise<Awaited<R>> {
    if (typeof task !== "function") {
      throw new InvalidArgumentError(
        `a DummyExecutor runs functions, got ${typeof task === "string" ? `the name "${task}"` : typeof task}; ` +
          "names are for a ThreadExecutor",
      );
    }
    const result = task(...args);
    return (await (pendingResult(result) ?? result)) as Awaited<R>;
  }

  /** Does nothing: there is nothing to end. */
  async shutdown(_options?: ShutdownOptions): Promise<void> {}
}

/** A shared one, since it has no state. Tornado: `concurrent.dummy_executor`. */
export const dummyExecutor: DummyExecutor = new DummyExecutor();
