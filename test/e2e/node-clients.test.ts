/** node:http, node:net and undici against a squall server. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { loadPackage, needsPackages } from "../support/interop.js";
import { type Echo, startWireServer } from "../support/wire-app.js";

describe("node:http", () => {
  test("sends many requests over one connection", async (context) => {
    const { base, server } = await startWireServer(context);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    context.after(() => agent.destroy());
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 50; i++) {
      const [response] = (await once(request(`${base}/number/${i}`, { agent }).end(), "response")) as [
        IncomingMessage,
      ];
      ports.add(response.socket.localPort);
      assert.equal(await text(response), String(i));
    }
    assert.equal(ports.size, 1);
    assert.equal(server.connections, 1);
  });

  test("is told by a stopping server to close, and gets its answer first", async (context) => {
    const { base, server } = await startWireServer(context);
    const agent = new Agent({ keepAlive: true });
    context.after(() => agent.destroy());
    const [response] = (await once(request(`${base}/large?size=8000000`, { agent }).end(), "response")) as [
      IncomingMessage,
    ];
    server.stop();
    const closed = server.closeAllConnections({ timeout: 10_000 });
    assert.equal((await buffer(response)).length, 8_000_000);
    const report = await closed;
    assert.equal(report.aborted, 0);
    assert.equal(server.connections, 0);
  });

  test("that leaves aborts the handler's signal", async (context) => {
    let left: (reason: unknown) => void = () => {};
    const reason = new Promise<unknown>((resolve) => {
      left = resolve;
    });
    const { base } = await startWireServer(context, { left: (why) => left(why) });
    const going = request(`${base}/wait`).end();
    going.on("error", () => {});
    // The request is on its way once the socket has taken it; then we go.
    const [socket] = (await once(going, "socket")) as [import("node:net").Socket];
    await once(socket, "connect");
    await new Promise((resolve) => socket.write("", resolve));
    going.destroy();
    assert.match(String((await reason) as Error), /client|connection/i);
  });
});

describe("node:net", () => {
  test("pipelines a hundred requests and gets the answers in order", async (context) => {
    const { port } = await startWireServer(context);
    const socket = connect(port, "127.0.0.1");
    const count = 100;
    const head = (i: number): string =>
      `GET /number/${i} HTTP/1.1\r\nHost: x\r\n${i === count - 1 ? "Connection: close\r\n" : ""}\r\n`;
    socket.write(Array.from({ length: count }, (_, i) => head(i)).join(""));
    const answers = (await text(socket)).split("HTTP/1.1 ").slice(1);
    assert.deepEqual(
      answers.map((answer) => answer.slice(answer.indexOf("\r\n\r\n") + 4)),
      Array.from({ length: count }, (_, i) => String(i)),
    );
  });

  test("that closes its writing side still gets its answer", async (context) => {
    const { port } = await startWireServer(context);
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert.match(await text(socket), /\r\n\r\nHello, world$/);
  });

  test("that speaks nonsense reads 400 and the end", async (context) => {
    const { port } = await startWireServer(context);
    for (const nonsense of [
      "\x16\x03\x01\x02\x00\x01\x00",
      "GET / HTTP/1.1\nHost: x\n\n",
      "EHLO there\r\n\r\n",
    ]) {
      const socket = connect(port, "127.0.0.1");
      socket.write(nonsense);
      socket.end();
      assert.match(await text(socket), /^HTTP\/1\.1 400 /, JSON.stringify(nonsense));
    }
  });
});

interface Undici {
  Pool: new (
    base: string,
    options: { connections: number; pipelining: number },
  ) => {
    request(options: {
      method: string;
      path: string;
      body?: unknown;
      headers?: Record<string, string>;
    }): Promise<{
      statusCode: number;
      body: { text(): Promise<string>; json(): Promise<unknown> };
    }>;
    close(): Promise<void>;
  };
}

describe("undici", needsPackages("undici"), () => {
  test("pipelines over two connections and gets every answer", async (context) => {
    const { base, server } = await startWireServer(context);
    const { Pool } = await loadPackage<Undici>("undici");
    const pool = new Pool(base, { connections: 2, pipelining: 10 });
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const { body } = await pool.request({ method: "GET", path: `/number/${i}` });
        return await body.text();
      }),
    );
    assert.deepEqual(
      answers,
      Array.from({ length: 300 }, (_, i) => String(i)),
    );
    assert.ok(server.connections <= 2);
    await pool.close();
  });

  test("uploads a stream, and a body with a length", async (context) => {
    const { base } = await startWireServer(context);
    const { Pool } = await loadPackage<Undici>("undici");
    const pool = new Pool(base, { connections: 1, pipelining: 1 });
    const pieces = Array.from({ length: 50 }, (_, i) => `piece ${i};`.repeat(500));
    const streamed = await pool.request({ method: "POST", path: "/echo", body: Readable.from(pieces) });
    assert.equal(((await streamed.body.json()) as Echo).length, pieces.join("").length);
    const whole = await pool.request({ method: "PUT", path: "/echo", body: Buffer.alloc(3_000_000) });
    assert.equal(((await whole.body.json()) as Echo).length, 3_000_000);
    await pool.close();
  });

  test("reads 413 for a body that is too large, and the pool goes on", async (context) => {
    const { base } = await startWireServer(context);
    const { Pool } = await loadPackage<Undici>("undici");
    const pool = new Pool(base, { connections: 1, pipelining: 1 });
    const large = await pool.request({ method: "POST", path: "/echo", body: Buffer.alloc(5_000_000) });
    assert.equal(large.statusCode, 413);
    await large.body.text();
    const next = await pool.request({ method: "GET", path: "/hello" });
    assert.equal(await next.body.text(), "Hello, world");
    await pool.close();
  });
});
