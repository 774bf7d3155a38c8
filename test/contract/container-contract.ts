/**
 * What every container and every adapter promises of HTTP, as questions that are asked of each over a socket. An application in
 * the terms of its own world answers under the paths that {@link ContainerKit} lists.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpectLog } from "squall/testing";
import { accessLog, appLog, genLog } from "#room/base/log";
import { type Asked, withClients } from "../support/container-server.js";
import { field } from "../support/raw-client.js";

/**
 * A way to host an application, and the application. Its paths:
 *
 *     /hello    "Hello" as text/plain          /request   JSON: method, path with query, Host, X-Test
 *     /echo     the body of the request        /cookies   two fields of Set-Cookie, a=1 and b=2
 *     /204 /205 /304 as they say, /304 with an ETag
 *     /303      a redirect to /hello?a=%20     /stream    "one", "two", "three", a turn of the loop between them, no length
 *     /418      the status, "tea"              /throw     an exception before anything was sent
 *     /early    413 without reading the body   /break     "half" is sent, then an exception
 *     /split    tries to set X-Bad with a line break in it; answers "refused" if that throws
 *     /wait     never answers                  /big       2,000,000 octets of "x", in pieces
 */
export interface ContainerKit {
  readonly name: string;
  /** Options of its tests, for what needs a program; default none. */
  readonly needs?: { readonly skip: string | false } | undefined;
  /** The application cannot learn that its client has left as long as it only waits; default false. */
  readonly waitsBlindly?: boolean | undefined;
  /** It reads the response from a connection, where pieces that follow each other at once may be one; default false. */
  readonly joinsPieces?: boolean | undefined;
  /** Node's server reads the requests, which refuses what ours accepts; default false. */
  readonly behindNode?: boolean | undefined;
  /** Starts a server and hands out its port; what it returns stops it. `onLeft` is called when the client of /wait has left. */
  start(onLeft: () => void): Promise<{ readonly port: number; stop(): Promise<void> }>;
}

/** The log lines of a question that provokes a fault. */
async function withFaults(fault: () => Promise<void>): Promise<void> {
  using _late = new ExpectLog(genLog, /Cannot send error response|the upstream failed/, { required: false });
  await quietly(() => new ExpectLog(appLog, /Uncaught exception/).run(fault));
}

/** Warnings of the access log about statuses that a question asks for. */
async function quietly(question: () => Promise<void>): Promise<void> {
  await new ExpectLog(accessLog, /^(413|418|499|500) /, { required: false }).run(question);
}

/** Asks everything. */
export function containerContract(kit: ContainerKit): void {
  const asked = async (ask: (asked: Asked) => Promise<void>, onLeft: () => void = () => {}) => {
    const server = await kit.start(onLeft);
    try {
      await withClients(server.port, ask);
    } finally {
      await server.stop();
    }
  };

  test("a response has status, type, length and date", () =>
    asked(async ({ ask }) => {
      const got = await ask("/hello");
      assert.equal(got.status, 200);
      assert.equal(got.body.toString(), "Hello");
      assert.equal(field(got, "Content-Length"), "5");
      assert.match(field(got, "Content-Type") ?? "", /^text\/plain/);
      assert.match(field(got, "Date") ?? "", / GMT$/);
    }));

  test("method, target, host and fields arrive as they were sent", () =>
    asked(async ({ ask }) => {
      for (const method of ["GET", "DELETE", "OPTIONS", "PUT"]) {
        const got = await ask("/request?x=%20y&x=2", { method, head: "X-Test: a value\r\n" });
        assert.deepEqual(JSON.parse(got.body.toString()), {
          method,
          path: "/request?x=%20y&x=2",
          host: "example.com:81",
          test: "a value",
        });
      }
    }));

  test("a connection serves one request after the other", () =>
    asked(async ({ connect }) => {
      const client = await connect();
      for (const target of ["/hello", "/204", "/hello", "/stream", "/304", "/hello"]) {
        client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const got = await client.response();
        assert.equal(got.status, /\d+/.test(target) ? Number(target.slice(1)) : 200, target);
      }
      client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
      assert.equal((await client.response()).body.toString(), "abc");
      client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assert.equal((await client.response()).body.toString(), "Hello");
      await client.whenEnded();
    }));

  test("a body arrives whole, with its length or in chunks, in one piece or in drops", () =>
    asked(async ({ ask, connect }) => {
      const large = Buffer.alloc(1_500_000, "0123456789");
      assert.deepEqual((await ask("/echo", { method: "POST", body: large })).body, large);
      assert.equal((await ask("/echo", { method: "POST", body: "" })).body.toString(), "");
      const client = await connect();
      for (const letter of "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") {
        client.send(letter);
        await new Promise(setImmediate);
      }
      assert.equal((await client.response()).body.toString(), "abcde");
    }));

  if (kit.behindNode !== true) {
    for (const [how, head] of [
      ["in two fields", "Content-Length: 200000\r\ncontent-length: 200000\r\n"],
      ["in a list", "Content-Length: 200000, 200000\r\n"],
    ] as const) {
      test(`a body whose length is repeated ${how} arrives whole`, () =>
        asked(async ({ connect }) => {
          const body = "0123456789".repeat(20_000);
          const client = await connect();
          client.send(`POST /echo HTTP/1.1\r\nHost: a\r\n${head}\r\n`, body);
          const got = await client.response();
          assert.deepEqual([got.status, got.body.toString()], [200, body]);
        }));
    }
  }

  test("HEAD gets the head alone, and 204, 205 and 304 have no body", () =>
    asked(async ({ connect }) => {
      const client = await connect();
      for (const [method, target, status] of [
        ["HEAD", "/hello", 200],
        ["GET", "/204", 204],
        ["GET", "/205", 205],
        ["GET", "/304", 304],
        ["GET", "/hello", 200],
      ] as const) {
        client.send(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const got = await client.response(method);
        assert.equal(got.status, status);
        if (status === 304) assert.equal(field(got, "ETag"), '"1"');
        if (status === 204) assert.equal(field(got, "Content-Length"), undefined);
        if (status !== 200) assert.equal(got.body.length, 0);
      }
    }));

  test("a redirect has its status and its target as it was written", () =>
    asked(async ({ ask }) => {
      const got = await ask("/303");
      assert.equal(got.status, 303);
      assert.equal(field(got, "Location"), "/hello?a=%20");
    }));

  test("a response of unknown length streams in chunks, and unframed to HTTP/1.0", () =>
    asked(async ({ ask, connect }) => {
      const got = await ask("/stream");
      assert.equal(got.body.toString(), "onetwothree");
      assert.equal(got.truncated, false);
      const least = kit.joinsPieces ? 1 : 2;
      assert.ok((got.chunks?.length ?? 0) >= least, `it came in ${got.chunks?.length} chunks`);
      const old = await connect();
      old.send("GET /stream HTTP/1.0\r\nHost: a\r\n\r\n");
      assert.match(await old.rest(), /\r\n\r\nonetwothree$/);
    }));

  test("a large response arrives whole at a reader that takes its time", () =>
    asked(async ({ connect }) => {
      const client = await connect();
      client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
      client.socket.pause();
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      client.socket.resume();
      const got = await client.response();
      assert.equal(got.body.length, 2_000_000);
      assert.equal(got.truncated, false);
    }));

  test("fields of Set-Cookie stay apart", () =>
    asked(async ({ ask }) => {
      const got = await ask("/cookies");
      const cookies = got.headers.filter(([name]) => name.toLowerCase() === "set-cookie");
      assert.deepEqual(
        cookies.map(([, value]) => value),
        ["a=1", "b=2"],
      );
    }));

  test("any status can be sent", () =>
    quietly(() =>
      asked(async ({ ask }) => {
        const got = await ask("/418");
        assert.equal(got.status, 418);
        assert.equal(got.body.toString(), "tea");
      }),
    ));

  test("a field with a line break in it is refused", () =>
    asked(async ({ ask }) => {
      const got = await ask("/split");
      assert.equal(got.body.toString(), "refused");
      assert.equal(field(got, "X-Bad"), undefined);
      assert.equal(field(got, "X-Injected"), undefined);
    }));

  test("an exception is a 500, a line in the log, and no harm to the next request", () =>
    withFaults(() =>
      asked(async ({ ask }) => {
        assert.equal((await ask("/throw")).status, 500);
        assert.equal((await ask("/hello")).body.toString(), "Hello");
      }),
    ));

  test("a response that breaks off is never taken for a whole one", () =>
    withFaults(() =>
      asked(async ({ ask }) => {
        const got = await ask("/break");
        assert.equal(got.body.toString(), "half");
        assert.equal(got.truncated, true);
        assert.equal((await ask("/hello")).body.toString(), "Hello");
      }),
    ));

  test("an early response arrives although its request is not whole", () =>
    quietly(() =>
      asked(async ({ connect }) => {
        const client = await connect();
        client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc");
        const got = await client.response();
        assert.equal(got.status, 413);
        client.close();
      }),
    ));

  if (kit.waitsBlindly === true) return;
  test("the application learns that its client has left", () =>
    quietly(async () => {
      let left!: () => void;
      const whenLeft = new Promise<void>((resolve) => {
        left = resolve;
      });
      await asked(async ({ connect }) => {
        const client = await connect();
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        client.close();
        await whenLeft;
      }, left);
    }));
}
