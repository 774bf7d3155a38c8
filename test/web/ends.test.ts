/** Handlers whose exchange ends in an unusual way, and what they leave behind. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BaseIOStream } from "squall/iostream";
import { ExpectLog } from "squall/testing";
import { Application, asynchronous, FallbackHandler, RequestHandler, streamRequestBody } from "squall/web";
import "../support/guard.js";
import { pass, withServer } from "../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";

describe("a handler's deadline", () => {
  test("is called off when the stream is given away", async () => {
    const streams: BaseIOStream[] = [];
    class Away extends RequestHandler {
      override get(): void {
        streams.push(this.detach() as BaseIOStream);
      }
    }
    await withServer(
      new Application([["/", Away]], { handlerTimeout: 60_000 }),
      {},
      async ({ connect, loop }) => {
        const client = await connect();
        const before = loop.timers.size;
        client.send(GET);
        await pass(loop, 10);
        assert.equal(streams.length, 1);
        assert.equal(loop.timers.size, before);
        streams[0]!.close();
      },
    );
  });

  test("is called off when the handler cannot be made", async () => {
    class Broken extends RequestHandler {
      override initialize(): void {
        throw new Error("cannot be made");
      }
    }
    const app = new Application([["/", Broken]], { handlerTimeout: 60_000 });
    await withServer(app, {}, async ({ connect, loop }) => {
      const client = await connect();
      const before = loop.timers.size;
      await new ExpectLog("squall.application", /could not be made/).run(async () => {
        client.send(GET);
        assert.equal((await client.response()).status, 500);
      });
      assert.equal(loop.timers.size, before);
    });
  });
});

describe("a streaming handler", () => {
  test("behind a FallbackHandler runs its steps one after the other", async () => {
    const steps: string[] = [];
    class Streaming extends RequestHandler {
      override async prepare(): Promise<void> {
        steps.push("prepare");
        await new Promise(setImmediate);
        steps.push("prepared");
      }
      override async dataReceived(chunk: Buffer): Promise<void> {
        steps.push(`data ${chunk}`);
        await new Promise(setImmediate);
        steps.push("taken");
      }
      override post(): void {
        steps.push("post");
        this.write("done");
      }
    }
    const inner = new Application([["/", streamRequestBody(Streaming)]]);
    const outer = new Application([["/", FallbackHandler, { fallback: inner }]]);
    await withServer(outer, {}, async ({ connect }) => {
      const client = await connect();
      client.send(`${POST}abcd`);
      assert.equal(String((await client.response()).body), "done");
      assert.deepEqual(steps, ["prepare", "prepared", "data abcd", "taken", "post"]);
    });
  });

  test("behind a FallbackHandler hears that the client has gone", async () => {
    const reasons: unknown[] = [];
    class Waits extends RequestHandler {
      override get(): Promise<void> {
        return new Promise((_resolve, reject) => {
          this.signal.addEventListener("abort", () => {
            reasons.push((this.signal.reason as { reason?: string }).reason);
            reject(this.signal.reason as Error);
          });
        });
      }
    }
    const inner = new Application([["/", Waits]]);
    const outer = new Application([["/", FallbackHandler, { fallback: inner }]]);
    await withServer(outer, {}, async ({ connect, loop }) => {
      const client = await connect();
      client.send(GET);
      await pass(loop, 10);
      client.socket.resetAndDestroy();
      await pass(loop, 10);
      assert.deepEqual(reasons, ["closed"]);
    });
  });

  test("that finishes in dataReceived(), and then throws, has answered once", async () => {
    class Hasty extends RequestHandler {
      override dataReceived(): void {
        void this.finish("enough");
        throw new Error("too late");
      }
    }
    await withServer(new Application([["/", streamRequestBody(Hasty)]]), {}, async ({ connect }) => {
      const client = await connect();
      await new ExpectLog("squall.application", /Uncaught exception POST/).run(async () => {
        client.send(`${POST}abcd`, `${POST}abcd`);
        for (let i = 0; i < 2; i++) assert.equal(String((await client.response()).body), "enough");
      });
      assert.equal(client.ended, false);
    });
  });

  test("whose client goes while prepare() waits ends quietly, and its verb is not called", async () => {
    const calls: string[] = [];
    class Waiting extends RequestHandler {
      override async prepare(): Promise<void> {
        calls.push("prepare");
        await new Promise((_resolve, reject) => {
          this.signal.addEventListener("abort", () => reject(this.signal.reason as Error));
        });
      }
      override dataReceived(): void {
        calls.push("data");
      }
      override post(): void {
        calls.push("post");
      }
      override onConnectionClose(): void {
        calls.push("onConnectionClose");
      }
      override onFinish(): void {
        calls.push("onFinish");
      }
    }
    await withServer(
      new Application([["/", streamRequestBody(Waiting)]]),
      {},
      async ({ connect, loop, server }) => {
        const client = await connect();
        client.send(`${POST}ab`);
        await pass(loop, 10);
        client.socket.resetAndDestroy();
        await pass(loop, 10);
        assert.deepEqual(calls, ["prepare", "onConnectionClose", "onFinish"]);
        assert.equal(server.connections, 0);
      },
    );
  });
});

describe("a handler whose client has gone", () => {
  for (const [what, work] of Object.entries({
    "writes, flushes and returns": async (handler: RequestHandler) => {
      handler.write("late");
      await handler.flush();
      handler.write("later");
    },
    "finishes by itself": async (handler: RequestHandler) => handler.finish("late"),
    redirects: async (handler: RequestHandler) => handler.redirect("/"),
  })) {
    test(`and ${what} throws nothing and logs no error`, async () => {
      let over = false;
      class Late extends RequestHandler {
        override async get(): Promise<void> {
          await pass(this.ioLoop, 1000);
          await work(this);
        }
        override onFinish(): void {
          over = true;
        }
        get ioLoop() {
          return (this.request.connection as unknown as { stream: BaseIOStream }).stream.ioLoop;
        }
      }
      await withServer(new Application([["/", Late]]), {}, async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET);
        await pass(loop, 10);
        client.socket.resetAndDestroy();
        await pass(loop, 2000);
        assert.equal(over, true);
      });
    });
  }
});

describe("a long last piece on a connection that ends with it", () => {
  for (const [what, request] of Object.entries({
    "HTTP/1.1": "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
  })) {
    test(`is sent whole to a slow ${what} client, and finish() resolves`, async () => {
      const finished: string[] = [];
      class Long extends RequestHandler {
        override async get(): Promise<void> {
          this.write("begin ");
          await this.flush();
          await this.finish("x".repeat(3_000_000)).then(
            () => finished.push("resolved"),
            (error: Error) => finished.push(`rejected: ${error.message}`),
          );
        }
      }
      await withServer(new Application([["/", Long]]), {}, async ({ connect, loop }) => {
        const client = await connect();
        client.socket.pause();
        client.send(request);
        await pass(loop, 1000);
        client.socket.resume();
        const response = await client.response();
        assert.equal(response.body.length, 3_000_006);
        assert.equal(response.truncated, false);
        client.end();
        await pass(loop, 5000);
        assert.deepEqual(finished, ["resolved"]);
      });
    });
  }
});

describe("a response that stays open after its method", () => {
  class Open extends RequestHandler {
    static log: string[] = [];
    static later: (() => void) | undefined;
    @asynchronous
    override get(): void {
      Open.later = () => {
        this.write("late ");
        this.finish("answer");
      };
    }
    override onConnectionClose(): void {
      Open.log.push("closed");
    }
    override onFinish(): void {
      Open.log.push(`finished ${this.getStatus()}`);
    }
  }

  test("ends when its client leaves: onFinish() runs once, and what a callback writes later goes nowhere", async () => {
    Open.log = [];
    await withServer(
      new Application([["/", Open]]),
      { halfClosedTimeout: 10_000 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET);
        await pass(loop, 10);
        assert.deepEqual(Open.log, []);
        client.close();
        await pass(loop, 30_000);
        assert.deepEqual(Open.log, ["closed", "finished 499"]);
        assert.doesNotThrow(() => Open.later?.());
        assert.deepEqual(Open.log, ["closed", "finished 499"]);
        assert.equal(loop.timers.size, 0);
      },
    );
  });

  test("is still answered when its client has only ended its side", async () => {
    Open.log = [];
    await withServer(new Application([["/", Open]]), {}, async ({ connect, loop }) => {
      const client = await connect();
      client.send(GET);
      await pass(loop, 10);
      client.end();
      await pass(loop, 20_000);
      assert.deepEqual(Open.log, ["closed"]);
      Open.later?.();
      assert.equal(String((await client.response()).body), "late answer");
      assert.equal(Open.log.length, 2, "onFinish() ran");
    });
  });

  test("ends after its method if the client left while that was running", async () => {
    const log: string[] = [];
    let goOn: (() => void) | undefined;
    class Waiting extends RequestHandler {
      @asynchronous
      override async get(): Promise<void> {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
      override onFinish(): void {
        log.push("finished");
      }
    }
    await withServer(
      new Application([["/", Waiting]]),
      { halfClosedTimeout: 1000 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET);
        await pass(loop, 10);
        client.close();
        await pass(loop, 10_000);
        assert.deepEqual(log, []);
        goOn?.();
        await pass(loop, 10);
        assert.deepEqual(log, ["finished"]);
      },
    );
  });
});
