/** WebSockets with clients and servers that we did not write: `ws`, undici, Tornado and Autobahn in both roles, Chromium. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { Application, RequestHandler } from "squall/web";
import { WebSocketHandler, websocketConnect } from "squall/websocket";
import { DESKTOP, launchBrowser, openPage } from "../support/browser.js";
import { Child, run } from "../support/child.js";
import { loadPackage, needsPackages } from "../support/interop.js";
import { needs, pathOf } from "../support/programs.js";

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

class Page extends RequestHandler {
  override get() {
    this.write("<!doctype html><title>echo</title>");
  }
}

async function startEcho(context: TestContext): Promise<string> {
  const app = new Application(
    [
      ["/", Page],
      ["/echo", Echo],
    ],
    { logFunction() {} },
  );
  const server = await app.listen(0, { address: "127.0.0.1" });
  context.after(async () => {
    await server.stop();
    await server.closeAllConnections({ timeout: 1000 });
  });
  return `127.0.0.1:${server.port}`;
}

/** The part of the standard's WebSocket that the tests use. */
interface StandardWebSocket extends EventTarget {
  binaryType: string;
  readonly protocol: string;
  readonly extensions: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}
type StandardClass = new (url: string, protocols?: string[]) => StandardWebSocket;

/** Sends messages through a standard WebSocket and says what came back, and how it ended. */
async function converse(WebSocket: StandardClass, url: string): Promise<unknown[]> {
  const socket = new WebSocket(url, ["chat"]);
  socket.binaryType = "arraybuffer";
  const got: unknown[] = [];
  return await new Promise((resolve, reject) => {
    const messages = ["grüße", new Uint8Array([0, 255]), "x".repeat(100_000), "close please"];
    const next = () => socket.send(messages.shift()!);
    socket.addEventListener("open", () => {
      got.push(socket.protocol, socket.extensions.includes("permessage-deflate"));
      next();
    });
    socket.addEventListener("message", (event) => {
      const { data } = event as unknown as { data: string | ArrayBuffer };
      got.push(
        typeof data === "string" ? (data.length > 100 ? data.length : data) : [...new Uint8Array(data)],
      );
      next();
    });
    socket.addEventListener("close", (event) => {
      const { code, reason } = event as unknown as { code: number; reason: string };
      resolve([...got, code, reason]);
    });
    socket.addEventListener("error", (event) =>
      reject((event as unknown as { error?: Error }).error ?? new Error("the connection failed")),
    );
  });
}

const EXPECTED = ["chat", true, "grüße", [0, 255], 100_000, 4002, "as you wish"];

describe("ws", needsPackages("ws"), () => {
  test("as a client of a handler", async (context) => {
    const { WebSocket } = await loadPackage<{ WebSocket: StandardClass }>("ws");
    assert.deepEqual(await converse(WebSocket, `ws://${await startEcho(context)}/echo`), EXPECTED);
  });

  test("as a server of our client", async (context) => {
    interface Server {
      on(event: "connection", listener: (socket: Peer) => void): void;
      on(event: "listening", listener: () => void): void;
      address(): { port: number };
      close(): void;
    }
    interface Peer {
      on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
      send(data: Buffer, options: { binary: boolean }): void;
    }
    const { WebSocketServer } = await loadPackage<{ WebSocketServer: new (options: object) => Server }>("ws");
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 0 } });
    context.after(() => server.close());
    server.on("connection", (socket) =>
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
    );
    await new Promise<void>((resolve) => server.on("listening", resolve));
    const connection = await websocketConnect(`ws://127.0.0.1:${server.address().port}/`, {
      compressionOptions: {},
    });
    for (const message of ["grüße", Buffer.of(0, 255), "y".repeat(200_000), ""]) {
      await connection.writeMessage(message);
      assert.deepEqual(await connection.readMessage(), message);
    }
    connection.close(4003, "bye");
    await connection.whenClosed();
    assert.equal(connection.closeCode, 4003);
  });
});

test("undici's WebSocket is a client of a handler", needsPackages("undici"), async (context) => {
  const { WebSocket } = await loadPackage<{ WebSocket: StandardClass }>("undici");
  assert.deepEqual(await converse(WebSocket, `ws://${await startEcho(context)}/echo`), EXPECTED);
});

describe("Chromium", { skip: needs("chromium").skip || needsPackages("playwright-core").skip }, () => {
  test("is a client of a handler, and a page of another site is refused", async (context) => {
    const host = await startEcho(context);
    const browser = await launchBrowser();
    context.after(() => browser.close());
    const { page } = await openPage(browser, context, DESKTOP);
    await page.goto(`http://${host}/`);
    const got = await page.evaluate<unknown[]>(`(${converse.toString()})(WebSocket, "ws://${host}/echo")`);
    assert.deepEqual(got, EXPECTED);
    await page.goto(`http://${host.replace("127.0.0.1", "localhost")}/`);
    const refused = await page.evaluate<string>(
      `(${converse.toString()})(WebSocket, "ws://${host}/echo").then(String, (error) => error.message)`,
    );
    assert.equal(refused, "the connection failed");
  });
});

/** An async Python program that connects to `url`, and what it printed. */
async function python(context: TestContext, program: string): Promise<string[]> {
  const { code, output } = await run(context, pathOf("python3-tornado"), ["-c", program]);
  assert.equal(code, 0, output);
  return output.trim().split("\n");
}

/** Starts a Python server that prints `listening PORT`. */
async function pythonServer(context: TestContext, program: string): Promise<string> {
  const child = Child.start(context, pathOf("python3-tornado"), ["-uc", program]);
  const [, port] = await child.prints(/listening (\d+)/);
  return `ws://127.0.0.1:${port}/echo`;
}

/** What every echoing server gives back. */
async function checkEcho(url: string, compressed: boolean): Promise<void> {
  const connection = await websocketConnect(url, { compressionOptions: compressed ? {} : undefined });
  for (const message of ["grüße", Buffer.of(0, 255), "y".repeat(200_000), ""]) {
    await connection.writeMessage(message);
    assert.deepEqual(await connection.readMessage(), message);
  }
  connection.close(1000, "bye");
  await connection.whenClosed();
  assert.equal(connection.closeCode, 1000);
}

describe("Tornado", needs("python3-tornado"), () => {
  test("as a client of a handler, with compression", async (context) => {
    const host = await startEcho(context);
    const output = await python(
      context,
      `
import asyncio
from tornado.websocket import websocket_connect
async def main():
    c = await websocket_connect("ws://${host}/echo", compression_options={}, subprotocols=["chat"])
    print(c.selected_subprotocol)
    for message, binary in (("grüße", False), (b"\\x00\\xff", True), ("x" * 100000, False)):
        await c.write_message(message, binary=binary)
        answer = await c.read_message()
        print(answer == message)
    await c.write_message("close please")
    print(await c.read_message(), c.close_code, c.close_reason)
asyncio.run(main())`,
    );
    assert.deepEqual(output, ["chat", "True", "True", "True", "None 4002 as you wish"]);
  });

  for (const compressed of [false, true]) {
    test(`as a server of our client${compressed ? ", with compression" : ""}`, async (context) => {
      const url = await pythonServer(
        context,
        `
import asyncio, tornado.web, tornado.websocket, tornado.httpserver, tornado.netutil
class Echo(tornado.websocket.WebSocketHandler):
    def get_compression_options(self):
        return ${compressed ? "{}" : "None"}
    def on_message(self, message):
        return self.write_message(message, binary=isinstance(message, bytes))
async def main():
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    tornado.httpserver.HTTPServer(tornado.web.Application([("/echo", Echo)])).add_sockets(sockets)
    print("listening", sockets[0].getsockname()[1])
    await asyncio.Event().wait()
asyncio.run(main())`,
      );
      await checkEcho(url, compressed);
    });
  }
});

describe("Autobahn", needs("python3-tornado", "python3-autobahn"), () => {
  test("as a client of a handler", async (context) => {
    const host = await startEcho(context);
    const output = await python(
      context,
      `
import asyncio
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
class Client(WebSocketClientProtocol):
    def onOpen(self):
        self.sendMessage("grüße".encode())
    def onMessage(self, payload, isBinary):
        print(len(payload), isBinary)
        if not isBinary: self.sendMessage(bytes(70000), isBinary=True)
        else: self.sendMessage(b"close please")
    def onClose(self, wasClean, code, reason):
        print(wasClean, code, reason)
        asyncio.get_event_loop().stop()
loop = asyncio.new_event_loop(); asyncio.set_event_loop(loop)
factory = WebSocketClientFactory("ws://${host}/echo")
factory.protocol = Client
host, port = "${host}".split(":")
loop.run_until_complete(loop.create_connection(factory, host, int(port)))
loop.run_forever()`,
    );
    assert.deepEqual(output.slice(0, 2), ["7 False", "70000 True"]);
    assert.match(output[2]!, /^True 4002 .*as you wish/);
  });

  test("as a server of our client", async (context) => {
    const url = await pythonServer(
      context,
      `
import asyncio
from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)
loop = asyncio.new_event_loop(); asyncio.set_event_loop(loop)
factory = WebSocketServerFactory()
factory.protocol = Echo
server = loop.run_until_complete(loop.create_server(factory, "127.0.0.1", 0))
print("listening", server.sockets[0].getsockname()[1])
loop.run_forever()`,
    );
    await checkEcho(url, false);
  });
});
