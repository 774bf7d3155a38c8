import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { resultOf, sleep, TimeoutError } from "squall/gen";
import { IOLoop } from "squall/ioloop";
import {
  AsyncTestCase,
  bindUnusedPort,
  genTest,
  getAsyncTestTimeout,
  setupWithContextManager,
  testMethods,
  VirtualLoop,
} from "squall/testing";
import "../support/guard.js";

describe("getAsyncTestTimeout()", () => {
  beforeEach(() => {
    delete process.env.ASYNC_TEST_TIMEOUT;
  });

  test("is 5 s, or what ASYNC_TEST_TIMEOUT says in seconds", () => {
    assert.equal(getAsyncTestTimeout(), 5000);
    process.env.ASYNC_TEST_TIMEOUT = "0.5";
    assert.equal(getAsyncTestTimeout(), 500);
    for (const nonsense of ["", "soon", "-1", "0"]) {
      process.env.ASYNC_TEST_TIMEOUT = nonsense;
      assert.equal(getAsyncTestTimeout(), 5000);
    }
  });
});

describe("genTest()", () => {
  test(
    "makes a test of a generator function",
    genTest(function* () {
      const value = yield* resultOf(Promise.resolve(42));
      assert.equal(value, 42);
    }),
  );

  test("fails as the body fails, and drops what it returns", async () => {
    await assert.rejects(
      genTest(async () => {
        await null;
        throw new RangeError("body");
      })(),
      RangeError,
    );
    assert.equal(await genTest(async () => 42)(), undefined);
  });

  test("fails with TimeoutError after its timeout, or after the default", () =>
    VirtualLoop.run(async (loop) => {
      const forever = (): Promise<void> => new Promise(() => {});
      const start = loop.time();
      await assert.rejects(genTest(forever, { timeout: 50 })(), TimeoutError);
      assert.equal(loop.time() - start, 50);
      await assert.rejects(genTest({ timeout: 70 })(forever)(), TimeoutError);
      await assert.rejects(genTest(forever)(), /within 5000 ms/);
      assert.equal(loop.time() - start, 50 + 70 + 5000);
    }));

  test("passes this and arguments on", async () => {
    const body = genTest(async function (this: { base: number }, n: number) {
      assert.equal(this.base + n, 3);
    });
    await body.call({ base: 1 }, 2);
  });
});

const log: string[] = [];

class VirtualCase extends AsyncTestCase {
  override getNewIoloop(): IOLoop {
    return new VirtualLoop({ makeCurrent: false });
  }
}

class Registered extends VirtualCase {
  override async setUp(): Promise<void> {
    await super.setUp();
    log.push(`setUp ${this.methodName}`);
  }
  override async tearDown(): Promise<void> {
    log.push(`tearDown ${this.methodName}`);
    await super.tearDown();
  }
  @genTest
  *testGenerator(): Generator<Promise<void>, void, void> {
    yield sleep(1000);
    assert.equal(this.ioLoop.time(), 1000);
    assert.equal(IOLoop.current(), this.ioLoop);
  }
  @genTest({ timeout: 10_000 })
  async testAsync(): Promise<void> {
    await sleep(9000);
  }
  testPlain(): void {}
  helper(): void {
    assert.fail("not a test");
  }
}

class Inherited extends Registered {
  testOwn(): void {}
}

/** Elsewhere `node:test` runs only inside the runtime's own runner of tests. */
const isNode = !("Bun" in globalThis) && !("Deno" in globalThis);
if (isNode) Registered.register();
else Registered.register({ describe, test });

describe("AsyncTestCase", () => {
  test("register() runs each test method on an object and a loop of its own", () => {
    assert.deepEqual(log, [
      "setUp testGenerator",
      "tearDown testGenerator",
      "setUp testAsync",
      "tearDown testAsync",
      "setUp testPlain",
      "tearDown testPlain",
    ]);
  });

  test("register() takes any runner, and inherited methods come first", async () => {
    assert.deepEqual(testMethods(Inherited), ["testGenerator", "testAsync", "testPlain", "testOwn"]);
    const seen: string[] = [];
    const bodies: (() => Promise<void>)[] = [];
    Inherited.register({
      describe: (name, body) => {
        seen.push(name);
        body();
      },
      test: (name, body) => {
        seen.push(name);
        bodies.push(body);
      },
    });
    assert.deepEqual(seen, ["Inherited", "testGenerator", "testAsync", "testPlain", "testOwn"]);
    for (const body of bodies) await body();
  });

  /** Runs one body as a test case on virtual time. */
  const runCase = (body: (this: AsyncTestCase) => unknown): Promise<void> =>
    new (class extends VirtualCase {
      runTest(): unknown {
        return body.call(this);
      }
    })().run();

  test("wait() gives the value that stop() was called with, now or later", () =>
    runCase(async function () {
      this.ioLoop.callLater(1000, () => this.stop({ key: "value" }));
      assert.deepEqual(await this.wait(), { key: "value" });
      this.stop("before");
      assert.equal(await this.wait(), "before");
    }));

  test("wait() goes on until its condition holds", () =>
    runCase(async function () {
      let count = 0;
      const step = (): void => {
        count++;
        this.stop(count);
        if (count < 5) this.ioLoop.callLater(10, step);
      };
      step();
      assert.equal(await this.wait({ condition: () => count >= 3 }), 3);
    }));

  test("wait() rejects with TimeoutError when stop() does not come", () =>
    runCase(async function () {
      await assert.rejects(this.wait({ timeout: 100 }), TimeoutError);
      assert.equal(this.ioLoop.time(), 100);
      await assert.rejects(this.wait({ condition: () => false, timeout: 100 }), TimeoutError);
    }));

  test("an error of a callback rejects wait(), or else fails the test", async () => {
    await runCase(async function () {
      this.ioLoop.addCallback(() => {
        throw new RangeError("in a callback");
      });
      await assert.rejects(this.wait(), RangeError);
    });
    await assert.rejects(
      runCase(async function () {
        this.ioLoop.addCallback(async () => {
          throw new RangeError("behind its back");
        });
        await sleep(1);
      }),
      RangeError,
    );
  });

  test("several errors come together", async () => {
    await assert.rejects(
      runCase(async function () {
        this.addCleanup(() => {
          throw new RangeError("cleanup");
        });
        throw new RangeError("test");
      }),
      (error: unknown) => error instanceof AggregateError && error.errors.length === 2,
    );
  });

  test("refuses generator methods without genTest, values, and methods that are not there", async () => {
    await assert.rejects(
      runCase(function* () {
        yield null;
      }),
      /mark it with @genTest/,
    );
    await assert.rejects(
      runCase(() => 42),
      /returned a value/,
    );
    await assert.rejects(
      runCase(async () => 42),
      /returned a value/,
    );
    await assert.rejects(new AsyncTestCase("testNothing").run(), /no test method testNothing\(\)/);
  });

  test("an async method without genTest has the time limit, too", () =>
    assert.rejects(
      runCase(() => new Promise(() => {})),
      TimeoutError,
    ));

  test("closes its loop, aborts its signal and brings the former loop back", async () => {
    const before = IOLoop.current();
    let loop: IOLoop | undefined;
    let signal: AbortSignal | undefined;
    await runCase(function () {
      loop = this.ioLoop;
      signal = this.signal;
      assert.equal(signal.aborted, false);
    });
    assert.equal(loop?.closed, true);
    assert.equal(signal?.aborted, true);
    assert.equal(IOLoop.current(), before);
  });

  test("leaves a shared loop open and as it was", async () => {
    const shared = IOLoop.current();
    await new (class extends AsyncTestCase {
      override getNewIoloop(): IOLoop {
        return shared;
      }
      runTest(): void {
        assert.equal(this.ioLoop, shared);
      }
    })().run();
    assert.equal(shared.closed, false);
    assert.equal(Object.hasOwn(shared, "handleCallbackException"), false);
    assert.throws(() => new AsyncTestCase().ioLoop, { code: "ERR_SQUALL_INVALID_STATE" });
  });
});

describe("setupWithContextManager()", () => {
  test("disposes after the test case, the last one first", async () => {
    const seen: string[] = [];
    await new (class extends AsyncTestCase {
      runTest(): void {
        const first = { [Symbol.dispose]: () => seen.push("first") };
        const second = { [Symbol.asyncDispose]: async () => void seen.push("second") };
        assert.equal(setupWithContextManager(this, first), first);
        setupWithContextManager(this, second);
      }
      override async tearDown(): Promise<void> {
        seen.push("tearDown");
        await super.tearDown();
      }
    })().run();
    assert.deepEqual(seen, ["tearDown", "second", "first"]);
  });

  test("works with the context of node:test", async (t) => {
    let disposed = false;
    await t.test("inner", (inner) => {
      setupWithContextManager(inner, {
        [Symbol.dispose]: () => {
          disposed = true;
        },
      });
      assert.equal(disposed, false);
    });
    assert.equal(disposed, true);
  });
});

describe("bindUnusedPort()", () => {
  test("binds a port of 127.0.0.1 that nobody has, and keeps it", async () => {
    const [first, port] = await bindUnusedPort();
    const [second, other] = await bindUnusedPort({ address: "127.0.0.1", reusePort: false });
    assert.ok(port > 0 && other > 0 && port !== other);
    assert.deepEqual(first.address, { host: "127.0.0.1", port, family: 4 });
    await first.close();
    await second.close();
  });
});
