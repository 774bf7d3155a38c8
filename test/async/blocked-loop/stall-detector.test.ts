import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StallDetector } from "#room/async/blocked-loop/stall-detector";

/** A watched thread and a clock, moved by hand. */
function watch(threshold = 100): {
  readonly seen: string[];
  /** Looks every 25 ms for so long; with `beating`, the loop is free meanwhile. */
  pass(ms: number, beating?: boolean): void;
  /** Time in which nothing happens, not even a look. */
  suspend(ms: number): void;
  paused(stack: string): boolean;
} {
  const seen: string[] = [];
  let now = 0;
  let beat = 0;
  const detector = new StallDetector(
    {
      now: () => now,
      beat: () => beat,
      askForPause: () => seen.push("pause"),
      report: ({ milliseconds, stack }) => seen.push(`report ${milliseconds} ${stack}`),
      alarm: ({ milliseconds, stack }) => seen.push(`alarm ${milliseconds} ${stack}`),
    },
    threshold,
    25,
  );
  return {
    seen,
    pass(ms, beating = false) {
      for (const end = now + ms; now < end; ) {
        now += 25;
        if (beating) beat++;
        detector.look();
      }
    },
    suspend(ms) {
      now += ms;
    },
    paused: (stack) => detector.onPaused(() => stack),
  };
}

describe("the watchdog for a blocked loop", () => {
  test("is silent while the loop beats, and while it is blocked for less than the threshold", () => {
    const { seen, pass } = watch();
    pass(1000, true);
    pass(75);
    pass(100, true);
    assert.deepEqual(seen, []);
  });

  test("asks for a pause after the threshold, and reports when the loop is free how long it was blocked", () => {
    const { seen, pass, paused } = watch();
    pass(100);
    assert.deepEqual(seen, ["pause"]);
    assert.equal(paused("here"), true);
    pass(200);
    assert.deepEqual(seen, ["pause"]);
    pass(25, true);
    assert.deepEqual(seen, ["pause", "report 300 here"]);
  });

  test("reports each block once, and the next one anew", () => {
    const { seen, pass, paused } = watch();
    for (const place of ["first", "second"]) {
      pass(100);
      paused(place);
      pass(100, true);
    }
    assert.deepEqual(seen, ["pause", "report 100 first", "pause", "report 100 second"]);
  });

  test("ignores a pause that comes when the loop is free again, and one of another debugger", () => {
    const { seen, pass, paused } = watch();
    assert.equal(paused("another debugger"), false);
    pass(100);
    pass(25, true);
    assert.equal(paused("too late"), true);
    pass(100, true);
    assert.deepEqual(seen, ["pause"]);
  });

  test("speaks up by itself, once, when the loop does not become free", () => {
    const { seen, pass, paused } = watch();
    pass(100);
    paused("here");
    pass(4900);
    assert.deepEqual(seen, ["pause"]);
    pass(5000);
    assert.deepEqual(seen, ["pause", "alarm 5025 here"]);
  });

  test("does not take a suspended process for a blocked loop", () => {
    const { seen, pass, suspend } = watch();
    suspend(3_600_000);
    pass(25);
    assert.deepEqual(seen, []);
  });
});
