import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPServer } from "squall/httpserver";
import { HTTPHeaders, type HTTPMessageDelegate, type HTTPServerRequest } from "squall/httputil";
import { ExpectLog } from "squall/testing";
import { field } from "../support/raw-client.js";
import { answer, pass, withServer } from "../support/virtual-server.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const echo = (request: HTTPServerRequest) =>
  answer(request, `${request.method} ${request.path} ${request.body}`);

function get(path: string, more = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
}

describe("HTTPServer", () => {
  test("answers a request and keeps the connection for the next", () =>
    withServer(echo, {}, async ({ connect }) => {
      const client = await connect();
      client.send(get("/a"));
      const first = await client.response();
      assert.equal(first.status, 200);
      assert.equal(first.body.toString(), "GET /a ");
      assert.equal(field(first, "Connection"), undefined);
      client.send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
      assert.equal((await client.response()).body.toString(), "POST /b hi");
      assert.equal(client.ended, false);
    }));

  test("answers pipelined requests in their order, also when the first takes longer", () =>
    withServer(
      (request) => {
        if (request.path !== "/slow") return echo(request);
        return pass((request.connection as HTTP1Connection).stream!.ioLoop, 1000).then(() => echo(request));
      },
      {},
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(get("/slow"), get("/b"), get("/c"));
        assert.equal((await client.response()).body.toString(), "GET /slow ");
        assert.ok(loop.time() >= 1000);
        assert.equal((await client.response()).body.toString(), "GET /b ");
        assert.equal((await client.response()).body.toString(), "GET /c ");
      },
    ));

  test("answers pipelined requests that are ready at once in one write", () =>
    withServer(echo, {}, async ({ connect }) => {
      const client = await connect();
      let reads = 0;
      client.socket.on("data", () => reads++);
      client.send(get("/a") + get("/b") + get("/c"));
      for (const path of ["/a", "/b", "/c"]) {
        assert.equal((await client.response()).body.toString(), `GET ${path} `);
      }
      assert.equal(reads, 1);
    }));

  test("closes after a request that says Connection: close, and looks at nothing behind it", () =>
    withServer(echo, {}, async ({ connect }) => {
      const client = await connect();
      client.send(get("/a", "Connection: foo, CLOSE\r\n"), get("/b"));
      const response = await client.response();
      assert.equal(response.body.toString(), "GET /a ");
      assert.equal(field(response, "Connection"), "close");
      assert.equal(await client.rest(), "");
    }));

  test("answers a half-closed client, and tells the application", () => {
    const reasons: string[] = [];
    return withServer(
      (request) => {
        const connection = request.connection as HTTP1Connection;
        connection.setCloseCallback((reason) => reasons.push(reason.reason));
        connection.stream!.ioLoop.callLater(500, () => echo(request));
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(get("/late"));
        client.end();
        assert.equal((await client.response()).body.toString(), "GET /late ");
        assert.equal(await client.rest(), "");
        assert.deepEqual(reasons, ["half-closed"]);
      },
    );
  });

  test("answers all pipelined requests of a client that has half-closed", () =>
    withServer(
      (request) => {
        (request.connection as HTTP1Connection).stream!.ioLoop.callLater(10, () => echo(request));
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(get("/a"), get("/b"));
        client.end();
        assert.equal((await client.response()).body.toString(), "GET /a ");
        assert.equal((await client.response()).body.toString(), "GET /b ");
        assert.equal(await client.rest(), "");
      },
    ));

  test("tells the application when the client is gone before the answer", () => {
    let told: (reason: string) => void;
    const gone = new Promise<string>((resolve) => {
      told = resolve;
    });
    return withServer(
      (request) => {
        (request.connection as HTTP1Connection).setCloseCallback((reason) => told(reason.reason));
      },
      {},
      async ({ connect, loop, server }) => {
        const client = await connect();
        client.send(GET);
        await pass(loop, 10);
        client.socket.resetAndDestroy();
        assert.equal(await gone, "closed");
        await pass(loop, 1);
        assert.equal(server.connections, 0);
      },
    );
  });

  test("refuses malformed input with its status, readable by the client, and closes", () =>
    withServer(echo, {}, async ({ connect }) => {
      const client = await connect();
      using log = new ExpectLog("squall.general", "Malformed HTTP message", { level: "info" });
      client.send("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
      const response = await client.response();
      assert.equal(response.status, 400);
      assert.equal(field(response, "Connection"), "close");
      await client.whenEnded();
      assert.equal(log.matched, 1);
    }));

  test("answers a request before it refuses the garbage behind it", () =>
    withServer(echo, {}, async ({ connect }) => {
      const client = await connect();
      client.send(get("/a"), "garbage\r\n\r\n");
      assert.equal((await client.response()).body.toString(), "GET /a ");
      assert.equal((await client.response()).status, 400);
      await client.whenEnded();
    }));

  test("sends 100 (Continue) before it waits for the body", () =>
    withServer(echo, {}, async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
      assert.equal((await client.response()).status, 100);
      client.send("hi");
      assert.equal((await client.response()).body.toString(), "POST / hi");
    }));

  test("answers 408 when a head does not arrive within headerTimeout, however it drips", () =>
    withServer(echo, { headerTimeout: 5000 }, async ({ connect, loop }) => {
      const client = await connect();
      const since = loop.time();
      const drip = setIntervalOn(loop, 1000, () => client.send("X"));
      client.send("GET / HTTP/1.1\r\n");
      const response = await client.response();
      drip();
      assert.equal(response.status, 408);
      assert.ok(loop.time() - since >= 5000 && loop.time() - since <= 6000, `${loop.time() - since}`);
      await client.whenEnded();
    }));

  test("closes a connection that says nothing within headerTimeout, without an answer", () =>
    withServer(echo, { headerTimeout: 5000 }, async ({ connect }) => {
      const client = await connect();
      assert.equal(await client.rest(), "");
    }));

  test("closes a resting connection after idleConnectionTimeout", () =>
    withServer(echo, { idleConnectionTimeout: 60_000 }, async ({ connect, loop }) => {
      const client = await connect();
      client.send(GET);
      await client.response();
      const since = loop.time();
      assert.equal(await client.rest(), "");
      const took = loop.time() - since;
      assert.ok(took >= 60_000 && took <= 67_500, `${took}`);
    }));

  test("answers 408 when a body stalls, and tells the application once", () => {
    let closes = 0;
    return withServer(
      {
        startRequest: (): HTTPMessageDelegate => ({
          headersReceived() {},
          dataReceived() {},
          finish: () => assert.fail("the body was not whole"),
          onConnectionClose: () => void closes++,
        }),
      },
      { bodyStallTimeout: 2000 },
      async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
        assert.equal((await client.response()).status, 408);
        await client.whenEnded();
        assert.equal(closes, 1);
      },
    );
  });

  test("gives a whole body bodyTimeout, however steadily it drips", () =>
    withServer(echo, { bodyTimeout: 3000 }, async ({ connect, loop }) => {
      const client = await connect();
      const since = loop.time();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
      const drip = setIntervalOn(loop, 100, () => client.send("x"));
      assert.equal((await client.response()).status, 408);
      drip();
      assert.ok(loop.time() - since <= 3600);
    }));

  test("refuses a body over maxBodySize with 413", () =>
    withServer(echo, { maxBodySize: 4 }, async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345");
      assert.equal((await client.response()).status, 413);
      await client.whenEnded();
    }));

  test("cuts off a client that stops reading for writeStallTimeout, and tells the application", () => {
    const reasons: string[] = [];
    return withServer(
      (request) => {
        const connection = request.connection as HTTP1Connection;
        connection.setCloseCallback((reason) => reasons.push(reason.reason));
        void connection.writeHeaders(
          { version: "HTTP/1.1", code: 200, reason: "OK" },
          new HTTPHeaders({ "Content-Length": "50000000" }),
          Buffer.alloc(10_000_000),
        );
      },
      { writeStallTimeout: 10_000 },
      async ({ connect, loop, server }) => {
        const client = await connect();
        client.socket.pause();
        client.send(GET);
        // What its buffers took counts as taken, so the first look is in vain.
        await pass(loop, 35_000);
        assert.deepEqual(reasons, ["write-stalled"]);
        assert.equal(server.connections, 0);
      },
    );
  });

  test("waiting for room can be given up by signal or time, which takes nothing back", () => {
    const seen: unknown[] = [];
    return withServer(
      async (request) => {
        const connection = request.connection as HTTP1Connection;
        const headers = new HTTPHeaders({ "Content-Length": "4000000" });
        const line = { version: "HTTP/1.1", code: 200, reason: "OK" };
        const part = Buffer.alloc(2_000_000);
        await connection
          .writeHeaders(line, headers, part, { timeout: 1000 })
          .catch((error) => seen.push(error.code));
        const signal = AbortSignal.abort("no patience");
        await connection.write(part, { signal }).catch((error) => seen.push(error));
        connection.finish();
      },
      {},
      async ({ connect, loop }) => {
        const client = await connect();
        client.socket.pause();
        client.send(GET);
        await pass(loop, 2000);
        client.socket.resume();
        assert.equal((await client.response()).body.length, 4_000_000);
        assert.deepEqual(seen, ["ERR_SQUALL_TIMEOUT", "no patience"]);
      },
    );
  });

  test("a slow reader gets the whole of a long last response, however long that takes", () =>
    withServer(
      (request) => {
        const connection = request.connection as HTTP1Connection;
        void connection.writeHeaders(
          { version: "HTTP/1.1", code: 200, reason: "OK" },
          new HTTPHeaders({ "Content-Length": "3000000", Connection: "close" }),
        );
        for (let i = 0; i < 30; i++) void connection.write(Buffer.alloc(100_000));
        connection.finish();
      },
      { writeStallTimeout: 10_000, drainTimeout: 100 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send(GET);
        client.socket.pause();
        // One look every five seconds: slow, but never still for ten.
        while (!client.ended && client.received.length < 3_000_000) {
          client.socket.resume();
          await pass(loop, 1);
          client.socket.pause();
          await pass(loop, 5000);
        }
        client.socket.resume();
        const response = await client.response();
        assert.equal(response.body.length, 3_000_000);
        assert.equal(response.truncated, false);
      },
    ));

  test("gives up on a half-closed client whose answer takes longer than halfClosedTimeout", () =>
    withServer(
      () => {},
      { halfClosedTimeout: 5000 },
      async ({ connect, server, loop }) => {
        const client = await connect();
        client.send(GET);
        client.end();
        await client.whenEnded();
        await pass(loop, 100);
        assert.equal(server.connections, 0);
      },
    ));

  test("answers 500 when no delegate can be made for a request", () =>
    withServer(
      {
        startRequest() {
          throw new Error("no delegate");
        },
      },
      {},
      async ({ connect }) => {
        using _ = new ExpectLog("squall.application", "Uncaught exception");
        const client = await connect();
        client.send(GET);
        assert.equal((await client.response()).status, 500);
        await client.whenEnded();
      },
    ));

  test("unpacks gzip bodies when told to, within the body limit", () =>
    withServer(
      (request) => answer(request, `${request.body} ${request.headers.get("X-Consumed-Content-Encoding")}`),
      { decompressRequest: true, maxBodySize: 2000 },
      async ({ connect }) => {
        const client = await connect();
        const post = (body: Buffer) =>
          client.send(
            `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
            body,
          );
        post(gzipSync("packed"));
        assert.equal((await client.response()).body.toString(), "packed gzip");
        post(gzipSync(Buffer.alloc(100_000)));
        assert.equal((await client.response()).status, 413);
        await client.whenEnded();
      },
    ));

  test("refuses a truncated gzip body with 400", () =>
    withServer(echo, { decompressRequest: true }, async ({ connect }) => {
      const client = await connect();
      const packed = gzipSync("packed").subarray(0, 12);
      client.send(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n`,
        packed,
      );
      assert.equal((await client.response()).status, 400);
    }));

  test("refuses bytes behind a gzip body with 400, zeros as well, wherever the body is cut", () =>
    withServer(echo, { decompressRequest: true }, async ({ connect, loop }) => {
      const packed = gzipSync("packed");
      for (const rest of ["\0", "\0\0\0\0", "\0x", "trailing"]) {
        const body = Buffer.concat([packed, Buffer.from(rest)]);
        for (let cut = 0; cut < body.length; cut++) {
          const client = await connect();
          client.send(
            `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
            body.subarray(0, cut),
          );
          await pass(loop, 1);
          client.send(body.subarray(cut));
          assert.equal((await client.response()).status, 400, `${JSON.stringify(rest)} cut at ${cut}`);
          client.close();
        }
      }
    }));

  test("drains the body of a request that was answered early, and serves the next", () =>
    withServer(
      {
        startRequest(_connection, exchange): HTTPMessageDelegate {
          return {
            headersReceived() {
              void exchange.writeHeaders(
                { version: "HTTP/1.1", code: 200, reason: "OK" },
                new HTTPHeaders({ "Content-Length": "5" }),
                "early",
              );
              exchange.finish();
            },
            dataReceived: () => assert.fail("the exchange was over"),
            finish: () => {},
            onConnectionClose: () => assert.fail("the connection goes on"),
          };
        },
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "early");
        client.send("12345", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "early");
      },
    ));

  test("says Connection: close in an early answer when the body is too long to drain", () =>
    withServer(
      {
        startRequest(_connection, exchange): HTTPMessageDelegate {
          return {
            headersReceived() {
              void exchange.writeHeaders(
                { version: "HTTP/1.1", code: 401, reason: "Unauthorized" },
                new HTTPHeaders({ "Content-Length": "2" }),
                "no",
              );
              exchange.finish();
            },
            dataReceived() {},
            finish() {},
            onConnectionClose() {},
          };
        },
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n", Buffer.alloc(100_000));
        const response = await client.response();
        assert.equal(response.status, 401);
        assert.equal(field(response, "Connection"), "close");
        await client.whenEnded();
      },
    ));

  test("answers 500 when the application throws before it answers, and logs it", () =>
    withServer(
      () => {
        throw new Error("broken on purpose");
      },
      {},
      async ({ connect }) => {
        using _ = new ExpectLog("squall.application", "Uncaught exception");
        const client = await connect();
        client.send(GET);
        assert.equal((await client.response()).status, 500);
        await client.whenEnded();
      },
    ));

  test("closes the connection when less was written than Content-Length promised", () =>
    withServer(
      (request) => {
        void request.connection!.writeHeaders(
          { version: "HTTP/1.1", code: 200, reason: "OK" },
          new HTTPHeaders({ "Content-Length": "10" }),
          "01234",
        );
        request.connection!.finish();
      },
      {},
      async ({ connect }) => {
        using _ = new ExpectLog("squall.application", "Uncaught exception");
        const client = await connect();
        client.send(GET);
        const response = await client.response();
        assert.equal(response.truncated, true);
      },
    ));

  test("gives a stream away with the bytes behind the request", () =>
    withServer(
      (request) => {
        const connection = request.connection as HTTP1Connection;
        const stream = connection.detach();
        void stream.write("switched\n");
        void stream.readUntil("\n").then((line) => stream.write(`you said ${line}`));
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(get("/", "Connection: upgrade\r\nUpgrade: chat\r\n"), "hello\n");
        await client.until("you said hello\n");
      },
    ));
});

describe("HTTPServer.closeAllConnections()", () => {
  test("closes resting connections at once and lets a running exchange finish", () =>
    withServer(
      (request) => {
        (request.connection as HTTP1Connection).stream!.ioLoop.callLater(2000, () => echo(request));
      },
      {},
      async ({ connect, server, loop }) => {
        const [resting, busy] = [await connect(), await connect()];
        busy.send(GET);
        await pass(loop, 100);
        await server.stop();
        const report = server.closeAllConnections({ timeout: 10_000 });
        const response = await busy.response();
        assert.equal(response.status, 200);
        assert.equal(field(response, "Connection"), "close");
        busy.end();
        await resting.whenEnded();
        assert.deepEqual(await report, { idle: 1, finished: 1, aborted: 0 });
      },
    ));

  test("cuts off what is not done in time, and says so", () => {
    const reasons: string[] = [];
    return withServer(
      (request) => {
        (request.connection as HTTP1Connection).setCloseCallback((reason) => reasons.push(reason.reason));
      },
      {},
      async ({ connect, server, loop }) => {
        const client = await connect();
        client.send(GET);
        await pass(loop, 100);
        const report = await server.closeAllConnections({ timeout: 3000 });
        assert.deepEqual(report, { idle: 0, finished: 0, aborted: 1 });
        assert.deepEqual(reasons, ["stopping"]);
      },
    );
  });

  test("tells another protocol on a detached stream to go", () => {
    let shutdowns = 0;
    return withServer(
      (request) => {
        const stream = (request.connection as HTTP1Connection).detach({
          shutdown() {
            shutdowns++;
            stream.close();
          },
        });
      },
      {},
      async ({ connect, server, loop }) => {
        const client = await connect();
        client.send(get("/", "Connection: upgrade\r\nUpgrade: chat\r\n"));
        await pass(loop, 10);
        assert.deepEqual(await server.closeAllConnections(), { idle: 0, finished: 1, aborted: 0 });
        assert.equal(shutdowns, 1);
        await client.whenEnded();
      },
    );
  });
});

test("HTTPServer refuses options of the wrong type with the option's name", () => {
  assert.throws(() => new HTTPServer(echo, { maxHeaderSize: -1 }), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
    message: /maxHeaderSize/,
  });
  assert.throws(() => new HTTPServer(echo, { trustedDownstream: ["proxy"] }), /expected an IP address/);
  assert.throws(() => new HTTPServer({} as never), /needs a function/);
});

function setIntervalOn(
  loop: { callLater(ms: number, fn: () => void): unknown },
  ms: number,
  fn: () => void,
): () => void {
  let stopped = false;
  const tick = (): void => {
    if (stopped) return;
    fn();
    loop.callLater(ms, tick);
  };
  loop.callLater(ms, tick);
  return () => {
    stopped = true;
  };
}
