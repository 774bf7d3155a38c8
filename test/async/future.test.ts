import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  CancelledError,
  chainFuture,
  FUTURES,
  Future,
  futureAddDoneCallback,
  futureSetExceptionUnlessCancelled,
  futureSetExcInfo,
  futureSetResultUnlessCancelled,
  isFuture,
} from "squall/concurrent";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import "../support/guard.js";

describe("Future", () => {
  test("is a promise that setResult() settles", async () => {
    const future = new Future<number>();
    assert.ok(future instanceof Promise);
    assert.equal(future.done(), false);
    assert.equal(future.running(), true);
    future.setResult(1);
    assert.equal(future.done(), true);
    assert.equal(future.running(), false);
    assert.equal(future.result(), 1);
    assert.equal(future.exception(), undefined);
    assert.equal(await future, 1);
    assert.deepEqual(await Promise.all([future, Promise.race([future])]), [1, 1]);
  });

  test("is rejected by setException()", async () => {
    const future = new Future();
    const error = new RangeError("no");
    future.setException(error);
    assert.throws(() => future.result(), error);
    assert.equal(future.exception(), error);
    assert.equal(future.cancelled(), false);
    await assert.rejects(future, error);
  });

  test("cannot be asked while pending nor settled twice", () => {
    const future = new Future<number>();
    assert.throws(() => future.result(), { code: "ERR_SQUALL_INVALID_STATE" });
    assert.throws(() => future.exception(), { code: "ERR_SQUALL_INVALID_STATE" });
    future.setResult(1);
    assert.throws(() => future.setResult(2), /finished already/);
    assert.throws(() => future.setException(new Error("late")), /finished already/);
    assert.equal(future.result(), 1);
  });

  test("refuses a promise as its value", () => {
    assert.throws(() => new Future<unknown>().setResult(Promise.resolve(1)), /chainFuture/);
  });

  test("cancel() ends a pending one with CancelledError and leaves a finished one alone", async () => {
    const future = new Future<number>();
    assert.equal(future.cancel("because"), true);
    assert.equal(future.cancel(), false);
    assert.equal(future.cancelled(), true);
    assert.throws(() => future.exception(), CancelledError);
    await assert.rejects(future, (error: CancelledError) => error.cause === "because");
    const done = Future.resolve(1);
    assert.equal((done as Future<number>).cancel(), false);
  });

  test("calls callbacks in order when it is done, at once afterwards, and logs what they throw", async () => {
    const future = new Future<string>();
    const seen: string[] = [];
    future.addDoneCallback((f) => seen.push(`first ${f.result()}`));
    future.addDoneCallback(function second() {
      throw new Error("bad callback");
    });
    future.addDoneCallback((f) => seen.push(`third ${f.result()}`));
    await new ExpectLog(appLog, "the callback second of a Future failed").run(() => future.setResult("x"));
    assert.deepEqual(seen, ["first x", "third x"]);
    future.addDoneCallback(() => seen.push("late"));
    assert.deepEqual(seen, ["first x", "third x", "late"]);
  });

  test("removeDoneCallback() takes a callback away as often as it was added", () => {
    const future = new Future<number>();
    const seen: number[] = [];
    const callback = (): unknown => seen.push(1);
    future.addDoneCallback(callback);
    future.addDoneCallback(callback);
    assert.equal(future.removeDoneCallback(callback), 2);
    assert.equal(future.removeDoneCallback(callback), 0);
    future.setResult(1);
    assert.deepEqual(seen, []);
  });

  test("works with the executor and the statics of Promise", async () => {
    assert.equal(await new Future<number>((resolve) => resolve(1)), 1);
    assert.equal(await new Future<number>((resolve) => resolve(Promise.resolve(2))), 2);
    await assert.rejects(new Future((_resolve, reject) => reject(new RangeError("r"))), RangeError);
    await assert.rejects(
      new Future(() => {
        throw new RangeError("thrown");
      }),
      RangeError,
    );
    const first = new Future<number>((resolve, reject) => {
      resolve(1);
      resolve(2);
      reject(new Error("ignored"));
    });
    assert.equal(first.result(), 1);
    assert.ok(Future.resolve(1) instanceof Future);
    await assert.rejects(Future.reject(new RangeError("static")), RangeError);
    assert.ok(!(first.then(() => 1) instanceof Future));
  });

  test("does not end the process with a forgotten error, but logs it when collected", async () => {
    const { gc } = globalThis as { gc?: () => void };
    assert.ok(gc, "run with --expose-gc");
    const expected = new ExpectLog(appLog, "the exception of a Future was never retrieved");
    (() => {
      new Future().setException(new Error("forgotten"));
      const seen = new Future();
      seen.setException(new Error("looked at"));
      seen.exception();
    })();
    for (let turn = 0; turn < 50 && expected.matched === 0; turn++) {
      await new Promise(setImmediate);
      gc();
    }
    for (let turn = 0; turn < 5; turn++) {
      await new Promise(setImmediate);
      gc();
    }
    expected[Symbol.dispose]();
    assert.equal(expected.matched, 1);
    assert.equal(expected.loggedStack, true);
  });
});

describe("isFuture() and FUTURES", () => {
  test("know promises and Futures", () => {
    assert.equal(isFuture(new Future()), true);
    assert.equal(isFuture(Promise.resolve()), true);
    assert.equal(isFuture({}), false);
    assert.equal(isFuture(undefined), false);
    assert.deepEqual(FUTURES, [Promise, Future]);
  });
});

describe("chainFuture()", () => {
  test("copies result, error and cancellation", async () => {
    for (const make of [() => new Future<number>(), () => new Future<number>()]) {
      const source = make();
      const target = new Future<number>();
      chainFuture(source, target);
      source.setResult(5);
      assert.equal(target.result(), 5);
    }
    const failing = new Future<number>();
    const failed = new Future<number>();
    chainFuture(failing, failed);
    failing.setException(new RangeError("x"));
    assert.throws(() => failed.result(), RangeError);
    const cancelling = new Future<number>();
    const cancelled = new Future<number>();
    chainFuture(cancelling, cancelled);
    cancelling.cancel();
    assert.equal(cancelled.cancelled(), true);
  });

  test("follows a native promise", async () => {
    const target = new Future<number>();
    chainFuture(Promise.resolve(3), target);
    assert.equal(await target, 3);
    const failed = new Future<number>();
    chainFuture(Promise.reject(new RangeError("x")), failed);
    await assert.rejects(failed, RangeError);
  });

  test("leaves a target alone that is done", () => {
    const source = new Future<number>();
    const target = new Future<number>();
    chainFuture(source, target);
    target.setResult(1);
    source.setResult(2);
    assert.equal(target.result(), 1);
    const failing = new Future<number>();
    const cancelled = new Future<number>();
    chainFuture(failing, cancelled);
    cancelled.cancel();
    failing.setException(new Error("late"));
    assert.equal(cancelled.cancelled(), true);
  });
});

describe("futureSet…()", () => {
  test("settle a pending future and spare a cancelled one", async () => {
    const good = new Future<number>();
    futureSetResultUnlessCancelled(good, 1);
    assert.equal(good.result(), 1);
    assert.throws(() => futureSetResultUnlessCancelled(good, 2), { code: "ERR_SQUALL_INVALID_STATE" });
    const bad = new Future<number>();
    futureSetExceptionUnlessCancelled(bad, new RangeError("x"));
    assert.ok(bad.exception() instanceof RangeError);
    const cancelled = new Future<number>();
    cancelled.cancel();
    futureSetResultUnlessCancelled(cancelled, 1);
    assert.equal(cancelled.cancelled(), true);
    await new ExpectLog(appLog, "after its Future was cancelled").run(() =>
      futureSetExcInfo(cancelled, new Error("lost")),
    );
  });
});

describe("futureAddDoneCallback()", () => {
  test("calls at once for a Future that is done, and soon for a promise", async () => {
    const seen: unknown[] = [];
    const future = Future.resolve(1) as Future<number>;
    futureAddDoneCallback(future, (f) => seen.push(f));
    assert.deepEqual(seen, [future]);
    const promise = Promise.reject(new Error("x"));
    let called: unknown;
    futureAddDoneCallback(promise, (p) => {
      called = p;
    });
    await new Promise(setImmediate);
    assert.equal(called, promise);
    await new ExpectLog(appLog, "the callback bad of a promise failed").run(async () => {
      futureAddDoneCallback(Promise.resolve(), function bad() {
        throw new Error("bad");
      });
      await new Promise(setImmediate);
    });
  });
});
