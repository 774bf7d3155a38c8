/** Connecting by name, on the network in memory and in virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type IOStream, SSLIOStream, StreamClosedError } from "squall/iostream";
import { OverrideResolver, Resolver } from "squall/netutil";
import { TCPClient, type TCPConnectOptions } from "squall/tcpclient";
import { TCPServer } from "squall/tcpserver";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { TimeoutError } from "#room/base/errors";
import { interleave } from "#room/net/connector";
import { caCerts, certificate } from "../support/certs.js";

const HOSTS = {
  "both.test": ["2001:db8::1", "192.0.2.1"],
  "four.test": ["192.0.2.1", "192.0.2.2"],
};

/** Says from where it was reached, then waits for the end. */
class Whereabouts extends TCPServer {
  readonly streams: IOStream[] = [];

  override async handleStream(stream: IOStream): Promise<void> {
    this.streams.push(stream);
    await stream.write(`${stream.socket?.localAddress}\n`);
    await stream.readUntilClose();
  }
}

async function inMemory(body: (network: MemoryNetwork, loop: VirtualLoop) => Promise<void>): Promise<void> {
  const network = new MemoryNetwork({ hosts: HOSTS, latency: 10 });
  await VirtualLoop.run((loop) => body(network, loop), { network });
  assert.equal(network.openSockets, 0, "a socket was left open");
}

async function reach(host: string, port: number, options?: TCPConnectOptions): Promise<string> {
  const client = new TCPClient();
  const stream = await client.connect(host, port, options);
  const line = (await stream.readUntil("\n")).toString().trim();
  stream.close();
  await stream.whenClosed();
  client.close();
  return line;
}

async function end(server: Whereabouts): Promise<void> {
  await server.stop();
  await Promise.all(server.streams.map((stream) => stream.whenClosed()));
}

test("connect() takes the first address that the resolver gives", () =>
  inMemory(async () => {
    const server = await new Whereabouts().listen(80);
    assert.equal(await reach("both.test", 80), "2001:db8::1");
    assert.equal(await reach("both.test", 80, { af: 4 }), "192.0.2.1");
    assert.equal(await reach("192.0.2.7", 80), "192.0.2.7");
    await end(server);
  }));

test("happy eyeballs: the other family starts after 300 ms when the first is silent, and losers are closed", () =>
  inMemory(async (network, loop) => {
    network.setHost("2001:db8::1", "silent");
    const server = await new Whereabouts().listen(80);
    const begin = loop.time();
    const client = new TCPClient();
    const stream = await client.connect("both.test", 80);
    // 20 for the lookup, 300 alone, 20 to connect.
    assert.equal(loop.time() - begin, 340);
    assert.equal(stream.socket?.remoteAddress, "192.0.2.1");
    stream.close();
    await end(server);
  }));

test("happy eyeballs: the next address starts at once when one fails", () =>
  inMemory(async (network, loop) => {
    network.setHost("2001:db8::1", "refuse");
    const server = await new Whereabouts().listen(80);
    const begin = loop.time();
    assert.equal(await reach("both.test", 80), "192.0.2.1");
    assert.ok(loop.time() - begin < 300);
    await end(server);
  }));

test("connect() rejects with the last error when no address answers", () =>
  inMemory(async (network) => {
    network.setHost("2001:db8::1", "refuse");
    network.setHost("192.0.2.1", "unreachable");
    await assert.rejects(new TCPClient().connect("both.test", 80), (error: unknown) => {
      assert.ok(error instanceof StreamClosedError);
      assert.equal((error.realError as NodeJS.ErrnoException).code, "EHOSTUNREACH");
      return true;
    });
    await assert.rejects(new TCPClient().connect("no.such.test", 80), { code: "ENOTFOUND" });
  }));

test("a timeout covers lookup and connecting, and leaves nothing behind", () =>
  inMemory(async (network, loop) => {
    network.setHost("192.0.2.1", "silent");
    network.setHost("192.0.2.2", "silent");
    const begin = loop.time();
    await assert.rejects(new TCPClient().connect("four.test", 80, { timeout: 60_000 }), TimeoutError);
    assert.equal(loop.time() - begin, 60_000);
    const reason = new Error("never mind");
    const controller = new AbortController();
    const connecting = new TCPClient().connect("four.test", 80, { signal: controller.signal });
    loop.callLater(100, () => controller.abort(reason));
    await assert.rejects(connecting, reason);
  }));

test("with sslOptions connect() resolves with a verified SSLIOStream", () =>
  inMemory(async (network) => {
    network.addHost("other.test", "192.0.2.3");
    const server = new Whereabouts({ sslOptions: certificate("other") });
    await server.listen(443);
    const stream = await new TCPClient().connect("other.test", 443, { sslOptions: { caCerts } });
    assert.ok(stream instanceof SSLIOStream);
    assert.ok(stream.socket?.authorized);
    stream.close();
    await assert.rejects(new TCPClient().connect("both.test", 443, { sslOptions: { caCerts } }), {
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
    await end(server);
  }));

test("a timeout covers the handshake as well", () =>
  inMemory(async (_network, loop) => {
    // It never speaks TLS.
    const server = await new (class extends Whereabouts {
      override async handleStream(stream: IOStream): Promise<void> {
        this.streams.push(stream);
        await stream.readUntilClose();
      }
    })().listen(443);
    const begin = loop.time();
    const connecting = new TCPClient().connect("both.test", 443, { sslOptions: { caCerts }, timeout: 5000 });
    await assert.rejects(connecting, TimeoutError);
    assert.equal(loop.time() - begin, 5000);
    await end(server);
  }));

test("sourceIp and sourcePort are where the connection comes from; a port alone binds to the loopback address", () =>
  inMemory(async () => {
    const seen: unknown[] = [];
    const server = await new (class extends Whereabouts {
      override async handleStream(stream: IOStream): Promise<void> {
        seen.push([stream.socket?.remoteAddress, stream.socket?.remotePort]);
        await super.handleStream(stream);
      }
    })().listen(80);
    await reach("192.0.2.1", 80, { sourceIp: "192.0.2.99" });
    await reach("192.0.2.1", 80, { sourcePort: 4711 });
    await reach("2001:db8::1", 80, { sourcePort: 4712 });
    assert.equal((seen[0] as unknown[])[0], "192.0.2.99");
    assert.deepEqual(seen.slice(1), [
      ["127.0.0.1", 4711],
      ["::1", 4712],
    ]);
    await end(server);
  }));

test("a resolver of the client's own is closed with it, a given one is not", () =>
  inMemory(async () => {
    let closed = 0;
    class Counting extends Resolver {
      override close(): void {
        closed++;
      }
    }
    new TCPClient({ resolver: new Counting() }).close();
    assert.equal(closed, 0);
    Resolver.configure((options) => new Counting(options));
    try {
      new TCPClient().close();
    } finally {
      Resolver.configure(undefined);
    }
    assert.equal(closed, 1);
  }));

test("OverrideResolver tries (host, port, family), then (host, port), then host", () =>
  inMemory(async () => {
    const resolver = new OverrideResolver({
      mapping: new Map<
        string | readonly [string, number] | readonly [string, number, 4],
        string | readonly [string, number]
      >([
        ["a.test", "192.0.2.10"],
        [
          ["a.test", 81],
          ["192.0.2.11", 8081],
        ],
        [["a.test", 81, 4], "192.0.2.12"],
      ]),
    });
    const where = async (host: string, port: number, family: 0 | 4 = 0): Promise<string> => {
      const [first] = await resolver.resolve(host, port, { family });
      return `${first?.host}:${first?.port}`;
    };
    assert.equal(await where("a.test", 80), "192.0.2.10:80");
    assert.equal(await where("a.test", 81), "192.0.2.11:8081");
    assert.equal(await where("a.test", 81, 4), "192.0.2.12:81");
    assert.equal(await where("four.test", 81), "192.0.2.1:81");
    const plain = new OverrideResolver({ mapping: { "a.test": "192.0.2.1" } });
    assert.equal((await plain.resolve("a.test", 1))[0]?.host, "192.0.2.1");
  }));

test("a resolver refuses what is no host", () =>
  inMemory(async () => {
    for (const host of ["", "a\0b"]) {
      await assert.rejects(new Resolver().resolve(host, 80), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  }));

test("interleave() lets the families take turns, beginning with the first", () => {
  const address = (host: string): { host: string; port: number; family: 4 | 6 } => ({
    host,
    port: 1,
    family: host.includes(":") ? 6 : 4,
  });
  const order = interleave(["::1", "::2", "::3", "1.1.1.1"].map(address)).map((entry) => entry.host);
  assert.deepEqual(order, ["::1", "1.1.1.1", "::2", "::3"]);
  assert.deepEqual(interleave([]), []);
});
