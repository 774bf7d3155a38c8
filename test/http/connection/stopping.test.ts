/** The server's end, in each phase of a connection; and what is left of a connection afterwards. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import { Application, RequestHandler } from "squall/web";
import { TEST_CERTIFICATE, TEST_KEY } from "#room/testing/test-certificate";
import "../../support/guard.js";
import { field } from "../../support/raw-client.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const hello = (request: HTTPServerRequest) => answer(request, "hello");

describe("closeAllConnections()", () => {
  test("ends a connection whose body is being drained, without waiting for the rest of it", async () => {
    class Early extends RequestHandler {
      override prepare(): void {
        void this.finish("early");
      }
      override dataReceived(): void {}
      override post(): void {}
      static override readonly streamRequestBody: boolean = true;
    }
    await withServer(new Application([["/", Early]]), {}, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
      assert.equal((await client.response()).body.toString(), "early");
      const closing = server.closeAllConnections();
      await client.whenEnded();
      assert.equal(loop.time(), 0);
      client.end();
      assert.deepEqual(await closing, { idle: 0, finished: 1, aborted: 0 });
    });
  });

  test("counts each connection once, also when an idle client does not close its side in time", () =>
    withServer(hello, {}, async ({ connect, server }) => {
      await connect();
      const client = await connect();
      client.send(GET);
      await client.response();
      assert.deepEqual(await server.closeAllConnections({ timeout: 0 }), {
        idle: 2,
        finished: 0,
        aborted: 0,
      });
    }));

  test("may be called twice at once, and from inside a request", () => {
    const reports: unknown[] = [];
    return withServer(
      (request) => {
        const { server } = request.serverConnection as { server?: unknown } & { readonly stream: unknown };
        assert.equal(server, undefined);
        stop();
        answer(request, "last");
      },
      {},
      async (context) => {
        stop = () => {
          for (let i = 0; i < 2; i++)
            void context.server.closeAllConnections().then((report) => reports.push(report));
        };
        const client = await context.connect();
        client.send(GET, GET);
        assert.equal((await client.response()).body.toString(), "last");
        assert.equal(await client.rest(), "");
        client.end();
        await pass(context.loop, 10);
        assert.deepEqual(reports, [
          { idle: 0, finished: 1, aborted: 0 },
          { idle: 0, finished: 1, aborted: 0 },
        ]);
      },
    );
  });

  let stop = (): void => {};
});

describe("a connection that has ended", () => {
  const phases: Record<string, string> = {
    "before a head": "",
    "inside a head": "GET / HT",
    "inside a body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",
    "inside a chunk": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "while the answer is waited for": "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
    "while a response is under way": "GET /begin HTTP/1.1\r\nHost: x\r\n\r\n",
    "between two requests": GET,
    "while it is closed in stages": "nonsense\r\n\r\n",
  };
  const ways: Record<
    string,
    (client: { end(): void; close(): void; socket: { resetAndDestroy(): unknown } }) => void
  > = {
    "by a reset": (client) => client.socket.resetAndDestroy(),
    "by a close": (client) => client.close(),
  };
  const application = (request: HTTPServerRequest) => {
    if (request.path === "/wait") return;
    if (request.path === "/begin") {
      const headers = new (request.headers.constructor as new () => typeof request.headers)();
      void request.connection!.writeHeaders(
        { version: "HTTP/1.1", code: 200, reason: "OK" },
        headers,
        "begun",
      );
      return;
    }
    hello(request);
  };
  for (const [phase, bytes] of Object.entries(phases)) {
    for (const [way, leave] of Object.entries(ways)) {
      test(`${phase}, ${way}, leaves no timer, no connection and no line in the log`, () =>
        withServer(
          (request) => {
            (request.connection as HTTP1Connection).setCloseCallback(() => {});
            application(request);
          },
          { halfClosedTimeout: 500 },
          async ({ connect, server, loop }) => {
            const client = await connect();
            if (bytes !== "") client.send(bytes);
            await pass(loop, 1);
            leave(client);
            await pass(loop, 1);
            await server.stop();
            await pass(loop, 3000);
            assert.equal(server.connections, 0);
            assert.equal(server.connections, 0);
            assert.equal(loop.timers.wheel.nextTime, Number.POSITIVE_INFINITY);
          },
        ));
    }
  }
});

describe("closeAllConnections() when its grace is over", () => {
  test("lets what a handler answers to its signal at once leave, and counts it as finished", () => {
    const logged: string[] = [];
    class Polls extends RequestHandler {
      override async get(): Promise<void> {
        await new Promise<void>((resolve) => this.signal.addEventListener("abort", () => resolve()));
        this.write("the server goes; try another");
      }
    }
    const app = new Application([["/", Polls]], {
      logFunction: (handler) => void logged.push(`${handler.getStatus()} ${handler.bytesSent}`),
    });
    return withServer(app, {}, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send(GET);
      await pass(loop, 10);
      const closing = server.closeAllConnections({ timeout: 500 });
      assert.equal((await client.response()).body.toString(), "the server goes; try another");
      assert.deepEqual(await closing, { idle: 0, finished: 1, aborted: 0 });
      assert.deepEqual(logged, ["200 28"]);
    });
  });

  test("answers 503 for a handler that gives up with its signal", () => {
    class Waits extends RequestHandler {
      override async get(): Promise<void> {
        await new Promise((_resolve, reject) => {
          this.signal.addEventListener("abort", () => reject(this.signal.reason as Error));
        });
      }
    }
    const logged: number[] = [];
    const app = new Application([["/", Waits]], {
      logFunction: (handler) => void logged.push(handler.getStatus()),
    });
    return withServer(app, {}, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send(GET);
      await pass(loop, 10);
      const closing = server.closeAllConnections({ timeout: 500 });
      assert.equal((await client.response()).status, 503);
      assert.deepEqual(await closing, { idle: 0, finished: 1, aborted: 0 });
      assert.deepEqual(logged, [503]);
    });
  });

  test("cuts off a handler that goes on, and the log does not say that it was answered", () => {
    const logged: string[] = [];
    class Late extends RequestHandler {
      override async get(): Promise<void> {
        await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
        await pass(this.request.ioLoop, 100);
        throw this.signal.reason;
      }
    }
    const app = new Application([["/", Late]], {
      logFunction: (handler) => void logged.push(`${handler.getStatus()} ${handler.bytesSent}`),
    });
    return withServer(app, {}, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send(GET);
      await pass(loop, 10);
      assert.deepEqual(await server.closeAllConnections({ timeout: 500 }), {
        idle: 0,
        finished: 0,
        aborted: 1,
      });
      await client.whenEnded();
      assert.equal(client.received.length, 0);
      await pass(loop, 200);
      assert.deepEqual(logged, ["499 0"]);
    });
  });

  test("counts as finished whose last answer was delivered, though its client stays", () =>
    withServer(hello, {}, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      assert.equal((await client.response()).body.toString(), "hello");
      assert.deepEqual(await server.closeAllConnections({ timeout: 100 }), {
        idle: 0,
        finished: 1,
        aborted: 0,
      });
      assert.ok(loop.time() < 1000);
    }));

  test("tells an upgraded protocol first to go, then that it is cut off", () => {
    const calls: string[] = [];
    return withServer(
      (request) => {
        request.connection!.detach({
          shutdown: () => void calls.push("shutdown"),
          abort: () => void calls.push("abort"),
        });
      },
      {},
      async ({ connect, server, loop }) => {
        (await connect()).send(GET);
        await pass(loop, 1);
        void server.closeAllConnections({ timeout: 5000 });
        assert.deepEqual(await server.closeAllConnections({ timeout: 1000 }), {
          idle: 0,
          finished: 0,
          aborted: 1,
        });
        assert.deepEqual(calls, ["shutdown", "abort"]);
      },
    );
  });
});

describe("closeAllConnections() of idle connections", () => {
  test("answers a request that had arrived and was not read yet, then closes", () =>
    withServer(hello, {}, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send(GET);
      await client.response();
      await pass(loop, 10);
      client.send(GET);
      const report = server.closeAllConnections();
      const response = await client.response();
      assert.equal(response.body.toString(), "hello");
      assert.equal(field(response, "Connection"), "close");
      assert.equal(await client.rest(), "");
      client.end();
      assert.deepEqual(await report, { idle: 0, finished: 1, aborted: 0 });
    }));

  test("closes one that has not finished its TLS handshake at once", () => {
    const sslOptions = { cert: TEST_CERTIFICATE, key: TEST_KEY };
    return withServer(hello, { sslOptions }, async ({ connect, server, loop }) => {
      const silent = await connect();
      const half = await connect();
      half.send("\x16\x03\x01\x01\x00\x01\x00\x00");
      await pass(loop, 10);
      const since = loop.time();
      assert.deepEqual(await server.closeAllConnections(), { idle: 2, finished: 0, aborted: 0 });
      await silent.whenEnded();
      await half.whenEnded();
      assert.equal(loop.time(), since);
    });
  });
});

describe("a client that pipelines more than maxPipelinedSize and leaves", () => {
  for (const [what, more, first, then] of [
    ["is noticed within seconds", 100, ["half-closed"], ["half-closed"]],
    ["is given up after halfClosedTimeout when its FIN does not arrive", 200_000, [], ["closed"]],
  ] as const) {
    test(`${what}, though nothing more is read`, () => {
      const told: string[] = [];
      return withServer(
        (request) => {
          request.connection!.onAbort(({ reason }) => told.push(reason));
        },
        { maxPipelinedSize: 1000, halfClosedTimeout: 20_000 },
        async ({ connect, server, loop }) => {
          const client = await connect();
          client.send(GET, GET.repeat(more));
          await pass(loop, 10);
          client.end();
          assert.deepEqual(told, []);
          await pass(loop, 6000);
          assert.deepEqual(told, first);
          await pass(loop, 24_000);
          assert.deepEqual(told, then);
          assert.equal(server.connections, 0);
        },
      );
    });
  }

  test("and stays is left in peace while it takes something", () => {
    const told: string[] = [];
    return withServer(
      async (request) => {
        const connection = request.connection!;
        connection.onAbort(({ reason }) => told.push(reason));
        await connection.writeHeaders({ version: "HTTP/1.1", code: 200, reason: "OK" }, new HTTPHeaders());
        for (let i = 0; i < 20; i++) {
          await pass(connection.ioLoop, 4000);
          await connection.write("tick");
        }
        connection.finish();
      },
      { maxPipelinedSize: 1000, halfClosedTimeout: 10_000 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET, GET.repeat(100));
        await pass(loop, 79_000);
        assert.deepEqual(told, []);
        assert.ok(client.received.includes("tick"));
      },
    );
  });
});
