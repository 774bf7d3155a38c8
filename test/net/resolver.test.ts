/** Resolvers that do not ask the system. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { dummyExecutor } from "squall/concurrent";
import {
  BlockingResolver,
  CaresResolver,
  DefaultExecutorResolver,
  DefaultLoopResolver,
  ExecutorResolver,
  Resolver,
  ThreadedResolver,
} from "squall/netutil";
import { MemoryNetwork, VirtualLoop } from "squall/testing";

/** A name server for one name (RFC 1035 §4): it answers questions for A with 192.0.2.5 and has nothing else. */
async function nameServer(): Promise<{ address: string; close(): void }> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    // The question ends after the name's zero byte, the type and the class.
    const end = query.indexOf(0, 12) + 5;
    const isA = query.readUInt16BE(end - 4) === 1;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(isA ? 1 : 0, 6);
    header.writeUInt32BE(0, 8);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 5]);
    socket.send(
      Buffer.concat([header, query.subarray(12, end), isA ? answer : Buffer.alloc(0)]),
      from.port,
      from.address,
    );
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, close: () => socket.close() };
}

test("CaresResolver asks the servers that it is given", async () => {
  const server = await nameServer();
  const resolver = new CaresResolver({ servers: [server.address], queryTimeout: 2000, tries: 1 });
  assert.deepEqual(await resolver.resolve("some.test", 80), [{ host: "192.0.2.5", port: 80, family: 4 }]);
  // Bun does not tell a name without such an address from one that is not there.
  await assert.rejects(resolver.resolve("some.test", 80, { family: 6 }), (error) =>
    ["ENODATA", "ENOTFOUND"].includes((error as NodeJS.ErrnoException).code ?? ""),
  );
  resolver.close();
  server.close();
});

test("CaresResolver knows localhost and literal addresses without asking", async () => {
  const resolver = new CaresResolver({ servers: ["127.0.0.1:9"], queryTimeout: 100, tries: 1 });
  assert.deepEqual(await resolver.resolve("localhost", 80, { family: 4 }), [
    { host: "127.0.0.1", port: 80, family: 4 },
  ]);
  assert.deepEqual(await resolver.resolve("::1", 80), [{ host: "::1", port: 80, family: 6 }]);
  resolver.close();
});

test("the kinds of the default resolver all ask the loop's network", async () => {
  const network = new MemoryNetwork({ hosts: { "some.test": "192.0.2.7" } });
  await VirtualLoop.run(
    async () => {
      const executor = dummyExecutor;
      const resolvers = [
        new Resolver(),
        new DefaultLoopResolver(),
        new DefaultExecutorResolver(),
        new BlockingResolver(),
        new ThreadedResolver({ numThreads: 3 }),
        new ExecutorResolver(),
        new ExecutorResolver({ executor, closeExecutor: false }),
      ];
      for (const resolver of resolvers) {
        assert.deepEqual(await resolver.resolve("some.test", 1), [{ host: "192.0.2.7", port: 1, family: 4 }]);
        await assert.rejects(resolver.resolve("no.test", 1), { code: "ENOTFOUND" });
        resolver.close();
        resolver.close();
      }
    },
    { network },
  );
});

test("resolve() gives up with its signal", async () => {
  const network = new MemoryNetwork({ hosts: { "some.test": "192.0.2.7" }, latency: 1000 });
  await VirtualLoop.run(
    async (loop) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      loop.callLater(10, () => controller.abort(reason));
      await assert.rejects(new Resolver().resolve("some.test", 1, { signal: controller.signal }), reason);
      assert.equal(loop.time(), 10);
    },
    { network },
  );
});
