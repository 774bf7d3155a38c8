/** Calls from inside calls, and calls that come too late: an exchange never reaches into the next. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import {
  type HTTPConnection,
  HTTPHeaders,
  type HTTPMessageDelegate,
  type HTTPServerConnectionDelegate,
  type HTTPServerRequest,
} from "squall/httputil";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler, streamRequestBody } from "squall/web";
import "../../support/guard.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const OK = { version: "HTTP/1.1", code: 200, reason: "OK" };

function app(
  make: (connection: HTTPConnection) => Partial<HTTPMessageDelegate>,
): HTTPServerConnectionDelegate {
  return {
    startRequest: (_server, connection) => ({
      headersReceived() {},
      dataReceived() {},
      finish() {},
      onConnectionClose() {},
      ...make(connection),
    }),
  };
}

function fail(): never {
  throw new Error("after the answer");
}

describe("an answer is the only one", () => {
  const answers = (connection: HTTPConnection) => connection.respond(OK, new HTTPHeaders(), "done");
  const cases: Record<string, (connection: HTTPConnection) => Partial<HTTPMessageDelegate>> = {
    headersReceived: (connection) => ({
      headersReceived() {
        answers(connection);
        fail();
      },
    }),
    "headersReceived, by a promise,": (connection) => ({
      async headersReceived() {
        answers(connection);
        fail();
      },
    }),
    dataReceived: (connection) => ({
      dataReceived() {
        answers(connection);
        fail();
      },
    }),
    finish: (connection) => ({
      finish() {
        answers(connection);
        fail();
      },
    }),
  };
  for (const [where, make] of Object.entries(cases)) {
    test(`when ${where} throws after the answer, nothing follows on the wire but the end`, () =>
      withServer(app(make), {}, async ({ connect }) => {
        const log = new ExpectLog("squall.application", /after the answer|delegate/);
        await log.run(async () => {
          const client = await connect();
          client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", GET);
          assert.equal((await client.response()).body.toString(), "done");
          assert.equal(await client.rest(), "");
        });
      }));
  }

  test("what onConnectionClose() writes while a request is being refused is not sent", () =>
    withServer(
      app((connection) => ({ onConnectionClose: () => answers(connection) })),
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        assert.equal((await client.response()).status, 400);
        assert.equal(await client.rest(), "");
      },
    ));

  test("what the close callback writes while a request is being refused is not sent", () =>
    withServer(
      app((connection) => {
        (connection as HTTP1Connection).setCloseCallback(() => answers(connection));
        return {};
      }),
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        assert.equal((await client.response()).status, 400);
        assert.equal(await client.rest(), "");
      },
    ));
});

describe("an exchange that is over", () => {
  /** The first request keeps its connection; the second is answered after a second. */
  function twoExchanges(seen: HTTP1Connection[]) {
    return (request: HTTPServerRequest) => {
      const connection = request.connection as HTTP1Connection;
      seen.push(connection);
      if (seen.length === 1) answer(request, "first");
      else connection.stream!.ioLoop.callLater(1000, () => answer(request, "second"));
    };
  }

  test("cannot close the connection under the next", () => {
    const seen: HTTP1Connection[] = [];
    return withServer(twoExchanges(seen), {}, async ({ connect, loop }) => {
      const client = await connect();
      client.send(GET, GET);
      assert.equal((await client.response()).body.toString(), "first");
      await pass(loop, 10);
      seen[0]!.close();
      assert.equal((await client.response()).body.toString(), "second");
    });
  });

  test("cannot take the stream away from the next", () => {
    const seen: HTTP1Connection[] = [];
    return withServer(twoExchanges(seen), {}, async ({ connect, loop }) => {
      const client = await connect();
      client.send(GET, GET);
      assert.equal((await client.response()).body.toString(), "first");
      await pass(loop, 10);
      assert.throws(() => seen[0]!.detach(), { code: "ERR_SQUALL_INVALID_STATE" });
      assert.equal((await client.response()).body.toString(), "second");
    });
  });

  test("cannot cut short the refusal of its own request", async () => {
    class Upload extends RequestHandler {
      override dataReceived(): void {}
      override onConnectionClose(): void {
        (this.request.connection as HTTP1Connection).close();
      }
    }
    const routes = new Application([["/", streamRequestBody(Upload)]]);
    await withServer(routes, {}, async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
      client.send("x".repeat(10_000));
      assert.equal((await client.response()).status, 400);
      assert.equal(await client.rest(), "");
      assert.equal(client.error, undefined);
    });
  });
});

describe("a handler that goes on writing after its request was refused", () => {
  test("hears that the connection is closed, instead of writing for ever", async () => {
    const written: (Error | undefined)[] = [];
    const connections: HTTP1Connection[] = [];
    await withServer(
      app((connection) => {
        connections.push(connection as HTTP1Connection);
        return {
          headersReceived() {
            void connection.writeHeaders(OK, new HTTPHeaders(), "begun");
          },
        };
      }),
      {},
      async ({ connect, loop, server }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        assert.equal((await client.response()).truncated, true);
        // The connection lingers, so the stream itself is still open.
        assert.equal(connections[0]!.stream!.closed(), false);
        await connections[0]!.write("more").then(
          () => written.push(undefined),
          (error: Error) => written.push(error),
        );
        assert.equal((written[0] as { code?: string } | undefined)?.code, "ERR_SQUALL_STREAM_CLOSED");
        connections[0]!.finish();
        await pass(loop, 5000);
        assert.equal(server.connections, 0);
      },
    );
  });
});

test("detach() inside headersReceived() hands on every byte, also of a read longer than chunkSize", () => {
  const rest: string[] = [];
  return withServer(
    app((connection) => ({
      headersReceived() {
        const stream = (connection as HTTP1Connection).detach();
        void stream.readUntilClose().then((bytes) => rest.push(bytes.toString("latin1")));
      },
    })),
    { chunkSize: 16 },
    async ({ connect, loop }) => {
      const client = await connect();
      const more = "0123456789".repeat(10);
      client.send(GET + more);
      client.end();
      await pass(loop, 10);
      assert.deepEqual(rest, [more]);
    },
  );
});
