import "../../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Arguments,
  CallbackKeys,
  coroutine,
  engine,
  KeyReuseError,
  LeakedCallbackError,
  ReturnValueIgnoredError,
  Task,
  UnknownKeyError,
} from "squall/gen";
import { ExpectLog } from "squall/testing";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("CallbackKeys", () => {
  test("wait() gives what the callback was called with, be it before or after", async () => {
    const run = coroutine(function* (): Generator<unknown, unknown[], unknown> {
      const keys = new CallbackKeys();
      const early = keys.callback("early");
      const late = keys.callback("late");
      early(1);
      setImmediate(late, 2, 3);
      const results: unknown[] = [yield keys.wait("early"), yield keys.wait("late")];
      keys.close();
      return results;
    });
    const [one, several] = (await run()) as [unknown, Arguments];
    assert.equal(one, 1);
    assert.ok(several instanceof Arguments);
    assert.deepEqual([...several], [2, 3]);
  });

  test("waitAll() gives the results in the order of the keys", async () => {
    const keys = new CallbackKeys();
    const [a, b] = [keys.callback("a"), keys.callback("b")];
    b("second");
    a("first");
    a("ignored");
    assert.deepEqual(await keys.waitAll(["a", "b"]), ["first", "second"]);
    keys.close();
  });

  test("a key is used once at a time", async () => {
    const keys = new CallbackKeys();
    keys.callback("k")();
    assert.throws(() => keys.callback("k"), KeyReuseError);
    assert.equal(await keys.wait("k"), undefined);
    await assert.rejects(keys.wait("k"), UnknownKeyError);
    keys.callback("k")(7);
    assert.equal(await keys.wait("k"), 7);
    keys.close();
  });

  test("close() throws LeakedCallbackError with the keys that are pending, once", () => {
    const keys = new CallbackKeys();
    keys.callback("x");
    keys.callback(2);
    assert.throws(
      () => keys.close(),
      (error: unknown) => error instanceof LeakedCallbackError && error.keys.join() === "x,2",
    );
    keys.close();
  });
});

describe("Task()", () => {
  test("resolves with what the function calls back with, several arguments as Arguments", async () => {
    assert.equal(await Task((a: number, done: (n: number) => void) => done(a + 1), 1), 2);
    assert.equal(await Task((done: () => void) => done()), undefined);
    const several = await Task((done: (...args: number[]) => void) => done(1, 2));
    assert.deepEqual([...(several as Arguments)], [1, 2]);
  });

  test("rejects with what the function throws", async () => {
    await assert.rejects(
      Task((_done: () => void) => {
        throw new Error("no");
      }),
      /no/,
    );
  });
});

describe("engine()", () => {
  test("runs its body, returns nothing, and keeps the name", async () => {
    const seen: unknown[] = [];
    const start = engine(function* fetchAll(a: number) {
      seen.push(a);
      seen.push(yield Promise.resolve(2));
    });
    assert.equal(start(1), undefined);
    assert.equal(start.name, "fetchAll");
    await turn();
    assert.deepEqual(seen, [1, 2]);
  });

  test("logs the error of its body, and a value that it returns", async () => {
    using errors = new ExpectLog("squall.application", /the engine bad failed/, { level: "error" });
    const returned: unknown[] = [];
    engine(function* bad() {
      yield null;
      throw new Error("no");
    })();
    await turn();
    await turn();
    assert.ok(errors.loggedStack);
    using ignored = new ExpectLog("squall.application", /the engine generous failed/);
    engine(async function generous() {
      returned.push(1);
      return 1;
    })();
    await turn();
    assert.ok(ignored.loggedStack);
    assert.equal(new ReturnValueIgnoredError("generous").code, "ERR_SQUALL_RETURN_VALUE_IGNORED");
  });
});
