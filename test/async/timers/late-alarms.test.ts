/** A loop that was blocked, by a clock that is wound by hand: no test here takes real time. */
import "../../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IOLoop } from "squall/ioloop";
import { Deadline } from "#room/async/timers/deadline";

/** The system's phases: what is due rings in the timers phase, and an alarm of 0 ms rings after the poll. */
class HandClock {
  now = 0;
  #alarms = new Map<object, { readonly at: number; readonly immediate: boolean; callback(): void }>();

  time(): number {
    return this.now;
  }

  wallTime(): number {
    return this.now;
  }

  setAlarm(callback: () => void, delay: number): object {
    const handle = {};
    this.#alarms.set(handle, { at: this.now + delay, immediate: delay <= 0, callback });
    return handle;
  }

  refAlarm(): void {}

  clearAlarm(alarm: unknown): void {
    this.#alarms.delete(alarm as object);
  }

  /** One turn: timers, then `poll` (what the sockets bring), then alarms of 0 ms. */
  turn(poll: () => void = () => {}): void {
    this.#ring((alarm) => !alarm.immediate && alarm.at <= this.now);
    poll();
    this.#ring((alarm) => alarm.immediate);
  }

  #ring(which: (alarm: { at: number; immediate: boolean }) => boolean): void {
    for (const [handle, alarm] of [...this.#alarms]) {
      if (which(alarm) && this.#alarms.delete(handle)) alarm.callback();
    }
  }
}

describe("after the loop was blocked", () => {
  test("a deadline is judged when what arrived before it has been read", () => {
    const clock = new HandClock();
    const loop = new IOLoop({ clock, makeCurrent: false });
    const expired: string[] = [];
    const served = new Deadline(loop, () => expired.push("served"), undefined);
    const silent = new Deadline(loop, () => expired.push("silent"), undefined);
    served.set(1000);
    silent.set(1000);
    // Another callback computes for two seconds; meanwhile bytes arrive for one of them.
    clock.now = 2500;
    clock.turn(() => served.set(1000));
    assert.deepEqual(expired, ["silent"]);
    clock.now = 4000;
    clock.turn();
    assert.deepEqual(expired, ["silent", "served"]);
    loop.close();
  });

  test("what the poll itself takes does not count: deadlines are judged by the time before it", () => {
    const clock = new HandClock();
    const loop = new IOLoop({ clock, makeCurrent: false });
    const expired: string[] = [];
    const early = new Deadline(loop, () => expired.push("early"), undefined);
    const later = new Deadline(loop, () => expired.push("later"), undefined);
    early.set(1000);
    later.set(2000);
    clock.now = 1300;
    clock.turn(() => {
      // A handler of this poll blocks; bytes for `later` arrive meanwhile and are not read before the next poll.
      clock.now = 3000;
    });
    assert.deepEqual(expired, ["early"]);
    clock.turn(() => later.set(2000));
    assert.deepEqual(expired, ["early"]);
    loop.close();
  });

  test("a timeout that is late waits for the poll, and its removal there counts", () => {
    const clock = new HandClock();
    const loop = new IOLoop({ clock, makeCurrent: false });
    const fired: string[] = [];
    const answered = loop.callLater(100, () => fired.push("answered"));
    loop.callLater(100, () => fired.push("unanswered"));
    clock.now = 2000;
    clock.turn(() => loop.removeTimeout(answered));
    assert.deepEqual(fired, ["unanswered"]);
    loop.close();
  });

  test("a timer that is on time, or made for a time in the past, does not wait for the poll", () => {
    const clock = new HandClock();
    const loop = new IOLoop({ clock, makeCurrent: false });
    const fired: string[] = [];
    loop.callLater(100, () => fired.push("on time"));
    clock.now = 101;
    clock.turn(() => assert.deepEqual(fired, ["on time"]));
    loop.callAt(-1000, () => fired.push("past"));
    clock.turn();
    assert.deepEqual(fired, ["on time", "past"]);
    loop.close();
  });

  test("closing the loop between the ring and the poll calls everything off", () => {
    const clock = new HandClock();
    const loop = new IOLoop({ clock, makeCurrent: false });
    loop.callLater(100, () => assert.fail("fired"));
    clock.now = 2000;
    clock.turn(() => loop.close());
    clock.turn();
  });
});
