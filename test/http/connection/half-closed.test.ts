/** The client's FIN in each phase: who waits for it hears of it once, and nobody waits for ever. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPHeaders, type HTTPServerConnectionDelegate } from "squall/httputil";
import "../../support/guard.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("a FIN that came while something else was waited for", () => {
  test("is told to the request whose body was held back, once it is whole", () => {
    const told: string[] = [];
    const app: HTTPServerConnectionDelegate = {
      startRequest: (_server, connection) => ({
        headersReceived() {},
        dataReceived: () => pass((connection as HTTP1Connection).stream!.ioLoop, 1000),
        finish() {},
        onConnectionClose: () => void told.push("onConnectionClose"),
        onExchangeAborted: (reason) => void told.push(reason.reason),
      }),
    };
    return withServer(app, { halfClosedTimeout: 5000 }, async ({ connect, loop }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
      client.end();
      await pass(loop, 2000);
      assert.deepEqual(told, ["half-closed"]);
      await client.whenClosed();
      assert.ok(loop.time() >= 6000 && loop.time() < 7500, `closed after ${loop.time()} ms`);
      assert.deepEqual(told, ["half-closed"]);
    });
  });

  test("ends no request before its delegate has had the whole body, however slowly it takes it", () => {
    const told: string[] = [];
    const app: HTTPServerConnectionDelegate = {
      startRequest: (_server, connection) => ({
        headersReceived() {},
        dataReceived: () => pass((connection as HTTP1Connection).stream!.ioLoop, 300),
        finish: () => void told.push("whole"),
        onConnectionClose: () => void told.push("onConnectionClose"),
        onExchangeAborted: (reason) => void told.push(reason.reason),
      }),
    };
    return withServer(
      app,
      { chunkSize: 1, halfClosedTimeout: 5000, bodyTimeout: 1000 },
      async ({ connect, loop, server }) => {
        const client = await connect();
        client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n${"x".repeat(500)}`);
        client.close();
        await pass(loop, 149_000);
        assert.deepEqual(told, []);
        await pass(loop, 2000);
        assert.deepEqual(told, ["whole", "half-closed"]);
        await pass(loop, 6000);
        assert.equal(server.connections, 0);
      },
    );
  });

  test("is told to the pipelined request that is answered last", () => {
    const told: string[] = [];
    let requests = 0;
    return withServer(
      (request) => {
        const number = ++requests;
        const connection = request.connection as HTTP1Connection;
        connection.setCloseCallback((reason) => void told.push(`${number} ${reason.reason}`));
        if (number === 1) connection.stream!.ioLoop.callLater(1000, () => answer(request, "first"));
      },
      { halfClosedTimeout: 5000 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET, GET);
        client.end();
        assert.equal((await client.response()).body.toString(), "first");
        await client.whenClosed();
        assert.deepEqual(told, ["1 half-closed", "2 half-closed"]);
        assert.ok(loop.time() >= 6000 && loop.time() < 7500, `closed after ${loop.time()} ms`);
      },
    );
  });
});

test("a client that has ended its side is served as long as it takes something of its answer", () =>
  withServer(
    async (request) => {
      const connection = request.connection as HTTP1Connection;
      const loop = connection.stream!.ioLoop;
      const head = { version: "HTTP/1.1", code: 200, reason: "OK" };
      await connection.writeHeaders(head, new HTTPHeaders({ "Content-Length": "10" }));
      for (let i = 0; i < 10; i++) {
        await pass(loop, 4000);
        await connection.write("x");
      }
      connection.finish();
    },
    { halfClosedTimeout: 5000 },
    async ({ connect, loop }) => {
      const client = await connect();
      client.send(GET);
      client.end();
      const response = await client.response();
      assert.equal(response.body.toString(), "xxxxxxxxxx");
      assert.ok(loop.time() >= 40_000);
      await client.whenClosed();
    },
  ));

describe("a response whose end is the end of the connection", () => {
  const begun = (request: { readonly connection: unknown }) => {
    const connection = request.connection as HTTP1Connection;
    void connection.writeHeaders({ version: "HTTP/1.1", code: 200, reason: "OK" }, new HTTPHeaders(), "half");
    return connection;
  };
  const GET10 = "GET / HTTP/1.0\r\n\r\n";

  test("is broken off with a reset, so that it cannot be taken for a whole one", () =>
    withServer(
      (request) => {
        const connection = begun(request);
        connection.stream!.ioLoop.callLater(100, () => connection.close());
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(GET10);
        await client.whenClosed();
        assert.equal((client.error as NodeJS.ErrnoException).code, "ECONNRESET");
      },
    ));

  test("is broken off with a reset when the half-closed client has waited too long", () =>
    withServer(begun, { halfClosedTimeout: 1000 }, async ({ connect }) => {
      const client = await connect();
      client.send(GET10);
      client.end();
      await client.whenClosed();
      assert.equal((client.error as NodeJS.ErrnoException).code, "ECONNRESET");
    }));

  test("is broken off with a reset when the server's grace is over", () =>
    withServer(begun, {}, async ({ connect, server }) => {
      const client = await connect();
      client.send(GET10);
      await client.until("half");
      await server.closeAllConnections({ timeout: 0 });
      await client.whenClosed();
      assert.equal((client.error as NodeJS.ErrnoException).code, "ECONNRESET");
    }));
});
