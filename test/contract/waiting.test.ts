/**
 * What everything that waits promises about `{ signal, timeout }`, asked of each operation by one table: arguments are
 * checked before anything is registered, so a refused call leaves nothing behind.
 */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { ThreadExecutor } from "squall/concurrent";
import { sleep, TimeoutError, WaitIterator, withTimeout } from "squall/gen";
import { IOStream, type PipeIOStream } from "squall/iostream";
import { Condition, Event, Lock, Semaphore, type WaitOptions } from "squall/locks";
import { Subprocess } from "squall/process";
import { LifoQueue, Queue } from "squall/queues";
import { TCPClient } from "squall/tcpclient";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { cancellable } from "#room/async/cancel";
import { resolveWait } from "#room/async/wait-options";
import { Inbox } from "#room/websocket/inbox";
import { ask as request } from "../support/fake-exchange.js";
import "../support/guard.js";

interface Operation {
  wait(options?: WaitOptions): Promise<unknown>;
  /** What can be seen from outside; a refused or abandoned call leaves it as it was. */
  state(): unknown;
  /** Satisfies one wait and resolves with what it got, which shows that nothing of a refused call is in the way. */
  satisfy?(): unknown;
  /** What a wait gives whose time is over, if that is not a TimeoutError. */
  readonly late?: unknown;
  close?(): void;
}

type Maker = (loop: VirtualLoop, network: MemoryNetwork) => Operation;

/** An operation of one of two connected streams; `fill` leaves no room to write. */
function ofStream(
  wait: (near: IOStream, options: WaitOptions | undefined) => Promise<unknown>,
  satisfy: (near: IOStream, far: IOStream) => unknown,
  { fill = false } = {},
): Maker {
  return (_loop, network) => {
    const [near, far] = network.pair().map((socket) => new IOStream(socket)) as [IOStream, IOStream];
    if (fill) void near.write(Buffer.alloc(1 << 20));
    return {
      wait: (options) => wait(near, options),
      state: () => [near.reading(), near.bytesQueued, near.closed()],
      satisfy: () => satisfy(near, far),
      close() {
        near.close();
        far.close();
      },
    };
  };
}

/** Every operation that waits for something that does not come by itself. */
const operations: Record<string, Maker> = {
  "cancellable()": (loop) => {
    let begun = 0;
    return {
      // Its callers have options of their own and check the names.
      wait: async (options) => {
        resolveWait(options);
        return cancellable(loop, "it", options, () => {
          begun++;
          return () => begun--;
        });
      },
      state: () => begun,
    };
  },
  "IOLoop.runSync()": (loop) => {
    const event = new Event();
    return {
      wait: (options) => loop.runSync(() => event.wait(), options),
      state: () => loop.timers.size,
      satisfy: () => event.set(),
    };
  },
  "withTimeout()": (loop) => ({
    // The timeout is an argument of its own here.
    wait: (options = {}) => {
      const { timeout, ...others } = options;
      const rest = typeof options === "object" ? others : options;
      return withTimeout(timeout ?? Number.POSITIVE_INFINITY, new Promise(() => {}), rest);
    },
    state: () => loop.timers.size,
  }),
  "Condition.wait()": () => {
    const condition = new Condition();
    return {
      wait: (options) => condition.wait(options),
      state: () => String(condition),
      satisfy: () => condition.notify(),
      late: false,
    };
  },
  "Event.wait()": () => {
    const event = new Event();
    return {
      wait: (options) => event.wait(options),
      state: () => String(event),
      satisfy: () => event.set(),
    };
  },
  "Lock.acquire()": () => {
    const lock = new Lock();
    lock.tryAcquire();
    return {
      wait: (options) => lock.acquire(options),
      state: () => String(lock),
      satisfy: () => lock.release(),
    };
  },
  "Lock.use()": () => {
    const lock = new Lock();
    lock.tryAcquire();
    return {
      wait: (options) => lock.use(() => assert.ok(lock.locked()), options),
      state: () => String(lock),
      satisfy: () => lock.release(),
    };
  },
  "Semaphore.acquire()": () => {
    const semaphore = new Semaphore(0);
    return {
      wait: (options) => semaphore.acquire(options),
      state: () => String(semaphore),
      satisfy: () => semaphore.release(),
    };
  },
  "Queue.get()": () => {
    const queue = new Queue<string>();
    return {
      wait: (options) => queue.get(options),
      state: () => String(queue),
      satisfy: () => queue.putNowait("item"),
    };
  },
  "Queue.put()": () => {
    const queue = new Queue<string>(1);
    queue.putNowait("a");
    return {
      wait: (options) => queue.put("b", options),
      state: () => String(queue),
      satisfy: () => queue.getNowait(),
    };
  },
  "LifoQueue.put()": () => {
    const queue = new LifoQueue<string>(1);
    queue.putNowait("a");
    return {
      wait: (options) => queue.put("b", options),
      state: () => String(queue),
      satisfy: () => queue.getNowait(),
    };
  },
  "Queue.join()": () => {
    const queue = new Queue<string>();
    queue.putNowait("a");
    return {
      wait: (options) => queue.join(options),
      state: () => String(queue),
      satisfy: () => queue.taskDone(),
    };
  },
  "WaitIterator.next()": () => {
    const event = new Event();
    const waiting = new WaitIterator(event.wait());
    return {
      wait: (options) => waiting.next(options),
      state: () => waiting.done(),
      satisfy: () => event.set(),
    };
  },
  "IOStream.readUntil()": ofStream(
    (near, options) => near.readUntil("\n", options),
    (_, far) => far.write("line\n"),
  ),
  "IOStream.readUntilRegex()": ofStream(
    (near, options) => near.readUntilRegex(/\n/, options),
    (_, far) => far.write("line\n"),
  ),
  "IOStream.readBytes()": ofStream(
    (near, options) => near.readBytes(4, options),
    (_, far) => far.write("four"),
  ),
  "IOStream.readInto()": ofStream(
    (near, options) => near.readInto(Buffer.alloc(4), options),
    (_, far) => far.write("four"),
  ),
  "IOStream.readUntilClose()": ofStream(
    (near, options) => near.readUntilClose(options),
    (_, far) => far.close(),
  ),
  "IOStream.chunks()": ofStream(
    async (near, options) => near.chunks(options).next(),
    (_, far) => far.write("piece"),
  ),
  "WebSocketClientConnection.readMessage()": (loop) => {
    let holds = 0;
    const inbox = new Inbox({ stream: { ioLoop: loop }, hold: () => holds++, release: () => holds-- });
    return {
      wait: (options) => inbox.read(options),
      state: () => holds,
      satisfy: () => inbox.put("message"),
    };
  },
  "IOStream.whenWritable()": ofStream(
    (near, options) => near.whenWritable(options),
    (_, far) => far.readBytes(1 << 20),
    { fill: true },
  ),
  "IOStream.drained()": ofStream(
    (near, options) => near.drained(options),
    (_, far) => far.readBytes(1 << 20),
    { fill: true },
  ),
  "IOStream.whenClosed()": ofStream(
    (near, options) => near.whenClosed(options),
    (near) => near.close(),
  ),
  "TCPClient.connect()": (_loop, network) => {
    network.setHost("127.0.0.1", "silent");
    const client = new TCPClient();
    return {
      wait: (options) => client.connect("127.0.0.1", 80, options),
      state: () => network.pending,
      close: () => client.close(),
    };
  },
};

/** Runs `ask` in virtual time, on a network in memory, with one operation after the other as it makes them. */
function ask(
  make: Maker,
  question: (make: () => Operation, loop: VirtualLoop) => Promise<void>,
): Promise<void> {
  const network = new MemoryNetwork();
  const made: Operation[] = [];
  return VirtualLoop.run(
    async (loop) => {
      try {
        await question(() => {
          made.push(make(loop, network));
          return made.at(-1)!;
        }, loop);
      } finally {
        for (const { close } of made) close?.();
      }
    },
    { network },
  );
}

/** What is no option of a wait, and how the error begins. */
const INVALID: readonly (readonly [string, unknown, RegExp])[] = [
  ["a timeout that is not a number", { timeout: Number.NaN }, /^timeout must be/],
  ["a timeout in text", { timeout: "100" }, /^timeout must be/],
  ["an empty duration", { timeout: {} }, /^timeout must be/],
  ["a duration that overflows", { timeout: { days: 1e308 } }, /^timeout must be/],
  ["a controller in place of its signal", { signal: new AbortController() }, /pass controller\.signal$/],
  ["a misspelt timeout", { timout: 5 }, /^unknown option .*"timout"/],
  ["a timeout in other capitals", { timeOut: 5 }, /^unknown option .*"timeOut"/],
  ["a signal by another name", { abortSignal: null }, /"abortSignal"; did you mean "signal"\?$/],
  ["an option that does not exist", { timeout: 5, retries: 3 }, /^unknown option .*"retries"$/],
  ["a number in place of options", 5, /options|\{ timeout/],
  ["text in place of a signal", { signal: "stop" }, /^signal must be/],
];

for (const [name, makeOne] of Object.entries(operations)) {
  describe(name, () => {
    test("rejects invalid options before it registers anything", () =>
      ask(makeOne, async (make) => {
        const operation = make();
        const before = operation.state();
        for (const [what, options, message] of INVALID) {
          const refused = operation.wait(options as WaitOptions);
          await assert.rejects(refused, { code: "ERR_SQUALL_INVALID_ARGUMENT", message }, what);
          assert.deepEqual(operation.state(), before, what);
        }
        if (operation.satisfy === undefined) return;
        const waiting = operation.wait();
        operation.satisfy();
        await waiting;
      }));

    test("takes null for no signal and no timeout", () =>
      ask(makeOne, async (make) => {
        const operation = make();
        const waiting = operation.wait({ signal: null, timeout: null });
        if (operation.satisfy === undefined) {
          await assert.rejects(withTimeout(1e6, waiting), TimeoutError);
        } else {
          operation.satisfy();
          await waiting;
        }
      }));

    test("takes a timeout of 0 and below for one that has just passed", () =>
      ask(makeOne, async (make, loop) => {
        for (const timeout of [0, -0.5, Number.NEGATIVE_INFINITY, { seconds: -1 }]) {
          const operation = make();
          const before = operation.state();
          const start = loop.time();
          const waiting = operation.wait({ timeout });
          if ("late" in operation) assert.equal(await waiting, operation.late);
          else await assert.rejects(waiting, TimeoutError);
          assert.equal(loop.time(), start);
          assert.deepEqual(operation.state(), before);
        }
      }));

    test("takes a duration for its timeout", () =>
      ask(makeOne, async (make, loop) => {
        const operation = make();
        const start = loop.time();
        const waiting = operation.wait({ timeout: { minutes: 5 } });
        if ("late" in operation) assert.equal(await waiting, operation.late);
        else await assert.rejects(waiting, TimeoutError);
        assert.equal(loop.time() - start, 300_000);
      }));

    test("rejects with the reason of a signal that has aborted, and registers nothing", () =>
      ask(makeOne, async (make) => {
        const operation = make();
        const before = operation.state();
        const signal = AbortSignal.abort(new Error("too late"));
        await assert.rejects(operation.wait({ signal }), /too late/);
        assert.deepEqual(operation.state(), before);
        assert.equal(getEventListeners(signal, "abort").length, 0);
      }));
  });
}

test("sleep() takes negative times and durations, and refuses what is invalid before it arms a timer", () =>
  VirtualLoop.run(async (loop) => {
    const start = loop.time();
    await sleep(-5, { signal: null });
    assert.equal(loop.time(), start);
    await sleep({ minutes: 1 });
    assert.equal(loop.time() - start, 60_000);
    for (const [what, options] of INVALID) {
      if (typeof options === "object" && !("signal" in (options as object))) continue;
      await assert.rejects(
        sleep(1, options as { signal: AbortSignal }),
        { code: "ERR_SQUALL_INVALID_ARGUMENT" },
        what,
      );
    }
    await assert.rejects(sleep(Number.NaN), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    assert.equal(loop.timers.size, 0);
  }));

test("callLater() takes a duration", () =>
  VirtualLoop.run(async (loop) => {
    const start = loop.time();
    await new Promise<void>((resolve) => loop.callLater({ minutes: 5 }, resolve));
    assert.equal(loop.time() - start, 300_000);
    assert.throws(() => loop.callLater({ days: 1e308 }, () => {}), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  }));

test("ThreadExecutor.run() starts no thread for a call that is refused", async () => {
  await using pool = new ThreadExecutor(new URL("data:text/javascript,export const one = () => 1"));
  for (const [what, options, message] of INVALID) {
    await assert.rejects(pool.run("one", [], options as WaitOptions), { message }, what);
  }
  assert.equal(pool.workers, 0);
  assert.equal(pool.waiting, 0);
});

test("IOStream.write() sends nothing of a call that is refused", () =>
  VirtualLoop.run(async () => {
    const [near, far] = new MemoryNetwork().pair().map((socket) => new IOStream(socket)) as [
      IOStream,
      IOStream,
    ];
    for (const [what, options, message] of INVALID) {
      await assert.rejects(near.write("refused", options as WaitOptions), { message }, what);
    }
    await near.write("sent\n", { signal: null, timeout: null });
    assert.equal((await far.readUntil("\n")).toString(), "sent\n");
    near.close();
    far.close();
  }));

test("RequestHandler.flush() keeps what was written when a call is refused", async () => {
  for (const [what, options, message] of INVALID) {
    class Page extends RequestHandler {
      override async get() {
        this.write("kept, ");
        await assert.rejects(async () => this.flush(options as WaitOptions), { message }, what);
        this.write("and sent");
        await this.flush({ signal: null, timeout: null });
      }
    }
    for (const settings of [{}, { compressResponse: true }]) {
      const { body } = await request(new Application([["/", Page]], settings), "/");
      assert.equal(body, "kept, and sent", what);
    }
  }
});

test("Subprocess.waitForExit() takes null for none, and a refused call leaves nothing in its way", async () => {
  const child = new Subprocess([process.execPath, "-e", "process.stdin.resume()"], {
    stdin: Subprocess.STREAM,
  });
  for (const [what, options, message] of INVALID) {
    await assert.rejects(child.waitForExit(options as WaitOptions), { message }, what);
  }
  await assert.rejects(child.waitForExit({ timeout: 0 }), TimeoutError);
  const ended = child.waitForExit({ signal: null, timeout: null });
  (child.stdin as PipeIOStream).close();
  assert.equal(await ended, 0);
});
