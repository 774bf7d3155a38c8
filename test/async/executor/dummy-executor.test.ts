import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  DummyExecutor,
  dummyExecutor,
  type Executor,
  runOnExecutor,
  ThreadExecutor,
} from "squall/concurrent";
import { IOLoop } from "squall/ioloop";
import "../../support/guard.js";

describe("DummyExecutor", () => {
  test("runs the function before submit() returns", async () => {
    const seen: number[] = [];
    const promise = dummyExecutor.submit((n: number) => seen.push(n), 7);
    assert.deepEqual(seen, [7]);
    assert.equal(await promise, 1);
  });

  test("waits for promises and generators, and puts what is thrown into the promise", async () => {
    assert.equal(await dummyExecutor.submit(async () => 1), 1);
    assert.equal(
      await dummyExecutor.submit(function* () {
        return ((yield Promise.resolve(2)) as number) + 1;
      }),
      3,
    );
    const failing = dummyExecutor.submit(() => {
      throw new RangeError("inline");
    });
    await assert.rejects(failing, RangeError);
  });

  test("refuses the name of a task", async () => {
    await assert.rejects(new DummyExecutor().submit("add", 1, 2), /runs functions, got the name "add"/);
  });

  test("may be shut down any number of times and serves the loop", async () => {
    await dummyExecutor.shutdown({ wait: false });
    await dummyExecutor.shutdown();
    assert.equal(await IOLoop.current().runInExecutor(dummyExecutor, (a: number) => a * 2, 4), 8);
  });
});

describe("runOnExecutor()", () => {
  class Adder {
    executor: Executor = dummyExecutor;
    pool: Executor = dummyExecutor;
    readonly base = 100;

    @runOnExecutor
    async add(n: number): Promise<number> {
      return this.base + n;
    }

    @runOnExecutor({ executor: "pool" })
    async addInPool(n: number): Promise<number> {
      return this.base - n;
    }

    @runOnExecutor({ executor: "pool", task: "add" })
    async addInThread(_a: number, _b: number): Promise<number> {
      throw new Error("the task does the work");
    }
  }

  test("submits the method to the executor of its object, with this and arguments", async () => {
    const adder = new Adder();
    assert.equal(await adder.add(1), 101);
    assert.equal(await adder.addInPool(1), 99);
  });

  test("submits a task by name when one is given", async () => {
    const adder = new Adder();
    await using pool = new ThreadExecutor(new URL("../fixtures/tasks.js", import.meta.url), {
      maxWorkers: 1,
    });
    adder.pool = pool;
    assert.equal(await adder.addInThread(2, 3), 5);
    await assert.rejects(adder.addInPool(1), /by name, got the function bound addInPool/);
  });

  test("works around a plain function, and says when there is no executor", async () => {
    const add = runOnExecutor(async function (this: { base: number; executor?: Executor }, n: number) {
      return this.base + n;
    });
    assert.equal(await add.call({ base: 1, executor: dummyExecutor }, 2), 3);
    await assert.rejects(add.call({ base: 1 }, 2), /"executor" of its object holds none/);
  });
});
