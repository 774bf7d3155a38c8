import "../support/guard.js";
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { DummyExecutor, Future } from "squall/concurrent";
import { IOLoop, TimeoutError } from "squall/ioloop";
import { appLog } from "squall/log";
import { ExpectLog, VirtualLoop } from "squall/testing";

afterEach(() => IOLoop.current({ instance: false })?.close());

const turn = (loop: IOLoop): Promise<void> => new Promise((resolve) => loop.addCallback(resolve));
const code = (code: string): { code: string } => ({ code: `ERR_SQUALL_${code}` });

describe("the current loop", () => {
  test("current() makes a loop when there is none, and answers undefined with instance: false", () => {
    assert.equal(IOLoop.current({ instance: false }), undefined);
    const loop = IOLoop.current();
    assert.ok(loop instanceof IOLoop);
    assert.equal(IOLoop.current(), loop);
  });

  test("the first loop becomes current, further ones do not unless they are told to", () => {
    const first = new IOLoop();
    const second = new IOLoop();
    assert.equal(IOLoop.current(), first);
    second.makeCurrent();
    assert.equal(IOLoop.current(), second);
    first.makeCurrent();
    assert.equal(IOLoop.current(), first);
    IOLoop.clearCurrent();
    assert.equal(IOLoop.current({ instance: false }), undefined);
    first.makeCurrent();
    IOLoop.clearCurrent();
    assert.equal(IOLoop.current({ instance: false }), undefined);
    const third = new IOLoop({ makeCurrent: false });
    assert.equal(IOLoop.current({ instance: false }), undefined);
    for (const loop of [first, second, third]) loop.close();
  });

  test("makeCurrent: true is refused when there is a current loop already", () => {
    const loop = IOLoop.current();
    assert.throws(() => new IOLoop({ makeCurrent: true }), code("INVALID_STATE"));
    assert.equal(IOLoop.current(), loop);
  });

  test("a loop is the current one while runSync() runs it, and the former one afterwards", async () => {
    const former = IOLoop.current();
    const loop = new IOLoop();
    const running = loop.runSync(async () => {
      assert.equal(IOLoop.current(), loop);
      await turn(loop);
      assert.equal(IOLoop.current(), loop);
    });
    assert.equal(IOLoop.current(), loop);
    await running;
    assert.equal(IOLoop.current(), former);
    await assert.rejects(
      loop.runSync(() => {
        throw new Error("no");
      }),
    );
    assert.equal(IOLoop.current(), former);
    loop.close();
  });

  test("a loop is the current one from start() to stop(), and the former one afterwards", async () => {
    const former = IOLoop.current();
    const loop = new IOLoop();
    const started = loop.start();
    assert.equal(IOLoop.current(), loop);
    loop.stop();
    await started;
    assert.equal(IOLoop.current(), former);
    loop.close();
  });

  test("runs of several loops may end in any order: the one that is left goes back to the first", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const first = new IOLoop();
      const others = [new IOLoop(), new IOLoop()];
      const ends: (() => void)[] = [];
      const runs = others.map((loop) => loop.runSync(() => new Promise<void>((end) => ends.push(end))));
      assert.equal(IOLoop.current(), others[1]);
      await turn(first);
      ends[order[0]!]!();
      await runs[order[0]!];
      assert.equal(IOLoop.current(), others[order[1]!]);
      ends[order[1]!]!();
      await runs[order[1]!];
      assert.equal(IOLoop.current(), first);
      for (const loop of [...others, first]) loop.close();
    }
  });

  test("a loop that was closed meanwhile is not put back", async () => {
    const former = IOLoop.current();
    const loop = new IOLoop();
    await loop.runSync(() => former.close());
    assert.equal(IOLoop.current({ instance: false }), undefined);
    loop.close();
  });

  test("an explicit makeCurrent() during a run stays in force after it", async () => {
    const former = IOLoop.current();
    const [loop, other] = [new IOLoop(), new IOLoop()];
    await loop.runSync(() => other.makeCurrent());
    assert.equal(IOLoop.current(), other);
    for (const each of [loop, other, former]) each.close();
  });

  test("a closed loop is not current any more", () => {
    IOLoop.current().close();
    assert.equal(IOLoop.current({ instance: false }), undefined);
  });

  test("configure() decides which class current() makes", () => {
    class Mine extends IOLoop {}
    IOLoop.configure(Mine);
    try {
      assert.ok(IOLoop.current() instanceof Mine);
    } finally {
      IOLoop.configure(undefined);
    }
    IOLoop.current().close();
    assert.ok(!(IOLoop.current() instanceof Mine));
    assert.throws(() => IOLoop.configure(Map as never), code("INVALID_ARGUMENT"));
  });

  test("initialize() may be overridden by a subclass", () => {
    class Shy extends IOLoop {
      override initialize(): void {}
    }
    new Shy().close();
    assert.equal(IOLoop.current({ instance: false }), undefined);
  });
});

describe("callbacks", () => {
  test("addCallback() passes arguments and keeps the order", async () => {
    const loop = IOLoop.current();
    const seen: string[] = [];
    loop.addCallback((a: string, b: number) => seen.push(a + b), "a", 1);
    loop.addCallbackFromSignal((a: string) => seen.push(a), "b");
    loop.spawnCallback(() => seen.push("c"));
    assert.deepEqual(seen, []);
    await turn(loop);
    assert.deepEqual(seen, ["a1", "b", "c"]);
  });

  test("a callback added by a callback waits for the next iteration", async () => {
    const loop = IOLoop.current();
    const seen: string[] = [];
    loop.addCallback(() => {
      loop.addCallback(() => seen.push("later"));
      setImmediate(() => seen.push("node"));
    });
    loop.addCallback(() => seen.push("same round"));
    await turn(loop);
    assert.deepEqual(seen, ["same round"]);
    await turn(loop);
    assert.deepEqual(seen, ["same round", "later"]);
    await turn(loop);
    assert.deepEqual(seen, ["same round", "later", "node"]);
  });

  test("an error in a callback is logged with its name and stack, and the loop goes on", async () => {
    const loop = IOLoop.current();
    const log = new ExpectLog(appLog, /Exception in callback explode/);
    await log.run(async () => {
      loop.addCallback(function explode() {
        throw new Error("bang");
      });
      await turn(loop);
    });
    assert.ok(log.loggedStack);
  });

  test("the error of a promise that a callback returned is logged", async () => {
    const loop = IOLoop.current();
    await new ExpectLog(appLog, /Exception in callback explodeLater/).run(async () => {
      loop.addCallback(async function explodeLater() {
        await turn(loop);
        throw new Error("bang");
      });
      await turn(loop);
      await turn(loop);
    });
  });

  test("a generator that a callback returned is driven to its end", async () => {
    const loop = IOLoop.current();
    const seen: unknown[] = [];
    loop.addCallback(function* () {
      seen.push(yield turn(loop).then(() => 7));
    });
    await turn(loop);
    await turn(loop);
    await turn(loop);
    assert.deepEqual(seen, [7]);
  });

  test("handleCallbackException() may be overridden, and an error in the override hurts nobody", async () => {
    class Careful extends IOLoop {
      readonly caught: unknown[] = [];
      override handleCallbackException(_callback: unknown, error: unknown): void {
        this.caught.push(error);
        if (error === "worse") throw new Error("in the handler");
      }
    }
    const loop = new Careful();
    await new ExpectLog(appLog, /Exception in handleCallbackException/).run(async () => {
      for (const error of ["bad", "worse", "still here"]) {
        loop.addCallback(() => {
          throw error;
        });
      }
      await turn(loop);
    });
    assert.deepEqual(loop.caught, ["bad", "worse", "still here"]);
  });

  test("after close() callbacks and timers are dropped, also those that waited", async () => {
    const loop = IOLoop.current();
    const seen: string[] = [];
    loop.addCallback(() => seen.push("waiting"));
    loop.callLater(0, () => seen.push("timer"));
    loop.close();
    loop.close();
    loop.addCallback(() => seen.push("late"));
    assert.equal(loop.callLater(0, () => seen.push("late timer")).pending, false);
    await turn(IOLoop.current());
    await turn(IOLoop.current());
    assert.deepEqual(seen, []);
    await assert.rejects(loop.start(), code("INVALID_STATE"));
    await assert.rejects(
      loop.runSync(() => 1),
      code("INVALID_STATE"),
    );
  });

  test("a callback that closes the loop is the last one of its round", async () => {
    const loop = IOLoop.current();
    const seen: string[] = [];
    loop.addCallback(() => loop.close());
    loop.addCallback(() => seen.push("after close"));
    await new Promise(setImmediate);
    assert.deepEqual(seen, []);
  });

  test("addFuture() calls back with the settled future in an iteration of the loop", async () => {
    const loop = IOLoop.current();
    const future = new Future<number>();
    const seen: unknown[] = [];
    loop.addFuture(future, (done) => seen.push(done === future, done.result()));
    const failed = Promise.reject(new Error("expected"));
    let heardOfFailure = false;
    loop.addFuture(failed, (done) => (heardOfFailure = done === failed));
    future.setResult(5);
    assert.deepEqual(seen, []);
    await turn(loop);
    await turn(loop);
    assert.deepEqual(seen, [true, 5]);
    assert.ok(heardOfFailure);
  });
});

describe("timers", () => {
  test("callLater() is never early on the computer's own clock, and passes arguments", async () => {
    const loop = IOLoop.current();
    const begin = loop.time();
    const seen = await new Promise((resolve) => loop.callLater(20, (a, b) => resolve([a, b]), 1, "x"));
    assert.deepEqual(seen, [1, "x"]);
    assert.ok(loop.time() - begin >= 20);
  });

  test("timers fire by deadline, and equal deadlines in the order in which they were made", () =>
    VirtualLoop.run(async (loop) => {
      const seen: string[] = [];
      const at = loop.time() + 100;
      loop.callAt(at, () => seen.push("first of the equals"));
      loop.callLater(200, () => seen.push("later"));
      loop.callLater(100, () => seen.push("second of the equals"));
      loop.addTimeout(at, () => seen.push("third of the equals"));
      loop.addTimeout({ milliseconds: 50 }, () => seen.push("earlier"));
      loop.callLater(-5, () => seen.push("past"));
      await loop.advance(1000);
      assert.deepEqual(seen, [
        "past",
        "earlier",
        "first of the equals",
        "second of the equals",
        "third of the equals",
        "later",
      ]);
    }));

  test("addTimeout() takes loop time or a duration and refuses anything else", () =>
    VirtualLoop.run(async (loop) => {
      await loop.advance(1000);
      let fired = -1;
      loop.addTimeout({ minutes: 1, seconds: 30 }, () => {
        fired = loop.time();
      });
      await loop.advance(100_000);
      assert.equal(fired, 91_000);
      for (const bad of [Number.NaN, "5", undefined, null, {}, { weeks: 1 }, new Date()]) {
        assert.throws(() => loop.addTimeout(bad as number, () => {}), code("INVALID_ARGUMENT"));
      }
      assert.throws(() => loop.callLater("5" as unknown as number, () => {}), code("INVALID_ARGUMENT"));
      assert.throws(() => loop.callLater(5, undefined as never), code("INVALID_ARGUMENT"));
    }));

  test("removeTimeout() calls a timer off, also one due in the same moment, and is harmless afterwards", () =>
    VirtualLoop.run(async (loop) => {
      const seen: string[] = [];
      const a = loop.callLater(10, () => {
        seen.push("a");
        loop.removeTimeout(b);
        loop.removeTimeout(a);
      });
      const b = loop.callLater(10, () => seen.push("b"));
      const c = loop.callLater(10, () => seen.push("c"));
      loop.removeTimeout(c);
      loop.removeTimeout(c);
      assert.deepEqual([a.pending, c.pending], [true, false]);
      await loop.advance(20);
      loop.removeTimeout(a);
      assert.deepEqual(seen, ["a"]);
      assert.equal(a.pending, false);
    }));

  test("a timer that a timer adds waits for the next turn, however early its deadline", () =>
    VirtualLoop.run(async (loop) => {
      const seen: string[] = [];
      loop.callLater(10, () => {
        loop.callLater(0, () => seen.push("added"));
        loop.callAt(0, () => seen.push("added in the past"));
      });
      loop.callLater(10, () => seen.push("due"));
      await loop.advance(10);
      assert.deepEqual(seen, ["due", "added in the past", "added"]);
    }));

  test("a delay of Infinity never fires", () =>
    VirtualLoop.run(async (loop) => {
      const never = loop.callLater(Number.POSITIVE_INFINITY, () => assert.fail("fired"));
      await loop.advance(1e12);
      assert.ok(never.pending);
    }));

  test("an error in a timer is logged, and the others of the same moment fire", () =>
    VirtualLoop.run(async (loop) => {
      let fired = false;
      loop.callLater(5, function explode() {
        throw new Error("bang");
      });
      loop.callLater(5, () => {
        fired = true;
      });
      await new ExpectLog(appLog, /Exception in callback explode/).run(() => loop.advance(5));
      assert.ok(fired);
    }));
});

describe("runSync(), start() and stop()", () => {
  test("runSync() resolves with a value, a promise's value or a generator's", async () => {
    const loop = IOLoop.current();
    assert.equal(await loop.runSync(() => 1), 1);
    assert.equal(await loop.runSync(async () => 2), 2);
    const three: number = await loop.runSync(function* () {
      yield turn(loop);
      return 3;
    });
    assert.equal(three, 3);
  });

  test("runSync() rejects with the error that its function threw, at once or later", async () => {
    const loop = IOLoop.current();
    const now = (): never => {
      throw new RangeError("now");
    };
    await assert.rejects(loop.runSync(now), RangeError);
    await assert.rejects(
      loop.runSync(async () => now()),
      RangeError,
    );
  });

  test("runSync() rejects with a TimeoutError that names the time, and tells its function", async () => {
    const loop = new VirtualLoop();
    let told: unknown;
    const waiting = loop.runSync(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            told = signal.reason;
            reject(told);
          });
        }),
      { timeout: 60_000 },
    );
    await assert.rejects(waiting, (error) => error instanceof TimeoutError && /60000 ms/.test(error.message));
    assert.ok(told instanceof TimeoutError);
    assert.equal(loop.time(), 60_000);
  });

  test("runSync() rejects with the reason of its signal, before and after the beginning", async () => {
    const loop = IOLoop.current();
    const controller = new AbortController();
    const waiting = loop.runSync(() => new Promise(() => {}), { signal: controller.signal });
    controller.abort("enough");
    await assert.rejects(waiting, (reason) => reason === "enough");
    let called = false;
    const refused = loop.runSync(() => (called = true), { signal: controller.signal });
    await assert.rejects(refused, (reason) => reason === "enough");
    assert.equal(called, false);
    await assert.rejects(
      loop.runSync(() => 1, { timeout: Number.NaN }),
      code("INVALID_ARGUMENT"),
    );
  });

  test("an error that comes after runSync() has given up is logged", async () => {
    const loop = new VirtualLoop();
    await new ExpectLog(appLog, /Exception in callback slow/).run(async () => {
      const slow = async (): Promise<void> => {
        await new Promise((resolve) => loop.callLater(200, () => resolve(undefined)));
        throw new Error("too late");
      };
      await assert.rejects(loop.runSync(slow, { timeout: 100 }), TimeoutError);
      await loop.advance(200);
    });
  });

  test("stop() makes a runSync() under way reject", async () => {
    const loop = IOLoop.current();
    const waiting = loop.runSync(() => new Promise(() => {}));
    loop.stop();
    await assert.rejects(waiting, code("INVALID_STATE"));
  });

  test("start() resolves after stop(), once the callbacks of that iteration are done", async () => {
    const loop = IOLoop.current();
    const seen: string[] = [];
    const started = loop.start().then(() => seen.push("stopped"));
    assert.equal(loop.running, true);
    await assert.rejects(loop.start(), code("INVALID_STATE"));
    loop.addCallback(() => {
      loop.stop();
      seen.push("stopping");
    });
    loop.addCallback(() => seen.push("same iteration"));
    await started;
    assert.equal(loop.running, false);
    assert.deepEqual(seen, ["stopping", "same iteration", "stopped"]);
    await turn(loop);
  });

  test("stop() before start() makes the next start() return soon, and only that one", async () => {
    const loop = IOLoop.current();
    loop.stop();
    await loop.start();
    const second = loop.start();
    await turn(loop);
    await turn(loop);
    assert.equal(loop.running, true);
    loop.stop();
    await second;
  });

  test("close() is refused while the loop is running", async () => {
    const loop = IOLoop.current();
    const started = loop.start();
    assert.throws(() => loop.close(), code("INVALID_STATE"));
    loop.stop();
    await started;
    loop.close();
    assert.equal(loop.closed, true);
  });
});

describe("elsewhere", () => {
  test("runInExecutor() runs in the given executor, else in the loop's own", async () => {
    const loop = IOLoop.current();
    const seen: string[] = [];
    class Named extends DummyExecutor {
      readonly #name: string;
      constructor(name: string) {
        super();
        this.#name = name;
      }
      override submit<A extends unknown[], R>(
        task: string | ((...args: A) => R),
        ...args: A
      ): Promise<Awaited<R>> {
        seen.push(this.#name);
        return super.submit(task, ...args);
      }
    }
    assert.equal(await loop.runInExecutor(undefined, () => 2), 2);
    loop.setDefaultExecutor(new Named("default"));
    assert.equal(await loop.runInExecutor(undefined, (a: number, b: number) => a + b, 1, 2), 3);
    assert.equal(await loop.runInExecutor(new Named("given"), () => 4), 4);
    assert.deepEqual(seen, ["default", "given"]);
  });

  test("addSignalHandler() turns a signal into a callback until it is removed or the loop is closed", async () => {
    const loop = IOLoop.current();
    const before = process.listenerCount("SIGUSR2");
    const seen: string[] = [];
    loop.addSignalHandler("SIGUSR2", () => seen.push("replaced"));
    loop.addSignalHandler("SIGUSR2", (text: string) => seen.push(text), "got it");
    assert.equal(process.listenerCount("SIGUSR2"), before + 1);
    process.emit("SIGUSR2");
    await turn(loop);
    assert.deepEqual(seen, ["got it"]);
    assert.equal(loop.removeSignalHandler("SIGUSR2"), true);
    assert.equal(loop.removeSignalHandler("SIGUSR2"), false);
    loop.addSignalHandler("SIGUSR2", () => {});
    loop.close();
    assert.equal(process.listenerCount("SIGUSR2"), before);
  });

  test("external() hands the result on and beginExternal() may be ended twice", async () => {
    const loop = new VirtualLoop();
    assert.equal(await loop.external(Promise.resolve(3)), 3);
    await assert.rejects(loop.external(Promise.reject(new Error("no"))), /no/);
    const end = loop.beginExternal();
    assert.equal(loop.pendingExternals, 1);
    end();
    end();
    assert.equal(loop.pendingExternals, 0);
  });
});
