import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { Future } from "squall/concurrent";
import { sleep, TimeoutError, withTimeout } from "squall/gen";
import { appLog } from "squall/log";
import { ExpectLog, VirtualLoop } from "squall/testing";
import "../../support/guard.js";

const never = new Promise<never>(() => {});

describe("withTimeout()", () => {
  test("rejects with TimeoutError when the time is over, and not before", () =>
    VirtualLoop.run(async (loop) => {
      const start = loop.time();
      await assert.rejects(withTimeout(60_000, never), TimeoutError);
      assert.equal(loop.time() - start, 60_000);
      await assert.rejects(withTimeout({ minutes: 1 }, never), /timed out after 60000 ms/);
      assert.equal(loop.time() - start, 120_000);
    }));

  test("gives the result or the error of what is done in time, and leaves no timer", () =>
    VirtualLoop.run(async (loop) => {
      const start = loop.time();
      assert.equal(await withTimeout(10, Promise.resolve(1)), 1);
      assert.deepEqual(await withTimeout(10, [sleep(5).then(() => "a"), Promise.resolve("b")]), ["a", "b"]);
      await assert.rejects(withTimeout(10, Promise.reject(new RangeError("own"))), RangeError);
      assert.equal(
        await withTimeout(
          Number.POSITIVE_INFINITY,
          sleep(1e6).then(() => "late"),
        ),
        "late",
      );
      await sleep(1);
      assert.equal(loop.time() - start, 5 + 1e6 + 1);
    }));

  test("lets the operation go on, and logs its late error unless the class is quiet", () =>
    VirtualLoop.run(async () => {
      const failing = (): Promise<never> =>
        sleep(20).then(() => {
          throw new RangeError("late");
        });
      const expected = new ExpectLog(appLog, "after withTimeout\\(\\) had given up");
      await expected.run(async () => {
        await assert.rejects(withTimeout(10, failing()), TimeoutError);
        await sleep(30);
      });
      assert.equal(expected.loggedStack, true);
      await assert.rejects(withTimeout(10, failing(), { quietExceptions: RangeError }), TimeoutError);
      await assert.rejects(
        withTimeout(10, failing(), { quietExceptions: [TypeError, RangeError] }),
        TimeoutError,
      );
      await sleep(30);
    }));

  test("is quiet about late results and cancellations", () =>
    VirtualLoop.run(async () => {
      const future = new Future<number>();
      await assert.rejects(withTimeout(10, future), TimeoutError);
      assert.equal(future.done(), false, "the operation is not cancelled");
      future.cancel();
      const other = new Future<number>();
      await assert.rejects(withTimeout(10, other), TimeoutError);
      other.setResult(1);
      await sleep(1);
    }));

  test("stops a function through its signal", () =>
    VirtualLoop.run(async () => {
      let reason: unknown;
      const operation = (signal: AbortSignal): Promise<void> => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
        });
        return sleep(100, { signal });
      };
      await assert.rejects(withTimeout(10, operation), (error) => {
        assert.ok(error instanceof TimeoutError);
        assert.equal(reason, error);
        return true;
      });
      assert.equal(await withTimeout(10, async () => "in time"), "in time");
    }));

  test("stops waiting when its signal aborts, and leaves no listener", () =>
    VirtualLoop.run(async () => {
      const controller = new AbortController();
      const { signal } = controller;
      await withTimeout(10, sleep(1), { signal });
      assert.equal(getEventListeners(signal, "abort").length, 0);
      const waiting = withTimeout(10, never, { signal });
      controller.abort(new Error("gone"));
      await assert.rejects(waiting, /gone/);
      await assert.rejects(withTimeout(10, sleep(1), { signal }), /gone/);
    }));

  test("refuses invalid times and operations that cannot be waited for", async () => {
    await assert.rejects(withTimeout(Number.NaN, never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    await assert.rejects(withTimeout(Number.NaN, never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    await assert.rejects(withTimeout("1s" as never, never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    await assert.rejects(withTimeout(1, 7), { code: "ERR_SQUALL_BAD_YIELD" });
  });
});

describe("sleep()", () => {
  test("resolves after so many milliseconds or a duration", () =>
    VirtualLoop.run(async (loop) => {
      const start = loop.time();
      await sleep(1500);
      await sleep({ seconds: 1.5 });
      await sleep(0);
      assert.equal(loop.time() - start, 3000);
    }));

  test("ends with the signal's reason, without a trace", () =>
    VirtualLoop.run(async (loop) => {
      const controller = new AbortController();
      const { signal } = controller;
      const start = loop.time();
      await sleep(5, { signal });
      assert.equal(getEventListeners(signal, "abort").length, 0);
      const long = sleep(1e9, { signal });
      controller.abort(new Error("wake up"));
      await assert.rejects(long, /wake up/);
      await assert.rejects(sleep(1, { signal }), /wake up/);
      assert.equal(loop.time() - start, 5);
    }));

  test("refuses an invalid delay", async () => {
    await assert.rejects(sleep(Number.NaN), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    await assert.rejects(sleep(undefined as never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});
