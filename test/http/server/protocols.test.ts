/** A server that speaks another protocol beside HTTP/1, chosen by ALPN or by the first octets. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerConnection, ServerProtocol } from "squall/http1connection";
import { HTTPServer } from "squall/httpserver";
import { type IOStream, SSLIOStream } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { TEST_CERTIFICATE, TEST_KEY } from "#room/testing/test-certificate";
import "../../support/guard.js";
import { RawClient } from "../../support/raw-client.js";
import { answer, pass } from "../../support/virtual-server.js";

/** Says back every line that comes behind its preface, in capitals. */
class Shout implements ServerProtocol {
  readonly name = "shout";
  readonly preface = Buffer.from("SHOUT\r\n");
  readonly calls: string[] = [];

  serve(
    stream: IOStream,
    peer: { readonly remoteIp: string },
    delegate: { onClose?(connection: unknown): void },
  ): ServerConnection {
    this.calls.push(`serve ${peer.remoteIp}`);
    const { calls } = this;
    const connection: ServerConnection = {
      idleSince: Number.POSITIVE_INFINITY,
      async shutdown() {
        calls.push("shutdown");
        stream.close();
        return "busy";
      },
      async abort() {
        stream.close();
        return true;
      },
      close() {
        stream.close();
        return stream.whenClosed();
      },
      whenClosed: () => stream.whenClosed(),
    };
    void (async () => {
      for await (const chunk of stream) await stream.write(String(chunk).toUpperCase());
      stream.close();
    })().catch(() => {});
    void stream.whenClosed().then(() => delegate.onClose?.(connection));
    return connection;
  }
}

interface World {
  readonly loop: VirtualLoop;
  readonly shout: Shout;
  readonly server: HTTPServer;
  connect(): Promise<RawClient>;
}

function served(run: (world: World) => Promise<void>, options = {}): Promise<void> {
  return VirtualLoop.run(
    async (loop) => {
      const shout = new Shout();
      const server = new HTTPServer((request) => answer(request, request.uri), {
        protocols: [shout],
        headerTimeout: 5000,
        ...options,
      });
      await server.listen(0, "127.0.0.1");
      const clients: RawClient[] = [];
      await run({
        loop,
        shout,
        server,
        async connect() {
          const client = await RawClient.connect(loop, server.port!);
          clients.push(client);
          return client;
        },
      });
      for (const client of clients) client.close();
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
      assert.equal(server.connections, 0);
    },
    { network: new MemoryNetwork() },
  );
}

const GET = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

describe("without TLS, a protocol is chosen by its first octets", () => {
  test("wherever they are cut, and it gets them all", () =>
    served(async ({ connect, loop, shout }) => {
      const text = "SHOUT\r\nhello";
      for (let cut = 1; cut < text.length; cut++) {
        const client = await connect();
        client.send(text.slice(0, cut));
        await pass(loop, 1);
        client.send(text.slice(cut));
        await client.until("SHOUT\r\nHELLO");
      }
      assert.equal(shout.calls.length, text.length - 1);
      assert.equal(shout.calls[0], "serve 127.0.0.1");
    }));

  test("and everything else is HTTP/1, wherever it is cut", () =>
    served(async ({ connect, loop, shout }) => {
      for (const [cut, text] of [
        [1, GET],
        [5, GET],
        [2, GET.replace("GET", "SHOW")],
      ] as const) {
        const client = await connect();
        client.send(text.slice(0, cut));
        await pass(loop, 1);
        client.send(text.slice(cut));
        assert.equal((await client.response()).body.toString(), "/a");
      }
      assert.deepEqual(shout.calls, []);
    }));

  test("a beginning that stays one is answered as the malformed request it is", () =>
    served(async ({ connect }) => {
      const client = await connect();
      client.send("SHO");
      client.end();
      assert.match(await client.rest(), /^HTTP\/1.1 400 /);
    }));

  test("a connection that says nothing is closed after headerTimeout, as is one that says half of it", () =>
    served(async ({ connect, loop, server }) => {
      await connect();
      (await connect()).send("SHO");
      await pass(loop, 6000);
      assert.equal(server.connections, 0);
    }));
});

describe("with TLS, a protocol is chosen by ALPN", () => {
  const secure = { sslOptions: { cert: TEST_CERTIFICATE, key: TEST_KEY } };

  async function talk(loop: VirtualLoop, port: number, names: string[], text: string): Promise<string> {
    const stream = new SSLIOStream(undefined, {
      sslOptions: { checkHostname: false, rejectUnauthorized: false, ALPNProtocols: names },
    });
    await stream.connect({ host: "127.0.0.1", port });
    await stream.write(text);
    const answered = await stream.readBytes(1000, { partial: true });
    stream.close();
    await stream.whenClosed();
    await pass(loop, 10);
    return `${stream.alpnProtocol ?? ""} ${answered}`;
  }

  test("and a client that offers both, or none, speaks what was agreed", () =>
    served(async ({ loop, server, shout }) => {
      assert.match(await talk(loop, server.port!, ["shout", "http/1.1"], "hello"), /HELLO$/);
      assert.equal(shout.calls.length, 1);
      assert.match(await talk(loop, server.port!, ["http/1.1"], GET), / 200 OK/);
      assert.match(await talk(loop, server.port!, [], GET), / 200 OK/);
      assert.equal(shout.calls.length, 1);
    }, secure));

  test("a connection whose handshake does not come is closed after headerTimeout", () =>
    served(async ({ connect, loop, server }) => {
      await connect();
      await pass(loop, 6000);
      assert.equal(server.connections, 0);
    }, secure));
});

describe("a server that stops", () => {
  test("asks the other protocol to go, and closes what has not chosen yet", () =>
    served(async ({ connect, loop, server, shout }) => {
      const client = await connect();
      client.send("SHOUT\r\nx");
      await client.until("X");
      await connect();
      const report = await server.closeAllConnections();
      assert.deepEqual(report, { idle: 1, finished: 1, aborted: 0 });
      assert.equal(shout.calls.at(-1), "shutdown");
      assert.equal(loop.time(), 0);
    }));
});
