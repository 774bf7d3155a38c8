import "../../support/guard.js";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import fc from "fast-check";
import { IOLoop } from "squall/ioloop";
import { VirtualLoop } from "squall/testing";
import { Deadline } from "#room/async/timers/deadline";
import { runModule } from "../../support/module-program.js";

afterEach(() => IOLoop.current({ instance: false })?.close());

/** The promise of every deadline: never early, and at most so late. */
const slack = (ms: number): number => Math.max(500, ms / 8);

describe("Deadline", () => {
  test("onExpire is called once with the owner, never early and at most max(500, ms / 8) late", async () => {
    for (const ms of [0, 1, 499, 500, 4000, 4096, 30_000, 620_000, 86_400_000]) {
      const loop = new VirtualLoop({ makeCurrent: false });
      const owner = { fired: [] as number[] };
      const deadline = new Deadline(loop, (it: typeof owner) => it.fired.push(loop.time()), owner);
      await loop.advance(1234);
      deadline.set(ms);
      await loop.advance(2 * ms + 2000);
      assert.equal(owner.fired.length, 1, `${ms}`);
      const late = owner.fired[0]! - 1234 - ms;
      assert.ok(late >= 0 && late <= slack(ms), `${ms} ms: ${late} ms late`);
      assert.equal(deadline.active, false);
      loop.close();
    }
  });

  test("any history of set() and clear() expires exactly those deadlines that a plain list would", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            which: fc.integer({ min: 0, max: 3 }),
            what: fc.oneof(
              fc.record({
                set: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 100_000 })),
              }),
              fc.constant("clear" as const),
              fc.constant("dispose" as const),
            ),
            wait: fc.integer({ min: 0, max: 20_000 }),
          }),
          { maxLength: 30 },
        ),
        async (history) => {
          const loop = new VirtualLoop({ makeCurrent: false });
          /** What a plain list knows: when each was set to expire and how late it may be. */
          const plain = [0, 1, 2, 3].map(() => ({ due: Infinity, slack: 0, disposed: false }));
          const fail: string[] = [];
          const deadlines = plain.map(
            (each, i) =>
              new Deadline(
                loop,
                () => {
                  const now = loop.time();
                  if (now < each.due) fail.push(`${i} fired at ${now}, early or uncalled for (${each.due})`);
                  if (now > each.due + each.slack) fail.push(`${i} fired at ${now}, late for ${each.due}`);
                  each.due = Infinity;
                },
                undefined,
              ),
          );
          const overdue = (): void => {
            for (const each of plain) if (loop.time() > each.due + each.slack) fail.push("one was forgotten");
          };
          for (const { which, what, wait } of history) {
            const deadline = deadlines[which]!;
            const each = plain[which]!;
            if (what === "clear") {
              deadline.clear();
              each.due = Infinity;
            } else if (what === "dispose") {
              deadline.dispose();
              each.disposed = true;
              each.due = Infinity;
            } else {
              deadline.set(what.set);
              if (!each.disposed) each.due = loop.time() + what.set;
              each.slack = slack(what.set);
            }
            assert.equal(deadline.due, each.due);
            assert.equal(deadline.active, each.due !== Infinity);
            await loop.advance(wait);
            overdue();
          }
          await loop.advance(200_000);
          overdue();
          loop.close();
          assert.deepEqual(fail, []);
        },
      ),
      { numRuns: 60 },
    ));

  test("set() to an earlier time than before expires at the earlier time", async () => {
    const loop = new VirtualLoop();
    let fired = -1;
    const deadline = new Deadline(loop, () => (fired = loop.time()), undefined);
    deadline.set(620_000);
    deadline.set(1000);
    await loop.advance(1500);
    assert.ok(fired >= 1000 && fired <= 1500);
  });

  test("moving a deadline later reads no clock when the time is given, and arms nothing", () => {
    const loop = new VirtualLoop();
    const deadline = new Deadline(loop, () => {}, undefined);
    deadline.set(30_000);
    let calls = 0;
    const { time, setAlarm } = loop.clock;
    loop.clock.time = () => {
      calls += 1;
      return time.call(loop.clock);
    };
    loop.clock.setAlarm = (...args) => {
      calls += 1;
      return setAlarm.apply(loop.clock, args);
    };
    for (let now = 1; now < 1000; now++) deadline.set(30_000, now);
    assert.equal(calls, 0);
    deadline.set(30_000);
    assert.equal(calls, 1);
  });

  test("a callback may set its own deadline again, and dispose of another of the same moment", async () => {
    const loop = new VirtualLoop();
    const fired: string[] = [];
    const first: Deadline = new Deadline(
      loop,
      () => {
        fired.push("first");
        second.dispose();
        if (fired.length < 3) first.set(0);
      },
      undefined,
    );
    const second = new Deadline(loop, () => fired.push("second"), undefined);
    first.set(100);
    second.set(100);
    await loop.advance(5000);
    assert.deepEqual(fired, ["first", "first", "first"]);
  });

  test("after dispose(), set() does nothing, and dispose() may be called again", async () => {
    const loop = new VirtualLoop();
    const deadline = new Deadline(loop, () => assert.fail("expired"), undefined);
    deadline.set(10);
    deadline.dispose();
    deadline.dispose();
    deadline.set(10);
    assert.equal(deadline.active, false);
    await loop.advance(5000);
  });

  test("set() refuses what is no time, and Infinity means never", async () => {
    const loop = new VirtualLoop();
    const deadline = new Deadline(loop, () => assert.fail("expired"), undefined);
    for (const bad of [-1, Number.NaN]) {
      assert.throws(() => deadline.set(bad), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
    deadline.set(100);
    deadline.set(Number.POSITIVE_INFINITY);
    assert.equal(deadline.active, false);
    await loop.advance(1e9);
  });

  test("after the loop is closed nothing expires and nothing fails", () => {
    const loop = new VirtualLoop();
    const before = new Deadline(loop, () => assert.fail("expired"), undefined);
    before.set(10);
    loop.close();
    const after = new Deadline(loop, () => assert.fail("expired"), undefined);
    after.set(10);
    after.dispose();
    before.set(10);
    before.dispose();
  });

  test("deadlines do not keep the process alive", async () => {
    const output = printed(`
      const loop = IOLoop.current();
      new Deadline(loop, () => {}, 0).set(60000);
      loop.callLater(60000, () => {}).unref();
      loop.callLater(1, () => console.log("exact timers do"));
      const removed = loop.callLater(60000, () => {});
      loop.callLater(2, () => loop.removeTimeout(removed));`);
    assert.equal(output, "exact timers do\n");
  });

  test("a deadline expires in time in a process that is kept alive by something silent", async () => {
    // A listener without clients wakes nothing, as a server whose one client sends nothing.
    const output = printed(`
      import { createServer } from "node:net";
      const server = createServer().listen(0, "127.0.0.1", () => {
        const began = performance.now();
        const next = setTimeout(() => {}, 10_000);
        new Deadline(IOLoop.current(), () => {
          clearTimeout(next);
          console.log(performance.now() - began < 9000 ? "expired" : "waited for the next timer");
          server.close();
        }, 0).set(0);
      });`);
    assert.equal(output, "expired\n");
  });
});

/** What a program that has `Deadline` and `IOLoop` prints until it ends. */
function printed(program: string): string {
  const room = new URL(import.meta.resolve("#room/async/timers/deadline"));
  const door = new URL(import.meta.resolve("squall/ioloop"));
  const script = `
    import { Deadline } from ${JSON.stringify(room.href)};
    import { IOLoop } from ${JSON.stringify(door.href)};
    ${program}`;
  const folder = mkdtempSync(join(tmpdir(), "squall-deadline-"));
  try {
    const { stdout, stderr } = runModule(folder, script);
    assert.equal(stderr, "");
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
