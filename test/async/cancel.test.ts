import "../support/guard.js";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { TimeoutError } from "squall/ioloop";
import { VirtualLoop } from "squall/testing";
import { CancelScope, cancellable, onAbort } from "#room/async/cancel";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("signals", () => {
  test("onAbort() calls with the reason, at once if it is aborted already", () => {
    const seen: unknown[] = [];
    const controller = new AbortController();
    onAbort(controller.signal, (reason) => seen.push(reason));
    assert.equal(seen.length, 0);
    controller.abort("a");
    controller.abort("b");
    onAbort(controller.signal, (reason) => seen.push(["late", reason]));
    assert.deepEqual(seen, ["a", ["late", "a"]]);
    onAbort(undefined, () => seen.push("no signal"))();
    assert.equal(seen.length, 2);
  });

  test("a thousand watchers of one signal are one listener, and none when they are gone", () => {
    const { signal } = new AbortController();
    const disposers = Array.from({ length: 1000 }, () => onAbort(signal, () => {}));
    assert.equal(listeners(signal), 1);
    for (const dispose of disposers) {
      dispose();
      dispose();
    }
    assert.equal(listeners(signal), 0);
  });
});

describe("cancellable()", () => {
  test("settles as its operation does and leaves neither listener nor timer", () =>
    VirtualLoop.run(async (loop) => {
      const { signal } = new AbortController();
      const options = { signal, timeout: 1000 };
      const value = await cancellable<number>(loop, "it", options, ({ resolve }) => {
        loop.callLater(500, () => resolve(5));
        return () => assert.fail("not given up");
      });
      assert.equal(value, 5);
      await assert.rejects(
        cancellable(loop, "it", options, ({ reject }) => {
          reject(new RangeError("no"));
          return undefined;
        }),
        RangeError,
      );
      await assert.rejects(
        cancellable(loop, "it", options, () => {
          throw new RangeError("no");
        }),
        RangeError,
      );
      assert.equal(listeners(signal), 0);
      assert.equal(loop.timers.size, 0);
    }));

  test("gives up with a TimeoutError that says what did not finish", () =>
    VirtualLoop.run(async (loop) => {
      const { signal } = new AbortController();
      const reasons: unknown[] = [];
      let late: (() => void) | undefined;
      const waiting = cancellable<number>(loop, "the tea", { signal, timeout: 180_000 }, ({ resolve }) => {
        late = () => resolve(1);
        return (reason) => reasons.push(reason);
      });
      const isIt = (error: unknown): boolean =>
        error instanceof TimeoutError && error.message === "the tea did not finish within 180000 ms";
      await assert.rejects(waiting, isIt);
      assert.ok(reasons.length === 1 && isIt(reasons[0]));
      late?.();
      assert.equal(loop.time(), 180_000);
      assert.equal(listeners(signal), 0);
    }));

  test("gives up with the signal's reason, and begins nothing when it is aborted already", () =>
    VirtualLoop.run(async (loop) => {
      const controller = new AbortController();
      const reasons: unknown[] = [];
      const waiting = cancellable(
        loop,
        "it",
        { signal: controller.signal, timeout: 1000 },
        () => (reason) => {
          reasons.push(reason);
        },
      );
      controller.abort("enough");
      await assert.rejects(waiting, (reason) => reason === "enough");
      assert.deepEqual(reasons, ["enough"]);
      assert.equal(loop.timers.size, 0);
      await assert.rejects(
        cancellable(loop, "it", { signal: controller.signal }, () => assert.fail("begun")),
        (reason) => reason === "enough",
      );
    }));

  test("refuses a timeout that is not a number", () =>
    VirtualLoop.run(async (loop) => {
      await assert.rejects(
        cancellable(loop, "it", { timeout: Number.NaN }, () => assert.fail("begun")),
        { code: "ERR_SQUALL_INVALID_ARGUMENT" },
      );
    }));
});

describe("CancelScope", () => {
  test("remembers its reason, and makes a signal only when asked, before or after abort()", () => {
    const early = new CancelScope();
    const signal = early.signal;
    assert.equal(early.signal, signal);
    assert.deepEqual([early.aborted, signal.aborted], [false, false]);
    early.abort("gone");
    early.abort("again");
    assert.deepEqual([early.aborted, early.reason, signal.reason], [true, "gone", "gone"]);
    const late = new CancelScope();
    late.throwIfAborted();
    late.abort("gone");
    assert.deepEqual([late.signal.aborted, late.signal.reason], [true, "gone"]);
    assert.throws(
      () => late.throwIfAborted(),
      (reason) => reason === "gone",
    );
    const plain = new CancelScope();
    plain.abort();
    assert.equal((plain.reason as Error).name, "AbortError");
  });

  test("tells its listeners once, late ones at once, and those taken away never", () => {
    const scope = new CancelScope();
    const seen: unknown[] = [];
    const note = (reason: unknown): void => void seen.push(reason);
    scope.onAbort(note);
    scope.onAbort(note);
    const dispose = scope.onAbort(() => assert.fail("taken away"));
    dispose();
    dispose();
    scope.abort("x");
    scope.onAbort((reason) => seen.push(["late", reason]));
    assert.deepEqual(seen, ["x", "x", ["late", "x"]]);
  });

  test("is cancelled together with its parents, whether scopes or signals", () => {
    const controller = new AbortController();
    const parent = new CancelScope(controller.signal);
    const child = new CancelScope(parent);
    controller.abort("from the top");
    assert.deepEqual([parent.reason, child.reason], ["from the top", "from the top"]);
    assert.equal(new CancelScope(child).reason, "from the top");
    assert.equal(new CancelScope(AbortSignal.abort("early")).reason, "early");
    const server = new CancelScope();
    const request = new CancelScope(server);
    const client = new CancelScope();
    request.link(client);
    client.abort("client");
    assert.deepEqual([request.reason, server.aborted], ["client", false]);
  });

  test("leaves no listener on its parents when it is closed or cancelled", () => {
    const { signal } = new AbortController();
    const server = new CancelScope();
    for (let i = 0; i < 100; i++) {
      const scope = new CancelScope(signal);
      scope.link(server);
      if (i % 2) scope.close();
      else scope.abort("done");
    }
    assert.equal(listeners(signal), 0);
    server.abort("later");
  });

  test("close() ends it without cancelling: later aborts mean nothing", () => {
    const scope = new CancelScope();
    scope.onAbort(() => assert.fail("closed"));
    const { signal } = scope;
    scope.close();
    scope.close();
    scope.abort("late");
    scope.onAbort(() => assert.fail("closed"));
    scope.link(AbortSignal.abort("late"));
    assert.deepEqual([scope.aborted, signal.aborted], [false, false]);
  });
});
