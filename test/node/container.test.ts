/** NodeContainer: a `(req, res)` application finds what it finds under Node's own server. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, test } from "node:test";
import { NodeContainer, type NodeListener } from "squall/node";
import { ExpectLog } from "squall/testing";
import { Application, FallbackHandler, RequestHandler } from "squall/web";
import { accessLog, appLog } from "#room/base/log";
import { withContainer } from "../support/container-server.js";
import { field } from "../support/raw-client.js";

const hosted = (listener: NodeListener, options?: ConstructorParameters<typeof NodeContainer>[1]) =>
  new NodeContainer(listener, options);

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** Resolves with `[request, response]` of the first request. */
function firstRequest(): {
  readonly listener: NodeListener;
  readonly came: Promise<[IncomingMessage, ServerResponse]>;
} {
  let resolve!: (pair: [IncomingMessage, ServerResponse]) => void;
  const came = new Promise<[IncomingMessage, ServerResponse]>((r) => {
    resolve = r;
  });
  return { came, listener: (request, response) => resolve([request, response]) };
}

describe("the request", () => {
  test("is Node's own object, with the head as it was sent", async () => {
    let seen: Record<string, unknown> = {};
    const listener: NodeListener = (request, response) => {
      seen = {
        own: request.constructor.name,
        response: response.constructor.name,
        method: request.method,
        url: request.url,
        version: request.httpVersion,
        headers: request.headers,
        raw: request.rawHeaders.slice(-2),
        address: request.socket.remoteAddress,
        family: request.socket.remoteFamily,
        port: typeof request.socket.remotePort,
        encrypted: (request.socket as { encrypted?: boolean }).encrypted,
      };
      response.end("ok");
    };
    await withContainer(hosted(listener), async ({ ask }) => {
      const got = await ask("/a%20b?c=d", { head: "Cookie: a=1\r\nCookie: b=2\r\nX-Odd: Value\r\n" });
      assert.equal(got.body.toString(), "ok");
    });
    assert.deepEqual(seen, {
      own: "IncomingMessage",
      response: "ServerResponse",
      method: "GET",
      url: "/a%20b?c=d",
      version: "1.1",
      headers: { host: "example.com:81", cookie: "a=1; b=2", "x-odd": "Value" },
      raw: ["X-Odd", "Value"],
      address: "127.0.0.1",
      family: "IPv4",
      port: "number",
      encrypted: false,
    });
  });

  test("shows the client that a trusted proxy names", async () => {
    await withContainer(
      hosted((request, response) => {
        const { encrypted } = request.socket as { encrypted?: boolean };
        response.end(`${request.socket.remoteAddress} ${encrypted}`);
      }),
      async ({ ask }) => {
        const got = await ask("/", { head: "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n" });
        assert.equal(got.body.toString(), "203.0.113.9 true");
      },
      { xheaders: true },
    );
  });

  test("streams its body, and its trailers are there at the end", async () => {
    const { listener, came } = firstRequest();
    await withContainer(hosted(listener), async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      const [request, response] = await came;
      const [first] = (await once(request, "data")) as [Buffer];
      assert.equal(first.toString(), "abc");
      assert.equal(request.complete, false);
      client.send("2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n");
      assert.equal(await textOf(request), "de");
      assert.equal(request.complete, true);
      assert.deepEqual(request.trailers, { "x-sum": "5" });
      response.end();
      await client.response();
    });
  });

  test("holds its client back while nobody reads the body", async () => {
    const { listener, came } = firstRequest();
    await withContainer(
      hosted(listener),
      async ({ connect }) => {
        const client = await connect();
        const size = 20_000_000;
        client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
        client.send(Buffer.alloc(size));
        const [request, response] = await came;
        await once(request, "readable");
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
        assert.ok(request.readableLength < 1_000_000, `${request.readableLength} octets were taken in`);
        let length = 0;
        for await (const chunk of request) length += (chunk as Buffer).length;
        assert.equal(length, size);
        response.end("all");
        assert.equal((await client.response()).body.toString(), "all");
      },
      { maxBodySize: 30_000_000 },
    );
  });

  test("is aborted when its client leaves in the middle of the body", async () => {
    const { listener, came } = firstRequest();
    await withContainer(hosted(listener), async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
      const [request, response] = await came;
      const closed = once(response, "close");
      const error = textOf(request).catch((reason: NodeJS.ErrnoException) => reason.code);
      client.close();
      assert.equal(await error, "ECONNRESET");
      await closed;
      assert.equal(request.aborted, true);
      assert.equal(response.destroyed, true);
      assert.equal(response.writableFinished, false);
    });
  });

  test("that waits for 100 (Continue) gets it from the server, or from a listener for 'checkContinue'", async () => {
    const expect = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    await withContainer(
      hosted(async (request, response) => response.end(await textOf(request))),
      async ({ connect }) => {
        const client = await connect();
        client.send(expect);
        assert.equal((await client.response()).status, 100);
        client.send("abc");
        assert.equal((await client.response()).body.toString(), "abc");
      },
    );
    const server = createServer();
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === "/no") {
        response.writeHead(417).end();
        return;
      }
      response.writeContinue();
      void textOf(request).then((text) => response.end(text));
    });
    using _log = new ExpectLog(accessLog, /^417 POST \/no /);
    await withContainer(new NodeContainer(server), async ({ connect }) => {
      const client = await connect();
      client.send(expect);
      assert.equal((await client.response()).status, 100);
      client.send("abc");
      assert.equal((await client.response()).body.toString(), "abc");
      const refused = await connect();
      refused.send(expect.replace("POST /", "POST /no"));
      assert.equal((await refused.response()).status, 417);
    });
  });
});

describe("the response", () => {
  test("leaves whole with its length, and the connection is kept as the server decides", async () => {
    await withContainer(
      hosted((_request, response) => {
        response.setHeader("Keep-Alive", "timeout=1");
        response.end("Hello");
      }),
      async ({ connect }) => {
        const client = await connect();
        for (let i = 0; i < 3; i++) {
          client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          const got = await client.response();
          assert.equal(got.body.toString(), "Hello");
          assert.equal(field(got, "Content-Length"), "5");
          assert.equal(field(got, "Connection"), undefined);
          assert.equal(field(got, "Keep-Alive"), undefined);
          assert.match(field(got, "Date") ?? "", / GMT$/);
          assert.match(field(got, "Server") ?? "", /^squall\//);
        }
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert.equal(field(await client.response(), "Connection"), "Keep-Alive");
        client.send("GET / HTTP/1.0\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "Hello");
        await client.whenEnded();
      },
    );
  });

  test("closes the connection when the application says so", async () => {
    await withContainer(
      hosted((_request, response) => {
        response.writeHead(200, { Connection: "close", Date: "yesterday", Server: "mine" }).end("bye");
      }),
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const got = await client.response();
        assert.equal(field(got, "Connection"), "close");
        assert.equal(field(got, "Date"), "yesterday");
        assert.equal(field(got, "Server"), "mine");
        await client.whenEnded();
      },
    );
  });

  test("is written in any form of writeHead(), and fields that repeat stay apart", async () => {
    await withContainer(
      hosted((request, response) => {
        if (request.url === "/raw") response.writeHead(201, "Made", ["X-A", "1", "X-A", "2"]);
        else response.writeHead(202, { "Set-Cookie": ["a=1", "b=2"] });
        response.end("x");
      }),
      async ({ ask }) => {
        const raw = await ask("/raw");
        assert.equal(`${raw.status} ${raw.reason}`, "201 Made");
        assert.deepEqual(
          raw.headers.filter(([name]) => name === "X-A").map(([, value]) => value),
          ["1", "2"],
        );
        const cookies = (await ask("/")).headers.filter(([name]) => name === "Set-Cookie");
        assert.deepEqual(cookies, [
          ["Set-Cookie", "a=1"],
          ["Set-Cookie", "b=2"],
        ]);
      },
    );
  });

  test("has no body after HEAD, 204 and 304, and keeps the length that it was given", async () => {
    await withContainer(
      hosted((request, response) => {
        if (request.url === "/204") response.writeHead(204).end("nothing");
        else if (request.url === "/304") response.writeHead(304, { ETag: '"1"' }).end();
        else if (request.url === "/open") {
          response.write("a");
          response.end();
        } else response.writeHead(200, { "Content-Length": 7 }).end("content");
      }),
      async ({ connect }) => {
        const client = await connect();
        for (const [method, target, status, length] of [
          ["GET", "/204", 204, undefined],
          ["GET", "/304", 304, undefined],
          ["HEAD", "/", 200, "7"],
          ["HEAD", "/open", 200, undefined],
          ["GET", "/", 200, "7"],
        ] as const) {
          client.send(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
          const got = await client.response(method);
          assert.equal(got.status, status);
          assert.equal(field(got, "Content-Length"), length, `${method} ${target}`);
        }
      },
    );
  });

  test("streams piece by piece, with trailers; HTTP/1.0 gets the pieces unframed", async () => {
    await withContainer(
      hosted(async (_request, response) => {
        response.writeHead(200, { Trailer: "X-Sum" });
        for (const piece of ["one", "two"]) {
          response.write(piece);
          await new Promise(setImmediate);
        }
        response.addTrailers({ "X-Sum": "6" });
        response.end();
      }),
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert.match(await client.rest(), /\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n$/);
        const old = await connect();
        old.send("GET / HTTP/1.0\r\n\r\n");
        assert.match(await old.rest(), /\r\n\r\nonetwo$/);
      },
    );
  });

  test("sends early hints and other interim responses before the final one", async () => {
    await withContainer(
      hosted((_request, response) => {
        response.writeProcessing();
        response.writeEarlyHints({ link: "</a.css>; rel=preload" });
        response.end("ok");
      }),
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert.equal((await client.response()).status, 102);
        const hints = await client.response();
        assert.equal(hints.status, 103);
        assert.equal(field(hints, "Link"), "</a.css>; rel=preload");
        assert.equal((await client.response()).body.toString(), "ok");
        client.send("GET / HTTP/1.0\r\n\r\n");
        assert.equal((await client.response()).status, 200);
      },
    );
  });

  test("tells its writer to wait while the client does not read, and goes on with 'drain'", async () => {
    const size = 16_000_000;
    let waits = 0;
    const events: string[] = [];
    await withContainer(
      hosted(async (_request, response) => {
        response.on("finish", () => events.push("finish")).on("close", () => events.push("close"));
        const piece = Buffer.alloc(100_000, "x");
        for (let sent = 0; sent < size; sent += piece.length) {
          if (!response.write(piece)) {
            waits++;
            await once(response, "drain");
            assert.equal(response.writableNeedDrain, false);
          }
        }
        response.end();
      }),
      async ({ ask }) => {
        assert.equal((await ask("/")).body.length, size);
      },
    );
    assert.ok(waits > 3, `it waited ${waits} times`);
    assert.deepEqual(events, ["finish", "close"]);
  });

  test("takes what is piped into it", async () => {
    await withContainer(
      hosted((request, response) => pipeline(request, response)),
      async ({ ask }) => {
        const body = Buffer.alloc(3_000_000, "0123456789");
        assert.deepEqual((await ask("/", { method: "POST", body })).body, body);
      },
    );
  });

  test("says by 'close' that its client has left", async () => {
    const { listener, came } = firstRequest();
    const log = new ExpectLog(accessLog, /^499 GET \/ /, { level: "info" });
    await log.run(async () => {
      await withContainer(hosted(listener), async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const [request, response] = await came;
        client.close();
        await once(response, "close");
        assert.equal(response.writableFinished, false);
        assert.equal(request.destroyed, true);
        assert.equal(response.write("into the void"), false);
      });
    });
  });

  test("refuses late and forbidden fields as Node does", async () => {
    const codes: unknown[] = [];
    await withContainer(
      hosted((_request, response) => {
        const attempt = (fn: () => unknown): void => {
          try {
            fn();
          } catch (error) {
            codes.push((error as NodeJS.ErrnoException).code);
          }
        };
        attempt(() => response.setHeader("X-A", "a\r\nSet-Cookie: b=c"));
        attempt(() => response.setHeader("X A", "1"));
        attempt(() => response.writeHead(200, "fine\r\nX: y"));
        response.statusMessage = "OK";
        response.end("ok");
        attempt(() => response.setHeader("X-Late", "1"));
        attempt(() => response.writeHead(500));
      }),
      async ({ ask }) => {
        const got = await ask("/");
        assert.equal(got.status, 200);
        assert.equal(field(got, "Set-Cookie"), undefined);
      },
    );
    assert.deepEqual(codes, [
      "ERR_INVALID_CHAR",
      "ERR_INVALID_HTTP_TOKEN",
      "ERR_INVALID_CHAR",
      "ERR_HTTP_HEADERS_SENT",
      "ERR_HTTP_HEADERS_SENT",
    ]);
  });

  test("may come before the body has; the rest of that goes to nobody", async () => {
    const { listener, came } = firstRequest();
    using _log = new ExpectLog(accessLog, /^413 POST \/ /);
    await withContainer(hosted(listener), async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
      const [request, response] = await came;
      response.writeHead(413).end("too much");
      assert.equal((await client.response()).status, 413);
      if (!request.closed) await once(request, "close");
      assert.equal(request.complete, false);
      client.send("x".repeat(97), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    });
  });
});

describe("a fault of the application", () => {
  for (const [how, listener] of [
    [
      "an exception",
      () => {
        throw new Error("boom");
      },
    ],
    ["a rejection", () => Promise.reject(new Error("boom"))],
  ] as const) {
    test(`by ${how} is a 500 and a traceback, and the connection serves on`, async () => {
      await new ExpectLog(accessLog, /^500 GET \/ /).run(async () => {
        const log = new ExpectLog(appLog, /Uncaught exception in the Node application for GET \//);
        await log.run(async () => {
          await withContainer(hosted(listener), async ({ connect }) => {
            const client = await connect();
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            const got = await client.response();
            assert.equal(got.status, 500);
            assert.equal(got.body.length, 0);
          });
        });
        assert.equal(log.loggedStack, true);
      });
    });
  }

  test("in the middle of a response breaks it off", async () => {
    await new ExpectLog(appLog, /Uncaught exception in the Node application/).run(async () => {
      await withContainer(
        hosted(async (_request, response) => {
          response.write("half");
          await new Promise(setImmediate);
          throw new Error("boom");
        }),
        async ({ ask }) => {
          const got = await ask("/");
          assert.equal(got.body.toString(), "half");
          assert.equal(got.truncated, true);
        },
      );
    });
  });

  test("such as less than Content-Length promises breaks the response off", async () => {
    await new ExpectLog(appLog, /response of a Node application cannot be sent/).run(async () => {
      await withContainer(
        hosted((_request, response) => {
          response.writeHead(200, { "Content-Length": 10 }).end("short");
        }),
        async ({ ask }) => {
          const got = await ask("/");
          assert.equal(got.truncated, true);
        },
      );
    });
  });

  test("such as writing behind the end is logged and hurts nothing", async () => {
    await new ExpectLog(appLog, /Error in the response to GET \//).run(async () => {
      await withContainer(
        hosted((_request, response) => {
          response.end("done");
          response.write("more");
        }),
        async ({ ask }) => {
          assert.equal((await ask("/")).body.toString(), "done");
          await new Promise(setImmediate);
        },
      );
    });
  });

  test("such as destroying the response breaks it off", async () => {
    await withContainer(
      hosted((_request, response) => {
        response.write("half");
        setImmediate(() => response.destroy());
      }),
      async ({ ask }) => {
        assert.equal((await ask("/")).truncated, true);
      },
    );
  });

  test("such as never answering is cut at the deadline, with 503 or in the middle", async () => {
    const closed: unknown[] = [];
    await new ExpectLog(accessLog, /^503 GET \/never /).run(async () => {
      await new ExpectLog(appLog, /has not answered GET \/\w+ within 50 ms/).run(async () => {
        await withContainer(
          hosted(
            (request, response) => {
              response.on("close", () => closed.push(request.url));
              if (request.url === "/half") response.write("half");
            },
            { timeout: 50 },
          ),
          async ({ ask }) => {
            assert.equal((await ask("/never")).status, 503);
            assert.equal((await ask("/half")).truncated, true);
          },
        );
      });
    });
    assert.deepEqual(closed, ["/never", "/half"]);
  });

  test("such as a container for nothing is refused with a hint", () => {
    const make = (value: unknown) => () => new NodeContainer(value as NodeListener);
    const wrong = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
    assert.throws(make(undefined), { ...wrong, message: /a function \(request, response\)/ });
    assert.throws(make({ callback() {}, emit() {}, listenerCount() {} }), {
      ...wrong,
      message: /callback\(\)/,
    });
    assert.throws(make({ routing() {} }), { ...wrong, message: /app\.routing/ });
    assert.throws(() => hosted(() => {}, { timeout: -1 }), wrong);
  });
});

describe("the connection", () => {
  test("is given to a listener for 'upgrade', with what came behind the request", async () => {
    const server = createServer((_request, response) => response.end("plain"));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      assert.equal(request.headers.upgrade, "echo");
      assert.equal(head.length, 0);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
      socket.pipe(socket);
    });
    const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    await withContainer(new NodeContainer(server), async ({ connect }) => {
      const client = await connect();
      client.send(`${upgrade}first`);
      assert.equal((await client.response()).status, 101);
      await client.until("first");
      client.send("second");
      await client.until("second");
      client.end();
      await client.whenEnded();
    });
    // Without a listener it is a request like any other.
    using _log = new ExpectLog(accessLog, /^501 CONNECT a:1 /);
    await withContainer(
      hosted((_request, response) => response.end("plain")),
      async ({ connect }) => {
        const client = await connect();
        client.send(upgrade);
        assert.equal((await client.response()).body.toString(), "plain");
        client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
        assert.equal((await client.response("CONNECT")).status, 501);
      },
    );
  });

  test("emits 'timeout' after silence, and is closed when nobody listens", async () => {
    await withContainer(
      hosted((request, response) => {
        if (request.url === "/heard") response.setTimeout(20, () => response.end("late"));
        else request.socket.setTimeout(20);
      }),
      async ({ ask, connect }) => {
        assert.equal((await ask("/heard")).body.toString(), "late");
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert.equal(await client.rest(), "");
      },
    );
  });

  test("serves handlers and a hosted application side by side", async () => {
    class Mine extends RequestHandler {
      override get(): void {
        this.write("mine");
      }
    }
    const fallback = hosted(async (request, response) => {
      response.end(`theirs ${request.url} ${await textOf(request)}`);
    });
    const app = new Application([
      ["/mine", Mine],
      [".*", FallbackHandler, { fallback }],
    ]);
    await withContainer(app, async ({ ask }) => {
      assert.equal((await ask("/mine")).body.toString(), "mine");
      assert.equal((await ask("/x?y")).body.toString(), "theirs /x?y ");
      assert.equal((await ask("/x", { method: "POST", body: "abc" })).body.toString(), "theirs /x abc");
    });
  });
});
