/**
 * What everything that waits promises about `{ signal, timeout }`, asked of each operation by one table: arguments are
 * checked before anything is registered, so a refused call leaves nothing behind.
 */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { ThreadExecutor } from "squall/concurrent";
import { sleep, TimeoutError, WaitIterator, withTimeout } from "squall/gen";
import type { IOLoop } from "squall/ioloop";
import { Condition, Event, Lock, Semaphore, type WaitOptions } from "squall/locks";
import { LifoQueue, Queue } from "squall/queues";
import { VirtualLoop } from "squall/testing";
import { cancellable } from "#room/async/cancel";
import "../support/guard.js";

interface Operation {
  wait(options?: WaitOptions): Promise<unknown>;
  /** What can be seen from outside; a refused or abandoned call leaves it as it was. */
  state(): unknown;
  /** Satisfies one wait and resolves with what it got, which shows that nothing of a refused call is in the way. */
  satisfy?(): unknown;
  /** What a wait gives whose time is over, if that is no TimeoutError. */
  readonly late?: unknown;
}

/** Every operation that waits for something that does not come by itself. */
const operations: Record<string, (loop: IOLoop) => Operation> = {
  "cancellable()": (loop) => {
    let begun = 0;
    return {
      wait: (options) =>
        cancellable(loop, "it", options, () => {
          begun++;
          return () => begun--;
        }),
      state: () => begun,
    };
  },
  "IOLoop.runSync()": (loop) => {
    const event = new Event();
    return {
      wait: (options) => loop.runSync(() => event.wait(), options),
      state: () => loop.timers.size,
      satisfy: () => event.set(),
    };
  },
  "withTimeout()": (loop) => ({
    // The timeout is an argument of its own here.
    wait: (options) =>
      withTimeout(options?.timeout ?? Number.POSITIVE_INFINITY, new Promise(() => {}), {
        signal: options?.signal,
      }),
    state: () => loop.timers.size,
  }),
  "Condition.wait()": () => {
    const condition = new Condition();
    return {
      wait: (options) => condition.wait(options),
      state: () => String(condition),
      satisfy: () => condition.notify(),
      late: false,
    };
  },
  "Event.wait()": () => {
    const event = new Event();
    return {
      wait: (options) => event.wait(options),
      state: () => String(event),
      satisfy: () => event.set(),
    };
  },
  "Lock.acquire()": () => {
    const lock = new Lock();
    lock.tryAcquire();
    return {
      wait: (options) => lock.acquire(options),
      state: () => String(lock),
      satisfy: () => lock.release(),
    };
  },
  "Lock.use()": () => {
    const lock = new Lock();
    lock.tryAcquire();
    return {
      wait: (options) => lock.use(() => assert.ok(lock.locked()), options),
      state: () => String(lock),
      satisfy: () => lock.release(),
    };
  },
  "Semaphore.acquire()": () => {
    const semaphore = new Semaphore(0);
    return {
      wait: (options) => semaphore.acquire(options),
      state: () => String(semaphore),
      satisfy: () => semaphore.release(),
    };
  },
  "Queue.get()": () => {
    const queue = new Queue<string>();
    return {
      wait: (options) => queue.get(options),
      state: () => String(queue),
      satisfy: () => queue.putNowait("item"),
    };
  },
  "Queue.put()": () => {
    const queue = new Queue<string>(1);
    queue.putNowait("a");
    return {
      wait: (options) => queue.put("b", options),
      state: () => String(queue),
      satisfy: () => queue.getNowait(),
    };
  },
  "LifoQueue.put()": () => {
    const queue = new LifoQueue<string>(1);
    queue.putNowait("a");
    return {
      wait: (options) => queue.put("b", options),
      state: () => String(queue),
      satisfy: () => queue.getNowait(),
    };
  },
  "Queue.join()": () => {
    const queue = new Queue<string>();
    queue.putNowait("a");
    return {
      wait: (options) => queue.join(options),
      state: () => String(queue),
      satisfy: () => queue.taskDone(),
    };
  },
  "WaitIterator.next()": () => {
    const event = new Event();
    const waiting = new WaitIterator(event.wait());
    return {
      wait: (options) => waiting.next(options),
      state: () => waiting.done(),
      satisfy: () => event.set(),
    };
  },
};

/** What is no option of a wait, and how the error begins. */
const INVALID: readonly (readonly [string, unknown, RegExp])[] = [
  ["a timeout that is not a number", { timeout: Number.NaN }, /^timeout must be/],
  ["a timeout in text", { timeout: "100" }, /^timeout must be/],
  ["an empty duration", { timeout: {} }, /^timeout must be/],
  ["a duration that overflows", { timeout: { days: 1e308 } }, /^timeout must be/],
  ["a controller in place of its signal", { signal: new AbortController() }, /pass controller\.signal$/],
  ["text in place of a signal", { signal: "stop" }, /^signal must be/],
];

for (const [name, make] of Object.entries(operations)) {
  describe(name, () => {
    test("rejects invalid options before it registers anything", () =>
      VirtualLoop.run(async (loop) => {
        const operation = make(loop);
        const before = operation.state();
        for (const [what, options, message] of INVALID) {
          const refused = operation.wait(options as WaitOptions);
          await assert.rejects(refused, { code: "ERR_SQUALL_INVALID_ARGUMENT", message }, what);
          assert.deepEqual(operation.state(), before, what);
        }
        if (operation.satisfy === undefined) return;
        const waiting = operation.wait();
        operation.satisfy();
        await waiting;
      }));

    test("takes null for no signal and no timeout", () =>
      VirtualLoop.run(async (loop) => {
        const operation = make(loop);
        const waiting = operation.wait({ signal: null, timeout: null });
        if (operation.satisfy === undefined) {
          await assert.rejects(withTimeout(1e6, waiting), TimeoutError);
        } else {
          operation.satisfy();
          await waiting;
        }
      }));

    test("takes a timeout of 0 and below for one that has just passed", () =>
      VirtualLoop.run(async (loop) => {
        for (const timeout of [0, -0.5, Number.NEGATIVE_INFINITY, { seconds: -1 }]) {
          const operation = make(loop);
          const before = operation.state();
          const start = loop.time();
          const waiting = operation.wait({ timeout });
          if ("late" in operation) assert.equal(await waiting, operation.late);
          else await assert.rejects(waiting, TimeoutError);
          assert.equal(loop.time(), start);
          assert.deepEqual(operation.state(), before);
        }
      }));

    test("takes a duration for its timeout", () =>
      VirtualLoop.run(async (loop) => {
        const operation = make(loop);
        const start = loop.time();
        const waiting = operation.wait({ timeout: { minutes: 5 } });
        if ("late" in operation) assert.equal(await waiting, operation.late);
        else await assert.rejects(waiting, TimeoutError);
        assert.equal(loop.time() - start, 300_000);
      }));

    test("rejects with the reason of a signal that has aborted, and registers nothing", () =>
      VirtualLoop.run(async (loop) => {
        const operation = make(loop);
        const before = operation.state();
        const signal = AbortSignal.abort(new Error("too late"));
        await assert.rejects(operation.wait({ signal }), /too late/);
        assert.deepEqual(operation.state(), before);
        assert.equal(getEventListeners(signal, "abort").length, 0);
      }));
  });
}

test("sleep() takes negative times and durations, and refuses what is invalid before it arms a timer", () =>
  VirtualLoop.run(async (loop) => {
    const start = loop.time();
    await sleep(-5, { signal: null });
    assert.equal(loop.time(), start);
    await sleep({ minutes: 1 });
    assert.equal(loop.time() - start, 60_000);
    for (const [what, options] of INVALID) {
      if (!("signal" in (options as object))) continue;
      await assert.rejects(
        sleep(1, options as { signal: AbortSignal }),
        { code: "ERR_SQUALL_INVALID_ARGUMENT" },
        what,
      );
    }
    await assert.rejects(sleep(Number.NaN), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    assert.equal(loop.timers.size, 0);
  }));

test("callLater() takes a duration", () =>
  VirtualLoop.run(async (loop) => {
    const start = loop.time();
    await new Promise<void>((resolve) => loop.callLater({ minutes: 5 }, resolve));
    assert.equal(loop.time() - start, 300_000);
    assert.throws(() => loop.callLater({ days: 1e308 }, () => {}), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  }));

test("ThreadExecutor.run() starts no thread for a call that is refused", async () => {
  await using pool = new ThreadExecutor(new URL("data:text/javascript,export const one = () => 1"));
  for (const [what, options, message] of INVALID) {
    await assert.rejects(pool.run("one", [], options as WaitOptions), { message }, what);
  }
  assert.equal(pool.workers, 0);
  assert.equal(pool.waiting, 0);
});
