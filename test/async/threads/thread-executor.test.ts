import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CancelledError, ExecutorFullError, ThreadExecutor, WorkerDiedError } from "squall/concurrent";
import { IOLoop } from "squall/ioloop";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import type * as tasks from "../fixtures/tasks.js";
import "../../support/guard.js";
import { runModule } from "../../support/module-program.js";
import { root } from "../../support/root.js";

type Tasks = typeof tasks;
const module = new URL("../fixtures/tasks.js", import.meta.url);

const makeFlag = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4));

function release(flag: Int32Array): void {
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

/** Resolves when a thread has set the flag; looks once per turn of the loop. */
async function raised(flag: Int32Array): Promise<void> {
  while (Atomics.load(flag, 0) === 0) await new Promise(setImmediate);
}

describe("ThreadExecutor", () => {
  test("runs exported functions by name in another thread and copies arguments and results", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    assert.equal(await pool.submit("add", 2, 3), 5);
    assert.notEqual(await pool.submit("thread"), 0);
    const given = { list: [1, new Date(0)], map: new Map([["a", 1n]]) };
    const back = await pool.submit("later", given);
    assert.deepEqual(back, given);
    assert.notEqual(back, given);
    assert.equal(await pool.submit("generator", 21), 42);
    assert.equal(await pool.submit<[], string>("fromDefault"), "default");
    assert.equal(pool.workers, 1, "one after the other needs one thread");
  });

  test("carries errors over with class, fields, cause and the stack of the thread", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    await assert.rejects(pool.submit("fail"), (error: RangeError & { code?: string; limit?: number }) => {
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, "out of range");
      assert.equal(error.code, "E_OUT");
      assert.equal(error.limit, 7);
      assert.ok(!("socket" in error), "objects stay behind");
      assert.equal((error.cause as Error).message, "the cause");
      assert.match(error.stack ?? "", /at (Module\.)?fail .*tasks/);
      return true;
    });
    await assert.rejects(pool.submit("failOddly"), (error: Error) => {
      assert.equal(String(error), "OddError: odd");
      return true;
    });
    await assert.rejects(pool.submit("failWithText"), (error) => error === "only text");
  });

  test("refuses a function with an error that says what to do", async () => {
    await using pool = new ThreadExecutor(module);
    const closure = (): number => 1;
    await assert.rejects(pool.submit(closure), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
      message: /by name, got the function closure.*cannot cross.*dummyExecutor/s,
    });
    await assert.rejects(IOLoop.current().runInExecutor(pool, closure), /by name/);
    assert.equal(pool.workers, 0, "no thread was started for it");
  });

  test("works as an executor of the loop, by name", async () => {
    await using pool = new ThreadExecutor(module, { maxWorkers: 1 });
    assert.equal(await IOLoop.current().runInExecutor(pool, "add", 1, 2), 3);
  });

  test("refuses arguments and results that cannot be copied, and goes on", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    await assert.rejects(
      pool.submit("later", () => 1),
      {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
        message: /arguments of "later" cannot cross/,
      },
    );
    await assert.rejects(pool.submit("uncloneable"), /DataCloneError/);
    assert.equal(await pool.submit("add", 1, 1), 2);
  });

  test("names the exports when there is no such task, and never calls what was not exported", async () => {
    await using pool = new ThreadExecutor(module, { maxWorkers: 1 });
    await assert.rejects(pool.submit("ad"), /exports no function "ad", only: .*add/);
    for (const name of ["notAFunction", "constructor", "__proto__", "toString", "default"]) {
      await assert.rejects(pool.submit(name), /exports no function/);
    }
  });

  test("rejects each task with the error of a module that does not load", async () => {
    await using pool = new ThreadExecutor(new URL("../fixtures/broken-tasks.js", import.meta.url), {
      maxWorkers: 1,
    });
    await assert.rejects(pool.submit("add"), /does not load/);
    await assert.rejects(pool.submit("add"), /does not load/);
    assert.equal(pool.workers, 1);
  });

  test("says what to do when a bundle lacks the file that threads run", () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-bundle-"));
    try {
      // As a bundler leaves it: the code of the program, without what is looked up beside it.
      const filter = (path: string) => !path.endsWith("thread-worker.js");
      for (const part of ["async", "base", "concurrent.js"])
        cpSync(join(root, "dist", part), join(folder, part), { recursive: true, filter });
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
      writeFileSync(
        join(folder, "main.js"),
        `import { ThreadExecutor } from "./concurrent.js";
        const pool = new ThreadExecutor(new URL("data:text/javascript,export const one = () => 1"));
        await pool.submit("one").catch((error) => console.log(error.code, error.message));
        await pool.shutdown();`,
      );
      const { stdout, stderr } = spawnSync(process.execPath, ["main.js"], { cwd: folder, encoding: "utf8" });
      assert.match(stdout, /^ERR_SQUALL_WORKER_DIED .*thread-worker\.js.* leave squall out of it/, stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("lets tasks wait in line, first come first served, and refuses more than maxQueue", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1, maxQueue: 2 });
    const flag = makeFlag();
    const busy = pool.submit("block", flag);
    const order: number[] = [];
    const first = pool.submit("add", 1, 0).then((n) => order.push(n));
    const second = pool.submit("add", 2, 0).then((n) => order.push(n));
    assert.equal(pool.waiting, 2);
    await assert.rejects(pool.submit("add", 3, 0), (error: unknown) => {
      assert.ok(error instanceof ExecutorFullError);
      assert.equal(error.code, "ERR_SQUALL_EXECUTOR_FULL");
      return true;
    });
    release(flag);
    assert.equal(await busy, "released");
    await Promise.all([first, second]);
    assert.deepEqual(order, [1, 2]);
  });

  test("uses up to maxWorkers threads at once", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 2 });
    const flags = [makeFlag(), makeFlag(), makeFlag()];
    const running = flags.map((flag) => pool.submit("block", flag));
    assert.equal(pool.workers, 2);
    assert.equal(pool.waiting, 1);
    flags.forEach(release);
    await Promise.all(running);
    assert.equal(pool.workers, 2);
  });

  test("takes a waiting task out of the line when its signal aborts", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const flag = makeFlag();
    const busy = pool.submit("block", flag);
    const controller = new AbortController();
    const waiting = pool.run("add", [1, 2], { signal: controller.signal });
    controller.abort(new Error("not needed"));
    await assert.rejects(waiting, /not needed/);
    assert.equal(pool.waiting, 0);
    await assert.rejects(pool.run("add", [1, 2], { signal: controller.signal }), /not needed/);
    release(flag);
    assert.equal(await busy, "released");
  });

  test("ends the thread of a running task when its signal aborts, and starts another for the next", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const flag = makeFlag();
    const controller = new AbortController();
    const spinning = pool.run("spin", [flag], { signal: controller.signal });
    const next = pool.submit("add", 20, 22);
    await raised(flag);
    controller.abort(new Error("enough"));
    await assert.rejects(spinning, /enough/);
    assert.equal(await next, 42);
    assert.equal(pool.workers, 1);
  });

  test("a rejection that a task leaves unhandled fails that task, and not the next", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const leaking = pool.submit("leak");
    const next = pool.submit("add", 1, 2);
    await assert.rejects(leaking, { name: "RangeError", message: "left behind" });
    assert.equal(await next, 3);
    assert.equal(pool.workers, 1);
  });

  test("a rejection that comes after the answer is logged with the name of its task, and harms no other", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    assert.equal(await pool.submit("leakLater"), 1);
    using expected = new ExpectLog(appLog, /the task "leakLater" was done and left a rejection unhandled/);
    assert.equal(await pool.submit("rejectNow"), "unharmed");
    assert.equal(await pool.submit("add", 1, 2), 3);
    assert.ok(expected.loggedStack);
  });

  test("shutdown() ends a task that never does when its deadline has passed", async () => {
    const pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const flag = makeFlag();
    const spinning = assert.rejects(pool.submit("spin", flag), {
      code: "ERR_SQUALL_CANCELLED",
      message: /shut down before the task was done/,
    });
    const waiting = assert.rejects(pool.submit("add", 1, 2), { code: "ERR_SQUALL_CANCELLED" });
    await raised(flag);
    const patient = pool.shutdown({ timeout: { days: 1 } });
    await pool.shutdown({ timeout: 0 });
    await Promise.all([spinning, waiting, patient]);
    assert.equal(pool.workers, 0);
    await assert.rejects(pool.shutdown({ timeout: Number.NaN }), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  test("rejects with TimeoutError when the task is not done in time", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    await assert.rejects(pool.run("spin", [makeFlag()], { timeout: 20 }), {
      code: "ERR_SQUALL_TIMEOUT",
      message: /"spin" was not done within 20 ms/,
    });
    await assert.rejects(pool.run("add", [1, 2], { timeout: Number.NaN }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });

  test("rejects the task of a thread that dies, and serves the next from a new one", async () => {
    await using pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const dying = pool.submit("die");
    const next = pool.submit("add", 1, 2);
    await assert.rejects(dying, (error: unknown) => {
      assert.ok(error instanceof WorkerDiedError);
      assert.equal(error.exitCode, 3);
      return true;
    });
    assert.equal(await next, 3);
    await assert.rejects(pool.submit("throwLater"), (error: unknown) => {
      assert.ok(error instanceof WorkerDiedError);
      assert.match((error.cause as Error).message, /nobody catches/);
      return true;
    });
    assert.equal(await pool.submit("add", 2, 2), 4);
  });

  test("shutdown() finishes what was accepted and refuses the rest; twice is fine", async () => {
    const pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const results = [pool.submit("add", 1, 1), pool.submit("add", 2, 2)];
    const ended = pool.shutdown();
    await assert.rejects(pool.submit("add", 3, 3), { code: "ERR_SQUALL_INVALID_STATE" });
    assert.deepEqual(await Promise.all(results), [2, 4]);
    await ended;
    await pool.shutdown();
    assert.equal(pool.workers, 0);
  });

  test("shutdown({ cancelPending }) rejects what has not begun, and wait: false does not wait", async () => {
    const pool = new ThreadExecutor<Tasks>(module, { maxWorkers: 1 });
    const flag = makeFlag();
    const busy = pool.submit("block", flag);
    const pending = assert.rejects(pool.submit("add", 1, 1), CancelledError);
    await pool.shutdown({ cancelPending: true, wait: false });
    await pending;
    release(flag);
    assert.equal(await busy, "released");
    await pool.shutdown();
    assert.equal(pool.workers, 0);
  });

  test("does not keep the process alive while its threads are idle", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "squall-threads-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const program = `
      import { ThreadExecutor } from ${JSON.stringify(import.meta.resolve("squall/concurrent"))};
      const pool = new ThreadExecutor(${JSON.stringify(module.href)});
      console.log(await pool.submit("add", 1, 2));
    `;
    const { stdout, stderr } = runModule(folder, program);
    assert.equal(stdout, "3\n", stderr);
  });

  test("refuses a module that is no URL, and limits out of range", () => {
    assert.throws(() => new ThreadExecutor("./tasks.js"), /new URL\("\.\/tasks\.js", import\.meta\.url\)/);
    assert.throws(() => new ThreadExecutor(module, { maxWorkers: 0 }), /maxWorkers/);
    assert.throws(() => new ThreadExecutor(module, { maxQueue: -1 }), /maxQueue/);
  });
});
