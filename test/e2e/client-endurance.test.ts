/** A client that has fetched a hundred thousand times holds no more than before: memory, descriptors, timers, connections. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { platform } from "node:process";
import { test } from "node:test";
import { SimpleAsyncHTTPClient } from "squall/httpclient";
import { IOLoop } from "squall/ioloop";

const REQUESTS = 100_000;
const WORKERS = 50;
/** Each so many requests the server ends the connection, so that some two thousand are opened. */
const PER_CONNECTION = 50;
const MEBIBYTE = 2 ** 20;

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LAST_ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/** Bytes that live after two collections, with a turn of the event loop between for what finalizers let go of. */
async function living(): Promise<number> {
  assert.ok(globalThis.gc !== undefined, "needs --expose-gc, which the test script passes");
  for (let i = 0; i < 2; i++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Open descriptors; 0 where the system does not show them. */
const descriptors = (): number => (platform === "linux" ? readdirSync("/proc/self/fd").length : 0);

test("100,000 requests leave no memory, no descriptor, no timer and no connection", async (context) => {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let ended = (): void => {};
  const server = createServer((socket) => {
    let asked = 0;
    accepted++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    // The client writes each request at once, and the next one behind the answer.
    socket.on("data", () => {
      if (++asked < PER_CONNECTION) socket.write(ANSWER);
      else socket.end(LAST_ANSWER);
    });
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) ended();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const loop = IOLoop.current();
  const [descriptorsBefore, timersBefore] = [descriptors(), loop.timers.size];
  const client = new SimpleAsyncHTTPClient({ forceInstance: true, maxClients: WORKERS });
  const fetchAll = async (count: number): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) assert.equal((await client.fetch(`http://127.0.0.1:${port}/`)).text(), "ok");
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
  };
  await fetchAll(20_000);
  const before = await living();
  const began = performance.now();
  await fetchAll(REQUESTS);
  context.diagnostic(`${((performance.now() - began) / 1000).toFixed(1)} s, ${accepted} connections`);
  const grown = (await living()) - before;
  assert.ok(grown < MEBIBYTE, `${grown} bytes more, ${grown / REQUESTS} for each request`);
  assert.ok(accepted >= (REQUESTS + 20_000) / PER_CONNECTION);
  assert.ok(client.connections <= WORKERS, `${client.connections} connections`);
  assert.equal(client.activeRequests + client.waitingRequests, 0);
  const allEnded = new Promise<void>((resolve) => {
    ended = resolve;
    if (sockets.size === 0) resolve();
  });
  client.close();
  await allEnded;
  // Node closes the client's own descriptors behind their events.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(client.connections, 0);
  assert.equal(descriptors(), descriptorsBefore);
  loop.tidyTimers();
  assert.equal(loop.timers.size, timersBefore, "timers are left");
});
