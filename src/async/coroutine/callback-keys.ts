/**
 * Callbacks inside coroutines, told apart by keys: how Tornado's users waited before there were futures.
 *
 *     const story = (yield new Callback("story")) as (text: string) => void;   // a function to call back
 *     fetchStory(7, story);
 *     const text = yield new Wait("story");                                    // what it was called with
 *
 * Each coroutine has a table of its own keys. A key is *pending* from its `Callback` to its `Wait`; using one twice,
 * waiting for one that was never given out, and ending with one still pending are errors of the program, and each
 * has a class. New code needs none of this: `Task` turns a callback into a promise.
 */
import { inspect } from "node:util";
import { SquallError } from "../../base/errors.js";

const shown = (key: unknown): string => inspect(key, { depth: 0 });

/** A coroutine yielded a `Callback` whose key is pending already (`ERR_SQUALL_KEY_REUSE`). */
export class KeyReuseError extends SquallError {
  static {
    this.prototype.name = "KeyReuseError";
  }

  /** The key. */
  readonly key: unknown;

  constructor(key: unknown) {
    super(
      "ERR_SQUALL_KEY_REUSE",
      `the key ${shown(key)} is pending already; Wait for it before using it again`,
    );
    this.key = key;
  }
}

/** A coroutine yielded a `Wait` for a key that is not pending (`ERR_SQUALL_UNKNOWN_KEY`). */
export class UnknownKeyError extends SquallError {
  static {
    this.prototype.name = "UnknownKeyError";
  }

  /** The key. */
  readonly key: unknown;

  constructor(key: unknown) {
    super("ERR_SQUALL_UNKNOWN_KEY", `the key ${shown(key)} is not pending; yield a Callback with it first`);
    this.key = key;
  }
}

/** A coroutine ended without waiting for all of its callbacks (`ERR_SQUALL_LEAKED_CALLBACK`). */
export class LeakedCallbackError extends SquallError {
  static {
    this.prototype.name = "LeakedCallbackError";
  }

  /** The keys nobody waited for. */
  readonly keys: readonly unknown[];

  constructor(keys: readonly unknown[]) {
    super(
      "ERR_SQUALL_LEAKED_CALLBACK",
      `the coroutine ended without a Wait for ${keys.map(shown).join(", ")}`,
    );
    this.keys = keys;
  }
}

/** What `yield new Wait(key)` gives when the callback was called with more than one argument. */
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

/** The keys of one coroutine. */
export class KeyTable {
  readonly #pending = new Set<unknown>();
  readonly #results = new Map<unknown, unknown>();
  #onResult: (() => void) | undefined = undefined;

  /** Makes a key pending; throws {@link KeyReuseError}. */
  registerCallback(key: unknown): void {
    if (this.#pending.has(key)) throw new KeyReuseError(key);
    this.#pending.add(key);
  }

  /** Whether a pending key has its result; throws {@link UnknownKeyError}. */
  isReady(key: unknown): boolean {
    if (!this.#pending.has(key)) throw new UnknownKeyError(key);
    return this.#results.has(key);
  }

  /** Takes a result out; the key may be used again. */
  popResult(key: unknown): unknown {
    const result = this.#results.get(key);
    this.#pending.delete(key);
    this.#results.delete(key);
    return result;
  }

  /** The function that fills a key: once, later calls are ignored. */
  resultCallback(key: unknown): (...args: unknown[]) => void {
    let called = false;
    return (...args) => {
      if (called) return;
      called = true;
      this.#results.set(key, foldArguments(args));
      this.#onResult?.();
    };
  }

  /** Resolves when a result has come in. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#onResult = resolve;
    });
  }

  /** Throws {@link LeakedCallbackError} if keys are pending. */
  close(): void {
    if (this.#pending.size > 0) throw new LeakedCallbackError([...this.#pending]);
  }
}

/** What a coroutine may yield to use its keys. Subclass it for a way of waiting of your own. */
export abstract class YieldPoint<T = unknown> {
  /** Called once, right after the `yield`, with the keys of the coroutine; what it throws is thrown there. */
  abstract start(keys: KeyTable): void;
  /** Whether the coroutine can go on; asked after `start` and after each result. */
  abstract isReady(): boolean;
  /** What the `yield` gives, or throws. */
  abstract getResult(): T;
}

/** Runs a yield point to its result. */
export async function waitForPoint(point: YieldPoint, keys: KeyTable): Promise<unknown> {
  point.start(keys);
  while (!point.isReady()) await keys.changed();
  return point.getResult();
}

/** Gives a function to call back with; what it is called with is for the {@link Wait} of the same key. */
export class Callback extends YieldPoint<(...args: unknown[]) => void> {
  /** Under which the result is filed; pending from the `yield` until a {@link Wait} takes it. */
  readonly key: unknown;
  #keys: KeyTable | undefined = undefined;

  constructor(key: unknown) {
    super();
    this.key = key;
  }

  override start(keys: KeyTable): void {
    keys.registerCallback(this.key);
    this.#keys = keys;
  }

  override isReady(): boolean {
    return true;
  }

  override getResult(): (...args: unknown[]) => void {
    if (this.#keys === undefined) throw new UnknownKeyError(this.key);
    return this.#keys.resultCallback(this.key);
  }
}

/** Waits for several keys and gives what their callbacks were called with, in the order of the keys. */
export class WaitAll extends YieldPoint<unknown[]> {
  /** The keys, in the order in which the results are given. */
  readonly keys: readonly unknown[];
  #table: KeyTable = new KeyTable();

  constructor(keys: Iterable<unknown>) {
    super();
    this.keys = [...keys];
  }

  override start(keys: KeyTable): void {
    this.#table = keys;
  }

  override isReady(): boolean {
    return this.keys.map((key) => this.#table.isReady(key)).every(Boolean);
  }

  override getResult(): unknown[] {
    return this.keys.map((key) => this.#table.popResult(key));
  }
}

/** Waits for one key: see {@link WaitAll}. */
export class Wait extends YieldPoint {
  /** The key of the {@link Callback} that is waited for. */
  readonly key: unknown;
  #table: KeyTable = new KeyTable();

  constructor(key: unknown) {
    super();
    this.key = key;
  }

  override start(keys: KeyTable): void {
    this.#table = keys;
  }

  override isReady(): boolean {
    return this.#table.isReady(this.key);
  }

  override getResult(): unknown {
    return this.#table.popResult(this.key);
  }
}
