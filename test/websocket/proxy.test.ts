/** `websocketConnect()` through a proxy, on a network in memory and in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPConnectError } from "squall/httpclient";
import { genLog } from "squall/log";
import type { SSLOptions } from "squall/netutil";
import { TCPClient } from "squall/tcpclient";
import { TCPServer } from "squall/tcpserver";
import { ExpectLog } from "squall/testing";
import { TimeoutError } from "squall/util";
import { WebSocketHandler } from "squall/websocket";
import { caCerts, certificate } from "../support/certs.js";
import { withWebSockets } from "../support/virtual-websocket.js";

type Stream = Parameters<TCPServer["handleStream"]>[0];

/** Passes on what comes, and the end. */
async function pipe(from: Stream, to: Stream): Promise<void> {
  try {
    for (;;) await to.write(await from.readBytes(65_536, { partial: true }));
  } catch {
    to.close();
  }
}

/** A proxy that answers CONNECT with what `answer` says; it makes a tunnel after a 200. */
class Forward extends TCPServer {
  readonly asked: string[] = [];
  readonly #answer: (head: string) => string | undefined;

  constructor(answer: (head: string) => string | undefined, sslOptions?: SSLOptions) {
    super({ sslOptions });
    this.#answer = answer;
  }

  override async handleStream(stream: Stream) {
    const head = String(await stream.readUntil("\r\n\r\n"));
    this.asked.push(head);
    const answer = this.#answer(head);
    if (answer === undefined) return;
    await stream.write(Buffer.from(`HTTP/1.1 ${answer}\r\n\r\n`));
    if (!answer.startsWith("200")) {
      stream.close();
      return;
    }
    const [, host, port] = /^CONNECT ([^:]+):(\d+) /.exec(head)!;
    const client = new TCPClient();
    const inside = await client.connect(host!, Number(port));
    await Promise.all([pipe(stream, inside), pipe(inside, stream)]);
  }
}

class Echo extends WebSocketHandler {
  override onMessage(message: string | Buffer) {
    return this.writeMessage(message);
  }
}

describe("websocketConnect() through a proxy", () => {
  test("asks for a tunnel with the proxy's credentials, which the server does not see", () => {
    let seen: string | undefined;
    class Watched extends Echo {
      override open() {
        seen = this.request.headers.get("Proxy-Authorization");
      }
    }
    return withWebSockets([["/", Watched]], async ({ open, server }) => {
      const proxy = new Forward(() => "200 Connection established");
      await proxy.listen(0, "127.0.0.1");
      try {
        const options = {
          proxyHost: "127.0.0.1",
          proxyPort: proxy.port,
          proxyUsername: "me",
          proxyPassword: "pw",
        };
        const connection = await open("/", options);
        await connection.writeMessage("through");
        assert.equal(await connection.readMessage(), "through");
        connection.close(1000);
        await connection.whenClosed();
        assert.equal(proxy.asked.length, 1);
        assert.match(proxy.asked[0]!, new RegExp(`^CONNECT 127\\.0\\.0\\.1:${server.port} HTTP/1\\.1\r\n`));
        assert.match(proxy.asked[0]!, /^Proxy-Authorization: Basic bWU6cHc=\r$/m);
        assert.equal(seen, undefined);
      } finally {
        await proxy.stop();
        await proxy.closeAllConnections();
      }
    });
  });

  test("reaches the proxy by TLS with proxySecure, and believes no stranger", () =>
    withWebSockets([["/", Echo]], async ({ open }) => {
      const proxy = new Forward(() => "200 Connection established", certificate("server"));
      await proxy.listen(0, "127.0.0.1");
      try {
        const options = { proxyHost: "127.0.0.1", proxyPort: proxy.port, proxySecure: true };
        const connection = await open("/", { ...options, proxySslOptions: { caCerts } });
        await connection.writeMessage("through");
        assert.equal(await connection.readMessage(), "through");
        connection.close(1000);
        await connection.whenClosed();
        using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
        const error = await open("/", options).catch((reason: unknown) => reason);
        assert.equal((error as { code?: string }).code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
        assert.equal(proxy.asked.length, 1);
      } finally {
        await proxy.stop();
        await proxy.closeAllConnections();
      }
    }));

  test("rejects when the proxy refuses, ends or never answers, and leaves nothing behind", () =>
    withWebSockets([["/", Echo]], async ({ open }) => {
      let answer: string | undefined = "407 Proxy Authentication Required";
      const proxy = new Forward(() => answer);
      await proxy.listen(0, "127.0.0.1");
      try {
        const options = { proxyHost: "127.0.0.1", proxyPort: proxy.port, connectTimeout: 1000 };
        const refused = (error: unknown) => error instanceof HTTPConnectError && error.phase === "proxy";
        await assert.rejects(open("/", options), refused);
        answer = "502 Bad Gateway";
        await assert.rejects(open("/", options), refused);
        answer = undefined;
        await assert.rejects(open("/", options), TimeoutError);
        assert.equal(proxy.asked.length, 3);
      } finally {
        await proxy.stop();
        await proxy.closeAllConnections();
      }
    }));
});
