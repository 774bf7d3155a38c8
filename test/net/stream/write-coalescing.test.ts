/** What is sent in one turn of the loop leaves together at its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpectLog, VirtualLoop } from "squall/testing";
import { MAX_DELAY, WriteCoalescing } from "#room/net/stream/write-coalescing";

function member(name: string, ended: string[]): { endTurn(): void } {
  return { endTurn: () => ended.push(name) };
}

test("members end their turn in order, in the next round of the loop, and once", () =>
  VirtualLoop.run(async (loop) => {
    const ended: string[] = [];
    const turn = new WriteCoalescing(loop);
    turn.add(member("a", ended), loop.time());
    turn.add(member("b", ended), loop.time());
    assert.deepEqual(ended, []);
    await loop.settle();
    assert.deepEqual(ended, ["a", "b"]);
    turn.add(member("c", ended), loop.time());
    await loop.settle();
    assert.deepEqual(ended, ["a", "b", "c"]);
  }));

test("a turn that takes longer than MAX_DELAY ends before the next member comes", () =>
  VirtualLoop.run(async (loop) => {
    const ended: string[] = [];
    const turn = new WriteCoalescing(loop);
    turn.add(member("a", ended), 1000);
    turn.add(member("b", ended), 1000 + MAX_DELAY);
    assert.deepEqual(ended, []);
    turn.add(member("c", ended), 1000 + 2 * MAX_DELAY);
    assert.deepEqual(ended, ["a", "b"]);
    await loop.settle();
    assert.deepEqual(ended, ["a", "b", "c"]);
  }));

test("a member that comes while a turn is being ended belongs to the next one", () =>
  VirtualLoop.run(async (loop) => {
    const ended: string[] = [];
    const turn = new WriteCoalescing(loop);
    turn.add(
      {
        endTurn() {
          ended.push("a");
          turn.add(member("late", ended), loop.time());
        },
      },
      loop.time(),
    );
    turn.add(member("b", ended), loop.time());
    turn.flush();
    assert.deepEqual(ended, ["a", "b"]);
    await loop.settle();
    assert.deepEqual(ended, ["a", "b", "late"]);
  }));

test("a member that fails is logged and keeps nobody else back", () =>
  VirtualLoop.run(async (loop) => {
    using log = new ExpectLog("squall.application", "sending what was queued");
    const ended: string[] = [];
    const turn = new WriteCoalescing(loop);
    const failing = {
      endTurn() {
        throw new Error("fails on purpose");
      },
    };
    turn.add(failing, loop.time());
    turn.add(member("b", ended), loop.time());
    await loop.settle();
    assert.deepEqual(ended, ["b"]);
    assert.equal(log.matched, 1);
    turn.add(member("c", ended), loop.time());
    await loop.settle();
    assert.deepEqual(ended, ["b", "c"]);
  }));
