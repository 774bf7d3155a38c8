import "../support/guard.js";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { deflate, gzip } from "node:zlib";
import { withTimeout } from "squall/gen";
import { IOLoop, PeriodicCallback, TimeoutError } from "squall/ioloop";
import { VirtualClock, VirtualLoop, VirtualTimeError } from "squall/testing";

const sleep = (loop: IOLoop, ms: number): Promise<void> =>
  new Promise((resolve) => loop.callLater(ms, () => resolve()));
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("VirtualLoop.run()", () => {
  test("a wait of a minute is over at once, and exactly a minute has passed", async () => {
    const begin = performance.now();
    await VirtualLoop.run(async (loop) => {
      const wall = loop.wallTime();
      await assert.rejects(withTimeout(60_000, new Promise(() => {})), TimeoutError);
      assert.equal(loop.time(), 60_000);
      assert.equal(loop.wallTime() - wall, 60_000);
    });
    assert.ok(performance.now() - begin < 5000);
  });

  test("gives the result, closes its loop and puts the loop before it back", async () => {
    const before = IOLoop.current();
    let inside: VirtualLoop | undefined;
    const result = await VirtualLoop.run((loop) => {
      inside = loop;
      assert.equal(IOLoop.current(), loop);
      return 5;
    });
    assert.equal(result, 5);
    assert.equal(inside?.closed, true);
    assert.equal(IOLoop.current(), before);
    await assert.rejects(
      VirtualLoop.run(() => {
        throw new RangeError("no");
      }),
      RangeError,
    );
    assert.equal(IOLoop.current(), before);
    before.close();
    await VirtualLoop.run(() => {});
    assert.equal(IOLoop.current({ instance: false }), undefined);
  });

  test("a wait that nothing can end rejects with a VirtualTimeError instead of hanging", async () => {
    const stuck = VirtualLoop.run(() => new Promise(() => {}));
    await assert.rejects(
      stuck,
      (error) => error instanceof VirtualTimeError && /external/.test(error.message),
    );
  });

  test("a wait beside a timer that repeats for ever ends at the limit of virtual time", async () => {
    const stuck = VirtualLoop.run(
      () => {
        new PeriodicCallback(() => {}, 60_000).start();
        return new Promise(() => {});
      },
      { limit: 3_600_000 },
    );
    await assert.rejects(stuck, (error) => error instanceof VirtualTimeError && /limit/.test(error.message));
  });

  test("start() is told as well when nothing can end it", async () => {
    const loop = new VirtualLoop();
    await assert.rejects(loop.start(), VirtualTimeError);
    loop.close();
  });
});

describe("time stands still", () => {
  /** Runs `work` beside a timer of one millisecond, which must not fire before the work is done. */
  const before = (work: (loop: VirtualLoop) => Promise<unknown>): Promise<void> =>
    VirtualLoop.run(async (loop) => {
      let time = -1;
      const timer = sleep(loop, 1);
      await Promise.all([timer, work(loop).then(() => (time = loop.time()))]);
      assert.equal(time, 0);
    });

  test("while callbacks keep coming", () =>
    before(async (loop) => {
      for (let i = 0; i < 200; i++) await new Promise<void>((resolve) => loop.addCallback(resolve));
    }));

  test("while promises, ticks and immediates follow one another", () =>
    before(async () => {
      for (let i = 0; i < 50; i++) {
        await tick();
        for (let j = 0; j < 20; j++) await Promise.resolve();
        await immediate();
      }
    }));

  test("while a stream of Node passes data on", () =>
    before(async () => {
      let passed = 0;
      const echo = new Duplex({
        read() {},
        write(chunk, _encoding, done) {
          setImmediate(() => {
            this.push(chunk);
            done();
          });
        },
        final(done) {
          this.push(null);
          done();
        },
      });
      for (let i = 0; i < 20; i++) echo.write(Buffer.alloc(20_000));
      echo.end();
      for await (const chunk of echo) passed += (chunk as Buffer).length;
      assert.equal(passed, 400_000);
    }));

  test("while Node reads a file, registered or not", () =>
    before(async (loop) => {
      await readFile(new URL(import.meta.url));
      await loop.external(readFile(new URL(import.meta.url)));
    }));

  test("while Node reads a file of several megabytes again and again, not registered", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "squall-clock-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "large");
    await writeFile(file, Buffer.alloc(8_000_000));
    await before(async () => {
      for (let i = 0; i < 20; i++) assert.equal((await readFile(file)).length, 8_000_000);
    });
  });

  test("not longer than a read of a missing file takes", () =>
    VirtualLoop.run(async (loop) => {
      await assert.rejects(readFile(new URL("missing", import.meta.url)), { code: "ENOENT" });
      await sleep(loop, 60_000);
      assert.equal(loop.time(), 60_000);
    }));

  test("while a registered operation of another thread is under way", () =>
    before(async (loop) => {
      const data = randomBytes(300_000);
      for (let i = 0; i < 3; i++) await loop.external(promisify(deflate)(data));
    }));

  test("while the real world takes its time over a registered operation, without burning turns", () =>
    before(async (loop) => {
      let turns = 0;
      const { setAlarm } = loop.clock;
      loop.clock.setAlarm = (...args) => {
        turns += 1;
        return setAlarm.apply(loop.clock, args);
      };
      await loop.external(promisify(gzip)(Buffer.alloc(8_000_000)));
      assert.equal(turns, 0);
    }));

  test("while the network in memory has something to deliver", async () => {
    const network = { pending: 1 } as { pending: number };
    await VirtualLoop.run(
      async (loop) => {
        const timer = sleep(loop, 5);
        for (let i = 0; i < 100; i++) await immediate();
        assert.equal(loop.time(), 0);
        network.pending = 0;
        await timer;
        assert.equal(loop.time(), 5);
      },
      { network: network as never },
    );
  });
});

describe("time passes", () => {
  test("to timers in their order, with everything that one sets off done before the next", () =>
    VirtualLoop.run(async (loop) => {
      const seen: string[] = [];
      const walk = async (name: string, step: number): Promise<void> => {
        for (let i = 0; i < 4; i++) {
          await sleep(loop, step);
          await immediate();
          await tick();
          seen.push(`${name}${loop.time()}`);
        }
      };
      await Promise.all([walk("a", 30), walk("b", 20)]);
      assert.deepEqual(seen, ["b20", "a30", "b40", "a60", "b60", "b80", "a90", "a120"]);
    }));

  test("not to timers that were removed", () =>
    VirtualLoop.run(async (loop) => {
      loop.removeTimeout(loop.callLater(10, () => assert.fail("removed")));
      const later = loop.callLater(1000, () => assert.fail("removed, too"));
      await sleep(loop, 20);
      assert.equal(loop.time(), 20);
      loop.removeTimeout(later);
      for (let i = 0; i < 50; i++) await immediate();
      assert.equal(loop.time(), 20);
    }));

  test("in advance() alone when autoAdvance is off", async () => {
    const loop = new VirtualLoop({ autoAdvance: false, time: 500, wallTime: new Date("2030-01-01") });
    const seen: number[] = [];
    const ticks = new PeriodicCallback(() => seen.push(loop.time()), 100);
    ticks.start();
    for (let i = 0; i < 100; i++) await immediate();
    assert.equal(loop.time(), 500);
    await loop.advance(250);
    assert.deepEqual(seen, [600, 700]);
    assert.equal(loop.time(), 750);
    assert.equal(new Date(loop.wallTime()).toISOString(), "2030-01-01T00:00:00.250Z");
    await loop.advance(0);
    assert.equal(loop.time(), 750);
    await loop.settle();
    assert.equal(loop.time(), 750);
    await assert.rejects(loop.advance(-1), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    loop.close();
  });

  test("in advance() no further than asked, even when timers wait beyond", () =>
    VirtualLoop.run(async (loop) => {
      let fired = false;
      loop.callLater(1000, () => (fired = true));
      await loop.advance(999);
      assert.deepEqual([loop.time(), fired], [999, false]);
      await loop.advance(1);
      assert.deepEqual([loop.time(), fired], [1000, true]);
    }));

  test("inside a callback with spend(), and what became due meanwhile is late", () =>
    VirtualLoop.run(async (loop) => {
      const seen: string[] = [];
      loop.callLater(10, () => {
        loop.clock.spend(100);
        seen.push(`busy until ${loop.time()}`);
      });
      loop.callLater(50, () => seen.push(`due at 50, fired at ${loop.time()}`));
      await loop.advance(200);
      assert.deepEqual(seen, ["busy until 110", "due at 50, fired at 110"]);
    }));

  test("for two loops that share a clock", async () => {
    const clock = new VirtualClock();
    const a = new VirtualLoop({ clock, makeCurrent: false });
    const b = new VirtualLoop({ clock, makeCurrent: false });
    const seen: string[] = [];
    await a.runSync(async () => {
      void b.runSync(async () => {
        await sleep(b, 15);
        seen.push(`b${b.time()}`);
      });
      await sleep(a, 10);
      seen.push(`a${a.time()}`);
      await sleep(a, 10);
      seen.push(`a${a.time()}`);
    });
    assert.deepEqual(seen, ["a10", "b15", "a20"]);
    a.close();
    b.close();
  });
});

describe("the calendar", () => {
  test("begins at a fixed date, and setWallTime() moves it without touching timers", () =>
    VirtualLoop.run(async (loop) => {
      assert.equal(new Date(loop.wallTime()).toISOString(), "2025-01-01T00:00:00.000Z");
      let fired = -1;
      loop.callLater(1000, () => (fired = loop.time()));
      loop.clock.setWallTime(Date.UTC(1999, 11, 31));
      await loop.advance(500);
      loop.clock.setWallTime(Date.UTC(2099, 11, 31));
      await loop.advance(5000);
      assert.equal(fired, 1000);
      assert.equal(new Date(loop.wallTime()).toISOString(), "2099-12-31T00:00:05.000Z");
    }));
});
