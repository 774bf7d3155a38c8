/** How a proxy reaches its upstream: by TLS, by a unix socket, and what becomes of one that cannot be reached in time. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import { bindUnixSocket } from "squall/netutil";
import { type ProxyOptions, ReverseProxy } from "squall/proxy";
import { TCPServer } from "squall/tcpserver";
import { ExpectLog, type HostBehaviour, MemoryNetwork, VirtualLoop } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { accessLog, genLog } from "#room/base/log";
import { caCerts, certificate } from "../support/certs.js";
import { withContainer } from "../support/container-server.js";
import { RawClient } from "../support/raw-client.js";
import { pass } from "../support/virtual-server.js";

class Echo extends RequestHandler {
  override get(): void {
    const { protocol, headers } = this.request;
    this.write(`${protocol} ${headers.get("Host")} ${headers.get("X-Forwarded-Proto")}`);
  }

  override post(): void {
    this.write(this.request.body);
  }
}

/** An application behind TLS or on a unix socket, and a proxy before it. */
async function withUpstream(
  options: HTTPServerOptions,
  path: string | undefined,
  proxied: (port: number) => ProxyOptions,
  test: Parameters<typeof withContainer>[1],
): Promise<void> {
  const upstream = new HTTPServer(new Application([["/.*", Echo]]), options);
  if (path === undefined) await upstream.listen(0, "127.0.0.1");
  else upstream.addSockets([await bindUnixSocket(path)]);
  const proxy = new ReverseProxy(proxied(path === undefined ? upstream.port! : 0));
  try {
    await withContainer(proxy, test);
  } finally {
    proxy.close();
    await upstream.stop();
    await upstream.closeAllConnections({ timeout: 0 });
  }
}

const large = Buffer.alloc(1_000_000, "0123456789");

describe("an https upstream", () => {
  const { certfile, keyfile } = certificate("server");
  const options = { sslOptions: { certfile, keyfile } };

  test("is asked over TLS, with its name verified", async () => {
    await withUpstream(
      options,
      undefined,
      (port) => ({ upstream: `https://localhost:${port}`, sslOptions: { caCerts } }),
      async ({ ask }) => {
        assert.match((await ask("/")).body.toString(), /^https localhost:\d+ http$/);
        assert.deepEqual((await ask("/", { method: "POST", body: large })).body, large);
      },
    );
  });

  for (const [what, host, sslOptions] of [
    ["has a certificate that nobody vouches for", "localhost", undefined],
    ["has a certificate for another name", "127.0.0.2", { caCerts }],
  ] as const) {
    test(`that ${what} is a 502, and gets no request`, async () => {
      using _access = new ExpectLog(accessLog, /^502 GET \/ /);
      using _log = new ExpectLog(genLog, /the upstream failed for GET \/|TLS|SSL|handshake/i);
      await withUpstream(
        options,
        undefined,
        (port) => ({ upstream: `https://${host}:${port}`, sslOptions }),
        async ({ ask }) => assert.equal((await ask("/")).status, 502),
      );
    });
  }
});

test("an upstream on a unix socket gets the Host of its URL", async () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-proxy-"));
  const unixSocket = join(folder, "socket");
  try {
    await withUpstream(
      {},
      unixSocket,
      () => ({ upstream: "http://old.example", unixSocket }),
      async ({ ask }) => {
        assert.equal((await ask("/")).body.toString(), "http old.example http");
        assert.deepEqual((await ask("/", { method: "POST", body: large })).body, large);
      },
    );
    using _access = new ExpectLog(accessLog, /^502 GET \/ /);
    using _log = new ExpectLog(genLog, /the upstream failed for GET \/.*(ENOENT|ECONNREFUSED)/);
    const proxy = new ReverseProxy({ upstream: "http://old.example", unixSocket: join(folder, "absent") });
    await withContainer(proxy, async ({ ask }) => assert.equal((await ask("/")).status, 502));
    proxy.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A proxy on a network in memory; the upstream says nothing but what `answer` says, or its host behaves in another way. */
function inMemory(
  host: HostBehaviour | string,
  options: Partial<ProxyOptions>,
  run: (client: RawClient, loop: VirtualLoop) => Promise<void>,
): Promise<void> {
  const network = new MemoryNetwork({ hosts: { "old.example": "192.0.2.1" } });
  return VirtualLoop.run(
    async (loop) => {
      class Bare extends TCPServer {
        override async handleStream(stream: Parameters<TCPServer["handleStream"]>[0]) {
          await stream.readUntil("\r\n\r\n");
          await stream.write(host);
          await stream.readUntilClose().catch(() => {});
        }
      }
      const isBehaviour = host === "refuse" || host === "unreachable" || host === "silent";
      const upstream = new Bare();
      await upstream.listen(80, "192.0.2.1");
      if (isBehaviour) network.setHost("192.0.2.1", host);
      const proxy = new ReverseProxy({ upstream: "http://old.example", ...options });
      const server = new HTTPServer(proxy);
      await server.listen(0, "127.0.0.1");
      const client = await RawClient.connect(loop, server.port!);
      try {
        await run(client, loop);
      } finally {
        client.close();
        proxy.close();
        for (const one of [server, upstream]) await one.stop();
        await server.closeAllConnections({ timeout: 0 });
        await upstream.closeAllConnections();
      }
    },
    { network },
  );
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

describe("an upstream that cannot be reached", () => {
  for (const [host, options, ms] of [
    ["silent", {}, 10_000],
    ["silent", { connectTimeout: 700 }, 700],
  ] as const) {
    test(`in ${ms} ms (connectTimeout) is a 504`, async () => {
      using _access = new ExpectLog(accessLog, /^504 GET \/ /);
      using _log = new ExpectLog(genLog, new RegExp(`no connection to the upstream within ${ms} ms`));
      await inMemory(host, options, async (client, loop) => {
        const began = loop.time();
        client.send(GET);
        assert.equal((await client.response()).status, 504);
        assert.equal(loop.time() - began, ms);
      });
    });
  }

  for (const [host, reason] of [
    ["refuse", "ECONNREFUSED"],
    ["unreachable", "EHOSTUNREACH"],
  ] as const) {
    test(`because of ${reason} is a 502`, async () => {
      using _access = new ExpectLog(accessLog, /^502 GET \/ /);
      using _log = new ExpectLog(genLog, new RegExp(`the upstream failed for GET /: .*${reason}`));
      await inMemory(host, {}, async (client) => {
        client.send(GET);
        assert.equal((await client.response()).status, 502);
      });
    });
  }

  test("because nobody knows its name is a 502", async () => {
    using _access = new ExpectLog(accessLog, /^502 GET \/ /);
    using _log = new ExpectLog(genLog, /the upstream failed for GET \/: .*ENOTFOUND/);
    await inMemory("refuse", { upstream: "http://nowhere.example" }, async (client) => {
      client.send(GET);
      assert.equal((await client.response()).status, 502);
    });
  });

  test("is waited for until connectTimeout where its client has ended only its side, which gets the 504", async () => {
    using _access = new ExpectLog(accessLog, /^504 GET \/ /);
    using _log = new ExpectLog(genLog, /the upstream failed/);
    await inMemory("silent", { connectTimeout: 5000 }, async (client, loop) => {
      const begun = loop.time();
      client.send(GET);
      client.end();
      assert.equal((await client.response()).status, 504);
      assert.equal(loop.time() - begun, 5000);
      await client.whenEnded();
    });
  });

  test("is given up when its client is gone before", async () => {
    using _access = new ExpectLog(accessLog, /^499 GET \/ /, { level: "info", required: false });
    await inMemory("silent", {}, async (client, loop) => {
      client.send(GET);
      await pass(loop, 100);
      client.socket.resetAndDestroy();
      await pass(loop, 20_000);
    });
  });
});

/** A client that half-closes: the proxy opens its connection to the upstream meanwhile. */
describe("a client that ends its side while the proxy connects to the upstream", () => {
  class Counting extends RequestHandler {
    static requests = 0;

    override get(): void {
      Counting.requests += 1;
      if (Counting.requests === 2) this.detach().close();
      else this.write(`answer ${Counting.requests}`);
    }
  }

  /** Everything takes 20 ms to arrive. */
  function slowly(run: (client: RawClient, loop: VirtualLoop) => Promise<void>): Promise<void> {
    const network = new MemoryNetwork({ hosts: { "old.example": "192.0.2.1" }, latency: 20 });
    Counting.requests = 0;
    return VirtualLoop.run(
      async (loop) => {
        const upstream = new HTTPServer(new Application([["/", Counting]]));
        await upstream.listen(80, "192.0.2.1");
        const proxy = new ReverseProxy({ upstream: "http://old.example" });
        const server = new HTTPServer(proxy);
        await server.listen(0, "127.0.0.1");
        const client = await RawClient.connect(loop, server.port!);
        try {
          await run(client, loop);
        } finally {
          client.close();
          proxy.close();
          for (const one of [server, upstream]) {
            await one.stop();
            await one.closeAllConnections({ timeout: 0 });
          }
        }
      },
      { network },
    );
  }

  test("gets its answer", async () => {
    await slowly(async (client) => {
      client.send(GET);
      client.end();
      assert.equal((await client.response()).body.toString(), "answer 1");
      await client.whenEnded();
    });
  });

  test("gets its answer from the second connection, too, if a kept one had ended", async () => {
    await slowly(async (client, loop) => {
      client.send(GET);
      assert.equal((await client.response()).body.toString(), "answer 1");
      client.send(GET);
      // The proxy sees at 60 ms that the kept connection has ended, and is connected again at 80 or later.
      await pass(loop, 50);
      client.end();
      assert.equal((await client.response()).body.toString(), "answer 3");
      await client.whenEnded();
    });
  });
});

describe("an upstream that is too slow", () => {
  test("with its head is a 504 after responseTimeout, 60 s", async () => {
    using _access = new ExpectLog(accessLog, /^504 GET \/ /);
    using _log = new ExpectLog(genLog, /no response of the upstream within 60000 ms/);
    await inMemory("", {}, async (client, loop) => {
      const began = loop.time();
      client.send(GET);
      assert.equal((await client.response()).status, 504);
      assert.equal(loop.time() - began, 60_000);
    });
  });

  test("with its body is broken off after stallTimeout", async () => {
    using _log = new ExpectLog(genLog, /the upstream failed for GET \//);
    using _input = new ExpectLog(genLog, /Malformed HTTP message/, { level: "info", required: false });
    const half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    await inMemory(half, { stallTimeout: 5000 }, async (client, loop) => {
      const began = loop.time();
      client.send(GET);
      const got = await client.response();
      assert.deepEqual([got.body.toString(), got.truncated], ["half", true]);
      // The deadline of a body sits in the coarse lane of the timers.
      assert.ok(loop.time() - began >= 5000 && loop.time() - began <= 5700);
    });
  });

  test("has no limit where the options say so", async () => {
    await inMemory("", { responseTimeout: Number.POSITIVE_INFINITY }, async (client, loop) => {
      client.send(GET);
      await pass(loop, 3_600_000);
      assert.equal(client.received.length, 0);
      client.close();
      await pass(loop, 1);
    });
  });
});
