/** FetchContainer: what an application of Fetch's kind finds, beyond the contract of all containers. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FetchApplication, FetchContainer } from "squall/fetch";
import { ExpectLog } from "squall/testing";
import { Application, FallbackHandler } from "squall/web";
import { Deferred } from "#room/async/deferred";
import { accessLog, appLog } from "#room/base/log";
import { withContainer } from "../support/container-server.js";
import { field } from "../support/raw-client.js";

const hosted = (application: FetchApplication, options?: ConstructorParameters<typeof FetchContainer>[1]) =>
  new FetchContainer(application, options);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the request", () => {
  test("is a Request in every respect, also for new Request() and clone()", async () => {
    const seen: unknown[] = [];
    await withContainer(
      hosted(async (request) => {
        const copy = new Request(request.clone());
        const moved = new Request("http://elsewhere/", request.clone());
        seen.push(
          request instanceof Request,
          request.method,
          request.url,
          copy.url,
          copy.headers.get("X-A"),
          moved.method,
          await moved.text(),
          await copy.text(),
          request.bodyUsed,
          await request.text(),
          request.bodyUsed,
          Object.prototype.toString.call(request),
        );
        return new Response("ok");
      }),
      async ({ ask }) => {
        await ask("/a/../b?c=%20d", { method: "POST", body: "text", head: "X-A: 1\r\n" });
      },
    );
    assert.deepEqual(seen, [
      true,
      "POST",
      "http://example.com:81/b?c=%20d",
      "http://example.com:81/b?c=%20d",
      "1",
      "POST",
      "text",
      "text",
      false,
      "text",
      true,
      "[object Request]",
    ]);
  });

  test("has one object of headers, whichever way it is asked for", async () => {
    await withContainer(
      hosted((request) => {
        const { headers } = request;
        void request.body;
        assert.equal(request.headers, headers);
        return new Response([...headers.keys()].join());
      }),
      async ({ ask }) => {
        assert.equal((await ask("/", { head: "X-A: 1\r\nx-a: 2\r\n" })).body.toString(), "host,x-a");
      },
    );
  });

  test("shows address and scheme that a trusted proxy names", async () => {
    await withContainer(
      hosted((request, info) => new Response(`${request.url} ${info.remoteIp} ${info.protocol}`)),
      async ({ ask }) => {
        const got = await ask("/", { head: "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n" });
        assert.equal(got.body.toString(), "https://example.com:81/ 203.0.113.9 https");
      },
      { xheaders: true },
    );
  });

  test("holds its client back while nobody reads the body", async () => {
    let seen = 0;
    let begun!: () => void;
    const whenBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let goOn!: () => void;
    const wait = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await withContainer(
      hosted(async (request) => {
        begun();
        await wait;
        for await (const piece of request.body as ReadableStream<Uint8Array>) seen += piece.length;
        return new Response("all");
      }),
      async ({ connect }) => {
        const client = await connect();
        const size = 20_000_000;
        client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`, Buffer.alloc(size));
        await whenBegun;
        for (let i = 0; i < 50; i++) await turn();
        assert.ok(client.socket.writableLength > 5_000_000, "the client could send everything");
        goOn();
        assert.equal((await client.response()).body.toString(), "all");
        assert.equal(seen, size);
      },
    );
  });

  test("breaks off when its client leaves in the middle of the body, and its signal says so", async () => {
    const seen: unknown[] = [];
    let read!: () => void;
    const whenRead = new Promise<void>((resolve) => {
      read = resolve;
    });
    let over!: () => void;
    const whenOver = new Promise<void>((resolve) => {
      over = resolve;
    });
    await withContainer(
      hosted(async (request) => {
        const { signal } = request.clone();
        const reader = (request.body as ReadableStream<Uint8Array>).getReader();
        await reader.read();
        read();
        await reader.read().catch((error: { code?: string }) => seen.push(error.code));
        seen.push(request.signal.aborted, signal.aborted);
        over();
        return new Response("nobody reads it");
      }),
      async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        await whenRead;
        client.close();
        await whenOver;
      },
    );
    assert.deepEqual(seen, ["ERR_SQUALL_HTTP_ABORTED", true, true]);
  });

  test("by CONNECT or TRACE is a 501, a bodily GET loses its body, an impossible URL is a 400", async () => {
    using _log = new ExpectLog(accessLog, /^(501|400) /);
    await withContainer(
      hosted(async (request) => new Response(`${request.method} ${await request.text()}`)),
      async ({ ask }) => {
        assert.equal((await ask("a:1", { method: "CONNECT" })).status, 501);
        assert.equal((await ask("/", { method: "TRACE" })).status, 501);
        assert.equal((await ask("/", { method: "GET", body: "abc" })).body.toString(), "GET ");
        assert.equal((await ask("http://[::1/")).status, 400);
      },
    );
  });
});

describe("the response", () => {
  for (const [kind, body] of [
    ["a text", "Grüße"],
    ["octets", new TextEncoder().encode("Grüße")],
    ["a buffer", new TextEncoder().encode("Grüße").buffer],
    ["a Blob", new Blob(["Grüße"])],
    ["parameters", new URLSearchParams({ a: "ü" })],
  ] as const) {
    test(`made of ${kind} arrives whole`, async () => {
      await withContainer(
        hosted(() => new Response(body)),
        async ({ ask }) => {
          const got = await ask("/");
          assert.equal(got.body.toString(), kind === "parameters" ? "a=%C3%BC" : "Grüße");
          const head = await ask("/", { method: "HEAD" });
          assert.equal(head.body.length, 0);
          assert.equal(head.status, 200);
        },
      );
    });
  }

  test("has its length if its stream ends within the turn in which it began, and is chunked otherwise", async () => {
    const streamOf = (pieces: readonly string[]): ReadableStream<Uint8Array> =>
      new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(Buffer.from(piece));
          controller.close();
        },
      });
    const released = new Deferred();
    const late = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(Buffer.from("Grüße"));
        await released.promise;
        controller.close();
      },
    });
    const bodies: Record<string, ConstructorParameters<typeof Response>[0]> = {
      "/text": "Grüße",
      "/octets": Buffer.from("Grüße"),
      "/one": streamOf(["Grüße"]),
      "/none": streamOf([]),
      "/two": streamOf(["Grü", "ße"]),
    };
    await withContainer(
      hosted(
        (request) =>
          new Response(request.url.endsWith("/late") ? late : bodies[new URL(request.url).pathname]),
      ),
      async ({ ask, connect }) => {
        const lengths: Record<string, string | undefined> = {};
        for (const path of Object.keys(bodies)) {
          const got = await ask(path);
          assert.equal(got.body.toString(), path === "/none" ? "" : "Grüße", path);
          lengths[path] = field(got, "Content-Length");
        }
        assert.deepEqual(lengths, {
          "/text": "7",
          "/octets": "7",
          "/one": "7",
          "/none": "0",
          "/two": undefined,
        });
        const client = await connect();
        client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.until("Grüße");
        released.resolve();
        const got = await client.response();
        assert.deepEqual([got.body.toString(), field(got, "Content-Length")], ["Grüße", undefined]);
      },
    );
  });

  test("that was cloned, or read in part before, arrives as a reader would find it", async () => {
    await withContainer(
      hosted(async (request) => {
        const response = new Response("text");
        if (request.url.endsWith("/clone")) {
          await response.clone().text();
          return response;
        }
        const stream = response.body as ReadableStream<Uint8Array>;
        const [one] = stream.tee();
        return new Response(one);
      }),
      async ({ ask }) => {
        assert.equal((await ask("/clone")).body.toString(), "text");
        assert.equal((await ask("/tee")).body.toString(), "text");
      },
    );
  });

  test("sends its head at once, however long its body takes", async () => {
    let send!: (text: string) => void;
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (text) => {
          controller.enqueue(Buffer.from(text));
          controller.close();
        };
      },
    });
    await withContainer(
      hosted(() => new Response(stream, { headers: { "Content-Type": "text/event-stream" } })),
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.until("\r\n\r\n");
        send("data: 1\n\n");
        assert.equal((await client.response()).body.toString(), "data: 1\n\n");
      },
    );
  });

  test("is pulled only as fast as its client reads, and cancelled when that leaves", async () => {
    let pulled = 0;
    let cancelled!: (reason: unknown) => void;
    const whenCancelled = new Promise<unknown>((resolve) => {
      cancelled = resolve;
    });
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(100_000));
      },
      cancel: (reason) => cancelled(reason),
    });
    await withContainer(
      hosted(() => new Response(stream)),
      async ({ connect }) => {
        const client = await connect();
        client.socket.pause();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let before = -1;
        while (before !== pulled || pulled === 0) {
          before = pulled;
          for (let i = 0; i < 20; i++) await turn();
        }
        assert.ok(pulled < 200, `${pulled} pieces were pulled`);
        client.close();
        assert.equal(((await whenCancelled) as { code?: string }).code, "ERR_SQUALL_HTTP_ABORTED");
      },
    );
  });

  test("cannot carry fields of the connection", async () => {
    await withContainer(
      hosted(() => new Response("x", { headers: { Connection: "close", "Keep-Alive": "a", "X-A": "1" } })),
      async ({ connect }) => {
        const client = await connect();
        for (let i = 0; i < 2; i++) {
          client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          const got = await client.response();
          assert.equal(field(got, "Connection"), undefined);
          assert.equal(field(got, "X-A"), "1");
        }
      },
    );
  });

  for (const [what, answer] of [
    ["nothing", () => undefined],
    [
      "a used Response",
      async () => {
        const response = new Response("x");
        await response.text();
        return response;
      },
    ],
    ["Response.error()", () => Response.error()],
    [
      "a body that fails at once",
      () => new Response(new ReadableStream({ start: (c) => c.error(new Error("boom")) })),
    ],
  ] as const) {
    test(`that is ${what} is a 500`, async () => {
      using _access = new ExpectLog(accessLog, /^500 GET \/ /);
      using log = new ExpectLog(appLog, /Uncaught exception in the Fetch application for GET \//);
      await withContainer(hosted(answer as unknown as FetchApplication), async ({ ask }) => {
        const got = await ask("/");
        assert.equal(got.status, 500);
      });
      assert.equal(log.loggedStack, true);
    });
  }

  test("that never comes is a 503 at the deadline, and one that never ends is broken off", async () => {
    using _access = new ExpectLog(accessLog, /^503 GET \/never /);
    using _log = new ExpectLog(appLog, /has not answered GET \/\w+ within 50 ms/);
    const signals: AbortSignal[] = [];
    await withContainer(
      hosted(
        (request) => {
          signals.push(request.signal);
          if (request.url.endsWith("/never")) return new Promise<Response>(() => {});
          return new Response(new ReadableStream({ start: (c) => c.enqueue(Buffer.from("half")) }));
        },
        { timeout: 50 },
      ),
      async ({ ask }) => {
        assert.equal((await ask("/never")).status, 503);
        const half = await ask("/half");
        assert.equal(half.body.toString(), "half");
        assert.equal(half.truncated, true);
      },
    );
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [true, true],
    );
  });
});

test("an application is mounted beside handlers, and no global object is replaced", async () => {
  const before = [globalThis.Request, globalThis.Response, globalThis.Headers, globalThis.fetch];
  const fallback = hosted(
    async (request) => new Response(`${new URL(request.url).pathname} ${await request.text()}`),
  );
  await withContainer(new Application([["/x.*", FallbackHandler, { fallback }]]), async ({ ask }) => {
    assert.equal((await ask("/x/y", { method: "POST", body: "abc" })).body.toString(), "/x/y abc");
  });
  assert.deepEqual([globalThis.Request, globalThis.Response, globalThis.Headers, globalThis.fetch], before);
  assert.throws(() => new FetchContainer({} as unknown as FetchApplication), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
  });
});
