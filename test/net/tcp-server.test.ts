/** TCPServer: listening, accepting, and that one connection's trouble is nobody else's. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { IOStream } from "squall/iostream";
import { bindSockets, type PeerAddress } from "squall/netutil";
import { TCPServer, type TCPServerOptions } from "squall/tcpserver";
import { ExpectLog, MemoryNetwork, VirtualLoop } from "squall/testing";
import { appLog, genLog } from "#room/base/log";

type Handle = (stream: IOStream, address: PeerAddress) => unknown;

class Server extends TCPServer {
  readonly #handle: Handle;

  constructor(handle: Handle, options?: TCPServerOptions) {
    super(options);
    this.#handle = handle;
  }

  override handleStream(stream: IOStream, address: PeerAddress): unknown {
    return this.#handle(stream, address);
  }
}

async function ask(port: number, host = "127.0.0.1"): Promise<string> {
  const stream = await new IOStream().connect({ host, port });
  const answer = (await stream.readUntilClose()).toString();
  stream.close();
  return answer;
}

function greet(stream: IOStream): void {
  void stream.write("hello");
  stream.close();
}

test("listen(0) uses one free port for IPv4 and IPv6, known when it resolves", async () => {
  const server = await new Server(greet).listen(0);
  assert.ok(server.port! > 0);
  for (const address of server.addresses) assert.equal((address as { port: number }).port, server.port);
  assert.equal(await ask(server.port!), "hello");
  if (server.addresses.length > 1) assert.equal(await ask(server.port!, "::1"), "hello");
  await server.stop();
});

test("listen() rejects with the system's error when the port is taken", async () => {
  const server = await new Server(greet).listen(0, "127.0.0.1");
  await assert.rejects(new Server(greet).listen(server.port!, "127.0.0.1"), { code: "EADDRINUSE" });
  await assert.rejects(new Server(greet).listen(-1), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  await server.stop();
});

test("listen() may be called for more ports, with the address as text or option", async () => {
  const server = new Server(greet);
  await server.listen(0, "127.0.0.1");
  await server.listen(0, { address: "localhost", family: 4 });
  assert.equal(server.addresses.length, 2);
  for (const address of server.addresses)
    assert.equal(await ask((address as { port: number }).port), "hello");
  await server.stop();
});

test("bind() lets connections wait until start(); after that it accepts at once", async () => {
  const server = new Server(greet);
  await server.bind(0, "127.0.0.1");
  const socket = connect(server.port!, "127.0.0.1");
  await once(socket, "connect");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(server.connections, 0);
  await server.start();
  const [data] = await once(socket, "data");
  assert.equal(String(data), "hello");
  await server.bind(0, "127.0.0.1");
  const [, later] = server.addresses as { port: number }[];
  assert.equal(await ask(later!.port), "hello");
  await server.stop();
});

test("addSockets() accepts on what bindSockets() made", async () => {
  const server = new Server(greet);
  const sockets = await bindSockets(0, "127.0.0.1");
  server.addSockets(sockets);
  server.addSocket(sockets[0]!);
  assert.equal(await ask(server.port!), "hello");
  await server.stop();
});

test("stop() ends listening at once and leaves connections alone; twice is fine", async () => {
  const server = await new Server((stream) => stream.write("still here")).listen(0, "127.0.0.1");
  const { port } = server;
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: port! });
  await stream.readBytes(1);
  const stopping = server.stop();
  assert.equal(server.stop(), stopping);
  await stopping;
  assert.equal((await stream.readBytes(9)).toString(), "till here");
  await assert.rejects(ask(port!));
  const again = await new Server(greet).listen(port!, "127.0.0.1");
  await again.stop();
  stream.close();
});

test("errors of handleStream(), thrown, rejected or from a generator, are logged and hurt no other connection", async () => {
  let turn = 0;
  const server = await new Server((stream) => {
    turn++;
    if (turn === 1) throw new Error("sync boom");
    if (turn === 2) return Promise.reject(new Error("async boom"));
    if (turn === 3) {
      return (function* () {
        yield Promise.reject(new Error("generator boom"));
      })();
    }
    return greet(stream);
  }).listen(0, "127.0.0.1");
  for (let i = 0; i < 3; i++) {
    using log = new ExpectLog(appLog, /error in the connection of 127\.0\.0\.1:/);
    assert.equal(await ask(server.port!), "");
    assert.ok(log.loggedStack);
  }
  assert.equal(await ask(server.port!), "hello");
  await server.stop();
});

test("a handler that ends because the client left leaves no line in the log", async () => {
  const server = await new Server(async (stream) => {
    await stream.readBytes(100);
  }).listen(0, "127.0.0.1");
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  stream.close();
  while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
});

test("why a handler ended is logged at info level when its connection did: the peer left, a line was too long", async () => {
  const server = await new Server(async (stream) => {
    await stream.readUntil("\n", { maxBytes: 10 });
  }).listen(0, "127.0.0.1");
  using log = new ExpectLog("squall.general", /^connection of 127\.0\.0\.1:\d+ ended: /, { level: "info" });
  using _ = new ExpectLog("squall.general", /Unsatisfiable read/, { level: "info" });
  const leaving = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  leaving.close();
  while (server.connections > 0 || log.matched < 1) await new Promise((resolve) => setImmediate(resolve));
  const wordy = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  await wordy.write("a line that is too long");
  await wordy.whenClosed();
  assert.equal(log.matched, 2);
  await server.stop();
});

test("handleStream() must be overridden, and says so", async () => {
  using _ = new ExpectLog(appLog, /error in the connection/);
  const server = await new TCPServer().listen(0, "127.0.0.1");
  assert.equal(await ask(server.port!), "");
  await server.stop();
});

test("maxConnections: what is too much is closed, and there is room again later", async () => {
  const streams: IOStream[] = [];
  const server = await new Server((stream) => streams.push(stream), { maxConnections: 2 }).listen(
    0,
    "127.0.0.1",
  );
  const address = { host: "127.0.0.1", port: server.port! };
  const first = await new IOStream().connect(address);
  const second = await new IOStream().connect(address);
  while (server.connections < 2) await new Promise((resolve) => setImmediate(resolve));
  const third = await new IOStream().connect(address);
  await third.whenClosed();
  assert.equal(server.connections, 2);
  first.close();
  streams[0]?.close();
  while (server.connections > 1) await new Promise((resolve) => setImmediate(resolve));
  const fourth = await new IOStream().connect(address);
  while (server.connections < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const stream of [second, fourth, ...streams]) stream.close();
  await server.stop();
});

test("when accept() fails for want of descriptors, one line a second is logged and accepting goes on", async () => {
  const network = new MemoryNetwork();
  await VirtualLoop.run(
    async (loop) => {
      const server = await new Server(greet).listen(80, "127.0.0.1");
      let lines = 0;
      using log = new ExpectLog(genLog, /cannot accept connections: accept EMFILE/);
      for (let i = 0; i < 50; i++) network.failAccept("EMFILE");
      lines = log.matched;
      assert.equal(lines, 1);
      await loop.advance(1001);
      network.failAccept("EMFILE");
      assert.equal(log.matched, 2);
      assert.equal(await ask(80), "hello");
      await server.stop();
    },
    { network },
  );
});

test("closeAllConnections() waits for those that end and cuts off the rest", async () => {
  const network = new MemoryNetwork();
  await VirtualLoop.run(
    async (loop) => {
      const server = await new Server(async (stream) => {
        await stream.readUntilClose();
      }).listen(80, "127.0.0.1");
      const polite = await new IOStream().connect({ host: "127.0.0.1", port: 80 });
      const stubborn = await new IOStream().connect({ host: "127.0.0.1", port: 80 });
      await server.stop();
      loop.callLater(1000, () => polite.close());
      const begin = loop.time();
      assert.deepEqual(await server.closeAllConnections({ timeout: 5000 }), { finished: 1, aborted: 1 });
      assert.equal(loop.time() - begin, 5000);
      await stubborn.whenClosed();
      assert.deepEqual(await server.closeAllConnections(), { finished: 0, aborted: 0 });
    },
    { network },
  );
});

test("handleStream() gets the address of the other end", async () => {
  const seen: unknown[] = [];
  const server = await new Server((stream, address) => {
    seen.push(address);
    greet(stream);
  }).listen(0, "127.0.0.1");
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  const { localPort } = stream.socket!;
  await stream.readUntilClose();
  assert.deepEqual(seen, [{ host: "127.0.0.1", port: localPort, family: 4 }]);
  await server.stop();
});
