/** The rules of HTTP/1 that people look up: keep-alive, framing, interim answers, proxies, unix sockets. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { HTTPServer } from "squall/httpserver";
import { HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import { bindUnixSocket } from "squall/netutil";
import { ExpectLog } from "squall/testing";
import { field } from "../support/raw-client.js";
import { answer, pass, withServer } from "../support/virtual-server.js";

const ok = (request: HTTPServerRequest) => answer(request, "ok");

/** Answers `text` in two pieces without saying how long it is. */
function inPieces(request: HTTPServerRequest): void {
  const connection = request.connection!;
  void connection.writeHeaders({ version: "HTTP/1.1", code: 200, reason: "OK" }, new HTTPHeaders(), "one ");
  void connection.write("two");
  connection.finish();
}

describe("keep-alive", () => {
  for (const [request, open, connection] of [
    ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, undefined],
    ["GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false, "close"],
    ["GET / HTTP/1.0\r\n\r\n", false, undefined],
    ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "Keep-Alive"],
    ["POST / HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", true, "Keep-Alive"],
  ] as const) {
    test(`${JSON.stringify(request.slice(0, 48))} leaves the connection ${open ? "open" : "closed"}`, () =>
      withServer(ok, {}, async ({ connect, loop }) => {
        const client = await connect();
        client.send(request);
        const response = await client.response();
        assert.equal(response.body.toString(), "ok");
        assert.equal(field(response, "Connection"), connection);
        await pass(loop, 100);
        assert.equal(client.ended, !open);
      }));
  }

  test("a connection is kept by HTTP/1.1 unless it says close, and by HTTP/1.0 only if it asks and the length is known", () =>
    withServer(inPieces, {}, async ({ connect }) => {
      const modern = await connect();
      modern.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal((await modern.response()).body.toString(), "one two");
      assert.equal(modern.ended, false);
      const old = await connect();
      old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      const response = await old.response();
      assert.equal(response.body.toString(), "one two");
      assert.equal(field(response, "Connection"), undefined);
      await old.whenEnded();
    }));

  test("noKeepAlive closes after every response and says so", () =>
    withServer(ok, { noKeepAlive: true }, async ({ connect }) => {
      const client = await connect();
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal(field(await client.response(), "Connection"), "close");
      await client.whenEnded();
    }));

  test("maxRequests closes after that many, and says so in the last", () =>
    withServer(ok, { maxRequests: 2 }, async ({ connect }) => {
      const client = await connect();
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal(field(await client.response(), "Connection"), undefined);
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal(field(await client.response(), "Connection"), "close");
      await client.whenEnded();
    }));
});

describe("framing", () => {
  test("a response of unknown length is chunked to HTTP/1.1 and ends with the connection to HTTP/1.0", () =>
    withServer(inPieces, {}, async ({ connect }) => {
      const modern = await connect();
      modern.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.deepEqual((await modern.response()).chunks, [4, 3]);
      const old = await connect();
      old.send("GET / HTTP/1.0\r\n\r\n");
      assert.equal((await old.response()).chunks, undefined);
    }));

  test("chunked bodies are read with their extensions ignored and their trailers kept apart", () =>
    withServer(
      (request) =>
        answer(
          request,
          `${request.body} ${request.headers.get("X-After", "none")} ${request.trailers?.get("X-After")}`,
        ),
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(
          "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
          '5;a=1;b="c d"\r\nhello\r\n6\r\n world\r\n0\r\nX-After: late\r\n\r\n',
        );
        assert.equal((await client.response()).body.toString(), "hello world none late");
      },
    ));

  test("a Content-Length is digits only: equal repeats count once, unequal ones and one beside chunks are refused", () =>
    withServer(
      (request) => answer(request, String(request.body)),
      {},
      async ({ connect }) => {
        for (const [fields, status] of [
          ["Content-Length: 2\r\nContent-Length: 2", 200],
          ["Content-Length: 2, 2", 200],
          ["Content-Length: 2\r\nContent-Length: 3", 400],
          ["Content-Length: +2", 400],
          ["Content-Length: 2\r\nTransfer-Encoding: chunked", 400],
        ] as const) {
          const client = await connect();
          client.send(`POST / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\nhi`);
          assert.equal((await client.response()).status, status, fields);
        }
      },
    ));

  for (const [method, code] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ] as const) {
    test(`the answer ${code} to ${method} has no body, and the next request is answered`, () =>
      withServer(
        (request) => {
          const { connection } = request;
          void connection!.writeHeaders({ version: "HTTP/1.1", code, reason: "So" }, new HTTPHeaders());
          connection!.finish();
        },
        {},
        async ({ connect }) => {
          const client = await connect();
          for (let i = 0; i < 2; i++) {
            client.send(`${method} / HTTP/1.1\r\nHost: x\r\n\r\n`);
            const response = await client.response(method);
            assert.equal(response.status, code);
            assert.equal(field(response, "Transfer-Encoding"), undefined);
          }
          assert.equal(client.received.length, 0);
        },
      ));
  }

  test("a malformed request is logged at info with the peer, answered with a bare status, and the connection closed", () =>
    withServer(ok, {}, async ({ connect }) => {
      const client = await connect();
      using log = new ExpectLog("squall.general", /Malformed HTTP message from 127\.0\.0\.1:\d+: /, {
        level: "info",
      });
      client.send("GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n");
      const response = await client.response();
      assert.equal(response.status, 400);
      assert.equal(response.body.length, 0);
      assert.equal(field(response, "Connection"), "close");
      await client.whenEnded();
      assert.equal(log.matched, 1);
    }));

  test("an unpacked gzip body keeps its coding in X-Consumed-Content-Encoding and counts against the limit", () =>
    withServer(
      (request) =>
        answer(request, `${request.headers.get("X-Consumed-Content-Encoding")} ${request.body.length}`),
      { decompressRequest: true, maxBodySize: 1000 },
      async ({ connect }) => {
        for (const [size, expected] of [
          [1000, "gzip 1000"],
          [1001, undefined],
        ] as const) {
          const client = await connect();
          const body = gzipSync(Buffer.alloc(size));
          client.send(
            `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
            body,
          );
          const response = await client.response();
          assert.equal(response.status, expected === undefined ? 413 : 200);
          if (expected !== undefined) assert.equal(response.body.toString(), expected);
        }
      },
    ));
});

describe("Expect: 100-continue", () => {
  test("is answered with 100 once the head was taken, and not to HTTP/1.0 or when the answer is there already", () =>
    withServer(
      (request) => answer(request, String(request.body)),
      {},
      async ({ connect, loop }) => {
        const modern = await connect();
        modern.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        assert.equal((await modern.response()).status, 100);
        const old = await connect();
        old.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        await pass(loop, 100);
        assert.equal(old.received.length, 0);
        old.send("hi");
        assert.equal((await old.response()).status, 200);
      },
    ));
});

test("case 45: a body that is announced over the limit is refused with 413 at once, and not asked for with 100", () =>
  withServer(ok, { maxBodySize: 1000 }, async ({ connect }) => {
    const client = await connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n");
    assert.equal((await client.response()).status, 413);
    await client.whenEnded();
  }));

describe("xheaders", () => {
  const shown = (request: HTTPServerRequest) => answer(request, `${request.remoteIp} ${request.protocol}`);
  const cases: readonly (readonly [fields: string, expected: string])[] = [
    ["X-Real-Ip: 4.4.4.4", "4.4.4.4 http"],
    ["X-Real-Ip: 4.4.4.4\r\nX-Forwarded-For: 5.5.5.5", "4.4.4.4 http"],
    ["X-Forwarded-For: 4.4.4.4, 5.5.5.5", "5.5.5.5 http"],
    ["X-Forwarded-For: 4.4.4.4, 10.1.2.3, 10.9.9.9", "4.4.4.4 http"],
    ["X-Real-Ip: bogus", "127.0.0.1 http"],
    ["X-Scheme: https", "127.0.0.1 https"],
    ["X-Forwarded-Proto: https, http", "127.0.0.1 http"],
    ["X-Forwarded-Proto: gopher", "127.0.0.1 http"],
  ];

  test("X-Real-Ip beats X-Forwarded-For, trusted proxies are skipped, nonsense is ignored, and nothing lasts beyond the request", () =>
    withServer(shown, { xheaders: true, trustedDownstream: ["10.0.0.0/8"] }, async ({ connect }) => {
      const client = await connect();
      for (const [fields, expected] of cases) {
        client.send(`GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n`);
        assert.equal((await client.response()).body.toString(), expected, fields);
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "127.0.0.1 http");
      }
    }));

  test("are not believed unless the server was told to", () =>
    withServer(shown, {}, async ({ connect }) => {
      const client = await connect();
      for (const [fields] of cases) {
        client.send(`GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n`);
        assert.equal((await client.response()).body.toString(), "127.0.0.1 http");
      }
    }));
});

test("a unix socket's peer has the address 0.0.0.0", async () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-"));
  const server = new HTTPServer((request) => answer(request, request.remoteIp));
  try {
    const path = join(folder, "socket");
    server.addSocket(await bindUnixSocket(path));
    const socket = connect(path);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(await text(socket), /\r\n\r\n0\.0\.0\.0$/);
  } finally {
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
    rmSync(folder, { recursive: true });
  }
});

test("small writes leave without delay: TCP_NODELAY is on for every connection of a server", async () => {
  const nodelay: boolean[] = [];
  class Server extends HTTPServer {
    override handleStream(...args: Parameters<HTTPServer["handleStream"]>): void {
      const [stream] = args;
      const set = stream.setNodelay.bind(stream);
      stream.setNodelay = (value: boolean) => {
        nodelay.push(value);
        set(value);
      };
      super.handleStream(...args);
    }
  }
  const server = new Server(ok);
  await server.listen(0, "127.0.0.1");
  const socket = connect(server.port!, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(await text(socket), /ok$/);
  await server.stop();
  assert.deepEqual(nodelay, [true]);
});
