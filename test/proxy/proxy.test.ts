/** ReverseProxy and ProxyHandler: what they change, and what becomes of an upstream's faults. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { ProxyHandler, type ProxyOptions, ReverseProxy } from "squall/proxy";
import { ExpectLog } from "squall/testing";
import { Application } from "squall/web";
import { accessLog, genLog } from "#room/base/log";
import { type Asked, withContainer } from "../support/container-server.js";
import { field } from "../support/raw-client.js";

/** An upstream that says what a test wants: `onRequest` gets each head, as text, and the socket. */
async function withUpstream(
  onRequest: (head: string, socket: Socket, count: number) => void,
  options: Partial<ProxyOptions>,
  ask: (
    asked: Asked & { readonly heads: readonly string[]; readonly sockets: readonly Socket[] },
  ) => Promise<void>,
): Promise<void> {
  const heads: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        // A request that wants its body has the rest of what comes.
        if (socket.listenerCount("body") > 0) break;
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        heads.push(head);
        onRequest(head, socket, heads.length);
      }
      if (socket.emit("body", text)) text = "";
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const proxy = new ReverseProxy({ upstream: `http://127.0.0.1:${port}`, ...options });
  try {
    await withContainer(proxy, (asked) => ask({ ...asked, heads, sockets }));
  } finally {
    proxy.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const line = (head: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1];

describe("a request", () => {
  test("loses the fields of its connection, and says whom it comes from", async () => {
    await withUpstream(
      (_head, socket) => socket.write(ok("x")),
      {},
      async ({ ask, heads, port }) => {
        await ask("/a?b", {
          head:
            "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Connection: x\r\n" +
            "Proxy-Authorization: Basic x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-A: kept\r\n",
        });
        const [head = ""] = heads;
        assert.match(head, /^GET \/a\?b HTTP\/1\.1\r\n/);
        for (const name of [
          "Connection",
          "X-Hop",
          "Keep-Alive",
          "TE",
          "Proxy-Connection",
          "Proxy-Authorization",
        ]) {
          assert.equal(line(head, name), undefined, name);
        }
        assert.equal(line(head, "X-A"), "kept");
        assert.equal(line(head, "X-Forwarded-For"), "127.0.0.1");
        assert.equal(line(head, "X-Real-Ip"), "127.0.0.1");
        assert.equal(line(head, "X-Forwarded-Proto"), "http");
        assert.equal(line(head, "X-Forwarded-Host"), "example.com:81");
        assert.equal(line(head, "Forwarded"), 'for=127.0.0.1;host="example.com:81";proto=http');
        assert.match(line(head, "Host") ?? "", /^127\.0\.0\.1:\d+$/);
        assert.notEqual(line(head, "Host"), `127.0.0.1:${port}`);
      },
    );
  });

  test("keeps host and earlier proxies where the options say so, and obeys the rules for fields", async () => {
    const options = {
      preserveHost: true,
      appendForwarded: true,
      requestHeaders: { "X-Key": "secret", Cookie: null },
      responseHeaders: { Server: null, "X-Front": "squall" },
    };
    const answer = "HTTP/1.1 200 OK\r\nServer: old\r\nContent-Length: 0\r\n\r\n";
    await withUpstream(
      (_head, socket) => socket.write(answer),
      options,
      async ({ ask, heads }) => {
        const got = await ask("/", { head: "X-Forwarded-For: 1.2.3.4\r\nCookie: a=1\r\n" });
        assert.equal(line(heads[0]!, "Host"), "example.com:81");
        assert.equal(line(heads[0]!, "X-Forwarded-For"), "1.2.3.4, 127.0.0.1");
        assert.equal(line(heads[0]!, "X-Key"), "secret");
        assert.equal(line(heads[0]!, "Cookie"), undefined);
        assert.equal(field(got, "Server"), undefined);
        assert.equal(field(got, "X-Front"), "squall");
      },
    );
  });

  test("is asked for below the upstream's path, without the prefix; outside of it there is nothing", async () => {
    using _log = new ExpectLog(accessLog, /^404 GET \/oldest /);
    await withUpstream(
      (_head, socket) => socket.write(ok("x")),
      { prefix: "/old" },
      async ({ ask, heads }) => {
        await ask("/old/a/../b?c");
        await ask("/old");
        await ask("/old?x");
        assert.equal((await ask("/oldest")).status, 404);
        assert.deepEqual(
          heads.map((head) => head.split(" ")[1]),
          ["/a/../b?c", "/", "/?x"],
        );
      },
    );
  });

  test("streams: the upstream has the first octets before the last ones are sent", async () => {
    let seen = "";
    let came!: () => void;
    const first = new Promise<void>((resolve) => {
      came = resolve;
    });
    await withUpstream(
      (_head, socket) => {
        socket.on("body", (text: string) => {
          seen += text;
          if (seen.includes("abc")) came();
          if (seen.includes("0\r\n\r\n")) socket.write(ok("done"));
        });
      },
      {},
      async ({ connect, heads }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        await first;
        client.send("2\r\nde\r\n0\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "done");
        assert.equal(line(heads[0]!, "Transfer-Encoding"), "chunked");
        assert.match(seen, /3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n$/);
      },
    );
  });

  test("goes over a kept connection, and once more if that had ended", async () => {
    await withUpstream(
      (_head, socket, count) => {
        // The second request finds the kept connection closed under its hands.
        if (count === 2) socket.destroy();
        else socket.write(ok(String(count)));
      },
      {},
      async ({ ask, sockets, heads }) => {
        assert.equal((await ask("/")).body.toString(), "1");
        assert.equal((await ask("/")).body.toString(), "3");
        assert.equal((await ask("/")).body.toString(), "4");
        assert.equal(sockets.length, 2);
        assert.equal(heads.length, 4);
      },
    );
  });

  test("that may have had an effect is not sent twice", async () => {
    using _access = new ExpectLog(accessLog, /^502 POST \/ /);
    using _log = new ExpectLog(genLog, /the upstream failed for POST \//);
    await withUpstream(
      (_head, socket, count) => (count === 2 ? socket.destroy() : socket.write(ok("x"))),
      {},
      async ({ ask, heads }) => {
        await ask("/");
        assert.equal((await ask("/", { method: "POST" })).status, 502);
        assert.equal(heads.length, 2);
      },
    );
  });
});

describe("a response", () => {
  test("loses the fields of its connection, keeps its cookies apart, and passes interim ones on", async () => {
    const answer =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
      "HTTP/1.1 200 Fine\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" +
      "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n";
    await withUpstream(
      (_head, socket) => socket.write(answer),
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const hints = await client.response();
        assert.equal(hints.status, 103);
        assert.equal(field(hints, "Link"), "</a>");
        await client.until("X-Sum: 3\r\n\r\n");
        const got = await client.response();
        assert.equal(got.reason, "Fine");
        assert.equal(got.body.toString(), "abc");
        assert.equal(field(got, "X-Hop"), undefined);
        assert.equal(field(got, "Connection"), undefined);
        assert.equal(got.headers.filter(([name]) => name === "Set-Cookie").length, 2);
      },
    );
  });

  for (const [how, answer] of [
    ["by its length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
    ["by its chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ] as const) {
    test(`that breaks off ${how} is broken off`, async () => {
      using _log = new ExpectLog(genLog, /the upstream failed for GET \//);
      using _input = new ExpectLog(genLog, /Malformed HTTP message/, { level: "info", required: false });
      await withUpstream(
        (_head, socket) => socket.end(answer),
        {},
        async ({ ask }) => {
          const got = await ask("/");
          assert.equal(got.body.toString(), "half");
          assert.equal(got.truncated, true);
        },
      );
    });
  }

  test("that ends with its connection is whole", async () => {
    await withUpstream(
      (_head, socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall"),
      {},
      async ({ ask }) => {
        const got = await ask("/");
        assert.equal(got.body.toString(), "all");
        assert.equal(got.truncated, false);
      },
    );
  });
});

describe("a fault of the upstream", () => {
  for (const [what, status, onRequest, options] of [
    ["no HTTP at all", 502, (_head: string, socket: Socket) => socket.end("SSH-2.0-x\r\n\r\n"), {}],
    ["an end without a response", 502, (_head: string, socket: Socket) => socket.end(), {}],
    ["a reset", 502, (_head: string, socket: Socket) => socket.resetAndDestroy(), {}],
    ["silence", 504, () => {}, { responseTimeout: 40 }],
    [
      "a split field",
      502,
      (_head: string, socket: Socket) =>
        socket.end("HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"),
      {},
    ],
    [
      "a 101 that nobody asked for",
      502,
      (_head: string, socket: Socket) =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
      {},
    ],
  ] as const) {
    test(`such as ${what} is a ${status}`, async () => {
      using _access = new ExpectLog(accessLog, new RegExp(`^${status} GET / `));
      using _log = new ExpectLog(genLog, /the upstream failed for GET \//);
      await withUpstream(onRequest, options, async ({ ask }) => {
        assert.equal((await ask("/")).status, status);
      });
    });
  }

  test("such as nobody listening is a 502", async () => {
    using _access = new ExpectLog(accessLog, /^502 GET \/ /);
    using _log = new ExpectLog(genLog, /the upstream failed for GET \//);
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    taken.close();
    await once(taken, "close");
    const proxy = new ReverseProxy({ upstream: `http://127.0.0.1:${port}` });
    await withContainer(proxy, async ({ ask }) => assert.equal((await ask("/")).status, 502));
    proxy.close();
  });
});

describe("the connections", () => {
  test("become a tunnel when both sides upgrade; what one ends, the other one sees", async () => {
    await withUpstream(
      (head, socket) => {
        assert.equal(line(head, "Connection"), "Upgrade");
        assert.equal(line(head, "Upgrade"), "echo");
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-A: 1\r\n\r\nhello",
        );
        socket.on("body", (text: string) => text !== "" && socket.write(`<${text}>`));
        socket.on("end", () => socket.end("bye"));
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        const got = await client.response();
        assert.equal(got.status, 101);
        assert.equal(field(got, "X-A"), "1");
        assert.equal(field(got, "Upgrade"), "echo");
        await client.until("hello");
        client.send("one");
        await client.until("<one>");
        client.end();
        await client.until("bye");
        await client.whenEnded();
      },
    );
  });

  test("stay ordinary when the upstream does not upgrade", async () => {
    await withUpstream(
      (_head, socket) => socket.write(ok("plain")),
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        assert.equal((await client.response()).body.toString(), "plain");
      },
    );
  });

  test("to the upstream end when the client leaves", async () => {
    using _log = new ExpectLog(accessLog, /^499 GET \/ /, { level: "info", required: false });
    let came!: (socket: Socket) => void;
    const arrived = new Promise<Socket>((resolve) => {
      came = resolve;
    });
    await withUpstream(
      (_head, socket) => came(socket),
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const socket = await arrived;
        const ended = once(socket, "end");
        client.close();
        await ended;
      },
    );
  });
});

test("ProxyHandler is a route among others, with one proxy for the route", async () => {
  await withUpstream(
    (_head, socket) => socket.write(ok("theirs")),
    {},
    async ({ sockets, ask: direct }) => {
      assert.equal((await direct("/")).body.toString(), "theirs");
      const upstream = `http://127.0.0.1:${(sockets[0]!.address() as AddressInfo).port}`;
      const app = new Application([["/legacy/.*", ProxyHandler, { upstream, prefix: "/legacy" }]]);
      await withContainer(app, async ({ ask }) => {
        assert.equal((await ask("/legacy/a")).body.toString(), "theirs");
        assert.equal((await ask("/legacy/b", { method: "DELETE" })).body.toString(), "theirs");
      });
      // One for the proxy before, one kept for both requests of the handler.
      assert.equal(sockets.length, 2);
    },
  );
});

test("a proxy refuses options that cannot work", () => {
  const wrong = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
  for (const upstream of ["", "ftp://a/", "http://a/?b", "http://u:p@a/", "a"]) {
    assert.throws(() => new ReverseProxy({ upstream }), wrong);
  }
  const upstream = "http://127.0.0.1:1";
  assert.throws(() => new ReverseProxy({ upstream, prefix: "/a/" }), wrong);
  assert.throws(() => new ReverseProxy({ upstream, prefix: "a" }), wrong);
  assert.throws(() => new ReverseProxy({ upstream, connectTimeout: -1 }), wrong);
  assert.throws(() => new ReverseProxy({ upstream, requestHeaders: { "X-A": "a\r\nb: c" } }));
});
