import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { coroutine, Multi, multi, multiFuture } from "squall/gen";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import "../../support/guard.js";

const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));
const failLater = (error: Error): Promise<never> =>
  new Promise((_resolve, reject) => setImmediate(reject, error));

describe("multi()", () => {
  test("keeps order and shape, whatever completes first", async () => {
    assert.deepEqual(await multi([later("slow"), Promise.resolve("fast")]), ["slow", "fast"]);
    const { a, b } = await multi({ a: later(1), b: [later("x")] });
    assert.equal(a.toFixed(), "1");
    assert.equal(b[0]?.toUpperCase(), "X");
    assert.deepEqual(await multi(new Set([later(1), later(2)])), [1, 2]);
  });

  test("gives an empty list for an empty list", async () => {
    assert.deepEqual(await multi([]), []);
    assert.deepEqual(await multi({}), {});
  });

  test("takes __proto__ for a name like any other", async () => {
    const children = JSON.parse('{"__proto__": null, "a": null}') as Record<string, null>;
    const result = await multi(children);
    assert.deepEqual(Object.keys(result), ["__proto__", "a"]);
    assert.equal(Object.getPrototypeOf(result), Object.prototype);
  });

  test("takes the same promise twice", async () => {
    const promise = later(1);
    assert.deepEqual(await multi([promise, promise]), [1, 1]);
    const failing = failLater(new RangeError("once"));
    await assert.rejects(multi([failing, failing]), RangeError);
  });

  test("waits for all and throws the first error in the order of the list", async () => {
    let finished = false;
    const slow = later(1)
      .then(later)
      .then(() => {
        finished = true;
      });
    const run = multi([
      failLater(new Error("first in order")),
      slow,
      Promise.reject(new Error("first in time")),
    ]);
    await new ExpectLog(appLog, "another member failed").run(() => assert.rejects(run, /first in order/));
    assert.equal(finished, true);
  });

  test("logs the other errors unless their class is quiet", async () => {
    const errors = (): Promise<never>[] => [
      failLater(new Error("first")),
      failLater(new RangeError("second")),
      failLater(new SyntaxError("third")),
    ];
    const loud = new ExpectLog(appLog, "another member failed");
    await loud.run(() => assert.rejects(multi(errors()), /first/));
    assert.equal(loud.matched, 2);
    const half = new ExpectLog(appLog, "another member failed");
    await half.run(() => assert.rejects(multi(errors(), { quietExceptions: RangeError }), /first/));
    assert.equal(half.matched, 1);
    await assert.rejects(multi(errors(), { quietExceptions: [RangeError, SyntaxError] }), /first/);
  });

  test("reports a member that cannot be waited for in its place, and waits for the others", async () => {
    let finished = false;
    await assert.rejects(multi([later(1).then(() => (finished = true)), 7]), {
      code: "ERR_SQUALL_BAD_YIELD",
    });
    assert.equal(finished, true);
  });

  test("refuses what is neither list nor object", async () => {
    await assert.rejects(multi(7 as never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  test("has its old names", () => {
    assert.equal(multiFuture, multi);
    assert.equal(Multi, multi);
  });

  test("is what yielding a list or an object does", async () => {
    const run = coroutine(function* () {
      const list: unknown = yield [later(1), later(2)];
      const named: unknown = yield { a: later(3) };
      return [list, named];
    });
    assert.deepEqual(await run(), [[1, 2], { a: 3 }]);
  });
});
