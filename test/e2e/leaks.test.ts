/** A server that has answered much, or was left in the lurch often, holds no more than before. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { startWireServer } from "../support/wire-app.js";

const HEAD = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
const MEBIBYTE = 2 ** 20;

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

/** Sends `count` requests, ten at a time on one connection, and reads all answers. */
async function ask(port: number, count: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  const batch = HEAD.repeat(10);
  let answered = 0;
  socket.on("data", (chunk: Buffer) => {
    // Counting what each answer ends with is enough here; other tests look at the answers.
    for (let at = chunk.indexOf("world"); at >= 0; at = chunk.indexOf("world", at + 5)) answered++;
    if (answered >= count) socket.destroy();
    else if (answered % 10 === 0) socket.write(batch);
  });
  socket.write(batch);
  await once(socket, "close");
}

describe("memory", () => {
  test("is back where it was after 60,000 requests", async (context) => {
    const { port, server } = await startWireServer(context);
    for (let i = 0; i < 4; i++) await ask(port, 2_500);
    const before = await living();
    for (let i = 0; i < 20; i++) await ask(port, 3_000);
    const grown = (await living()) - before;
    assert.equal(server.connections, 0);
    assert.ok(grown < MEBIBYTE, `${grown} bytes more, ${grown / 60_000} for each request`);
  });

  /** What a client had sent when it left. */
  const phases: Record<string, readonly string[]> = {
    "before a byte": [],
    "inside the head": ["GET /hello HT"],
    "inside the body": ["POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"],
    "inside a chunk": ["POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"],
    "while the handler waits": ["GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"],
    "while the answer is on its way": ["GET /large?size=4000000 HTTP/1.1\r\nHost: x\r\n\r\n"],
    "with more requests in the line": [
      HEAD.repeat(3),
      "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
      HEAD.repeat(3),
    ],
  };

  for (const [phase, sent] of Object.entries(phases)) {
    test(`is back where it was after 300 clients were reset ${phase}`, async (context) => {
      const { port, server } = await startWireServer(context);
      const leave = async (): Promise<void> => {
        const socket: Socket = connect(port, "127.0.0.1");
        socket.on("error", () => {});
        socket.on("data", () => socket.pause());
        await once(socket, "connect");
        for (const piece of sent) await new Promise((resolve) => socket.write(piece, resolve));
        socket.resetAndDestroy();
        await once(socket, "close");
      };
      const many = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i += 20) {
          await Promise.all(Array.from({ length: 20 }, leave));
          // The server hears of the resets a little later than the clients.
          while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await many(100);
      const before = await living();
      await many(300);
      const grown = (await living()) - before;
      assert.ok(grown < MEBIBYTE / 2, `${grown} bytes more, ${grown / 300} for each client`);
    });
  }
});
