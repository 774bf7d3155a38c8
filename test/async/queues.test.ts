import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { sleep } from "squall/gen";
import { LifoQueue, PriorityQueue, Queue, QueueEmpty, QueueFull } from "squall/queues";
import { VirtualLoop } from "squall/testing";
import "../support/guard.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function drain<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

describe("Queue", () => {
  test("takes maxsize as a number or an option; 0 and Infinity are no limit", () => {
    assert.equal(new Queue(2).maxsize, 2);
    assert.equal(new Queue({ maxsize: 3 }).maxsize, 3);
    for (const unlimited of [new Queue(), new Queue(0), new Queue({ maxsize: Number.POSITIVE_INFINITY })]) {
      for (let i = 0; i < 2000; i++) unlimited.putNowait(i);
      assert.equal(unlimited.full(), false);
    }
  });

  test("refuses a maxsize that is negative, null or no integer", () => {
    for (const bad of [-1, null, 1.5, "2", { maxsize: null }, { maxsize: -1 }]) {
      assert.throws(() => new Queue(bad as never), { code: "ERR_SQUALL_INVALID_ARGUMENT" }, inspect(bad));
    }
  });

  test("putNowait() and getNowait() work first in, first out, and throw when they would have to wait", () => {
    const queue = new Queue<number>(2);
    assert.throws(() => queue.getNowait(), QueueEmpty);
    queue.putNowait(1);
    queue.putNowait(2);
    assert.equal(queue.full(), true);
    assert.throws(() => queue.putNowait(3), QueueFull);
    assert.equal(queue.qsize(), 2);
    assert.deepEqual(drain(queue), [1, 2]);
    assert.equal(queue.empty(), true);
  });

  test("gives an item directly to the getter who has waited longest", async () => {
    const queue = new Queue<string>();
    const first = queue.get();
    const second = queue.get();
    await queue.put("a");
    assert.equal(queue.qsize(), 0);
    queue.putNowait("b");
    assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
  });

  test("lets putters wait in order while it is full", async () => {
    const queue = new Queue<number>(1);
    const done: number[] = [];
    for (let i = 0; i < 4; i++) void queue.put(i).then(() => done.push(i));
    await turn();
    assert.deepEqual(done, [0]);
    assert.equal(queue.getNowait(), 0);
    await turn();
    assert.deepEqual(done, [0, 1]);
    assert.equal(await queue.get(), 1);
    assert.equal(await queue.get(), 2);
    assert.equal(await queue.get(), 3);
    await turn();
    assert.deepEqual(done, [0, 1, 2, 3]);
  });

  test("does not put the item of a putter who gave up, nor lose one to a getter who did", () =>
    VirtualLoop.run(async () => {
      const queue = new Queue<string>(1);
      queue.putNowait("first");
      const controller = new AbortController();
      const aborted = queue.put("aborted", { signal: controller.signal });
      const late = queue.put("late", { timeout: 5 });
      const patient = queue.put("patient");
      controller.abort(new Error("gone"));
      await assert.rejects(aborted, /gone/);
      await assert.rejects(late);
      assert.equal(await queue.get(), "first");
      await patient;
      assert.equal(await queue.get(), "patient");
      const impatient = queue.get({ timeout: 5 });
      const next = queue.get();
      await assert.rejects(impatient);
      queue.putNowait("for the next");
      assert.equal(await next, "for the next");
    }));

  test("delivers an item that was handed over in the tick in which the signal aborts", async () => {
    const queue = new Queue<number>();
    const controller = new AbortController();
    const item = queue.get({ signal: controller.signal });
    queue.putNowait(1);
    controller.abort(new Error("too late"));
    assert.equal(await item, 1);
  });

  test("join() waits until taskDone() was called for every put, gets do not count", async () => {
    const queue = new Queue<number>();
    await queue.join();
    queue.putNowait(1);
    queue.putNowait(2);
    let joined = false;
    const join = queue.join().then(() => {
      joined = true;
    });
    drain(queue);
    queue.taskDone();
    await turn();
    assert.equal(joined, false);
    queue.taskDone();
    await join;
    assert.throws(() => queue.taskDone(), { code: "ERR_SQUALL_INVALID_STATE" });
  });

  test("iterates for ever; leaving the loop keeps what was not delivered", async () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 5; i++) queue.putNowait(i);
    const seen: number[] = [];
    for await (const item of queue) {
      seen.push(item);
      if (item === 2) break;
    }
    assert.deepEqual(seen, [0, 1, 2]);
    assert.equal(queue.qsize(), 2);
    const iterator = queue[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    const pending = iterator.next();
    queue.putNowait(9);
    assert.deepEqual(await pending, { done: false, value: 9 });
  });

  test("carries undefined and null like any other item", async () => {
    const queue = new Queue<unknown>();
    const waiting = queue.get();
    queue.putNowait(undefined);
    queue.putNowait(null);
    assert.equal(await waiting, undefined);
    assert.equal(await queue.get(), null);
  });

  test("lets producers and consumers work together", () =>
    VirtualLoop.run(async () => {
      const queue = new Queue<number>(3);
      const seen: number[] = [];
      const consumers = [1, 2].map(async (pace) => {
        for await (const item of queue) {
          if (item < 0) return;
          await sleep(pace);
          seen.push(item);
          queue.taskDone();
        }
      });
      for (let i = 0; i < 20; i++) await queue.put(i);
      await queue.join();
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i),
      );
      await queue.put(-1);
      await queue.put(-1);
      await Promise.all(consumers);
    }));

  test("tells about itself", async () => {
    const queue = new Queue<number>({ maxsize: 1 });
    assert.equal(String(queue), "<Queue maxsize:1>");
    queue.putNowait(1);
    void queue.put(2);
    assert.equal(inspect(queue), "<Queue maxsize:1 items:1 putters:1 unfinished:1>");
    const other = new LifoQueue();
    void other.get();
    assert.equal(String(other), "<LifoQueue maxsize:0 getters:1>");
  });

  test("hands 200,000 items from a producer to a consumer without losing one", async () => {
    const queue = new Queue<number>(100);
    let sum = 0;
    const consumer = (async () => {
      for (let i = 0; i < 200_000; i++) sum += await queue.get();
    })();
    for (let i = 0; i < 200_000; i++) await queue.put(i);
    await consumer;
    assert.equal(sum, 19_999_900_000);
    assert.equal(queue.qsize(), 0);
  });

  test("takes a million items at once and gives them back in order", () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 1_000_000; i++) queue.putNowait(i);
    for (let i = 0; i < 1_000_000; i++) if (queue.getNowait() !== i) assert.fail(`at ${i}`);
  });

  test("agrees with a simple model, whatever is done to it", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("put" as const), item: fc.integer() }),
      fc.record({ kind: fc.constant("get" as const), item: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 }),
        fc.array(step, { maxLength: 40 }),
        async (maxsize, steps) => {
          const queue = new Queue<number>(maxsize);
          const got: number[] = [];
          const put = steps.filter((s) => s.kind === "put").map((s) => s.item);
          const gets = steps.length - put.length;
          for (const { kind, item } of steps) {
            if (kind === "put") void queue.put(item);
            else void queue.get().then((value) => got.push(value));
          }
          await turn();
          assert.deepEqual(got, put.slice(0, gets));
          const left = Math.max(0, put.length - gets);
          assert.equal(queue.qsize(), maxsize === 0 ? left : Math.min(left, maxsize));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a subclass of Queue", () => {
  test("orders items as its init(), putItem() and getItem() say, also for those who wait", async () => {
    class Loudest extends Queue<string> {
      #items: Set<string> | undefined;
      inits = 0;
      protected override init(): void {
        this.inits++;
        this.#items = new Set();
      }
      protected override putItem(item: string): void {
        if (item === "") throw new RangeError("nothing to say");
        this.#items?.add(item);
      }
      protected override getItem(): string {
        const [loudest] = [...(this.#items ?? [])].sort((a, b) => b.length - a.length);
        this.#items?.delete(loudest as string);
        return loudest as string;
      }
    }
    const queue = new Loudest(3);
    for (const word of ["a", "aaa", "aa"]) queue.putNowait(word);
    assert.equal(queue.inits, 1);
    const waiting = queue.put("aaaa");
    assert.equal(queue.getNowait(), "aaaa");
    await waiting;
    assert.deepEqual(drain(queue), ["aaa", "aa", "a"]);
    assert.throws(() => queue.putNowait(""), RangeError);
    await assert.rejects(queue.put(""), RangeError);
    assert.equal(queue.qsize(), 0);
    const getter = queue.get();
    queue.putNowait("through");
    assert.equal(await getter, "through");
  });

  test("rejects the putter who waited when its item is refused, and serves the next", async () => {
    const queue = new PriorityQueue<unknown>(1);
    queue.putNowait(1);
    const bad = queue.put({});
    const good = queue.put(2);
    assert.equal(queue.getNowait(), 1);
    await assert.rejects(bad, /no natural order/);
    await good;
    assert.deepEqual(drain(queue), [2]);
  });
});

describe("PriorityQueue", () => {
  test("gives the smallest first, and equals in order of arrival", () => {
    const queue = new PriorityQueue<[number, object]>();
    const jobs = [{ job: 0 }, { job: 1 }, { job: 2 }, { job: 3 }];
    queue.putNowait([2, jobs[0] as object]);
    queue.putNowait([1, jobs[1] as object]);
    queue.putNowait([2, jobs[2] as object]);
    queue.putNowait([0, jobs[3] as object]);
    assert.deepEqual(
      drain(queue).map(([, job]) => jobs.indexOf(job as never)),
      [3, 1, 0, 2],
    );
  });

  test("compares numbers, strings, bigints, dates, booleans and tuples", () => {
    const sorted = (items: unknown[]): unknown[] => {
      const queue = new PriorityQueue<unknown>();
      for (const item of items) queue.putNowait(item);
      return drain(queue);
    };
    assert.deepEqual(sorted([3, 1n, 2.5]), [1n, 2.5, 3]);
    assert.deepEqual(sorted(["b", "B", "a"]), ["B", "a", "b"]);
    assert.deepEqual(sorted([new Date(2), new Date(1)]), [new Date(1), new Date(2)]);
    assert.deepEqual(sorted([true, false]), [false, true]);
    assert.deepEqual(sorted([[1, 2], [1], [0, 9, 9], [1, [2, "a"]].slice(0, 1)]), [
      [0, 9, 9],
      [1],
      [1],
      [1, 2],
    ]);
  });

  test("refuses what cannot be compared, and stays whole", () => {
    const queue = new PriorityQueue<unknown>();
    for (const bad of [{}, undefined, null, Number.NaN, Symbol("s"), new Date(Number.NaN)]) {
      assert.throws(() => queue.putNowait(bad), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
    queue.putNowait(1);
    for (const bad of ["1", {}, [1]]) assert.throws(() => queue.putNowait(bad), /compare function/);
    assert.equal(queue.qsize(), 1);
    assert.deepEqual(drain(queue), [1]);
    assert.throws(() => new PriorityQueue({ compare: 1 as never }), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  test("sorts by its compare function", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.integer({ min: 0, max: 5 }), id: fc.nat() })), (items) => {
        const queue = new PriorityQueue<{ at: number; id: number }>({ compare: (a, b) => b.at - a.at });
        for (const item of items) queue.putNowait(item);
        assert.deepEqual(
          drain(queue),
          items.toSorted((a, b) => b.at - a.at),
        );
      }),
    );
  });
});

describe("LifoQueue", () => {
  test("gives the youngest first", async () => {
    const queue = new LifoQueue<number>({ maxsize: 2 });
    queue.putNowait(1);
    queue.putNowait(2);
    assert.deepEqual(drain(queue), [2, 1]);
  });
});

describe("the order of those who wait for room", () => {
  test("LifoQueue gives the item of a waiting putter first, as the youngest", async () => {
    const queue = new LifoQueue<number>({ maxsize: 1 });
    await queue.put(1);
    const waiting = queue.put(2);
    assert.deepEqual([queue.getNowait(), queue.getNowait()], [2, 1]);
    await waiting;
  });

  test("PriorityQueue sorts the item of a waiting putter among the others before one is taken", async () => {
    const queue = new PriorityQueue<number>({ maxsize: 1 });
    await queue.put(2);
    const waiting = queue.put(1);
    assert.deepEqual([queue.getNowait(), queue.getNowait()], [1, 2]);
    await waiting;
  });

  test("PriorityQueue keeps within its maxsize between two calls, however many wait", async () => {
    const queue = new PriorityQueue<number>({ maxsize: 2 });
    const puts = [5, 4, 3, 2, 1].map((item) => queue.put(item));
    const taken: number[] = [];
    while (!queue.empty()) {
      taken.push(queue.getNowait());
      assert.ok(queue.qsize() <= 2);
    }
    await Promise.all(puts);
    assert.deepEqual(taken, [3, 2, 1, 4, 5]);
  });
});
