/** squall inside servers of others: under Express and Fastify, with its WebSockets, as docs/guide/hosting.md wires them. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { nodeListener, upgradeListener } from "squall/node";
import { Application, RequestHandler } from "squall/web";
import { WebSocketHandler, websocketConnect } from "squall/websocket";
import { withClients } from "../support/container-server.js";
import { loadPackage, needsPackages } from "../support/interop.js";
import { field } from "../support/raw-client.js";

class Where extends RequestHandler {
  override get(name: string): void {
    this.setHeader("X-Name", name);
    this.write(`squall at ${this.request.uri}`);
  }

  override post(): void {
    this.write(this.request.body);
  }
}

class Stream extends RequestHandler {
  override async get(): Promise<void> {
    for (const piece of ["one", "two", "three"]) {
      this.write(piece);
      await this.flush();
    }
  }
}

class Echo extends WebSocketHandler {
  override onMessage(message: string | Buffer) {
    return this.writeMessage(message);
  }
}

/** What a host shows for paths of its own, and what squall answers beside it. */
async function hosted(port: number, prefix: string, inner: string): Promise<void> {
  await withClients(port, async ({ ask }) => {
    assert.equal((await ask("/theirs")).body.toString(), "theirs");
    const got = await ask(`${prefix}/where/a?b=1`);
    assert.equal(got.body.toString(), `squall at ${inner}/where/a?b=1`);
    assert.equal(field(got, "X-Name"), "a");
    const large = Buffer.alloc(600_000, "0123456789");
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", "image/png"]) {
      const head = `Content-Type: ${type}\r\n`;
      const body = type === "application/x-www-form-urlencoded" ? "a=1" : large;
      const echoed = await ask(`${prefix}/where/a`, { method: "POST", body, head });
      assert.deepEqual(echoed.body, Buffer.from(body), type);
    }
    const stream = await ask(`${prefix}/stream`);
    assert.equal(stream.body.toString(), "onetwothree");
    assert.equal(stream.truncated, false);
  });
  const socket = await websocketConnect(`ws://127.0.0.1:${port}/squall/echo`);
  await socket.writeMessage("over");
  assert.equal(await socket.readMessage(), "over");
  socket.close(1000);
  assert.equal(await socket.readMessage(), undefined);
}

const under = (prefix: string): Application =>
  new Application([
    [`${prefix}/where/(.*)`, Where],
    [`${prefix}/stream`, Stream],
    [`${prefix}/echo`, Echo],
  ]);

function stopAfter(context: TestContext, server: Server): void {
  context.after(async () => {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  });
}

test("squall answers under Express, for a part of its paths", needsPackages("express"), async (context) => {
  interface Express {
    (request: IncomingMessage, response: ServerResponse): void;
    get(path: string, handler: (request: unknown, response: { send(body: string): void }) => void): void;
    use(path: string, handler: unknown): void;
  }
  const express = await loadPackage<() => Express>("express");
  const app = express();
  app.get("/theirs", (_request, response) => response.send("theirs"));
  app.use("/squall", nodeListener(under("")));
  const server = createServer(app);
  // Express gives its handlers the path below "/squall"; the event "upgrade" has the whole one.
  server.on("upgrade", upgradeListener(under("/squall")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stopAfter(context, server);
  await hosted((server.address() as AddressInfo).port, "/squall", "");
});

test("squall answers under Fastify, as a plugin", needsPackages("fastify"), async (context) => {
  interface Reply {
    hijack(): void;
    readonly raw: ServerResponse;
  }
  interface Scope {
    all(path: string, handler: (request: { raw: IncomingMessage }, reply: Reply) => void): void;
    get(path: string, handler: () => unknown): void;
    addContentTypeParser(
      type: string,
      parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
    ): void;
    removeAllContentTypeParsers(): void;
  }
  interface Fastify extends Scope {
    register(plugin: (scope: Scope) => Promise<void>): unknown;
    listen(where: { port: number; host: string }): Promise<string>;
    close(): Promise<void>;
    readonly server: Server;
  }
  const fastify = (await loadPackage<() => Fastify>("fastify"))();
  const listener = nodeListener(under("/squall"));
  fastify.get("/theirs", () => "theirs");
  fastify.register(async (scope) => {
    // squall reads the bodies itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    scope.all("/squall/*", (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
  });
  fastify.server.on("upgrade", upgradeListener(under("/squall")));
  await fastify.listen({ port: 0, host: "127.0.0.1" });
  context.after(() => fastify.close());
  await hosted((fastify.server.address() as AddressInfo).port, "/squall", "/squall");
});
