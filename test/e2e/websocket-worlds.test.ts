/** WebSockets across worlds: `ws` and Socket.IO in a NodeContainer, and both kinds of server behind a proxy. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import { NodeContainer } from "squall/node";
import { ProxyHandler } from "squall/proxy";
import { Application } from "squall/web";
import { WebSocketHandler } from "squall/websocket";
import type { HTTPServerConnectionDelegate } from "#room/http/delegates";
import { loadPackage, needsPackages } from "../support/interop.js";

/** The part of a socket of `ws`, of either role, that the tests use. */
interface WS extends NodeJS.EventEmitter {
  readonly protocol: string;
  readonly extensions: string;
  send(data: string | Uint8Array): void;
  ping(data: string): void;
  close(code: number, reason: string): void;
}
interface WSModule {
  new (url: string, protocols?: string[], options?: object): WS;
  readonly WebSocketServer: new (options: object) => NodeJS.EventEmitter & { close(): void };
}

async function loadWs(): Promise<WSModule> {
  return await loadPackage<WSModule>("ws");
}

async function serve(context: TestContext, delegate: HTTPServerConnectionDelegate): Promise<number> {
  const server = new HTTPServer(delegate);
  await server.listen(0, "127.0.0.1");
  context.after(async () => {
    await server.stop();
    await server.closeAllConnections({ timeout: 0 });
  });
  return server.port!;
}

/** An http.Server with a WebSocket server of `ws` that echoes, and closes with 4002 when asked to. */
async function wsEcho(context: TestContext): Promise<Server> {
  const { WebSocketServer } = await loadWs();
  const server = createServer((_request, response) => response.end("a page of theirs"));
  const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  sockets.on("connection", (socket: WS) => {
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary && data.toString() === "close please") socket.close(4002, "as you wish");
      else socket.send(isBinary ? data : data.toString());
    });
  });
  context.after(() => sockets.close());
  return server;
}

/** Talks with an echo by a client of `ws`: texts, octets, large messages in both directions at once, a ping, the close. */
async function converse(url: string): Promise<void> {
  const Client = await loadWs();
  const socket = new Client(url, ["chat"]);
  await once(socket, "open");
  assert.equal(socket.protocol, "chat");
  assert.match(socket.extensions, /permessage-deflate/);
  const echoes: (string | Buffer)[] = [];
  const sent = ["grüße", Buffer.of(0, 255), "x".repeat(1_000_000), Buffer.alloc(2_000_000, "0123456789")];
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      echoes.push(isBinary ? data : data.toString());
      if (echoes.length === sent.length) resolve();
    });
  });
  for (const message of sent) socket.send(message);
  await all;
  assert.deepEqual(echoes, sent);
  const pong = once(socket, "pong");
  socket.ping("still there?");
  assert.equal(String((await pong)[0]), "still there?");
  const closed = once(socket, "close");
  socket.send("close please");
  const [code, reason] = (await closed) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [4002, "as you wish"]);
}

describe("in a NodeContainer", () => {
  test("a server of ws takes the event upgrade", needsPackages("ws"), async (context) => {
    const port = await serve(context, new NodeContainer(await wsEcho(context)));
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "a page of theirs");
    await converse(`ws://127.0.0.1:${port}/any/path`);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "a page of theirs");
  });

  test(
    "Socket.IO talks by polling, by WebSocket, and changes from one to the other",
    needsPackages("socket.io", "socket.io-client"),
    async (context) => {
      interface Socket extends NodeJS.EventEmitter {
        readonly io: { engine: NodeJS.EventEmitter & { transport: { name: string } } };
        emitWithAck(event: string, ...values: unknown[]): Promise<unknown>;
        disconnect(): void;
      }
      interface IO {
        on(event: "connection", listener: (socket: NodeJS.EventEmitter) => void): void;
        attach(server: Server): void;
        close(): Promise<void>;
      }
      const { Server: IOServer } = await loadPackage<{ Server: new () => IO }>("socket.io");
      const { io: connect } = await loadPackage<{ io(url: string, options: object): Socket }>(
        "socket.io-client",
      );
      const server = createServer();
      const io = new IOServer();
      io.attach(server);
      io.on("connection", (socket) => {
        socket.on("shout", (text: string, answer: (text: string) => void) => answer(text.toUpperCase()));
        socket.on("octets", (data: Buffer, answer: (data: Buffer) => void) => answer(data));
      });
      const port = await serve(context, new NodeContainer(server));
      for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
        const socket = connect(`http://127.0.0.1:${port}`, { transports, forceNew: true });
        await once(socket, "connect");
        if (transports.length === 2 && socket.io.engine.transport.name !== "websocket")
          await once(socket.io.engine, "upgrade");
        assert.equal(socket.io.engine.transport.name, transports.at(-1));
        assert.equal(await socket.emitWithAck("shout", "ahoy"), "AHOY");
        const octets = Buffer.alloc(300_000, 7);
        assert.deepEqual(Buffer.from((await socket.emitWithAck("octets", octets)) as Uint8Array), octets);
        socket.disconnect();
      }
      await io.close();
    },
  );
});

describe("behind a ProxyHandler", () => {
  const proxyTo = (port: number): Application =>
    new Application([
      [
        "/old/.*",
        ProxyHandler,
        { upstream: `http://127.0.0.1:${port}`, prefix: "/old", appendForwarded: false },
      ],
    ]);

  test("a server of ws is reached through a tunnel", needsPackages("ws"), async (context) => {
    const upstream = (await wsEcho(context)).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    context.after(() => upstream.close());
    const port = await serve(context, proxyTo((upstream.address() as AddressInfo).port));
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/old/`)).text(), "a page of theirs");
    await converse(`ws://127.0.0.1:${port}/old/any/path`);
  });

  test("a WebSocketHandler of squall is reached through a tunnel", needsPackages("ws"), async (context) => {
    class Echo extends WebSocketHandler {
      override getCompressionOptions() {
        return {};
      }

      override selectSubprotocol(offered: readonly string[]) {
        return offered[0];
      }

      override onMessage(message: string | Buffer) {
        if (message === "close please") this.close(4002, "as you wish");
        else return this.writeMessage(message);
        return undefined;
      }
    }
    const upstream = await serve(context, new Application([["/echo", Echo]]));
    const port = await serve(context, proxyTo(upstream));
    await converse(`ws://127.0.0.1:${port}/old/echo`);
  });
});
