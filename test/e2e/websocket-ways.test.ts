/** Ways of `websocketConnect()` to a server: through tinyproxy, and over TLS with good and bad certificates. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { HTTPConnectError } from "squall/httpclient";
import { genLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import { Application } from "squall/web";
import { WebSocketHandler, websocketConnect } from "squall/websocket";
import { caCerts, certificate } from "../support/certs.js";
import { needs } from "../support/programs.js";
import { startTinyproxy } from "../support/tinyproxy.js";

/** Says back what came, and who asked. */
class Echo extends WebSocketHandler {
  override onMessage(message: string | Buffer) {
    return this.writeMessage(`${message} ${this.request.headers.get("Proxy-Authorization", "-")}`);
  }
}

/** An echo, over TLS with the certificate of one of the parties. Returns its port. */
async function startEcho(context: TestContext, party?: "server" | "other" | "stranger"): Promise<number> {
  const app = new Application([["/", Echo]], { logFunction() {} });
  const sslOptions = party === undefined ? undefined : certificate(party);
  const server = await app.listen(0, { address: "127.0.0.1", sslOptions });
  context.after(async () => {
    await server.stop();
    await server.closeAllConnections({ timeout: 1000 });
  });
  return server.port!;
}

type Options = Parameters<typeof websocketConnect>[1];

async function converse(url: string, options: Options): Promise<unknown> {
  const connection = await websocketConnect(url, options);
  await connection.writeMessage("hello");
  const answer = await connection.readMessage();
  connection.close(1000);
  await connection.whenClosed();
  assert.equal(connection.closeCode, 1000);
  return answer;
}

describe("websocketConnect() through tinyproxy", needs("tinyproxy"), () => {
  test("makes a tunnel for ws and for wss, for a user who signs in at the proxy alone", async (context) => {
    const plain = await startEcho(context);
    const secure = await startEcho(context, "server");
    const proxyPort = await startTinyproxy(context, [plain, secure]);
    const proxy = { proxyHost: "127.0.0.1", proxyPort, proxyUsername: "me", proxyPassword: "secret" };
    assert.equal(await converse(`ws://127.0.0.1:${plain}/`, proxy), "hello -");
    assert.equal(await converse(`wss://localhost:${secure}/`, { ...proxy, caCerts }), "hello -");
  });

  test("rejects when the proxy refuses the user, or the port", async (context) => {
    const plain = await startEcho(context);
    const proxyPort = await startTinyproxy(context, [plain]);
    const proxy = { proxyHost: "127.0.0.1", proxyPort, proxyUsername: "me", proxyPassword: "secret" };
    const refusedBy = (error: unknown) => error instanceof HTTPConnectError && error.phase === "proxy";
    const wrong = { ...proxy, proxyPassword: "guess" };
    await assert.rejects(converse(`ws://127.0.0.1:${plain}/`, wrong), refusedBy);
    const { proxyUsername: _, proxyPassword: __, ...nobody } = proxy;
    await assert.rejects(converse(`ws://127.0.0.1:${plain}/`, nobody), refusedBy);
    await assert.rejects(converse("ws://127.0.0.1:9/", proxy), refusedBy);
  });
});

describe("websocketConnect() over TLS", () => {
  test("takes a certificate of an authority that it knows, in the name of the host", async (context) => {
    const port = await startEcho(context, "server");
    assert.equal(await converse(`wss://localhost:${port}/`, { caCerts }), "hello -");
  });

  for (const [what, party, host, options] of [
    ["of an unknown authority", "server", "localhost", {}],
    ["that is signed by itself", "stranger", "localhost", { caCerts }],
    ["in another name", "other", "localhost", { caCerts }],
  ] as const) {
    test(`refuses a certificate ${what}, unless validateCert is false`, async (context) => {
      const port = await startEcho(context, party);
      const url = `wss://${host}:${port}/`;
      using _log = new ExpectLog(genLog, /certificate|alert/i, { required: false });
      await assert.rejects(converse(url, options), /certificate/);
      assert.equal(await converse(url, { ...options, validateCert: false }), "hello -");
    });
  }
});
