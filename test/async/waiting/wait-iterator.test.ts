import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep, WaitIterator } from "squall/gen";
import { VirtualLoop } from "squall/testing";
import "../../support/guard.js";

const after = <T>(ms: number, value: T): Promise<T> => sleep(ms).then(() => value);

describe("WaitIterator", () => {
  test("gives results in the order of completion and tells whose they are", () =>
    VirtualLoop.run(async () => {
      const futures = [after(30, "c"), after(10, "a"), after(20, "b")];
      const waiting = new WaitIterator(...futures);
      assert.equal(waiting.currentIndex, undefined);
      const seen: unknown[] = [];
      while (!waiting.done()) {
        const result: string = await waiting.next();
        seen.push([result, waiting.currentIndex, futures.indexOf(waiting.currentFuture as never)]);
      }
      assert.deepEqual(seen, [
        ["a", 1, 1],
        ["b", 2, 2],
        ["c", 0, 0],
      ]);
    }));

  test("gives what is done already in the order in which it was done", () =>
    VirtualLoop.run(async () => {
      const waiting = new WaitIterator(after(2, "second"), after(1, "first"));
      await sleep(5);
      assert.equal(await waiting.next(), "first");
      assert.equal(await waiting.next(), "second");
    }));

  test("takes one object of named futures, and iterates", () =>
    VirtualLoop.run(async () => {
      const waiting = new WaitIterator<Promise<number>>({ slow: after(2, 2), fast: after(1, 1) });
      const seen: unknown[] = [];
      for await (const result of waiting) seen.push([waiting.currentIndex, result]);
      assert.deepEqual(seen, [
        ["fast", 1],
        ["slow", 2],
      ]);
      assert.equal(waiting.done(), true);
    }));

  test("refuses both forms at once", () => {
    assert.throws(() => new WaitIterator<unknown>(Promise.resolve(1), { a: Promise.resolve(1) }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
      message: /not both/,
    });
  });

  test("throws a future's error from the next() that delivers it, and goes on", () =>
    VirtualLoop.run(async () => {
      const waiting = new WaitIterator<Promise<number>>(
        after(2, 2),
        sleep(1).then(() => Promise.reject(new RangeError("mine"))),
      );
      await assert.rejects(waiting.next(), RangeError);
      assert.equal(waiting.currentIndex, 1);
      assert.equal(await waiting.next(), 2);
    }));

  test("lets several next() stand in line, and refuses one too many", () =>
    VirtualLoop.run(async () => {
      const waiting = new WaitIterator(after(2, "b"), after(1, "a"));
      const first = waiting.next();
      const second = waiting.next();
      await assert.rejects(waiting.next(), { code: "ERR_SQUALL_INVALID_STATE" });
      assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
    }));

  test("is done at once when there is nothing to wait for", async () => {
    assert.equal(new WaitIterator().done(), true);
    assert.equal(new WaitIterator({}).done(), true);
    for await (const result of new WaitIterator()) assert.fail(String(result));
  });

  test("takes whatever a coroutine may yield", async () => {
    function* body(): Generator<Promise<number>, number, number> {
      return (yield Promise.resolve(1)) + 1;
    }
    assert.equal(await new WaitIterator(body()).next(), 2);
    assert.throws(() => new WaitIterator(7), { code: "ERR_SQUALL_BAD_YIELD" });
  });
});

test("next() that is given up leaves the result for the next call", () =>
  VirtualLoop.run(async (loop) => {
    const slow = new Promise((resolve) => loop.callLater(1000, () => resolve("slow")));
    const waiting = new WaitIterator(slow);
    await assert.rejects(waiting.next({ timeout: 100 }), { code: "ERR_SQUALL_TIMEOUT" });
    assert.equal(waiting.done(), false);
    assert.equal(await waiting.next(), "slow");
    assert.equal(waiting.done(), true);
    await assert.rejects(
      new WaitIterator(slow).next({ signal: AbortSignal.abort("no") }),
      (error) => error === "no",
    );
  }));
