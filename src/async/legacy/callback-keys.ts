/**
 * Callbacks with keys: how Tornado's users waited before there were futures.
 *
 *     const keys = new CallbackKeys();                     // Tornado: one for each coroutine
 *     fetchStory(7, keys.callback("story"));               // gen.Callback("story")
 *     const text = yield keys.wait("story");               // gen.Wait("story")
 *     keys.close();                                        // at the end of the coroutine
 *
 * A key is *pending* from `callback` to `wait`. Using a pending key again, waiting for one that is not
 * pending and ending with pending keys are errors of the program, and each has a class. Waiting gives an
 * ordinary promise, so coroutines know nothing of keys. New code needs none of this: promises have no keys to
 * mix up.
 */
import { inspect } from "node:util";
import { SquallError } from "../../base/errors.js";
import { Deferred } from "../deferred.js";

const shown = (key: unknown): string => inspect(key, { depth: 0 });

/** A callback was asked for under a key that is pending (`ERR_SQUALL_KEY_REUSE`). */
export class KeyReuseError extends SquallError {
  static {
    this.prototype.name = "KeyReuseError";
  }

  /** The key. */
  readonly key: unknown;

  constructor(key: unknown) {
    super("ERR_SQUALL_KEY_REUSE", `the key ${shown(key)} is pending; wait for it before using it again`);
    this.key = key;
  }
}

/** A key was waited for that is not pending (`ERR_SQUALL_UNKNOWN_KEY`). */
export class UnknownKeyError extends SquallError {
  static {
    this.prototype.name = "UnknownKeyError";
  }

  /** The key. */
  readonly key: unknown;

  constructor(key: unknown) {
    super("ERR_SQUALL_UNKNOWN_KEY", `the key ${shown(key)} is not pending; make a callback with it first`);
    this.key = key;
  }
}

/** Keys were closed while some of them were pending (`ERR_SQUALL_LEAKED_CALLBACK`). */
export class LeakedCallbackError extends SquallError {
  static {
    this.prototype.name = "LeakedCallbackError";
  }

  /** The pending keys. */
  readonly keys: readonly unknown[];

  constructor(keys: readonly unknown[]) {
    super("ERR_SQUALL_LEAKED_CALLBACK", `nothing waited for the callbacks of ${keys.map(shown).join(", ")}`);
    this.keys = keys;
  }
}

/** The result of a callback with several arguments. Tornado: `gen.Arguments`. */
export class Arguments {
  /** All arguments, in order. */
  readonly args: readonly unknown[];

  constructor(args: readonly unknown[]) {
    this.args = args;
  }

  /** The arguments, so that `const [error, data] = …` reads well. */
  [Symbol.iterator](): IterableIterator<unknown> {
    return this.args.values();
  }
}

/** One argument is itself, none is undefined, several are an {@link Arguments}. */
export function foldArguments(args: readonly unknown[]): unknown {
  return args.length > 1 ? new Arguments(args) : args[0];
}

/** The callbacks of one coroutine, by key. Tornado: `gen.Callback`, `gen.Wait` and `gen.WaitAll`. */
export class CallbackKeys {
  readonly #pending = new Map<unknown, Deferred<unknown>>();

  /**
   * A function to call back with, whose first call is the result of `key`. Later calls are ignored.
   *
   * @throws KeyReuseError (`ERR_SQUALL_KEY_REUSE`) if the key is pending
   */
  callback(key: unknown): (...args: unknown[]) => void {
    if (this.#pending.has(key)) throw new KeyReuseError(key);
    const deferred = new Deferred<unknown>();
    this.#pending.set(key, deferred);
    return (...args) => deferred.resolve(foldArguments(args));
  }

  /**
   * Resolves with what the callback of `key` is called with. The key may be used again at once.
   *
   * @throws UnknownKeyError (`ERR_SQUALL_UNKNOWN_KEY`, as a rejection) if the key is not pending
   */
  async wait(key: unknown): Promise<unknown> {
    const deferred = this.#pending.get(key);
    if (deferred === undefined) throw new UnknownKeyError(key);
    this.#pending.delete(key);
    return deferred.promise;
  }

  /**
   * Waits for several keys; the results are in the order of the keys. Rejects as {@link CallbackKeys.wait}
   * does.
   */
  waitAll(keys: Iterable<unknown>): Promise<unknown[]> {
    return Promise.all(Array.from(keys, (key) => this.wait(key)));
  }

  /**
   * Says that the coroutine is over.
   *
   * @throws LeakedCallbackError (`ERR_SQUALL_LEAKED_CALLBACK`) if keys are pending; they are not any more
   * afterwards
   */
  close(): void {
    if (this.#pending.size === 0) return;
    const keys = [...this.#pending.keys()];
    this.#pending.clear();
    throw new LeakedCallbackError(keys);
  }
}
