import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  BadYieldError,
  convertYielded,
  coroutine,
  isCoroutineFunction,
  maybeFuture,
  moment,
  Return,
  resultOf,
} from "squall/gen";
import { pendingResult } from "#room/async/coroutine/yieldable";

const counterIsBroken = true;
const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));

describe("coroutine()", () => {
  test("gives a promise of what the generator returns, and passes this and arguments on", async () => {
    const counter = {
      step: 2,
      add: coroutine(function* (this: { step: number }, a: number, b: number) {
        const sum = (yield later(a + b)) as number;
        return sum * this.step;
      }),
    };
    assert.equal(await counter.add(3, 4), 14);
    assert.equal(counter.add.length, 2);
  });

  test("runs up to the first yield at once", () => {
    const seen: string[] = [];
    const run = coroutine(function* () {
      seen.push("started");
      yield undefined;
    });
    void run();
    seen.push("returned");
    assert.deepEqual(seen, ["started", "returned"]);
  });

  test("puts errors thrown before the first yield into the promise", async () => {
    const run = coroutine(function* () {
      if (counterIsBroken) throw new RangeError("early");
      yield null;
    });
    const promise = run();
    await assert.rejects(promise, RangeError);
  });

  test("wraps the value of a plain function, its error and an async function's promise", async () => {
    assert.equal(await coroutine((n: number) => n + 1)(1), 2);
    assert.equal(await coroutine(async (n: number) => n + 1)(1), 2);
    await assert.rejects(
      coroutine(() => {
        throw new Error("plain");
      })(),
      /plain/,
    );
  });

  test("throws the error of what was yielded at the yield, where it can be caught", async () => {
    const run = coroutine(function* () {
      try {
        yield Promise.reject(new Error("inner"));
      } catch (error) {
        return `caught ${(error as Error).message}`;
      }
      return "not caught";
    });
    assert.equal(await run(), "caught inner");
  });

  test("runs finally blocks when an error goes through", async () => {
    let cleaned = false;
    const run = coroutine(function* () {
      try {
        yield Promise.reject(new Error("through"));
      } finally {
        yield later(1);
        cleaned = true;
      }
    });
    await assert.rejects(run(), /through/);
    assert.equal(cleaned, true);
  });

  test("waits for promises, thenables, arrays, objects and generators, nested at will", async () => {
    function* nested(n: number): Generator<Promise<number>, number, number> {
      return (yield later(n)) * 2;
    }
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a foreign promise
      then(done: (value: string) => void) {
        done("thenable");
      },
    };
    const run = coroutine(function* () {
      const all: unknown = yield [later(1), { a: nested(2), b: [thenable, null] }, []];
      return all;
    });
    assert.deepEqual(await run(), [1, { a: 4, b: ["thenable", undefined] }, []]);
  });

  test("lets the loop run once when nothing or moment is yielded", async () => {
    const order: string[] = [];
    setImmediate(() => order.push("loop"));
    const run = coroutine(function* () {
      yield null;
      order.push("after null");
      setImmediate(() => order.push("loop again"));
      yield moment;
      order.push("after moment");
    });
    await run();
    assert.deepEqual(order, ["loop", "after null", "loop again", "after moment"]);
  });

  test("throws BadYieldError inside the generator for what cannot be waited for", async () => {
    async function* stream(): AsyncGenerator<number> {
      yield 1;
    }
    for (const bad of [1, "text", true, Symbol("s"), () => 1, new Map(), stream()]) {
      const run = coroutine(function* () {
        try {
          yield bad;
        } catch (error) {
          return error;
        }
        return undefined;
      });
      const error = await run();
      assert.ok(error instanceof BadYieldError, String(bad));
      assert.equal(error.value, bad);
      assert.equal(error.code, "ERR_SQUALL_BAD_YIELD");
    }
  });

  test("ends with the value of a Return that was thrown", async () => {
    const run = coroutine(function* () {
      yield null;
      throw new Return(42);
    });
    assert.equal(await run(), 42);
    assert.deepEqual(new Return("x").args, ["x"]);
    assert.equal(
      await coroutine(() => {
        throw new Return();
      })(),
      undefined,
    );
  });

  test("names the coroutines in the stack trace of an error from deep inside", async () => {
    const fetchStory = coroutine(function* fetchStory() {
      yield null;
      throw new Error("no story");
    });
    const frontPage = coroutine(function* frontPage() {
      yield fetchStory();
    });
    await assert.rejects(frontPage(), (error: Error) => {
      assert.match(error.stack ?? "", /at fetchStory[\s\S]*at async frontPage/);
      return true;
    });
  });

  test("leaves a coroutine function as it is", () => {
    const run = coroutine(function* () {});
    assert.equal(coroutine(run), run);
    assert.equal(isCoroutineFunction(run), true);
    assert.equal(
      isCoroutineFunction(function* () {}),
      false,
    );
    assert.equal(isCoroutineFunction(undefined), false);
  });

  test("decorates a method", async () => {
    class Story {
      readonly title = "a story";
      @coroutine
      *read(page: number): Generator<Promise<number>, string, number> {
        return `${this.title}, page ${yield later(page)}`;
      }
    }
    const reading: unknown = new Story().read(7);
    assert.ok(reading instanceof Promise);
    assert.equal(await reading, "a story, page 7");
  });

  test("refuses what is no function", () => {
    assert.throws(() => coroutine(7 as never), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});

describe("resultOf()", () => {
  test("gives the typed result of one yieldable", async () => {
    const run = coroutine(function* () {
      const n: number = yield* resultOf(later(20));
      const { a, b } = yield* resultOf({ a: later("x"), b: [later(1)] as const });
      return `${n.toFixed()} ${a.toUpperCase()} ${b[0].toFixed()}`;
    });
    assert.equal(await run(), "20 X 1");
  });
});

describe("convertYielded()", () => {
  class Celsius {
    readonly degrees: number;
    constructor(degrees: number) {
      this.degrees = degrees;
    }
  }

  test("learns a class until the registration is removed", async () => {
    const registration = convertYielded.register(Celsius, (c) => later(c.degrees * 1.8 + 32));
    assert.equal(await convertYielded(new Celsius(100)), 212);
    registration.remove();
    registration.remove();
    assert.throws(() => convertYielded(new Celsius(1)), BadYieldError);
  });

  test("learns a built-in class", async () => {
    using _registration = convertYielded.register(Map, (map) => later(map.size));
    assert.equal(await convertYielded(new Map([[1, 1]])), 1);
  });

  test("learns what a predicate recognises, and asks the latest first", async () => {
    using _first = convertYielded.register(
      (value): value is number => typeof value === "number",
      (n) => later(n),
    );
    using _second = convertYielded.register(
      (value): value is number => value === 7,
      () => [later("seven")],
    );
    assert.deepEqual(await convertYielded([7, 8]), [["seven"], 8]);
  });
});

describe("maybeFuture()", () => {
  test("gives promises back and wraps the rest, arrays as they are", async () => {
    const promise = later(1);
    assert.equal(maybeFuture(promise), promise);
    assert.deepEqual(await maybeFuture([promise]), [promise]);
  });
});

describe("pendingResult()", () => {
  test("is undefined for what is done, the promise for promises, and drives a generator object", async () => {
    for (const done of [undefined, null, 0, "text", {}, [later(1)], () => 1]) {
      assert.equal(pendingResult(done), undefined);
    }
    const promise = later(1);
    assert.equal(pendingResult(promise), promise);
    function* body(): Generator<Promise<number>, number, number> {
      return (yield later(1)) + 1;
    }
    assert.equal(await pendingResult(body()), 2);
  });
});
