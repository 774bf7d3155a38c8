/** The network in memory behaves as the real one does, as far as a program can tell. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { MemoryNetwork } from "#room/testing/memory-network";
import type { MemorySocket } from "#room/testing/memory-socket";
import { VirtualLoop } from "#room/testing/virtual-loop";

async function connected(network: MemoryNetwork): Promise<{ client: MemorySocket; server: MemorySocket }> {
  const listening = await network.listen({ host: "127.0.0.1", port: 0 });
  assert.ok("port" in listening.address);
  const accepted = new Promise<MemorySocket>((resolve) => {
    listening.accept(
      (socket) => resolve(socket as MemorySocket),
      () => {},
    );
  });
  const client = network.connect({ host: "127.0.0.1", port: listening.address.port });
  await once(client, "connect");
  return { client, server: await accepted };
}

async function text(socket: MemorySocket): Promise<string> {
  let all = "";
  // Not `for await`, which would destroy the socket at the end.
  socket.on("data", (chunk) => {
    all += chunk;
  });
  await once(socket, "end");
  return all;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}

test("bytes and FIN arrive in order, and the other direction stays open", async () => {
  const { client, server } = await connected(new MemoryNetwork());
  client.write("one ");
  client.end("two");
  assert.equal(await text(server), "one two");
  server.end("three");
  assert.equal(await text(client), "three");
});

test("both ends know both addresses", async () => {
  const { client, server } = await connected(new MemoryNetwork());
  assert.equal(client.remotePort, server.localPort);
  assert.equal(client.localPort, server.remotePort);
  assert.equal(server.remoteAddress, "127.0.0.1");
  assert.equal(server.remoteFamily, "IPv4");
});

test("chunkSize cuts what arrives into pieces", async () => {
  const { client, server } = await connected(new MemoryNetwork({ chunkSize: 2 }));
  const sizes: number[] = [];
  server.on("data", (chunk: Buffer) => sizes.push(chunk.length));
  client.end("hello");
  await once(server, "end");
  assert.deepEqual(sizes, [2, 2, 1]);
});

test("a writer waits when the reader does not read, and goes on when it does", async () => {
  const { client, server } = await connected(new MemoryNetwork({ bufferSize: 1000 }));
  let done = false;
  client.write(Buffer.alloc(200_000), () => {
    done = true;
  });
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(done, false);
  assert.equal(client.writableLength, 200_000);
  client.end();
  let received = 0;
  for await (const chunk of server) received += chunk.length;
  assert.equal(received, 200_000);
  assert.equal(done, true);
});

test("resetAndDestroy() makes the other end's reads fail with ECONNRESET", async () => {
  const { client, server } = await connected(new MemoryNetwork());
  server.resume();
  client.resetAndDestroy();
  const [error] = await once(server, "error");
  assert.equal(codeOf(error), "ECONNRESET");
});

test("closing with unread bytes resets, as TCP does", async () => {
  const { client, server } = await connected(new MemoryNetwork());
  client.write("unread");
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  server.destroy();
  client.resume();
  const [error] = await once(client, "error");
  assert.equal(codeOf(error), "ECONNRESET");
});

test("who reads nothing does not notice a reset before it writes", async () => {
  const { client, server } = await connected(new MemoryNetwork());
  client.resetAndDestroy();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(server.destroyed, false);
  server.write("x");
  const [error] = await once(server, "error");
  assert.equal(codeOf(error), "EPIPE");
});

test("connecting fails as the system would say it", async () => {
  const network = new MemoryNetwork();
  network.setHost("10.0.0.1", "unreachable");
  const cases = [
    [{ host: "127.0.0.1", port: 9 }, "ECONNREFUSED"],
    [{ host: "10.0.0.1", port: 9 }, "EHOSTUNREACH"],
    [{ host: "no.such.name", port: 9 }, "ENOTFOUND"],
    [{ path: "/no/such" }, "ENOENT"],
  ] as const;
  for (const [request, code] of cases) {
    const [error] = await once(network.connect(request), "error");
    assert.equal(codeOf(error), code);
  }
});

test("listening twice on a port fails, also against a wildcard of the family; ports of 0 are free", async () => {
  const network = new MemoryNetwork();
  const first = await network.listen({ host: "0.0.0.0", port: 80 });
  await assert.rejects(network.listen({ host: "127.0.0.1", port: 80 }), { code: "EADDRINUSE" });
  await network.listen({ host: "::1", port: 80 });
  await first.close();
  await network.listen({ host: "127.0.0.1", port: 80 });
  const a = await network.listen({ host: "127.0.0.1", port: 0 });
  const b = await network.listen({ host: "127.0.0.1", port: 0 });
  assert.notDeepEqual(a.address, b.address);
});

test("connections wait for accept(), and hold() makes them wait again", async () => {
  const network = new MemoryNetwork();
  const listening = await network.listen({ path: "/run/app.sock" });
  const early = network.connect({ path: "/run/app.sock" });
  await once(early, "connect");
  const accepted: unknown[] = [];
  listening.accept(
    (socket) => accepted.push(socket),
    () => {},
  );
  assert.equal(accepted.length, 1);
  listening.hold();
  await once(network.connect({ path: "/run/app.sock" }), "connect");
  assert.equal(accepted.length, 1);
});

test("cut() holds everything up and mend() lets it arrive in order", async () => {
  const network = new MemoryNetwork();
  const { client, server } = await connected(network);
  const heard: string[] = [];
  server.on("data", (chunk) => heard.push(String(chunk)));
  network.cut();
  client.write("a");
  client.write("b");
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  assert.deepEqual(heard, []);
  network.mend();
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  assert.equal(heard.join(""), "ab");
});

test("openSockets counts the ends that are open", async () => {
  const network = new MemoryNetwork();
  const { client, server } = await connected(network);
  assert.equal(network.openSockets, 2);
  client.destroy();
  server.destroy();
  await new Promise(setImmediate);
  assert.equal(network.openSockets, 0);
});

test("latency passes in virtual time, in order; lost pieces come later; the same seed gives the same result", async () => {
  const run = async (seed: number): Promise<string> => {
    const network = new MemoryNetwork({
      latency: 20,
      lossRate: 0.3,
      retransmitDelay: 100,
      chunkSize: 1,
      seed,
    });
    const arrivals: string[] = [];
    await VirtualLoop.run(
      async (loop) => {
        const { client, server } = await connected(network);
        assert.equal(loop.time(), 40);
        server.on("data", (chunk) => arrivals.push(`${chunk}@${loop.time()}`));
        client.end("abcdefghij");
        await once(server, "end");
        client.destroy();
        server.destroy();
      },
      { network },
    );
    assert.equal(arrivals.map((arrival) => arrival[0]).join(""), "abcdefghij");
    return arrivals.join(" ");
  };
  const first = await run(1);
  assert.match(first, /@160/);
  assert.equal(await run(1), first);
  assert.notEqual(await run(2), first);
});
