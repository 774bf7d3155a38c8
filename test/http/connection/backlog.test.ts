/** A client that sends and does not read must not fill the memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HTTP1Connection } from "squall/http1connection";
import { type HTTPConnection, HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import "../../support/guard.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const OK = { version: "HTTP/1.1", code: 200, reason: "OK" };
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("pipelined requests of a client that does not read", () => {
  const PAGE = "x".repeat(100_000);
  function counted() {
    const app = Object.assign((request: HTTPServerRequest) => answer(request, PAGE), { count: 0 });
    const counting = (request: HTTPServerRequest) => {
      counting.count++;
      app(request);
    };
    counting.count = 0;
    return counting;
  }

  test("wait until it does, and are all answered then, in order", () => {
    const app = counted();
    return withServer(app, { writeStallTimeout: 60_000 }, async ({ connect, loop }) => {
      const client = await connect();
      client.socket.pause();
      client.send(GET.repeat(200));
      await pass(loop, 1000);
      assert.ok(app.count < 10, `${app.count} requests were answered into the queue`);
      client.socket.resume();
      for (let i = 0; i < 200; i++) assert.equal((await client.response()).body.length, PAGE.length);
      assert.equal(app.count, 200);
      client.send(GET);
      assert.equal((await client.response()).status, 200);
    });
  });

  test("wait also when the client has ended its side", () => {
    const app = counted();
    return withServer(app, {}, async ({ connect, loop }) => {
      const client = await connect();
      client.socket.pause();
      client.send(GET.repeat(50));
      client.end();
      await pass(loop, 1000);
      assert.ok(app.count < 10, `${app.count} requests were answered into the queue`);
      client.socket.resume();
      for (let i = 0; i < 50; i++) assert.equal((await client.response()).body.length, PAGE.length);
      await client.whenClosed();
    });
  });

  test("are not waited for when the server stops", () => {
    const app = counted();
    return withServer(app, {}, async ({ connect, loop, server }) => {
      const client = await connect();
      client.socket.pause();
      client.send(GET.repeat(50));
      await pass(loop, 1000);
      const closing = server.closeAllConnections();
      client.socket.resume();
      await client.whenEnded();
      client.close();
      assert.equal((await closing).aborted, 0);
      assert.ok(app.count < 10);
    });
  });

  test("end with the connection when it takes nothing for writeStallTimeout", () => {
    const app = counted();
    return withServer(app, { writeStallTimeout: 5000 }, async ({ connect, loop, server }) => {
      const client = await connect();
      client.socket.pause();
      client.send(GET.repeat(50));
      await pass(loop, 18_000);
      assert.equal(server.connections, 0);
    });
  });
});

describe("a peer that stops reading", () => {
  for (const [how, send] of [
    [
      "the last piece fills the buffer",
      (connection: HTTPConnection) => {
        void connection.writeHeaders(
          OK,
          new HTTPHeaders({ "Content-Length": "4000000" }),
          Buffer.alloc(4_000_000),
        );
        connection.finish();
      },
    ],
    [
      "the whole response does",
      (connection: HTTPConnection) => connection.respond(OK, new HTTPHeaders(), Buffer.alloc(4_000_000)),
    ],
    [
      "the end of a chunked body does",
      (connection: HTTPConnection) => {
        void connection.writeHeaders(OK, new HTTPHeaders(), Buffer.alloc(60_000));
        connection.finish(new HTTPHeaders({ "X-Long": "x".repeat(4_000_000) }));
      },
    ],
  ] as const) {
    test(`is cut off after writeStallTimeout also when ${how}`, () =>
      withServer(
        ({ connection }) => send(connection!),
        { writeStallTimeout: 5000 },
        async ({ connect, loop, server }) => {
          const client = await connect();
          client.socket.pause();
          client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
          await pass(loop, 4000);
          assert.equal(server.connections, 1);
          await pass(loop, 14_000);
          assert.equal(server.connections, 0);
        },
      ));
  }

  test("is cut off after writeStallTimeout also when answers that were queued for one write fill the buffer", () => {
    let queued = () => 0;
    const answers = ({ connection }: HTTPServerRequest) => {
      queued = () => (connection as HTTP1Connection).stream?.bytesQueued ?? 0;
      connection?.respond(OK, new HTTPHeaders(), Buffer.alloc(30_000));
    };
    return withServer(answers, { writeStallTimeout: 5000 }, async ({ connect, loop, server }) => {
      const client = await connect();
      client.socket.pause();
      // Each answer finds room when it is written; together they leave none at the end of a turn.
      for (let sent = 0; queued() < 65_536; sent++) {
        assert.ok(sent < 1000);
        client.send(GET);
        await pass(loop, 10);
      }
      await pass(loop, 4000);
      assert.equal(server.connections, 1);
      await pass(loop, 14_000);
      assert.equal(server.connections, 0);
    });
  });

  test("is waited for again once it has read such answers, and serves on", () => {
    let queued = () => 0;
    const answers = ({ connection }: HTTPServerRequest) => {
      queued = () => (connection as HTTP1Connection).stream?.bytesQueued ?? 0;
      connection?.respond(OK, new HTTPHeaders(), Buffer.alloc(30_000));
    };
    return withServer(answers, { writeStallTimeout: 5000 }, async ({ connect, loop }) => {
      const client = await connect();
      client.socket.pause();
      let sent = 0;
      for (; queued() < 65_536; sent++) {
        client.send(GET);
        await pass(loop, 10);
      }
      client.socket.resume();
      for (; sent > 0; sent--) assert.equal((await client.response()).body.length, 30_000);
      await pass(loop, 60_000);
      client.send(GET);
      assert.equal((await client.response()).status, 200);
    });
  });
});
