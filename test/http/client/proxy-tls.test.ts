/** Proxies that are reached by TLS, on a network in memory: what they are told, and what goes wrong on the way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FetchOptions, HTTPConnectError, HTTPTimeoutError } from "squall/httpclient";
import { SSLIOStream } from "squall/iostream";
import type { NetworkSocket } from "#room/async/network";
import "../../support/guard.js";
import { caCerts, certificate } from "../../support/certs.js";
import { pass } from "../../support/virtual-server.js";
import { ok, type World, withClient } from "./world.js";

interface Seen {
  /** Heads inside the proxy's TLS. */
  readonly asked: string[];
  /** Heads inside the server's TLS. */
  readonly inside: string[];
  /** Connections that arrived. */
  connections: number;
  /** Connections that have ended. */
  ended: number;
}

const TLS = { ...certificate("server"), minVersion: "TLSv1.2" } as const;

/** Agrees to a tunnel and begins the server's TLS in it, when what was written has left. */
async function agree(world: World, stream: SSLIOStream): Promise<SSLIOStream> {
  await stream.write("HTTP/1.1 200 Connection established\r\n\r\n");
  while (stream.writing()) await pass(world.loop, 1);
  return await stream.startTls(true, { sslOptions: TLS });
}

/** A proxy behind TLS that is also the server at the end of each tunnel. `answer` replaces its agreement to CONNECT. */
async function secureProxy(
  world: World,
  { answer, isSilent = false }: { answer?: string; isSilent?: boolean } = {},
): Promise<{ port: number; seen: Seen }> {
  const seen: Seen = { asked: [], inside: [], connections: 0, ended: 0 };
  const serve = async (stream: SSLIOStream): Promise<void> => {
    await stream.waitForHandshake();
    for (;;) {
      const head = (await stream.readUntil("\r\n\r\n")).toString();
      seen.asked.push(head);
      if (answer !== undefined) await stream.write(answer);
      else if (!head.startsWith("CONNECT ")) await stream.write(ok("by proxy"));
      else break;
    }
    const inner = await agree(world, stream);
    for (;;) {
      seen.inside.push((await inner.readUntil("\r\n\r\n")).toString());
      await inner.write(ok("inside"));
    }
  };
  const port = await world.listen((peer) => {
    seen.connections++;
    void peer.closed.then(() => seen.ended++);
    if (isSilent) return;
    peer.socket.removeAllListeners("data");
    peer.socket.removeAllListeners("end");
    const stream = new SSLIOStream(peer.socket as NetworkSocket, { serverSide: true, sslOptions: TLS });
    serve(stream).catch(() => stream.close());
  });
  return { port, seen };
}

const through = (port: number, more: FetchOptions = {}): FetchOptions => ({
  proxyHost: "localhost",
  proxyPort: port,
  proxySecure: true,
  proxyUsername: "me",
  ...more,
});
/** One object, so that requests share connections. */
const proxySslOptions = { caCerts };

async function refusal(world: World, url: string, options: FetchOptions): Promise<unknown> {
  return await world.client.fetch(url, options).then(
    (response) => assert.fail(`a response: ${response.code}`),
    (error: unknown) => error,
  );
}

describe("case 100: a proxy behind TLS", () => {
  test("case 100: gets plain http in absolute form inside its TLS, and connections are shared", () =>
    withClient({}, async (world) => {
      const { port, seen } = await secureProxy(world);
      const options = through(port, { proxySslOptions });
      assert.equal((await world.client.fetch("http://one.test/a", options)).text(), "by proxy");
      await world.client.fetch("http://two.test/b", options);
      assert.equal(seen.connections, 1);
      assert.match(seen.asked[0]!, /^GET http:\/\/one\.test\/a HTTP\/1\.1\r\n/);
      assert.match(seen.asked[0]!, /\r\nProxy-Authorization: Basic /);
    }));

  test("case 100: makes a tunnel, in which the server's TLS runs inside the proxy's", () =>
    withClient({}, async (world) => {
      const { port, seen } = await secureProxy(world);
      const options = through(port, { proxySslOptions, caCerts });
      for (const path of ["/x", "/y"]) {
        const response = await world.client.fetch(`https://localhost:444${path}`, options);
        assert.equal(response.text(), "inside");
      }
      assert.equal(seen.connections, 1);
      assert.equal(seen.asked.length, 1);
      assert.match(seen.asked[0]!, /^CONNECT localhost:444 HTTP\/1\.1\r\n/);
      assert.match(seen.asked[0]!, /\r\nProxy-Authorization: Basic /);
      assert.match(seen.inside[1]!, /^GET \/y HTTP\/1\.1\r\n/);
      assert.doesNotMatch(seen.inside.join(""), /Proxy-Authorization/);
    }));

  test("case 100: a body of a megabyte passes both layers in both directions", () =>
    withClient({}, async (world) => {
      const size = 1_000_000;
      const port = await world.listen(async (peer) => {
        peer.socket.removeAllListeners("data");
        peer.socket.removeAllListeners("end");
        const stream = new SSLIOStream(peer.socket, { serverSide: true, sslOptions: TLS });
        await stream.waitForHandshake();
        await stream.readUntil("\r\n\r\n");
        const inner = await agree(world, stream);
        await inner.readUntil("\r\n\r\n");
        const body = await inner.readBytes(size);
        await inner.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        await inner.write(body);
      });
      const body = Buffer.alloc(size, "squall ");
      const options = through(port, { proxySslOptions, caCerts, method: "PUT", body });
      assert.deepEqual((await world.client.fetch("https://localhost/", options)).body, body);
    }));

  for (const [what, options] of [
    ["is not trusted", {}],
    ["is not trusted, whatever is said of the server's", { caCerts, validateCert: false }],
    ["is for another name", { proxyHost: "127.0.0.2", proxySslOptions }],
  ] as const) {
    test(`case 100: a certificate of the proxy that ${what} is an error, and the proxy learns nothing`, () =>
      withClient({}, async (world) => {
        const { port, seen } = await secureProxy(world);
        const listening = { host: "127.0.0.2", proxyHost: "127.0.0.2" };
        const isOther = "proxyHost" in options && options.proxyHost === listening.host;
        const other = isOther
          ? await world.listen((peer) => {
              peer.socket.removeAllListeners("data");
              peer.socket.removeAllListeners("end");
              const stream = new SSLIOStream(peer.socket, {
                serverSide: true,
                sslOptions: { ...certificate("other"), minVersion: "TLSv1.2" },
              });
              stream.waitForHandshake().catch(() => stream.close());
            }, listening.host)
          : port;
        for (const url of ["http://one.test/", "https://localhost/"]) {
          const error = await refusal(world, url, through(other, options));
          assert.ok(error instanceof HTTPConnectError, String(error));
          assert.equal(error.phase, "proxy-tls");
          assert.match(error.message, /proxy-tls/);
        }
        assert.deepEqual(seen.asked, []);
        assert.equal(world.client.connections, 0);
      }));
  }

  test("case 100: a certificate of the server is checked inside the tunnel, with options of its own", () =>
    withClient({}, async (world) => {
      const { port, seen } = await secureProxy(world);
      for (const [url, options] of [
        ["https://localhost/", {}],
        ["https://wrong.test/", { caCerts }],
      ] as const) {
        const error = await refusal(world, url, through(port, { proxySslOptions, ...options }));
        assert.ok(error instanceof HTTPConnectError, String(error));
        assert.equal(error.phase, "tls");
      }
      assert.deepEqual(seen.inside, []);
    }));

  test("case 100: one that does not shake hands meets the deadline, in the phase of its handshake", () =>
    withClient({}, async (world) => {
      const { port, seen } = await secureProxy(world, { isSilent: true });
      const began = world.loop.time();
      const error = await refusal(
        world,
        "https://localhost/",
        through(port, { proxySslOptions, connectTimeout: 300 }),
      );
      assert.ok(error instanceof HTTPTimeoutError, String(error));
      assert.equal(error.phase, "proxy-tls");
      assert.equal(world.loop.time() - began, 300);
      await world.loop.advance(2000);
      assert.equal(seen.ended, 1);
    }));

  test("case 100: one that refuses the tunnel, or speaks plainly, is an error that names the phase", () =>
    withClient({}, async (world) => {
      const answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
      const { port } = await secureProxy(world, { answer });
      const refused = await refusal(world, "https://localhost/", through(port, { proxySslOptions }));
      assert.ok(refused instanceof HTTPConnectError && refused.phase === "proxy", String(refused));
      const plain = await world.listen((peer) => peer.send(answer));
      const error = await refusal(world, "https://localhost/", through(plain, { proxySslOptions }));
      assert.ok(error instanceof HTTPConnectError && error.phase === "proxy-tls", String(error));
      assert.equal(world.client.connections, 0);
    }));

  test("case 100: connections are not shared by a proxy with and without TLS, or with other options for it", () =>
    withClient({}, async (world) => {
      const { port, seen } = await secureProxy(world);
      const ways = [
        through(port, { proxySslOptions }),
        through(port, { proxySslOptions: { caCerts } }),
        through(port, { proxySslOptions: { caCerts, checkHostname: false } }),
      ];
      for (const way of [...ways, ...ways]) await world.client.fetch("http://one.test/", way);
      assert.equal(seen.connections, 3);
    }));

  test("proxySecure is a boolean", () =>
    withClient({}, async (world) => {
      const options = { proxyHost: "localhost", proxyPort: 1, proxySecure: "yes" as unknown as boolean };
      await assert.rejects(world.client.fetch("http://one.test/", options), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }));
});
