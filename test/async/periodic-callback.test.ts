import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeriodicCallback } from "squall/ioloop";
import { appLog } from "squall/log";
import { ExpectLog, VirtualLoop } from "squall/testing";

describe("PeriodicCallback", () => {
  test("calls every interval, first one interval after start(), until stop()", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [];
      const ticks = new PeriodicCallback(() => at.push(loop.time()), 1000);
      assert.equal(ticks.isRunning(), false);
      await loop.advance(10);
      ticks.start();
      ticks.start();
      assert.equal(ticks.isRunning(), true);
      assert.equal(ticks.ioLoop, loop);
      await loop.advance(3500);
      ticks.stop();
      ticks.stop();
      assert.equal(ticks.isRunning(), false);
      await loop.advance(5000);
      assert.deepEqual(at, [1010, 2010, 3010]);
      ticks.start();
      await loop.advance(1000);
      assert.deepEqual(at, [1010, 2010, 3010, 9510]);
      ticks[Symbol.dispose]();
    }));

  test("Next run is the next multiple of the interval after now: missed ticks are skipped, the phase is kept", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [];
      const busy = [0, 2500, 0, 1000, 0];
      const ticks = new PeriodicCallback(() => {
        at.push(loop.time());
        loop.clock.spend(busy.shift() ?? 0);
      }, 1000);
      ticks.start();
      await loop.advance(9000);
      ticks.stop();
      // 2000 + 2500 = 4500: 3000 and 4000 are missed. 6000 + 1000 = 7000 exactly: that tick is over, too.
      assert.deepEqual(at, [1000, 2000, 5000, 6000, 8000, 9000]);
    }));

  test("an asynchronous callback never overlaps itself", () =>
    VirtualLoop.run(async (loop) => {
      const log: string[] = [];
      const ticks = new PeriodicCallback(async () => {
        log.push(`begin ${loop.time()}`);
        await new Promise((resolve) => loop.callLater(1500, () => resolve(undefined)));
        log.push(`end ${loop.time()}`);
      }, 1000);
      ticks.start();
      await loop.advance(5600);
      ticks.stop();
      assert.deepEqual(log, ["begin 1000", "end 2500", "begin 3000", "end 4500", "begin 5000"]);
      await loop.advance(5000);
      assert.equal(log.length, 6);
    }));

  test("generators are driven, and the next call waits for them", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [];
      const ticks = new PeriodicCallback(
        function* () {
          yield new Promise((resolve) => loop.callLater(1200, () => resolve(undefined)));
          at.push(loop.time());
        },
        { seconds: 1 },
      );
      ticks.start();
      await loop.advance(6000);
      ticks.stop();
      assert.deepEqual(at, [2200, 4200]);
    }));

  test("errors are logged with the callback's name, and the calls go on", () =>
    VirtualLoop.run(async (loop) => {
      let calls = 0;
      const ticks = new PeriodicCallback(function explode() {
        calls += 1;
        throw new Error("now");
      }, 100);
      const later = new PeriodicCallback(async function explodeLater() {
        calls += 1;
        throw new Error("later");
      }, 100);
      const now = new ExpectLog(appLog, /Exception in callback explode$/m);
      const then = new ExpectLog(appLog, /Exception in callback explodeLater$/m);
      await now.run(() =>
        then.run(async () => {
          ticks.start();
          later.start();
          await loop.advance(300);
          ticks.stop();
          later.stop();
        }),
      );
      assert.equal(calls, 6);
      assert.deepEqual([now.matched, then.matched], [3, 3]);
    }));

  test("a callback may stop itself, or start itself anew", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [];
      const ticks = new PeriodicCallback(() => {
        at.push(loop.time());
        ticks.stop();
        if (at.length === 1) ticks.start();
      }, 100);
      ticks.start();
      await loop.advance(1000);
      assert.deepEqual(at, [100, 200]);
    }));

  test("stopping and starting while an asynchronous call is under way leaves one series, not two", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [];
      const ticks = new PeriodicCallback(async () => {
        at.push(loop.time());
        await new Promise((resolve) => loop.callLater(50, () => resolve(undefined)));
      }, 100);
      ticks.start();
      await loop.advance(110);
      ticks.stop();
      ticks.start();
      await loop.advance(400);
      ticks.stop();
      assert.deepEqual(at, [100, 210, 310, 410, 510]);
    }));

  test("jitter varies each interval by up to half its fraction to either side", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [0];
      const ticks = new PeriodicCallback(() => at.push(loop.time()), 1000, { jitter: 0.5 });
      ticks.start();
      await loop.advance(200_000);
      ticks.stop();
      const intervals = at.slice(1).map((time, i) => time - at[i]!);
      assert.ok(Math.min(...intervals) >= 750 && Math.max(...intervals) <= 1250);
      assert.ok(Math.max(...intervals) - Math.min(...intervals) > 250, "and they do vary");
    }));

  test("the calendar being put right neither fires nor loses a tick", () =>
    VirtualLoop.run(async (loop) => {
      const at: number[] = [];
      const ticks = new PeriodicCallback(() => at.push(loop.time()), 1000);
      ticks.start();
      await loop.advance(1500);
      loop.clock.setWallTime(new Date("1999-01-01"));
      await loop.advance(1000);
      loop.clock.setWallTime(new Date("2099-01-01"));
      await loop.advance(1000);
      ticks.stop();
      assert.deepEqual(at, [1000, 2000, 3000]);
    }));

  test("an interval that is not above 0, or a jitter outside 0 to 1, is refused", () =>
    VirtualLoop.run(() => {
      const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
      for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5", { seconds: 0 }, {}]) {
        assert.throws(() => new PeriodicCallback(() => {}, bad as number), refused);
      }
      for (const jitter of [-0.1, 1.1, Number.NaN]) {
        assert.throws(() => new PeriodicCallback(() => {}, 1, { jitter }), refused);
      }
      assert.throws(() => new PeriodicCallback(undefined as never, 1), refused);
    }));
});
