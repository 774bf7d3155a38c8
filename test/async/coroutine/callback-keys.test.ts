import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Arguments,
  Callback,
  coroutine,
  engine,
  KeyReuseError,
  LeakedCallbackError,
  ReturnValueIgnoredError,
  resultOf,
  Task,
  UnknownKeyError,
  Wait,
  WaitAll,
  YieldPoint,
} from "squall/gen";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import "../../support/guard.js";

describe("Callback and Wait", () => {
  test("give what the callback was called with, before or after the wait", async () => {
    const run = coroutine(function* () {
      const early = yield* resultOf(new Callback("early"));
      early(1);
      const late = yield* resultOf(new Callback("late"));
      setImmediate(late, 2);
      const none = yield* resultOf(new Callback("none"));
      none();
      none("a second call means nothing");
      return [
        yield* resultOf(new Wait("late")),
        yield* resultOf(new Wait("early")),
        yield* resultOf(new Wait("none")),
      ];
    });
    assert.deepEqual(await run(), [2, 1, undefined]);
  });

  test("give several arguments as Arguments", async () => {
    const run = coroutine(function* () {
      const back = yield* resultOf(new Callback("k"));
      setImmediate(back, 1, 2);
      return yield* resultOf(new Wait("k"));
    });
    const result = await run();
    assert.ok(result instanceof Arguments);
    assert.deepEqual([...result], [1, 2]);
  });

  test("WaitAll gives the results in the order of its keys", async () => {
    const run = coroutine(function* () {
      const a = yield* resultOf(new Callback("a"));
      const b = yield* resultOf(new Callback("b"));
      setImmediate(() => {
        b("B");
        setImmediate(a, "A");
      });
      return yield* resultOf(new WaitAll(["a", "b"]));
    });
    assert.deepEqual(await run(), ["A", "B"]);
  });

  test("throw KeyReuseError for a key that is pending, and take it again after its Wait", async () => {
    const run = coroutine(function* () {
      const first = yield* resultOf(new Callback("k"));
      let caught: unknown;
      try {
        yield* resultOf(new Callback("k"));
      } catch (error) {
        caught = error;
      }
      first(1);
      yield* resultOf(new Wait("k"));
      const again = yield* resultOf(new Callback("k"));
      again(2);
      return [caught, yield* resultOf(new Wait("k"))];
    });
    const [error, second] = (await run()) as [KeyReuseError, number];
    assert.ok(error instanceof KeyReuseError);
    assert.equal(error.key, "k");
    assert.equal(second, 2);
  });

  test("throw UnknownKeyError for a key that was never given out", async () => {
    const run = coroutine(function* () {
      yield* resultOf(new Wait("nothing"));
    });
    await assert.rejects(run(), UnknownKeyError);
    const all = coroutine(function* () {
      yield* resultOf(new WaitAll(["nothing"]));
    });
    await assert.rejects(all(), UnknownKeyError);
  });

  test("throw LeakedCallbackError when the coroutine ends with a key pending", async () => {
    const run = coroutine(function* () {
      yield* resultOf(new Callback("forgotten"));
    });
    await assert.rejects(run(), (error: unknown) => {
      assert.ok(error instanceof LeakedCallbackError);
      assert.deepEqual(error.keys, ["forgotten"]);
      return true;
    });
    const failing = coroutine(function* () {
      yield* resultOf(new Callback("forgotten"));
      throw new RangeError("its own error comes first");
    });
    await assert.rejects(failing(), RangeError);
  });

  test("keep the keys of coroutines apart", async () => {
    const run = coroutine(function* (n: number) {
      const back = yield* resultOf(new Callback("same"));
      setImmediate(back, n);
      return yield* resultOf(new Wait("same"));
    });
    assert.deepEqual(await Promise.all([run(1), run(2)]), [1, 2]);
  });

  test("a YieldPoint of one's own decides when to go on", async () => {
    class Immediately extends YieldPoint<string> {
      #started = false;
      override start(): void {
        this.#started = true;
      }
      override isReady(): boolean {
        return this.#started;
      }
      override getResult(): string {
        return "ready";
      }
    }
    const run = coroutine(function* () {
      return yield* resultOf(new Immediately());
    });
    assert.equal(await run(), "ready");
  });
});

describe("Task()", () => {
  test("resolves with what the callback is called with", async () => {
    const add = (a: number, b: number, callback: (sum: number) => void): void => {
      setImmediate(callback, a + b);
    };
    assert.equal(await Task(add, 1, 2), 3);
    const several = await Task((callback: (a: number, b: number) => void) => callback(1, 2));
    assert.deepEqual((several as Arguments).args, [1, 2]);
  });

  test("rejects with what the function throws", async () => {
    const failing = (_callback: () => void): void => {
      throw new RangeError("at once");
    };
    await assert.rejects(Task(failing), RangeError);
  });
});

describe("engine()", () => {
  test("runs a generator for its effects and logs its error", async () => {
    let done: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      done = resolve;
    });
    const run = engine(function* work(this: void, n: number) {
      yield null;
      done();
      if (n > 0) throw new Error("failed");
    });
    assert.equal(run(0), undefined);
    await finished;
    await new ExpectLog(appLog, "the engine work failed").run(async () => {
      run(1);
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    });
  });

  test("logs ReturnValueIgnoredError for a value that nobody gets", async () => {
    const expected = new ExpectLog(appLog, "the engine answer failed");
    await expected.run(async () => {
      engine(function answer() {
        return 42;
      })();
      await new Promise(setImmediate);
    });
    assert.equal(expected.loggedStack, true);
    assert.equal(new ReturnValueIgnoredError("f").code, "ERR_SQUALL_RETURN_VALUE_IGNORED");
  });
});
