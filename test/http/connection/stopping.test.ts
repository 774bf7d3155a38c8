/** The server's end, in each phase of a connection; and what is left of a connection afterwards. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import type { HTTPServerRequest } from "squall/httputil";
import { Application, RequestHandler } from "squall/web";
import "../../support/guard.js";
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
