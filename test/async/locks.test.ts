import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { coroutine, resultOf, sleep, TimeoutError } from "squall/gen";
import {
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  ReleasingContext,
  Semaphore,
  type WaitOptions,
} from "squall/locks";
import { Queue } from "squall/queues";
import { VirtualLoop } from "squall/testing";
import "../support/guard.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Every kind of waiting that rejects when its time is over, on an object where nothing is to be had. */
const waits: Record<
  string,
  () => { wait(options?: WaitOptions): Promise<unknown>; shown(): string; bare: string }
> = {
  "Event.wait": () => {
    const event = new Event();
    return { wait: (o) => event.wait(o), shown: () => String(event), bare: "<Event clear>" };
  },
  "Semaphore.acquire": () => {
    const semaphore = new Semaphore(0);
    return { wait: (o) => semaphore.acquire(o), shown: () => String(semaphore), bare: "<Semaphore locked>" };
  },
  "Lock.acquire": () => {
    const lock = new Lock();
    assert.ok(lock.tryAcquire());
    return { wait: (o) => lock.acquire(o), shown: () => String(lock), bare: "<Lock locked>" };
  },
  "Queue.get": () => {
    const queue = new Queue();
    return { wait: (o) => queue.get(o), shown: () => String(queue), bare: "<Queue maxsize:0>" };
  },
  "Queue.put": () => {
    const queue = new Queue(1);
    queue.putNowait(1);
    return {
      wait: (o) => queue.put(2, o),
      shown: () => String(queue),
      bare: "<Queue maxsize:1 items:1 unfinished:1>",
    };
  },
  "Queue.join": () => {
    const queue = new Queue();
    queue.putNowait(1);
    queue.getNowait();
    return { wait: (o) => queue.join(o), shown: () => String(queue), bare: "<Queue maxsize:0 unfinished:1>" };
  },
};

for (const [name, make] of Object.entries(waits)) {
  describe(`${name}()`, () => {
    test("rejects with TimeoutError when its time is over, 0 ms included", () =>
      VirtualLoop.run(async (loop) => {
        const { wait, shown, bare } = make();
        const start = loop.time();
        await assert.rejects(wait({ timeout: 250 }), (error: Error) => {
          assert.ok(error instanceof TimeoutError);
          assert.match(error.message, /^timed out after 250 ms while waiting/);
          return true;
        });
        await assert.rejects(wait({ timeout: 0 }), TimeoutError);
        assert.equal(loop.time() - start, 250);
        assert.equal(shown(), bare);
      }));

    test("rejects with the signal's reason, at once if it has aborted, and leaves no listener", () =>
      VirtualLoop.run(async () => {
        const { wait, shown, bare } = make();
        const controller = new AbortController();
        const { signal } = controller;
        await assert.rejects(wait({ signal, timeout: 1 }), TimeoutError);
        assert.equal(getEventListeners(signal, "abort").length, 0);
        const reason = new Error("gone");
        const waiting = [wait({ signal, timeout: 10 }), wait({ signal })];
        assert.equal(getEventListeners(signal, "abort").length, 1, "one listener serves all who wait");
        controller.abort(reason);
        for (const each of waiting) await assert.rejects(each, reason);
        await assert.rejects(wait({ signal }), reason);
        assert.equal(shown(), bare);
      }));

    test("refuses a timeout that is not a number", async () => {
      const { wait, shown, bare } = make();
      await assert.rejects(wait({ timeout: Number.NaN }), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
      assert.equal(shown(), bare);
    });
  });
}

describe("the list of waiters", () => {
  test("leaves nothing behind when 100,000 waits time out", () =>
    VirtualLoop.run(async () => {
      const { wait, shown, bare } = (waits["Queue.put"] as NonNullable<(typeof waits)[string]>)();
      const { gc } = globalThis as { gc?: () => void };
      assert.ok(gc, "run with --expose-gc");
      const batch = async (count: number): Promise<void> => {
        const { signal } = new AbortController();
        const all: Promise<unknown>[] = [];
        for (let i = 0; i < count; i++) all.push(wait({ timeout: 1, signal }));
        await Promise.allSettled(all);
      };
      // The test runner tracks every promise until it is collected and keeps room for as many; hence the warm-up.
      const settled = async (): Promise<number> => {
        for (let i = 0; i < 3; i++) {
          gc();
          await turn();
        }
        return process.memoryUsage().heapUsed;
      };
      await batch(100_000);
      const before = await settled();
      await batch(100_000);
      const grown = (await settled()) - before;
      assert.equal(shown(), bare);
      assert.ok(grown < 2_000_000, `the heap has grown by ${grown} bytes`);
    }));
});

describe("Condition", () => {
  test("notify() wakes in order of arrival, one or as many as asked", async () => {
    const condition = new Condition();
    const woken: number[] = [];
    for (let i = 0; i < 5; i++) void condition.wait().then((answer) => woken.push(answer ? i : -1));
    condition.notify();
    await turn();
    assert.deepEqual(woken, [0]);
    condition.notify(2);
    await turn();
    assert.deepEqual(woken, [0, 1, 2]);
    condition.notifyAll();
    await turn();
    assert.deepEqual(woken, [0, 1, 2, 3, 4]);
  });

  test("has no memory: a notification that nobody waits for is lost", () =>
    VirtualLoop.run(async () => {
      const condition = new Condition();
      condition.notify(5);
      condition.notifyAll();
      assert.equal(await condition.wait({ timeout: 1 }), false);
    }));

  test("wait() answers false when its time is over, and such a waiter uses up no notification", () =>
    VirtualLoop.run(async (loop) => {
      const condition = new Condition();
      const first = condition.wait({ timeout: 10 });
      const second = condition.wait({ timeout: 100 });
      assert.equal(await first, false);
      assert.equal(loop.time(), 10);
      condition.notify();
      assert.equal(await second, true);
      assert.equal(loop.time(), 10);
    }));

  test("wait() rejects when its signal aborts", async () => {
    const controller = new AbortController();
    const condition = new Condition();
    const waiting = condition.wait({ signal: controller.signal });
    assert.equal(String(condition), "<Condition waiters:1>");
    controller.abort(new Error("gone"));
    await assert.rejects(waiting, /gone/);
    assert.equal(inspect(condition), "<Condition>");
  });

  test("notify() inside a waiter's continuation wakes those who are left", async () => {
    const condition = new Condition();
    const woken: string[] = [];
    void condition.wait().then(() => {
      woken.push("first");
      condition.notify();
    });
    void condition.wait().then(() => woken.push("second"));
    condition.notify();
    await turn();
    assert.deepEqual(woken, ["first", "second"]);
  });

  test("notify() refuses a number that is none", () => {
    assert.throws(() => new Condition().notify(-1), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    new Condition().notify(Number.POSITIVE_INFINITY);
  });
});

describe("Event", () => {
  test("set() wakes all who wait, even if it is cleared at once", async () => {
    const event = new Event();
    assert.equal(event.isSet(), false);
    const waiting = [event.wait(), event.wait()];
    assert.equal(String(event), "<Event clear waiters:2>");
    event.set();
    event.clear();
    await Promise.all(waiting);
    assert.equal(event.isSet(), false);
  });

  test("wait() resolves at once when it is set; setting twice changes nothing", async () => {
    const event = new Event();
    event.set();
    event.set();
    await event.wait({ timeout: 0 });
    assert.equal(inspect(event), "<Event set>");
    event.clear();
    assert.equal(String(event), "<Event clear>");
  });
});

describe("Semaphore", () => {
  test("lets as many in as its value says, and the others in order of arrival", async () => {
    const semaphore = new Semaphore({ value: 2 });
    const inside: number[] = [];
    const held: ReleasingContext[] = [];
    for (let i = 0; i < 5; i++) {
      void semaphore.acquire().then((place) => {
        inside.push(i);
        held.push(place);
      });
    }
    await turn();
    assert.deepEqual(inside, [0, 1]);
    assert.equal(semaphore.locked(), true);
    assert.equal(String(semaphore), "<Semaphore locked waiters:3>");
    semaphore.release();
    await turn();
    assert.deepEqual(inside, [0, 1, 2]);
    held[1]?.release();
    held[1]?.release();
    await turn();
    assert.deepEqual(inside, [0, 1, 2, 3], "a place is given back once");
  });

  test("hands a place over without letting a newcomer slip in", async () => {
    const semaphore = new Semaphore();
    const first = await semaphore.acquire();
    const order: string[] = [];
    const waiting = semaphore.acquire().then((held) => {
      order.push("waiter");
      held.release();
    });
    first.release();
    assert.equal(semaphore.tryAcquire(), undefined);
    const newcomer = semaphore.acquire().then(() => order.push("newcomer"));
    await Promise.all([waiting, newcomer]);
    assert.deepEqual(order, ["waiter", "newcomer"]);
  });

  test("gives the place to the next when the first in line has given up", () =>
    VirtualLoop.run(async () => {
      const semaphore = new Semaphore();
      const held = await semaphore.acquire();
      const impatient = semaphore.acquire({ timeout: 5 });
      const patient = semaphore.acquire({ timeout: 500 });
      await assert.rejects(impatient, TimeoutError);
      held.release();
      assert.ok((await patient) instanceof ReleasingContext);
    }));

  test("keeps a place that was handed over in the tick in which the signal aborts", async () => {
    const semaphore = new Semaphore(0);
    const controller = new AbortController();
    const waiting = semaphore.acquire({ signal: controller.signal });
    semaphore.release();
    controller.abort(new Error("too late"));
    (await waiting).release();
    assert.equal(semaphore.value, 1);
  });

  test("release() may raise the value above where it began", () => {
    const semaphore = new Semaphore(1);
    semaphore.release();
    assert.equal(semaphore.value, 2);
    assert.equal(String(semaphore), "<Semaphore unlocked value:2>");
  });

  test("begins with 1, and refuses a value below 0", () => {
    assert.equal(new Semaphore().value, 1);
    assert.equal(new Semaphore({ value: 3 }).value, 3);
    for (const value of [-1, 1.5, Number.NaN, "1"]) {
      assert.throws(() => new Semaphore(value as never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  });

  test("gives the place back at the end of using and await using, errors included", async () => {
    const semaphore = new Semaphore();
    {
      using _held = await semaphore.acquire();
      assert.equal(semaphore.value, 0);
    }
    assert.equal(semaphore.value, 1);
    await assert.rejects(async () => {
      await using _held = await semaphore.acquire();
      throw new Error("inside");
    }, /inside/);
    assert.equal(semaphore.value, 1);
  });

  test("use() holds a place while its body runs, be it plain, async or a generator", async () => {
    const semaphore = new Semaphore();
    assert.equal(await semaphore.use(() => semaphore.value), 0);
    assert.equal(await semaphore.use(async () => "async"), "async");
    const n: number = await semaphore.use(function* () {
      yield null;
      return 7;
    });
    assert.equal(n, 7);
    await assert.rejects(
      semaphore.use(() => {
        throw new RangeError("body");
      }),
      RangeError,
    );
    assert.equal(semaphore.value, 1);
    const full = new Semaphore(0);
    await VirtualLoop.run(() =>
      assert.rejects(
        full.use(() => 1, { timeout: 5 }),
        TimeoutError,
      ),
    );
  });
});

describe("BoundedSemaphore", () => {
  test("refuses a release too many", async () => {
    const semaphore = new BoundedSemaphore(2);
    assert.throws(() => semaphore.release(), { code: "ERR_SQUALL_INVALID_STATE" });
    const held = await semaphore.acquire();
    held.release();
    assert.throws(() => semaphore.release(), /its bound is 2/);
    assert.equal(semaphore.value, 2);
    assert.equal(String(semaphore), "<BoundedSemaphore unlocked value:2>");
  });
});

describe("Lock", () => {
  test("lets one in at a time, first come first served", () =>
    VirtualLoop.run(async () => {
      const lock = new Lock();
      const log: string[] = [];
      const work = async (name: string): Promise<void> => {
        await lock.use(async () => {
          log.push(`${name} in`);
          await sleep(10);
          log.push(`${name} out`);
        });
      };
      await Promise.all([work("a"), work("b"), work("c")]);
      assert.deepEqual(log, ["a in", "a out", "b in", "b out", "c in", "c out"]);
      assert.equal(lock.locked(), false);
    }));

  test("release() refuses when nobody holds it", () => {
    assert.throws(() => new Lock().release(), { code: "ERR_SQUALL_INVALID_STATE" });
  });

  test("works in a coroutine, with using", async () => {
    const lock = new Lock();
    const run = coroutine(function* () {
      using _held = yield* resultOf(lock.acquire());
      return lock.locked();
    });
    assert.equal(await run(), true);
    assert.equal(lock.locked(), false);
  });

  test("tryAcquire() takes it only when it is free", () => {
    const lock = new Lock();
    const held = lock.tryAcquire();
    assert.ok(held);
    assert.equal(lock.tryAcquire(), undefined);
    assert.equal(inspect(lock), "<Lock locked>");
    held.release();
    assert.equal(inspect(lock), "<Lock unlocked>");
  });
});
