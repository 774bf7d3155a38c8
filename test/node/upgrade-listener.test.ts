/** upgradeListener(): WebSockets of a squall application under Node's own servers. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { NodeContainer, nodeListener, type UpgradeListenerOptions, upgradeListener } from "squall/node";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { WebSocketHandler, websocketConnect } from "squall/websocket";
import { accessLog, genLog } from "#room/base/log";
import { acceptValue } from "#room/protocol/websocket/handshake/accept-key";
import { caCerts, certificate } from "../support/certs.js";
import { type Asked, withClients, withContainer } from "../support/container-server.js";
import { field } from "../support/raw-client.js";
import { twinFrame } from "../support/websocket-twin.js";

class Echo extends WebSocketHandler {
  override onMessage(message: string | Buffer) {
    return this.writeMessage(message);
  }
}

/** Says who asks, as its first message. */
class Who extends WebSocketHandler {
  override open() {
    const { remoteIp, protocol, host, uri } = this.request;
    return this.writeMessage(`${remoteIp} ${protocol} ${host} ${uri}`);
  }
}

class Page extends RequestHandler {
  override get() {
    this.write("a page");
  }

  override post() {
    this.write(this.request.body);
  }
}

const application = new Application([
  ["/echo", Echo],
  ["/who", Who],
  ["/page", Page],
]);

async function withServer(
  test: (asked: Asked & { readonly listener: ReturnType<typeof upgradeListener> }) => Promise<void>,
  options?: UpgradeListenerOptions,
  server: Server = createServer(nodeListener(application)),
): Promise<void> {
  const listener = upgradeListener(application, options);
  server.on("upgrade", listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await withClients((server.address() as AddressInfo).port, (asked) => test({ ...asked, listener }));
  } finally {
    await listener.closeAllConnections({ timeout: 0 });
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const handshake = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${more}\r\n`;

describe("upgradeListener()", () => {
  test("serves the WebSockets of an application beside its pages", () =>
    withServer(async ({ port, ask }) => {
      assert.equal((await ask("/page")).body.toString(), "a page");
      const socket = await websocketConnect(`ws://127.0.0.1:${port}/echo`);
      for (const message of ["grüße", "x".repeat(300_000)]) {
        await socket.writeMessage(message);
        assert.equal(await socket.readMessage(), message);
      }
      socket.close(1000, "done");
      assert.equal(await socket.readMessage(), undefined);
      assert.equal(socket.closeCode, 1000);
      assert.equal((await ask("/page")).body.toString(), "a page");
    }));

  test("knows the client, and believes a proxy where it is told to", () =>
    withServer(
      async ({ port }) => {
        const direct = await websocketConnect(`ws://127.0.0.1:${port}/who?a=%20b`);
        assert.equal(await direct.readMessage(), `127.0.0.1 http 127.0.0.1:${port} /who?a=%20b`);
        direct.close();
        const headers = { "X-Real-Ip": "203.0.113.9", "X-Scheme": "https" };
        const proxied = await websocketConnect(`ws://127.0.0.1:${port}/who`, { headers });
        assert.match(String(await proxied.readMessage()), /^203\.0\.113\.9 https /);
        proxied.close();
      },
      { xheaders: true },
    ));

  test("takes frames that came with the handshake, whole or octet by octet", () =>
    withServer(async ({ connect }) => {
      const frame = twinFrame(1, "early", { key: Buffer.of(1, 2, 3, 4) });
      const whole = Buffer.concat([Buffer.from(handshake("/echo")), frame]);
      for (const pieces of [[whole], [...whole].map((octet) => Buffer.from([octet]))]) {
        const client = await connect();
        for (const piece of pieces) client.send(piece);
        const got = await client.response();
        assert.equal(got.status, 101);
        assert.equal(field(got, "Sec-WebSocket-Accept"), acceptValue(KEY));
        await client.until("\x05early");
      }
    }));

  test("answers what the application does not upgrade, and ends that connection", async () => {
    using _log = new ExpectLog(accessLog, /^(404 GET \/nowhere|426 GET \/echo|403 GET \/echo) /);
    await withServer(async ({ connect }) => {
      for (const [head, status] of [
        [handshake("/nowhere"), 404],
        [handshake("/page"), 200],
        [handshake("/echo").replace("Version: 13", "Version: 12"), 426],
        [handshake("/echo", "Origin: http://evil.example\r\n"), 403],
      ] as const) {
        const client = await connect();
        client.send(head);
        assert.equal((await client.response()).status, status, head);
        await client.whenEnded();
      }
    });
  });

  describe("serves a request with a body that asks for another protocol", () => {
    const head = "POST /page HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n";
    const large = "x".repeat(300_000);
    for (const [how, rest, body] of [
      ["of a length", "Content-Length: 6\r\n\r\nabcdef", "abcdef"],
      [
        "in chunks",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-A: 1\r\n\r\n",
        "abcdef",
      ],
      ["that is empty", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""],
      ["that is large", `Content-Length: ${large.length}\r\n\r\n${large}`, large],
    ] as const) {
      for (const size of [1, 7, Number.POSITIVE_INFINITY]) {
        if (size < 10 && body.length > 100) continue;
        const pieces = size === Number.POSITIVE_INFINITY ? "in one piece" : `in pieces of ${size}`;
        test(`${how}, ${pieces}`, () =>
          withServer(async ({ connect }) => {
            const client = await connect();
            const text = head + rest;
            for (let at = 0; at < text.length; at += size) {
              client.send(text.slice(at, at + size));
              await new Promise(setImmediate);
            }
            const got = await client.response();
            assert.equal(got.status, 200);
            assert.equal(got.body.toString(), body);
            assert.equal(field(got, "Connection"), "close");
            await client.whenEnded();
          }));
      }
    }
  });

  test("refuses such a body beyond the limit, and forgets one that breaks off", async () => {
    using _log = new ExpectLog(accessLog, /^413 /, { required: false });
    using _info = new ExpectLog(genLog, /Content-Length/, { level: "info", required: false });
    const head = "POST /page HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n";
    await withServer(
      async ({ connect }) => {
        const client = await connect();
        client.send(`${head}Content-Length: 1000\r\n\r\nabc`);
        assert.equal((await client.response()).status, 413);
        client.close();
        const other = await connect();
        other.send(`${head}Content-Length: 10\r\n\r\nabc`);
        other.socket.end();
        await other.whenEnded();
      },
      { maxBodySize: 100 },
    );
  });

  test("says goodbye to its WebSockets when it is asked to close them", () =>
    withServer(async ({ port, listener }) => {
      const socket = await websocketConnect(`ws://127.0.0.1:${port}/echo`);
      await socket.writeMessage("here");
      assert.equal(await socket.readMessage(), "here");
      const closed = listener.closeAllConnections();
      assert.equal(await socket.readMessage(), undefined);
      assert.equal(socket.closeCode, 1001);
      assert.deepEqual(await closed, { idle: 0, finished: 1, aborted: 0 });
    }));

  test("works under node:https, where requests are https", async () => {
    const { certfile, keyfile } = certificate("server");
    const options = { cert: readFileSync(certfile), key: readFileSync(keyfile) };
    const server = createSecureServer(options, nodeListener(application));
    await withServer(
      async ({ port }) => {
        const socket = await websocketConnect(`wss://localhost:${port}/who`, { caCerts });
        assert.equal(await socket.readMessage(), `127.0.0.1 https localhost:${port} /who`);
        socket.close();
      },
      undefined,
      server as unknown as Server,
    );
  });

  test("works on a server that a NodeContainer hosts", async () => {
    const server = createServer(nodeListener(application));
    const listener = upgradeListener(application);
    server.on("upgrade", listener);
    await withContainer(new NodeContainer(server), async ({ port, ask }) => {
      assert.equal((await ask("/page")).body.toString(), "a page");
      const socket = await websocketConnect(`ws://127.0.0.1:${port}/echo`);
      await socket.writeMessage("x".repeat(200_000));
      assert.equal((await socket.readMessage())?.length, 200_000);
      socket.close(1000);
      assert.equal(await socket.readMessage(), undefined);
      const cut = await websocketConnect(`ws://127.0.0.1:${port}/echo`);
      await cut.writeMessage("here");
      assert.equal(await cut.readMessage(), "here");
      assert.deepEqual(await listener.closeAllConnections({ timeout: 0 }), {
        idle: 0,
        finished: 0,
        aborted: 1,
      });
      assert.equal(await cut.readMessage(), undefined);
    });
  });

  test("refuses options that it does not know, and what is not an application", () => {
    const wrong = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
    assert.throws(() => upgradeListener(application, { maxBodySiez: 1 } as never), wrong);
    assert.throws(() => upgradeListener({} as never), wrong);
  });
});
