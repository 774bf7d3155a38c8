/**
 * Tests of asynchronous code.
 *
 * `genTest` makes a test function out of a generator or an async function, with a time limit; it needs no
 * class and no particular runner. `AsyncTestCase` is Tornado's class for those who port a suite: a loop of
 * its own for each test, `stop`/`wait` for code that calls back, and failure when a callback failed behind
 * the test's back.
 *
 *     test("answers", genTest(function* () {                class ClientTest extends AsyncTestCase {
 *       const answer = yield* resultOf(ask());                @genTest async testAnswers() { … }
 *       assert.equal(answer, 42);                           }
 *     }));                                                  ClientTest.register();
 */

import { nextTurn } from "../async/coroutine/moment.js";
import { isGenerator } from "../async/coroutine/yieldable.js";
import { currentLoop, setCurrentLoop } from "../async/current-loop.js";
import { IOLoop } from "../async/ioloop.js";
import { InvalidArgumentError, InvalidStateError, TimeoutError } from "../base/errors.js";
import { checkDecorated } from "../base/validate.js";
import { getAsyncTestTimeout } from "./test-timeout.js";

/** Options of {@link genTest}. */
export interface GenTestOptions {
  /** How many milliseconds the test may take; default {@link getAsyncTestTimeout}, off: `Infinity`. */
  readonly timeout?: number | undefined;
}

/** A test function, to be given to a runner or to stand in a test case. */
export type TestFunction<This, A extends unknown[]> = (this: This, ...args: A) => Promise<void>;

type AnyMethod = (this: never, ...args: never[]) => unknown;

/** What {@link genTest} gives for options alone: a decorator, and a wrapper of functions. */
export interface GenTestWrapper {
  /**
   * As a decorator; the compiler lets none change a method's type, so it goes on to see a generator as one.
   */
  <M extends AnyMethod>(method: M, context: ClassMethodDecoratorContext): M;
  <This, A extends unknown[]>(body: (this: This, ...args: A) => unknown): TestFunction<This, A>;
}

/** Functions that see to their time limit themselves. */
const timedFunctions = new WeakSet<object>();

function timed<This, A extends unknown[]>(
  body: (this: This, ...args: A) => unknown,
  options: GenTestOptions,
): TestFunction<This, A> {
  checkDecorated("genTest", body);
  async function run(this: This, ...args: A): Promise<void> {
    const loop = this instanceof AsyncTestCase ? this.ioLoop : IOLoop.current();
    const timeout = options.timeout ?? getAsyncTestTimeout();
    await loop.runSync(() => body.apply(this, args), { timeout });
  }
  Object.defineProperty(run, "name", { value: body.name });
  timedFunctions.add(run);
  return run;
}

/**
 * Makes a test of a generator function or an async function: it runs on the loop (of the test case, or the
 * current one) and fails with a `TimeoutError` when it takes too long. What it returns is dropped.
 *
 * Use it around a function, with or without options, or as a decorator of a method: `@genTest`,
 * `@genTest({ timeout: 100 })`. Tornado: `testing.gen_test`.
 */
export function genTest<M extends AnyMethod>(method: M, context: ClassMethodDecoratorContext): M;
export function genTest<This, A extends unknown[]>(
  body: (this: This, ...args: A) => unknown,
  options?: GenTestOptions,
): TestFunction<This, A>;
export function genTest(options: GenTestOptions): GenTestWrapper;
export function genTest(
  first: ((...args: unknown[]) => unknown) | GenTestOptions,
  options?: GenTestOptions | ClassMethodDecoratorContext,
): unknown {
  if (typeof first === "function")
    return timed(first, options !== undefined && "kind" in options ? {} : (options ?? {}));
  // With experimentalDecorators the first argument is the prototype, and the second a name.
  if (options !== undefined && typeof options !== "object") return timed(first as never, {});
  return (body: (...args: unknown[]) => unknown) => timed(body, first);
}

/** Options of {@link AsyncTestCase.wait}. */
export interface TestWaitOptions {
  /** Goes on waiting for the next `stop()` until this holds; default: the first one ends it. */
  readonly condition?: (() => boolean) | undefined;
  /** How many milliseconds to wait; default {@link getAsyncTestTimeout}. */
  readonly timeout?: number | undefined;
}

/**
 * The part of a test runner that {@link AsyncTestCase.register} needs; `node:test`, Vitest and Jest have it.
 */
export interface TestRunner {
  /** Groups what `body` declares. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test, which fails if the promise rejects. */
  test(name: string, body: () => Promise<void>): unknown;
}

/** A class of test cases. */
export type TestCaseClass = (new (
  methodName: string,
) => AsyncTestCase) & { readonly prototype: AsyncTestCase };

/** Importing `node:test` opens streams, so it is loaded when it is needed. */
function nodeTest(): TestRunner {
  return process.getBuiltinModule("node:test");
}

interface Waiting {
  wake(): void;
  fail(error: unknown): void;
}

/** A test with a loop of its own. Subclasses have methods whose names begin with `test`. */
export class AsyncTestCase {
  /** The method that {@link AsyncTestCase.run} runs. */
  readonly methodName: string;
  #loop: IOLoop | undefined = undefined;
  #before: IOLoop | undefined = undefined;
  #controller = new AbortController();
  #stopped: { readonly value: unknown } | undefined = undefined;
  #waiting: Waiting | undefined = undefined;
  readonly #failures: unknown[] = [];
  readonly #cleanups: (() => unknown)[] = [];

  constructor(methodName = "runTest") {
    this.methodName = methodName;
  }

  /** The loop of this test; throws an {@link InvalidStateError} before {@link AsyncTestCase.setUp}. */
  get ioLoop(): IOLoop {
    if (this.#loop === undefined) throw new InvalidStateError("the test has no loop before setUp()");
    return this.#loop;
  }

  /** Aborts when the test is over: give it to what would go on otherwise. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Makes the loop for a test; a subclass may give a `VirtualLoop`, or `IOLoop.current()` to share one. */
  getNewIoloop(): IOLoop {
    return new IOLoop({ makeCurrent: false });
  }

  /**
   * Before the test: makes the loop current. A subclass that overrides it calls `await super.setUp()` first.
   */
  setUp(): void | Promise<void> {
    this.#before = currentLoop() as IOLoop | undefined;
    const loop = this.getNewIoloop();
    this.#loop = loop;
    loop.makeCurrent();
    loop.handleCallbackException = (_callback, error) => this.#fail(error);
  }

  /**
   * After the test, also after one that failed: aborts {@link AsyncTestCase.signal}, closes the loop if it is
   * the test's own, and makes the former one current again. A subclass that overrides it calls `await
   * super.tearDown()` last.
   */
  async tearDown(): Promise<void> {
    this.#controller.abort(new InvalidStateError("the test is over"));
    const loop = this.#loop;
    if (loop === undefined) return;
    // Back to the method of the class.
    Reflect.deleteProperty(loop, "handleCallbackException");
    if (loop !== this.#before) {
      // Code that still runs in it learns that the test is over.
      while (loop.running) {
        loop.stop();
        await nextTurn();
      }
      loop.close();
    }
    setCurrentLoop(this.#before);
  }

  /** Calls `cleanup` after {@link AsyncTestCase.tearDown}; the last one added comes first. */
  addCleanup(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  /**
   * Runs the test: `setUp`, the method, `tearDown`, the cleanups. Rejects with the first error of these, or
   * with the error of a callback that failed meanwhile. An async method gets the time limit of {@link
   * genTest}; a generator method without `@genTest` and a method that returns a value are mistakes and fail.
   */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    const attempt = async (step: () => unknown): Promise<boolean> => {
      try {
        await step();
        return true;
      } catch (error) {
        errors.push(error);
        return false;
      }
    };
    if (await attempt(() => this.setUp())) await attempt(() => this.#runMethod());
    await attempt(() => this.tearDown());
    for (const cleanup of this.#cleanups.splice(0).reverse()) await attempt(cleanup);
    errors.push(...this.#failures.splice(0).filter((error) => !errors.includes(error)));
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1)
      throw new AggregateError(errors, `the test ${this.methodName} failed more than once`);
  }

  /** Ends the {@link AsyncTestCase.wait} under way, or the next one, which then resolves with `value`. */
  stop(value?: unknown): void {
    this.#stopped = { value };
    this.#waiting?.wake();
  }

  /**
   * Resolves with the value that {@link AsyncTestCase.stop} was called with, at once if it was already.
   * Rejects with a `TimeoutError`, or with the error of a callback of the loop that failed meanwhile.
   */
  async wait(options: TestWaitOptions = {}): Promise<unknown> {
    const timeout = options.timeout ?? getAsyncTestTimeout();
    const { condition } = options;
    const loop = this.ioLoop;
    let expired: unknown;
    const timer = loop.callLater(timeout, () => {
      expired = new TimeoutError(`stop() was not called within ${timeout} ms`);
      this.#waiting?.fail(expired);
    });
    try {
      for (;;) {
        this.#rethrow();
        const stopped = this.#stopped;
        this.#stopped = undefined;
        if (stopped !== undefined && (condition === undefined || condition())) return stopped.value;
        await new Promise<void>((wake, fail) => {
          this.#waiting = { wake, fail };
          if (expired !== undefined) fail(expired);
        });
      }
    } finally {
      this.#waiting = undefined;
      loop.removeTimeout(timer);
    }
  }

  /**
   * Registers every method of the class whose name begins with `test` with a runner, each with an object of
   * its own; default `node:test`.
   */
  static register(this: TestCaseClass, runner: TestRunner = nodeTest()): void {
    runner.describe(this.name, () => {
      for (const name of testMethods(this)) runner.test(name, () => new this(name).run());
    });
  }

  async #runMethod(): Promise<void> {
    const method = (this as unknown as Record<string, unknown>)[this.methodName];
    if (typeof method !== "function") {
      throw new InvalidArgumentError(`${this.constructor.name} has no test method ${this.methodName}()`);
    }
    const call = (): unknown => {
      const result: unknown = method.call(this);
      if (!isGenerator(result)) return result;
      throw new TypeError(`${this.methodName}() is a generator and would not run; mark it with @genTest`);
    };
    const value: unknown = timedFunctions.has(method)
      ? await call()
      : await this.ioLoop.runSync(call, { timeout: getAsyncTestTimeout() });
    if (value !== undefined) {
      throw new InvalidStateError(`${this.methodName}() returned a value, which a test has no use for`);
    }
  }

  #fail(error: unknown): void {
    this.#failures.push(error);
    this.#waiting?.wake();
  }

  #rethrow(): void {
    if (this.#failures.length > 0) throw this.#failures.shift();
  }
}

/** The names of a class's test methods, inherited ones first. */
export function testMethods(testCase: TestCaseClass): string[] {
  const names = new Set<string>();
  const collect = (prototype: object): void => {
    if (prototype === AsyncTestCase.prototype || prototype === Object.prototype) return;
    collect(Object.getPrototypeOf(prototype) as object);
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
      if (name.startsWith("test") && typeof value === "function") names.add(name);
    }
  };
  collect(testCase.prototype);
  return [...names];
}

/** What cleans up after a test: an {@link AsyncTestCase}, or the context that `node:test` gives to a test. */
export type CleanupHost =
  | { addCleanup(cleanup: () => unknown): void }
  | { after(cleanup: () => void | Promise<void>): void };

/**
 * Gives a disposable to a test for its time: it is disposed of when the test is over, however it ends.
 * Returns it. Tornado: `testing.setup_with_context_manager`.
 */
export function setupWithContextManager<D extends Disposable | AsyncDisposable>(
  host: CleanupHost,
  disposable: D,
): D {
  const dispose = async (): Promise<void> => {
    if (Symbol.asyncDispose in disposable) await disposable[Symbol.asyncDispose]();
    else disposable[Symbol.dispose]();
  };
  if ("addCleanup" in host) host.addCleanup(dispose);
  else host.after(dispose);
  return disposable;
}
