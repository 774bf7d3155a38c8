/** The line for a free thread, deadlines, restarts: with workers that are not Python, in virtual time. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpectLog } from "squall/testing";
import { WSGIStartError } from "squall/wsgi";
import { genLog } from "#room/base/log";
import { WSGIExchange } from "#room/interop/wsgi/exchange";
import { encodeFrame, FrameType } from "#room/interop/wsgi/frames";
import { resolveWSGIOptions, type WSGIContainerOptions } from "#room/interop/wsgi/options";
import { WorkerPool } from "#room/interop/wsgi/pool";
import { FakePython, type FakeThread } from "../support/fake-python.js";
import { field, type RawClient, type RawResponse } from "../support/raw-client.js";
import { pass, type VirtualServer, withServer } from "../support/virtual-server.js";

interface Context extends VirtualServer {
  readonly pool: WorkerPool;
  readonly python: FakePython;
  /** The n-th thread of the n-th worker, both from 1. */
  thread(worker: number, thread: number): FakeThread;
  /** Sends a request and waits for nothing. */
  ask(path: string, body?: string): Promise<RawClient>;
}

async function withPool(
  options: WSGIContainerOptions,
  run: (context: Context) => Promise<void>,
): Promise<void> {
  let pool: WorkerPool | undefined;
  const delegate = {
    startRequest: (server: unknown, connection: ConstructorParameters<typeof WSGIExchange>[1]) =>
      new WSGIExchange(pool!, connection, server),
  };
  await withServer(delegate, {}, async (server) => {
    const python = await FakePython.on(server.loop);
    pool = new WorkerPool(
      resolveWSGIOptions("module:app", { workers: 1, ...options, ioLoop: server.loop }),
      python.launch,
    );
    await run({
      ...server,
      pool,
      python,
      thread: (worker, thread) => python.workers[worker - 1]!.threads[thread]!,
      async ask(path, body = "") {
        const client = await server.connect();
        const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
        client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${length}\r\n${body}`);
        return client;
      },
    });
    using _running = new ExpectLog("squall.access", /^502 /, { required: false });
    await pool.stop(0);
  });
}

const path = (told: readonly string[]): string => /"PATH_INFO":"([^"]*)"/.exec(told.join())?.[1] ?? "";
const summary = ({ status, body }: RawResponse): string => `${status} ${body.toString()}`;

test("requests get a thread in the order of their coming, each thread one at a time", () =>
  withPool({ threads: 2 }, async ({ loop, pool, thread, ask }) => {
    await pool.start();
    const clients = [await ask("/1"), await ask("/2"), await ask("/3"), await ask("/4")];
    assert.equal(path(await thread(1, 1).until("END")), "/1");
    assert.equal(path(await thread(1, 2).until("END")), "/2");
    await loop.settle();
    assert.equal(pool.waiting, 2);
    thread(1, 2).answer("two");
    assert.equal(path(await thread(1, 2).until("END")), "/3");
    thread(1, 1).answer("one");
    assert.equal(path(await thread(1, 1).until("END")), "/4");
    thread(1, 1).answer("four");
    thread(1, 2).answer("three");
    const answers = await Promise.all(clients.map((client) => client.response()));
    assert.deepEqual(answers.map(summary), ["200 one", "200 two", "200 three", "200 four"]);
  }));

test("the worker with the least to do gets the next request", () =>
  withPool({ workers: 2, threads: 2 }, async ({ pool, thread, ask }) => {
    await pool.start();
    for (const name of ["/1", "/2", "/3", "/4"]) await ask(name);
    const told = [];
    for (const [worker, number] of [
      [1, 1],
      [2, 1],
      [1, 2],
      [2, 2],
    ] as const) {
      told.push(path(await thread(worker, number).until("END")));
    }
    assert.deepEqual(told, ["/1", "/2", "/3", "/4"]);
  }));

test("more than maxQueue are refused with 503 and Retry-After; who leaves makes room", () =>
  withPool({ maxQueue: 1 }, async ({ loop, pool, thread, ask }) => {
    await pool.start();
    const first = await ask("/1");
    await thread(1, 1).until("END");
    const second = await ask("/2");
    await loop.settle();
    using _refused = new ExpectLog("squall.access", /^503 GET \/3 /);
    const refused = await (await ask("/3")).response();
    assert.deepEqual([refused.status, field(refused, "Retry-After")], [503, "1"]);
    second.socket.resetAndDestroy();
    await loop.settle();
    assert.equal(pool.waiting, 0);
    const fourth = await ask("/4");
    thread(1, 1).answer("one");
    assert.equal(summary(await first.response()), "200 one");
    assert.equal(path(await thread(1, 1).until("END")), "/4");
    thread(1, 1).answer("four");
    assert.equal(summary(await fourth.response()), "200 four");
  }));

test("a request that has waited for queueTimeout is refused with 503", () =>
  withPool(
    { queueTimeout: 5000, requestTimeout: Number.POSITIVE_INFINITY },
    async ({ loop, pool, thread, ask }) => {
      await pool.start();
      await ask("/1");
      await thread(1, 1).until("END");
      using _refused = new ExpectLog("squall.access", /^503 /);
      const before = loop.time();
      assert.equal((await (await ask("/2")).response()).status, 503);
      assert.equal(Math.round(loop.time() - before), 5000);
    },
  ));

test("requestTimeout counts what the application takes, not what the client does", () =>
  withPool({ requestTimeout: 10_000 }, async ({ loop, pool, python, thread, connect }) => {
    await pool.start();
    const client = await connect();
    client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    for (const letter of "body") {
      await pass(loop, 30_000);
      client.send(letter);
    }
    await thread(1, 1).until("END");
    await pass(loop, 9000);
    thread(1, 1).answer("in time");
    assert.equal(summary(await client.response()), "200 in time");
    using _log = new ExpectLog(genLog, /took longer than 10000 ms/);
    using _access = new ExpectLog("squall.access", /^504 /);
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    const before = loop.time();
    assert.equal((await client.response()).status, 504);
    assert.ok(loop.time() - before >= 10_000 && loop.time() - before <= 12_000);
    assert.ok(python.workers[0]!.killed);
  }));

test("an application that does not take the body runs out of time, too", () =>
  withPool({ requestTimeout: 10_000 }, async ({ pool, thread, ask }) => {
    await pool.start();
    thread(1, 1).stall();
    using _log = new ExpectLog(genLog, /took longer than 10000 ms/);
    using _access = new ExpectLog("squall.access", /^504 /);
    const client = await ask("/upload", "x".repeat(2_000_000));
    assert.equal((await client.response()).status, 504);
  }));

test("the worker of an overdue request is replaced at once, and killed when its other threads are done", () =>
  withPool({ threads: 2, requestTimeout: 10_000 }, async ({ loop, pool, python, thread, ask }) => {
    await pool.start();
    const late = await ask("/late");
    await thread(1, 1).until("END");
    await pass(loop, 5000);
    const good = await ask("/good");
    await thread(1, 2).until("END");
    using _log = new ExpectLog(genLog, /took longer than 10000 ms/);
    using _access = new ExpectLog("squall.access", /^504 GET \/late/);
    assert.equal((await late.response()).status, 504);
    assert.equal(python.workers.length, 2);
    assert.equal(python.workers[0]!.killed, false);
    await loop.settle();
    const next = await ask("/next");
    assert.equal(path(await thread(2, 1).until("END")), "/next");
    thread(1, 2).answer("good");
    assert.equal(summary(await good.response()), "200 good");
    assert.equal(python.workers[0]!.killed, true);
    thread(2, 1).answer("next");
    assert.equal(summary(await next.response()), "200 next");
  }));

test("a client that leaves is told to the worker, whose thread is free when it has ended the response", () =>
  withPool({}, async ({ pool, thread, ask }) => {
    await pool.start();
    const client = await ask("/gone");
    await thread(1, 1).until("END");
    client.socket.resetAndDestroy();
    await thread(1, 1).until("ABORT");
    const next = await ask("/next");
    thread(1, 1).answer("for nobody");
    assert.equal(path(await thread(1, 1).until("END")), "/next");
    thread(1, 1).answer("next");
    assert.equal(summary(await next.response()), "200 next");
  }));

test("a response that comes before the body is whole ends the body", () =>
  withPool({}, async ({ pool, thread, connect }) => {
    await pool.start();
    const client = await connect();
    client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nsome");
    await thread(1, 1).until("DATA");
    thread(1, 1).answer("early");
    assert.equal(summary(await client.response()), "200 early");
    await thread(1, 1).until("ABORT");
    client.send(" more.GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.equal(path(await thread(1, 1).until("END")), "/next");
  }));

test("a worker that says what is no frame is replaced, and its request is a 502", () =>
  withPool({}, async ({ pool, python, thread, ask }) => {
    await pool.start();
    using _log = new ExpectLog(genLog, /broke the protocol of its channel: a frame of the type 0|restarting/);
    using _access = new ExpectLog("squall.access", /^502 /);
    const client = await ask("/");
    await thread(1, 1).until("END");
    thread(1, 1).send(Buffer.alloc(10));
    assert.equal((await client.response()).status, 502);
    assert.equal(python.workers.length, 2);
  }));

test("workers that die early are replaced after growing pauses, until the budget is spent", () =>
  withPool({ maxRestarts: 5 }, async ({ loop, pool, python, ask }) => {
    await pool.start();
    python.onStart = (worker) => worker.exit(1);
    using log = new ExpectLog(
      genLog,
      /before it had loaded module:app|killed by signal 9, restarting|no more requests/,
    );
    python.workers[0]!.kill();
    await pass(loop, 10_000);
    const births = python.workers.map(({ bornAt }) => Math.round(bornAt));
    assert.deepEqual(
      births.slice(2).map((birth, index) => birth - births[index + 1]!),
      [50, 100, 200, 400],
    );
    assert.ok(log.loggedStack);
    using _access = new ExpectLog("squall.access", /^503 /);
    assert.equal((await (await ask("/")).response()).status, 503);
    python.onStart = (worker) => worker.threads[0]!.send(encodeFrame(FrameType.READY));
    await pool.start();
    assert.equal(pool.pids.length, 1);
  }));

test("start() rejects when the application is not loaded within startTimeout, and may be called again", () =>
  withPool({ startTimeout: 5000, workers: 2 }, async ({ loop, pool, python }) => {
    const ready = python.onStart;
    python.onStart = (worker) => {
      if (worker.pid === 1) ready(worker);
    };
    await assert.rejects(
      pool.start(),
      (error) => error instanceof WSGIStartError && error.option === "startTimeout",
    );
    assert.equal(Math.round(loop.time()), 5000);
    assert.deepEqual(pool.pids, []);
    assert.ok(python.workers.every(({ killed }) => killed));
    python.onStart = ready;
    await pool.start();
    assert.equal(pool.pids.length, 2);
  }));

test("stop() ends workers when their requests are done, or at the end of its time", () =>
  withPool({ workers: 2 }, async ({ loop, pool, python, thread, ask }) => {
    await pool.start();
    const client = await ask("/");
    await thread(1, 1).until("END");
    void thread(2, 0)
      .until("CLOSED")
      .then(() => python.workers[1]!.exit(0));
    void thread(1, 0)
      .until("CLOSED")
      .then(() => python.workers[0]!.exit(0));
    const stopped = pool.stop(30_000);
    await loop.settle();
    assert.deepEqual(pool.pids, [1]);
    thread(1, 1).answer("last");
    assert.equal(summary(await client.response()), "200 last");
    await stopped;
    assert.ok(!python.workers.some(({ killed }) => killed));
    assert.ok(loop.time() < 1000);
  }));

test("stop() kills at the end of its time, and a worker that does not end by itself", () =>
  withPool({ workers: 1 }, async ({ loop, pool, python }) => {
    await pool.start();
    const before = loop.time();
    await pool.stop(2000);
    assert.equal(Math.round(loop.time() - before), 2000);
    assert.ok(python.workers[0]!.killed);
  }));
