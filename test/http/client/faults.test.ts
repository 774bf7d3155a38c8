/** What goes wrong with a server, in each phase, and the error that each gives; all in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type FetchOptions,
  HTTPConnectError,
  HTTPStreamClosedError,
  HTTPTimeoutError,
} from "squall/httpclient";
import { MemoryNetwork } from "squall/testing";
import "../../support/guard.js";
import { pass } from "../../support/virtual-server.js";
import { answering, ok, type Peer, type World, withClient } from "./world.js";

/** What a server does at one point. */
const FAULTS: Readonly<Record<string, (peer: Peer) => void>> = {
  reset: (peer) => void peer.socket.resetAndDestroy(),
  stall: () => {},
  "half close": (peer) => void peer.socket.end(),
  garbage: (peer) => peer.send("\0\x01garbage\r\n\r\n"),
};

/** Where it does it: what the server sends before, and the phase that the error names. */
const POINTS: Readonly<Record<string, readonly [before: string, phase: string]>> = {
  "before the response": ["", "headers"],
  "inside the status line": ["HTTP/1.", "headers"],
  "inside the fields": ["HTTP/1.1 200 OK\r\nX-A:", "headers"],
  "before the body": ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "body"],
  "inside the body": ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "body"],
  "inside a chunk size": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5", "body"],
  "inside a chunk": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab", "body"],
  "behind an interim response": ["HTTP/1.1 103 Early Hints\r\n\r\n", "headers"],
};

/** Octets that stand where any octets may. */
const TAKES_GARBAGE = new Set(["before the body", "inside the body", "inside a chunk"]);

async function outcome({ client }: World, url: string, options?: FetchOptions): Promise<unknown> {
  try {
    return await client.fetch(url, options);
  } catch (error) {
    return error;
  }
}

describe("a server that fails", () => {
  for (const [where, [before, phase]] of Object.entries(POINTS)) {
    for (const [what, fault] of Object.entries(FAULTS)) {
      if (what === "garbage" && TAKES_GARBAGE.has(where)) continue;
      test(`${what} ${where}: the fetch rejects, in the phase "${phase}", and nothing is left`, () =>
        withClient({}, async (world) => {
          let peer: Peer | undefined;
          const port = await world.listen(async (connection) => {
            peer = connection;
            await connection.request();
            connection.send(before);
            await pass(world.loop, 5);
            fault(connection);
          });
          const began = world.loop.time();
          const error = await outcome(world, `http://127.0.0.1:${port}/`, { requestTimeout: 1000 });
          if (what === "stall") {
            assert.ok(error instanceof HTTPTimeoutError, String(error));
            assert.equal(error.code, "ERR_SQUALL_HTTP_TIMEOUT");
            assert.equal(world.loop.time() - began, 1000);
          } else {
            assert.ok(error instanceof HTTPStreamClosedError, String(error));
            assert.equal(error.code, "ERR_SQUALL_HTTP_STREAM_CLOSED");
            assert.ok(world.loop.time() - began < 10);
          }
          assert.equal(error.phase, phase);
          assert.equal(error.status, 599);
          assert.equal(world.client.activeRequests, 0);
          await peer?.closed;
          assert.equal(world.client.connections, 0);
        }));
    }
  }
});

describe("on the way to a server", () => {
  /** What the other side of the new connection is, and how it is reached. */
  const ways: Readonly<Record<string, (port: number) => readonly [url: string, options: FetchOptions]>> = {
    tls: (port) => [`https://127.0.0.1:${port}/`, {}],
    proxy: (port) => ["https://somewhere.test/", { proxyHost: "127.0.0.1", proxyPort: port }],
    "proxy-tls": (port) => [
      "https://somewhere.test/",
      { proxyHost: "127.0.0.1", proxyPort: port, proxySecure: true },
    ],
  };
  for (const [phase, way] of Object.entries(ways)) {
    for (const [what, fault] of Object.entries(FAULTS)) {
      test(`${what} where the first octets are due: the fetch rejects, in the phase "${phase}", and nothing is left`, () =>
        withClient({}, async (world) => {
          let peer: Peer | undefined;
          const port = await world.listen(async (connection) => {
            peer = connection;
            await pass(world.loop, 5);
            fault(connection);
          });
          const began = world.loop.time();
          const [url, options] = way(port);
          const error = await outcome(world, url, { ...options, connectTimeout: 1000 });
          if (what === "stall") {
            assert.ok(error instanceof HTTPTimeoutError, String(error));
            assert.equal(world.loop.time() - began, 1000);
          } else {
            assert.ok(error instanceof HTTPConnectError, String(error));
            assert.ok(error.cause instanceof Error);
            assert.ok(world.loop.time() - began < 10);
          }
          assert.equal(error.phase, phase);
          assert.equal(error.status, 599);
          assert.equal(world.client.activeRequests, 0);
          await peer?.closed;
          assert.equal(world.client.connections, 0);
        }));
    }
  }

  for (const [what, fault] of Object.entries(FAULTS)) {
    test(`${what} during an upload: the fetch rejects with what came, and nothing is left`, () =>
      withClient({}, async (world) => {
        let peer: Peer | undefined;
        const port = await world.listen(async (connection) => {
          peer = connection;
          await pass(world.loop, 50);
          fault(connection);
        });
        let isOver = false;
        const body = async function* () {
          try {
            for (;;) {
              yield "piece";
              await pass(world.loop, 10);
            }
          } finally {
            isOver = true;
          }
        };
        const error = await outcome(world, `http://127.0.0.1:${port}/`, {
          method: "POST",
          body: body(),
          requestTimeout: 1000,
        });
        if (what === "stall") assert.ok(error instanceof HTTPTimeoutError, String(error));
        else assert.ok(error instanceof HTTPStreamClosedError, String(error));
        assert.equal(error.phase, "upload");
        await pass(world.loop, 100);
        assert.ok(isOver, "the iterable was left");
        await peer?.closed;
        assert.equal(world.client.connections, 0);
      }));
  }
});

describe("a stall meets the deadline of its phase", () => {
  const phases: readonly (readonly [string, FetchOptions, (world: World) => Promise<string>])[] = [
    [
      "lookup",
      {},
      async ({ network }) => {
        network.resolve = () => new Promise(() => {});
        return "http://somewhere.test/";
      },
    ],
    [
      "connect",
      {},
      async ({ network }) => {
        network.setHost("10.0.0.1", "silent");
        return "http://10.0.0.1/";
      },
    ],
    ["tls", {}, async ({ listen }) => `https://127.0.0.1:${await listen(() => {})}/`],
    ["proxy", { proxyHost: "127.0.0.1" }, async () => "https://somewhere.test/"],
  ];
  for (const [phase, options, prepare] of phases) {
    test(`case 98, case 102: in ${phase}: connectTimeout, and the error names the phase`, () =>
      withClient({}, async (world) => {
        const url = await prepare(world);
        const proxyPort = await world.listen(() => {});
        const began = world.loop.time();
        const error = await outcome(world, url, {
          ...options,
          ...(options.proxyHost === undefined ? {} : { proxyPort }),
          connectTimeout: 700,
        });
        assert.ok(error instanceof HTTPTimeoutError, String(error));
        assert.equal(error.phase, phase);
        assert.match(String(error), /^Timeout while connecting/);
        assert.equal(world.loop.time() - began, 700);
        assert.equal(world.client.activeRequests, 0);
      }));
  }

  test("case 102: in the queue: the lesser of both timeouts", () =>
    withClient({ maxClients: 1 }, async (world) => {
      const port = await world.listen(() => {});
      const url = `http://127.0.0.1:${port}/`;
      const first = outcome(world, url, { requestTimeout: 5000 });
      const error = await outcome(world, url, { connectTimeout: 300 });
      assert.ok(error instanceof HTTPTimeoutError);
      assert.equal(String(error), "Timeout in request queue");
      assert.equal(error.phase, "queue");
      assert.equal(world.loop.time(), 300);
      assert.equal(world.client.waitingRequests, 0);
      await first;
    }));

  test("in the upload: a server that stops reading meets the write deadline", () =>
    withClient({ requestStallTimeout: 2000 }, async (world) => {
      const port = await world.listen((peer) => void peer.socket.pause());
      const body = async function* () {
        for (;;) yield Buffer.alloc(65_536);
      };
      const error = await outcome(world, `http://127.0.0.1:${port}/`, {
        method: "POST",
        body: body(),
        requestTimeout: 0,
      });
      assert.ok(error instanceof HTTPStreamClosedError, String(error));
      assert.equal(error.phase, "upload");
      // It is asked twice, since what the kernel has taken says little.
      assert.ok(world.loop.time() <= 5000, `after ${world.loop.time()} ms`);
    }));

  test("case 98: in a body that trickles: requestTimeout, however lively the server is", () =>
    withClient({}, async (world) => {
      const port = await world.listen(async (peer) => {
        await peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while (!peer.socket.destroyed) {
          peer.send("x");
          await pass(world.loop, 100);
        }
      });
      const error = await outcome(world, `http://127.0.0.1:${port}/`, { requestTimeout: 3000 });
      assert.ok(error instanceof HTTPTimeoutError);
      assert.equal(error.phase, "body");
      assert.equal(world.loop.time(), 3000);
    }));

  test("a long request timeout is never early and at most an eighth late", () =>
    withClient({}, async (world) => {
      const port = await world.listen(() => {});
      await outcome(world, `http://127.0.0.1:${port}/`);
      assert.ok(world.loop.time() >= 20_000 && world.loop.time() <= 22_500, String(world.loop.time()));
    }));
});

test("no connection: HTTPConnectError with the phase and the system's error", () =>
  withClient({}, async (world) => {
    for (const [url, phase, code] of [
      ["http://unknown.test/", "lookup", "ENOTFOUND"],
      ["http://127.0.0.1:1/", "connect", "ECONNREFUSED"],
    ] as const) {
      const error = await outcome(world, url);
      assert.ok(error instanceof HTTPConnectError, String(error));
      assert.equal(error.phase, phase);
      assert.equal((error.cause as { code: string }).code, code);
    }
  }));

test("case 96: a response that is malformed or ambiguous is an error, and its connection is not used again", async () => {
  const bad = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
    `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}\r\n\r\n`,
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  ];
  await withClient({}, async (world) => {
    let connections = 0;
    let next = 0;
    const port = await world.listen((peer) => {
      connections++;
      return answering(() => bad[next++] ?? ok())(peer);
    });
    for (const text of bad) {
      const error = await outcome(world, `http://127.0.0.1:${port}/`);
      assert.ok(error instanceof HTTPStreamClosedError, `${text.slice(0, 60)}: ${error}`);
    }
    await world.client.fetch(`http://127.0.0.1:${port}/`);
    assert.equal(connections, bad.length + 1);
  });
});

test("case 98: bodies are bounded, also unpacked; a lying Content-Length is an error", async () => {
  const { gzipSync } = await import("node:zlib");
  const bomb = gzipSync(Buffer.alloc(1_000_000));
  const answers = [
    Buffer.from(ok("x".repeat(2000))),
    Buffer.from(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"400\r\n".concat("x".repeat(1024), "\r\n").repeat(2)}0\r\n\r\n`,
    ),
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`),
      bomb,
    ]),
  ];
  await withClient({ maxBodySize: 1500 }, async (world) => {
    let next = 0;
    const port = await world.listen(answering(() => answers[next++]!));
    for (const _ of answers) {
      const error = await outcome(world, `http://127.0.0.1:${port}/`);
      assert.ok(error instanceof HTTPStreamClosedError, String(error));
      assert.equal((error.cause as { code: string }).code, "ERR_SQUALL_HTTP_BODY_TOO_LARGE");
    }
  });
});

test("case 95: nothing that would split a head reaches the wire, also if it was changed after the request was made", () =>
  withClient({}, async (world) => {
    let octets = 0;
    const port = await world.listen(
      (peer) => void peer.socket.on("data", (chunk) => (octets += chunk.length)),
    );
    const url = `http://127.0.0.1:${port}/`;
    const { HTTPRequest } = await import("squall/httpclient");
    const changed = new HTTPRequest(url);
    changed.method = "GET /x HTTP/1.1\r\nX:";
    const attempts: readonly (readonly [string | InstanceType<typeof HTTPRequest>, FetchOptions?])[] = [
      [`${url}a\r\nX: y`],
      [`${url}a\nb`],
      [`${url}a\0b`],
      [`http://127.0.0.1\r\n:${port}/`],
      [url, { method: "GET\r\nX: y" }],
      [url, { method: "G ET", allowNonstandardMethods: true }],
      [url, { headers: { "X-A": "a\r\nb" } }],
      [url, { headers: { "X-A": "a\0b" } }],
      [url, { headers: { "X-A": "\u2603" } }],
      [url, { headers: { "X\r\nA": "a" } }],
      [url, { headers: { Host: "a\r\nX: y" } }],
      [url, { userAgent: "a\r\nb" }],
      [url, { authUsername: "a\r\nb", authPassword: "x" }],
      [url, { proxyHost: "127.0.0.1", proxyPort: port, proxyUsername: "a\r\nb" }],
      [changed],
    ];
    for (const [target, options] of attempts) {
      const error = await outcome(world, target as string, options);
      assert.ok(error instanceof Error && !(error instanceof HTTPTimeoutError), String(error));
    }
    assert.equal(octets, 0);
  }));

describe("giving up", () => {
  const points: readonly (readonly [string, (peer: Peer) => Promise<void> | void])[] = [
    ["before the response", () => {}],
    [
      "inside the body",
      async (peer) => {
        await peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      },
    ],
  ];
  for (const [where, serve] of points) {
    test(`a signal ends a fetch ${where} with its reason, and closes the connection`, () =>
      withClient({}, async (world) => {
        let peer: Peer | undefined;
        const port = await world.listen((connection) => {
          peer = connection;
          return serve(connection);
        });
        const controller = new AbortController();
        const fetch = world.client.fetch(`http://127.0.0.1:${port}/`, { signal: controller.signal });
        world.loop.callLater(50, () => controller.abort(new RangeError("enough")));
        await assert.rejects(fetch, { message: "enough" });
        await peer?.closed;
        assert.equal(world.client.connections, 0);
        assert.equal(world.client.activeRequests, 0);
      }));
  }

  test("a signal ends connecting and waiting in the queue, and one that has aborted sends nothing", () =>
    withClient({ maxClients: 1 }, async (world) => {
      world.network.setHost("10.0.0.1", "silent");
      const controller = new AbortController();
      const { signal } = controller;
      const both = [1, 2].map(() => world.client.fetch("http://10.0.0.1/", { signal }));
      world.loop.callLater(10, () => controller.abort(new RangeError("enough")));
      for (const fetch of both) await assert.rejects(fetch, { message: "enough" });
      await assert.rejects(world.client.fetch("http://10.0.0.1/", { signal }), { message: "enough" });
      assert.equal(world.client.activeRequests + world.client.waitingRequests, 0);
    }));

  test("close() rejects fetches in every state", () =>
    withClient({ maxClients: 2 }, async (world) => {
      const port = await world.listen(() => {});
      world.network.setHost("10.0.0.1", "silent");
      const urls = [`http://127.0.0.1:${port}/`, "http://10.0.0.1/", "http://10.0.0.1/"];
      const all = urls.map((url) => outcome(world, url));
      await pass(world.loop, 50);
      world.client.close();
      for (const result of await Promise.all(all)) assert.ok(result instanceof Error);
    }));
});

test("a thousand failures leave no socket and no slot", () => {
  const network = new MemoryNetwork();
  return withClient(
    { maxClients: 20 },
    async (world) => {
      let index = 0;
      const faults = Object.values(FAULTS).filter((fault) => fault !== FAULTS.stall);
      const port = await world.listen(async (peer) => {
        await peer.request();
        faults[index++ % faults.length]!(peer);
      });
      const all = await Promise.all(
        Array.from({ length: 1000 }, () =>
          outcome(world, `http://127.0.0.1:${port}/`, { method: "POST", body: "x" }),
        ),
      );
      assert.ok(all.every((error) => error instanceof HTTPStreamClosedError));
      assert.equal(world.client.activeRequests, 0);
      await pass(world.loop, 5000);
      assert.equal(network.openSockets, 0);
    },
    network,
  );
});
