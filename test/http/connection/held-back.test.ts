/** Who holds whom back, and whose time that is. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HTTP1Connection } from "squall/http1connection";
import type { HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate } from "squall/httputil";
import { HTTPHeaders } from "squall/httputil";
import "../../support/guard.js";
import { answer, pass, withServer } from "../../support/virtual-server.js";

const OK = { version: "HTTP/1.1", code: 200, reason: "OK" };

function app(
  make: (connection: HTTP1Connection) => Partial<HTTPMessageDelegate>,
): HTTPServerConnectionDelegate {
  return {
    startRequest: (_server, connection) => ({
      headersReceived() {},
      dataReceived() {},
      finish() {},
      onConnectionClose() {},
      ...make(connection as HTTP1Connection),
    }),
  };
}

function done(connection: HTTPConnection): void {
  connection.respond(OK, new HTTPHeaders(), "done");
}

describe("a delegate that is slow with the body", () => {
  test("does not use up the client's bodyTimeout", () =>
    withServer(
      app((connection) => ({
        dataReceived: () => pass(connection.stream!.ioLoop, 8000),
        finish: () => done(connection),
      })),
      { bodyTimeout: 5000 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
        await pass(loop, 9000);
        client.send("cd");
        assert.equal((await client.response()).status, 200);
      },
    ));

  test("still ends with a client that does not send in its own time", () =>
    withServer(
      app((connection) => ({ dataReceived: () => pass(connection.stream!.ioLoop, 8000) })),
      { bodyTimeout: 5000 },
      async ({ connect, loop }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
        assert.equal((await client.response()).status, 408);
        assert.ok(loop.time() >= 13_000 && loop.time() < 14_700, `after ${loop.time()} ms`);
      },
    ));

  test("may change bodyTimeout meanwhile: it counts from then, but not while the body is held back", () =>
    withServer(
      app((connection) => ({
        async dataReceived() {
          await pass(connection.stream!.ioLoop, 3000);
          connection.setBodyTimeout(10_000);
          await pass(connection.stream!.ioLoop, 3000);
        },
      })),
      {},
      async ({ connect, loop }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
        assert.equal((await client.response()).status, 408);
        assert.ok(loop.time() >= 16_000 && loop.time() < 18_000, `after ${loop.time()} ms`);
      },
    ));

  test("setBodyTimeout() refuses what is no time", () =>
    withServer(
      (request) => {
        const connection = request.connection as HTTP1Connection;
        assert.throws(() => connection.setBodyTimeout(Number.NaN), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
        assert.throws(() => connection.setBodyTimeout(-1), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
        answer(request, "refused");
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "refused");
      },
    ));

  test("is called in order while a gzip body is unpacked: finish() waits for its last promise", () => {
    const calls: string[] = [];
    return withServer(
      app((connection) => ({
        async dataReceived(chunk) {
          calls.push(`begins ${chunk.length}`);
          await pass(connection.stream!.ioLoop, 1000);
          calls.push("ends");
        },
        finish() {
          calls.push("finish");
          done(connection);
        },
      })),
      { decompressRequest: true, chunkSize: 1000 },
      async ({ connect }) => {
        const client = await connect();
        const packed = gzipSync(Buffer.alloc(3000, "x"));
        client.send(
          `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
          packed,
        );
        assert.equal((await client.response()).status, 200);
        assert.equal(calls.pop(), "finish");
        for (let i = 0; i < calls.length; i++) assert.match(calls[i]!, i % 2 === 0 ? /^begins/ : /^ends/);
      },
    );
  });

  test("hears onConnectionClose() when the client goes while the rest of a gzip body is unpacked", () => {
    const calls: string[] = [];
    return withServer(
      app((connection) => ({
        dataReceived: () => pass(connection.stream!.ioLoop, 60_000),
        finish: () => void calls.push("finish"),
        onConnectionClose: () => void calls.push("onConnectionClose"),
        onExchangeAborted: () => void calls.push("onExchangeAborted"),
      })),
      { decompressRequest: true },
      async ({ connect, loop }) => {
        const client = await connect();
        const packed = gzipSync(Buffer.alloc(3000, "x"));
        client.send(
          `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
          packed,
        );
        await pass(loop, 1000);
        client.socket.resetAndDestroy();
        await pass(loop, 100_000);
        assert.deepEqual(calls, ["onConnectionClose"]);
      },
    );
  });

  for (const [what, limit, status] of [
    ["lowers", 1000, 413],
    ["raises", 100_000, 200],
  ] as const) {
    test(`${what} with setMaxBodySize() also the limit of what is unpacked`, () =>
      withServer(
        app((connection) => ({
          headersReceived: () => connection.setMaxBodySize(limit),
          finish: () => done(connection),
        })),
        { decompressRequest: true, maxBodySize: 10_000 },
        async ({ connect }) => {
          const client = await connect();
          const packed = gzipSync(Buffer.alloc(what === "raises" ? 50_000 : 5000, "x"));
          client.send(
            `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
            packed,
          );
          assert.equal((await client.response()).status, status);
        },
      ));
  }
});

describe("a delegate that holds its body back until it is told of the end", () => {
  /** Waits with each piece for the end of its connection, and notes what it is called with. */
  function holding(calls: string[], begins?: (connection: HTTP1Connection) => void) {
    return app((connection) => {
      let letGo = (): void => {};
      return {
        headersReceived: () => begins?.(connection),
        dataReceived(chunk) {
          calls.push(chunk.toString());
          return new Promise<void>((resolve) => {
            letGo = resolve;
          });
        },
        finish: () => void calls.push("finish"),
        onConnectionClose() {
          calls.push("onConnectionClose");
          letGo();
        },
      };
    });
  }
  const POST = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";

  for (const [what, chunkSize, begun] of [
    ["the next piece", 2, ["ab", "onConnectionClose"]],
    ["finish()", 4, ["abcd", "onConnectionClose"]],
  ] as const) {
    test(`does not get ${what} then, when the server's grace is over`, () => {
      const calls: string[] = [];
      return withServer(holding(calls), { chunkSize }, async ({ connect, server, loop }) => {
        const client = await connect();
        client.send(POST, "abcd");
        await pass(loop, 10);
        const report = await server.closeAllConnections({ timeout: 500 });
        assert.deepEqual(report, { idle: 0, finished: 0, aborted: 1 });
        await client.whenEnded();
        assert.equal(client.received.toString(), "");
        assert.deepEqual(calls, begun);
      });
    });

    test(`does not get ${what} then, when the client has stopped reading the early answer`, () => {
      const calls: string[] = [];
      const respond = (connection: HTTP1Connection) => {
        const headers = new HTTPHeaders({ "Content-Length": "9000000" });
        connection.writeHeaders(OK, headers, "x".repeat(8_000_000)).catch(() => {});
      };
      const options = { chunkSize, writeStallTimeout: 1000 };
      return withServer(holding(calls, respond), options, async ({ connect, loop }) => {
        const client = await connect();
        client.socket.pause();
        client.send(POST, "abcd");
        await pass(loop, 20_000);
        assert.deepEqual(calls, begun);
      });
    });
  }

  test("may answer at once when the server's grace is over, although its body was not read to the end", () => {
    const told: string[] = [];
    const serve = app((connection) => {
      connection.onAbort(({ reason }) => {
        told.push(reason);
        done(connection);
      });
      return { dataReceived: () => new Promise(() => {}) };
    });
    return withServer(serve, { chunkSize: 2 }, async ({ connect, server, loop }) => {
      const client = await connect();
      client.send(POST, "abcd");
      await pass(loop, 10);
      void server.closeAllConnections({ timeout: 500 });
      assert.equal((await client.response()).body.toString(), "done");
      assert.deepEqual(told, ["stopping"]);
    });
  });
});
