/** A client's connection: one request after the other, and nobody's octets become the answer to the next one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders, type HTTPMessageDelegate, type ResponseStartLine } from "squall/httputil";
import { IOStream } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { NetworkSocket } from "#room/async/network";
import {
  CLIENT_TRANSITIONS,
  type ClientRequestOptions,
  HTTP1ClientConnection,
} from "#room/http/connection/client-connection";
import type { HTTP1ConnectionOptions } from "#room/http/connection/params";
import "../../support/guard.js";
import { pass } from "../../support/virtual-server.js";

/** Records what a response brings. */
class Collector implements HTTPMessageDelegate {
  readonly calls: string[] = [];
  onHead: ((code: number) => void) | undefined;
  onFinish: (() => void | Promise<void>) | undefined;

  headersReceived(startLine: unknown): void {
    const { code } = startLine as ResponseStartLine;
    this.calls.push(String(code));
    this.onHead?.(code);
  }

  dataReceived(chunk: Buffer): void {
    this.calls.push(chunk.toString("latin1"));
  }

  finish(): void | Promise<void> {
    this.calls.push("finish");
    return this.onFinish?.();
  }

  onConnectionClose(): void {
    this.calls.push("closed");
  }
}

interface World {
  readonly loop: VirtualLoop;
  readonly connection: HTTP1ClientConnection;
  readonly stream: IOStream;
  /** The server's end of the socket. */
  readonly server: NetworkSocket;
  /** What the server got, as text. */
  received(): string;
  /** What the watcher was told. */
  readonly events: string[];
  /** Sends a request without a body, or with one that the caller writes. */
  ask(options?: ClientRequestOptions & { method?: string; headers?: Record<string, string> }): {
    readonly collector: Collector;
    readonly exchange: ReturnType<HTTP1ClientConnection["request"]>;
    readonly ended: Promise<boolean>;
  };
}

function connected(run: (world: World) => Promise<void>, params: HTTP1ConnectionOptions = {}): Promise<void> {
  const network = new MemoryNetwork();
  return VirtualLoop.run(
    async (loop) => {
      const [ours, server] = network.pair();
      const stream = new IOStream(ours, { allowHalfOpen: true });
      const events: string[] = [];
      const connection = new HTTP1ClientConnection(stream, params, {
        onIdle: () => void events.push("idle"),
        onIdleClose: (_connection, error) =>
          void events.push(`idle close ${(error as { code?: string } | undefined)?.code ?? ""}`),
        onClose: () => void events.push("close"),
      });
      let got = "";
      server.on("data", (chunk: Buffer) => {
        got += chunk.toString("latin1");
      });
      await run({
        loop,
        connection,
        stream,
        server,
        events,
        received: () => got,
        ask({ method = "GET", headers = {}, finish = true, ...options } = {}) {
          const collector = new Collector();
          const exchange = connection.request(
            { method, path: "/", version: "HTTP/1.1" },
            new HTTPHeaders({ Host: "x", ...headers }),
            collector,
            { finish, ...options },
          );
          return { collector, exchange, ended: connection.whenExchangeEnds() };
        },
      });
      connection.close();
      server.destroy();
    },
    { network },
  );
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("a client's connection between two requests", () => {
  test("serves one request after the other", () =>
    connected(async ({ connection, server, ask, events, received }) => {
      for (const round of [1, 2]) {
        const { collector, ended } = ask();
        server.write(OK);
        assert.equal(await ended, true);
        assert.deepEqual(collector.calls, ["200", "ok", "finish"]);
        assert.equal(connection.state, "idle");
        assert.equal(events.length, round);
      }
      assert.equal(received().split("GET / HTTP/1.1").length, 3);
    }));

  test("ends at once when the server sends what no request asked for, and it answers no later one", () =>
    connected(async ({ connection, server, ask, events, loop, stream }) => {
      const { ended } = ask();
      server.write(OK);
      await ended;
      server.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON");
      await pass(loop, 1);
      assert.equal(connection.state, "closed");
      assert.equal(stream.closed(), true);
      assert.deepEqual(events, ["idle", "idle close ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE", "close"]);
      assert.throws(() => ask(), { code: "ERR_SQUALL_INVALID_STATE" });
    }));

  test("ends at once with the server's FIN", () =>
    connected(async ({ connection, server, ask, events, loop }) => {
      const { ended } = ask();
      server.write(OK);
      await ended;
      server.end();
      await pass(loop, 1);
      assert.equal(connection.state, "closed");
      assert.deepEqual(events, ["idle", "idle close ", "close"]);
    }));

  test("is watched before the first request, too, once it is started", () =>
    connected(async ({ connection, server, events, loop }) => {
      connection.start();
      assert.equal(connection.state, "idle");
      server.write("SSH-2.0\r\n");
      await pass(loop, 1);
      assert.deepEqual(events, ["idle close ERR_SQUALL_HTTP_UNEXPECTED_RESPONSE", "close"]);
    }));

  test("ends after idleTimeout", () =>
    connected(
      async ({ connection, server, ask, events, loop }) => {
        const { ended } = ask();
        server.write(OK);
        await ended;
        assert.equal(connection.idleSince, loop.time());
        await pass(loop, 11_000);
        assert.deepEqual(events, ["idle", "idle close ", "close"]);
      },
      { idleTimeout: 10_000 },
    ));

  for (const [what, more] of [
    ["another response", OK],
    ["a single octet", "x"],
  ] as const) {
    test(`is not kept when ${what} stands behind the response`, () =>
      connected(async ({ connection, server, ask, events }) => {
        const { collector, ended } = ask();
        server.write(OK + more);
        assert.equal(await ended, false);
        assert.deepEqual(collector.calls, ["200", "ok", "finish"]);
        assert.equal(connection.state, "closed");
        assert.deepEqual(events, ["close"]);
      }));
  }

  test("is not kept when the response says so, or the request did", () =>
    connected(async ({ server, ask }) => {
      const { ended } = ask();
      server.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      assert.equal(await ended, false);
    }).then(() =>
      connected(async ({ server, ask }) => {
        const { ended } = ask({ headers: { Connection: "close" } });
        server.write(OK);
        assert.equal(await ended, false);
      }),
    ));

  test("refuses a second request while one is under way", () =>
    connected(async ({ ask }) => {
      ask();
      assert.throws(() => ask(), { code: "ERR_SQUALL_INVALID_STATE" });
    }));

  test("can be used again after a request that could not be sent", () =>
    connected(async ({ connection, server, ask }) => {
      assert.throws(() => ask({ method: "GET IT" }), { code: "ERR_SQUALL_HTTP_OUTPUT_START_LINE" });
      assert.equal(connection.state, "idle");
      const { ended } = ask();
      server.write(OK);
      assert.equal(await ended, true);
    }));
});

describe("a response", () => {
  test("to HEAD has no body, whatever its length says", () =>
    connected(async ({ server, ask }) => {
      const { collector, ended } = ask({ method: "HEAD" });
      server.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
      assert.equal(await ended, true);
      assert.deepEqual(collector.calls, ["200", "finish"]);
    }));

  test("comes behind the heads of interim ones, which are passed on", () =>
    connected(async ({ server, ask }) => {
      const { collector, ended } = ask();
      server.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`);
      assert.equal(await ended, true);
      assert.deepEqual(collector.calls, ["103", "102", "200", "ok", "finish"]);
    }));

  test("that is cut short fails its request", () =>
    connected(async ({ server, ask, connection }) => {
      const { collector, ended } = ask();
      server.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      server.end();
      assert.equal(await ended, false);
      assert.deepEqual(collector.calls, ["200", "abc", "closed"]);
      assert.equal((connection.error as { code?: string }).code, "ERR_SQUALL_HTTP_INCOMPLETE");
    }));

  test("whose head does not come within headerTimeout fails its request", () =>
    connected(
      async ({ ask, loop }) => {
        const { collector, ended } = ask();
        assert.equal(await ended, false);
        assert.deepEqual(collector.calls, ["closed"]);
        assert.ok(loop.time() >= 3000 && loop.time() < 4000);
      },
      { headerTimeout: 3000 },
    ));

  test("is not spoiled by the end of the connection while its delegate is still busy with it", () =>
    connected(async ({ server, ask, loop, connection }) => {
      const { collector, ended } = ask();
      collector.onFinish = () => pass(loop, 100);
      server.write(OK);
      await pass(loop, 1);
      server.destroy();
      assert.equal(await ended, false);
      assert.deepEqual(collector.calls, ["200", "ok", "finish"]);
      assert.equal(connection.state, "closed");
    }));
});

describe("a request with a body", () => {
  const POST = { method: "POST", headers: { "Content-Length": "4" }, finish: false };

  test("may be sent on after a response that came early; then the connection is kept", () =>
    connected(async ({ server, ask, connection, loop, received }) => {
      const { collector, exchange, ended } = ask(POST);
      server.write(OK);
      await pass(loop, 1);
      assert.deepEqual(collector.calls, ["200", "ok", "finish"]);
      assert.equal(connection.state, "draining");
      await exchange.write("body");
      exchange.finish();
      assert.equal(await ended, true);
      await pass(loop, 1);
      assert.match(received(), /body$/);
    }));

  test("is broken off by an early response that closes the connection", () =>
    connected(async ({ server, ask }) => {
      const { collector, exchange, ended } = ask(POST);
      const told: string[] = [];
      exchange.onAbort(({ reason }) => told.push(reason));
      server.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      assert.equal(await ended, false);
      assert.deepEqual(collector.calls, ["413", "finish"]);
      assert.deepEqual(told, ["closed"]);
      await assert.rejects(exchange.write("body"), { code: "ERR_SQUALL_STREAM_CLOSED" });
    }));

  test("waits for 100 (Continue), and is sent once however often that is said", () =>
    connected(async ({ server, ask, loop, received }) => {
      let said = 0;
      const { collector, exchange, ended } = ask({
        method: "POST",
        headers: { "Content-Length": "4", Expect: "100-continue" },
        finish: false,
        onContinue: () => {
          said++;
          void exchange.write("body");
          exchange.finish();
        },
      });
      await pass(loop, 500);
      assert.doesNotMatch(received(), /body/);
      server.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
      await pass(loop, 1);
      server.write(OK);
      assert.equal(await ended, true);
      assert.equal(said, 1);
      assert.deepEqual(collector.calls, ["100", "100", "200", "ok", "finish"]);
    }));

  test("is sent without a 100 (Continue) when none comes within continueTimeout", () =>
    connected(async ({ server, ask, loop, received }) => {
      const { exchange, ended } = ask({
        method: "POST",
        headers: { "Content-Length": "4", Expect: "100-continue" },
        finish: false,
        continueTimeout: 300,
        onContinue: () => {
          assert.equal(loop.time(), 300);
          void exchange.write("body");
          exchange.finish();
        },
      });
      await pass(loop, 400);
      assert.match(received(), /body$/);
      server.write(OK);
      assert.equal(await ended, true);
    }));

  test("is not sent after a final answer to the expectation, and the connection ends", () =>
    connected(async ({ server, ask, loop, received }) => {
      const { collector, ended } = ask({
        method: "POST",
        headers: { "Content-Length": "4", Expect: "100-continue" },
        finish: false,
        onContinue: () => assert.fail("the body is not wanted"),
      });
      server.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
      assert.equal(await ended, false);
      await pass(loop, 5000);
      assert.deepEqual(collector.calls, ["417", "finish"]);
      assert.doesNotMatch(received(), /body/);
    }));

  test("makes its writer wait while the server does not read, and fails when it takes nothing for writeStallTimeout", () =>
    connected(
      async ({ server, ask, loop, connection }) => {
        server.pause();
        const { collector, exchange, ended } = ask({
          method: "POST",
          headers: { "Content-Length": "4000000" },
          finish: false,
        });
        const told: string[] = [];
        exchange.onAbort(({ reason }) => told.push(reason));
        const written = exchange.write(Buffer.alloc(4_000_000)).then(
          () => "room",
          (error: { code?: string }) => error.code,
        );
        assert.equal(await ended, false);
        assert.ok(loop.time() >= 5000 && loop.time() < 18_000, String(loop.time()));
        assert.equal(await written, "ERR_SQUALL_STREAM_CLOSED");
        assert.deepEqual(told, ["write-stalled"]);
        assert.deepEqual(collector.calls, ["closed"]);
        assert.equal((connection.error as { reason?: string }).reason, "write-stalled");
      },
      { writeStallTimeout: 5000, headerTimeout: Number.POSITIVE_INFINITY },
    ));

  test("has all the time while the server takes something", () =>
    connected(
      async ({ server, ask, loop }) => {
        server.pause();
        const { exchange, ended } = ask({
          method: "POST",
          headers: { "Content-Length": "1000000" },
          finish: false,
        });
        void exchange.write(Buffer.alloc(1_000_000));
        exchange.finish();
        for (let i = 0; i < 20; i++) {
          await pass(loop, 4000);
          server.read();
        }
        server.resume();
        server.write(OK);
        assert.equal(await ended, true);
      },
      { writeStallTimeout: 5000, headerTimeout: Number.POSITIVE_INFINITY },
    ));
});

describe("an upgrade", () => {
  const cases = {
    "101 (Switching Protocols)": [
      { method: "GET", headers: { Connection: "Upgrade", Upgrade: "echo" } },
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n",
    ],
    "a 2xx to CONNECT": [{ method: "CONNECT" }, "HTTP/1.1 200 Connection Established\r\n\r\n"],
  } as const;
  for (const [what, [options, head]] of Object.entries(cases)) {
    test(`by ${what} gives the stream away, with what came behind the head in front`, () =>
      connected(async ({ server, ask, connection, events }) => {
        const { collector, exchange, ended } = ask(
          options.method === "CONNECT" ? { ...options, headers: {} } : options,
        );
        server.write(`${head}early`);
        assert.equal(await ended, false);
        assert.deepEqual(collector.calls.slice(1), ["finish"]);
        assert.equal(connection.state, "upgraded");
        const stream = exchange.detach();
        server.write(" and late");
        server.end();
        assert.equal(String(await stream.readUntilClose()), "early and late");
        assert.equal(connection.state, "closed");
        assert.deepEqual(events, ["close"]);
        stream.close();
      }));
  }
});

test("the picture at the head of the file has the states of the table", async () => {
  const { readFileSync } = await import("node:fs");
  const { root } = await import("../../support/root.js");
  const source = readFileSync(`${root}src/http/connection/client-connection.ts`, "utf8");
  const picture = source.slice(0, source.indexOf("*/"));
  for (const state of Object.keys(CLIENT_TRANSITIONS)) assert.match(picture, new RegExp(`\\b${state}\\b`));
});
