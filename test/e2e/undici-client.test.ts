/** What the adapter over undici is there for: HTTP/2 and SOCKS; and proxies behind TLS, which both implementations know. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import {
  type AsyncHTTPClient,
  HTTPConnectError,
  HTTPStreamClosedError,
  HTTPTimeoutError,
  SimpleAsyncHTTPClient,
  UndiciAsyncHTTPClient,
  type UndiciClientOptions,
  type UndiciDispatcher,
} from "squall/httpclient";
import { caCerts, certificate } from "../support/certs.js";
import { loadPackage, needsPackages } from "../support/interop.js";

interface Undici {
  Socks5ProxyAgent: new (url: string, options?: object) => UndiciDispatcher;
}

const { certfile, keyfile } = certificate("server");
const TLS = { cert: readFileSync(certfile), key: readFileSync(keyfile) };
const BODY = Buffer.alloc(300_000, "squall ");

async function adapter(context: TestContext, options: UndiciClientOptions = {}): Promise<AsyncHTTPClient> {
  const undici = await loadPackage<object>("undici");
  const client = new UndiciAsyncHTTPClient({
    forceInstance: true,
    undici,
    defaults: { caCerts },
    ...options,
  });
  context.after(() => client.close());
  return client;
}

/** Listens; what is still open at the end of the test is destroyed. */
async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A server that speaks nothing but HTTP/2. */
async function http2(
  context: TestContext,
): Promise<{ base: string; seen: { sessions: number; streams: number } }> {
  const seen = { sessions: 0, streams: 0 };
  const server = createSecureServer(TLS);
  server.on("session", () => seen.sessions++);
  server.on("stream", (stream, headers) => {
    seen.streams++;
    stream.on("error", () => {});
    const path = headers[":path"];
    if (path === "/hang") return;
    if (path === "/reset") stream.close(2);
    else if (path === "/redirect") {
      stream.respond({ ":status": 302, location: "/echo" });
      stream.end();
    } else if (path === "/big") {
      stream.respond({ ":status": 200, "x-version": "2" });
      stream.end(BODY);
    } else {
      stream.respond({
        ":status": path === "/missing" ? 404 : 200,
        "x-a": "1",
        "set-cookie": ["a=1", "b=2"],
      });
      stream.write(`${headers[":method"]} ${path} `);
      stream.pipe(stream);
    }
  });
  const port = await listen(context, server as unknown as Server);
  return { base: `https://localhost:${port}`, seen };
}

describe("HTTP/2 through the adapter", needsPackages("undici"), () => {
  test("fetches with allowH2 from a server that speaks nothing else: bodies both ways, redirects, many at once", async (context) => {
    const { base, seen } = await http2(context);
    const client = await adapter(context, { allowH2: true, maxClients: 20 });
    const answer = await client.fetch(`${base}/echo?x=1`);
    assert.equal(answer.text(), "GET /echo?x=1 ");
    assert.deepEqual([answer.code, answer.headers.get("X-A")], [200, "1"]);
    assert.deepEqual(answer.headers.getList("Set-Cookie"), ["a=1", "b=2"]);
    const sent = await client.fetch(`${base}/echo`, { method: "POST", body: BODY });
    assert.equal(sent.text(), `POST /echo ${BODY}`);
    const pieces = await client.fetch(`${base}/echo`, { method: "PUT", body: ["x", "y"] });
    assert.equal(pieces.text(), "PUT /echo xy");
    assert.equal((await client.fetch(`${base}/redirect`)).effectiveUrl, `${base}/echo`);
    const { stream } = await client.fetch(`${base}/big`, { streamBody: true });
    let size = 0;
    for await (const chunk of stream!) size += chunk.length;
    assert.equal(size, BODY.length);
    assert.equal(seen.sessions, 1, "one connection carried them all");
    const many = await Promise.all(Array.from({ length: 20 }, (_, i) => client.fetch(`${base}/echo?${i}`)));
    for (const [i, each] of many.entries()) assert.equal(each.text(), `GET /echo?${i} `);
    await assert.rejects(client.fetch(`${base}/missing`), { status: 404 });
  });

  test("errors are those of the client, and the certificate is checked", async (context) => {
    const { base, seen } = await http2(context);
    const client = await adapter(context, { allowH2: true });
    await assert.rejects(client.fetch(`${base}/hang`, { requestTimeout: 100 }), HTTPTimeoutError);
    await assert.rejects(client.fetch(`${base}/reset`), HTTPStreamClosedError);
    assert.equal((await client.fetch(`${base}/echo`)).code, 200);
    const before = seen.streams;
    const stranger = await adapter(context, { allowH2: true, defaults: {} });
    await assert.rejects(stranger.fetch(`${base}/echo`), HTTPConnectError);
    assert.equal(seen.streams, before);
  });

  test("without allowH2 nothing but HTTP/1.1 is offered", async (context) => {
    const { base, seen } = await http2(context);
    const client = await adapter(context);
    await assert.rejects(client.fetch(`${base}/echo`));
    assert.equal(seen.streams, 0);
  });
});

interface SocksSeen {
  readonly asked: string[];
  readonly users: string[];
}

/** A SOCKS5 server (RFC 1928) that wants a name and a password (RFC 1929), and leads everything to this machine. */
async function socks(context: TestContext, password: string): Promise<{ port: number; seen: SocksSeen }> {
  const seen: SocksSeen = { asked: [], users: [] };
  const serve = async (socket: Socket): Promise<void> => {
    let held = Buffer.alloc(0);
    const take = async (count: number): Promise<Buffer> => {
      while (held.length < count) {
        const [chunk] = (await once(socket, "data")) as [Buffer];
        held = Buffer.concat([held, chunk]);
      }
      const taken = held.subarray(0, count);
      held = held.subarray(count);
      return taken;
    };
    const [, methods = 0] = await take(2);
    await take(methods);
    socket.write(Buffer.from([5, 2]));
    const [, userLength = 0] = await take(2);
    const user = (await take(userLength)).toString();
    const [passwordLength = 0] = await take(1);
    const isRight = (await take(passwordLength)).toString() === password;
    seen.users.push(user);
    socket.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) return void socket.end();
    const [, , , kind] = await take(4);
    const host =
      kind === 3
        ? (await take((await take(1))[0]!)).toString()
        : [...(await take(kind === 1 ? 4 : 16))].join(".");
    const port = (await take(2)).readUInt16BE();
    seen.asked.push(host);
    const inside = connect(port, "127.0.0.1");
    inside.on("error", () => socket.destroy());
    await once(inside, "connect");
    socket.on("close", () => inside.destroy());
    socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
    if (held.length > 0) inside.write(held);
    socket.pipe(inside).pipe(socket);
  };
  const server = createServer((socket) => void serve(socket).catch(() => socket.destroy()));
  return { port: await listen(context, server), seen };
}

describe("SOCKS through the adapter", needsPackages("undici"), () => {
  test("a Socks5ProxyAgent as dispatcher: plain and TLS, by name, with a user; a refusal is an error", async (context) => {
    const { Socks5ProxyAgent } = await loadPackage<Undici>("undici");
    const { port, seen } = await socks(context, "secret");
    const plain = await listen(
      context,
      createHttpServer((request, response) => response.end(`plain ${request.url}`)),
    );
    const { base } = await http2(context);
    const url = (password: string): string => `socks5://me:${password}@127.0.0.1:${port}`;
    const dispatcher = new Socks5ProxyAgent(url("secret"), { requestTls: { ca: readFileSync(caCerts) } });
    context.after(() => void dispatcher.destroy());
    const client = await adapter(context, { dispatcher });
    assert.equal((await client.fetch(`http://somewhere.test:${plain}/a`)).text(), "plain /a");
    assert.deepEqual([seen.asked, seen.users], [["somewhere.test"], ["me"]]);
    assert.ok(base.startsWith("https://"));

    const refused = new Socks5ProxyAgent(url("guess"));
    context.after(() => void refused.destroy());
    const outsider = await adapter(context, { dispatcher: refused });
    const error = await outsider.fetch(`http://somewhere.test:${plain}/`).catch((reason: unknown) => reason);
    assert.ok(error instanceof HTTPConnectError || error instanceof HTTPStreamClosedError, String(error));
    assert.equal(seen.asked.length, 1);
  });
});

/** A proxy behind TLS that speaks CONNECT and absolute-form, written on Node's own modules. */
async function secureProxy(context: TestContext): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const inner = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end("by proxy");
  });
  inner.on("connect", (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [, port] = /:(\d+)$/.exec(request.url ?? "") ?? [];
    const onward = connect(Number(port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    socket.on("close", () => onward.destroy());
  });
  const server = createTlsServer(TLS, (socket) => inner.emit("connection", socket));
  server.on("tlsClientError", () => {});
  return { port: await listen(context, server), asked };
}

for (const [name, make] of [
  [
    "SimpleAsyncHTTPClient",
    async (context: TestContext) => {
      const client = new SimpleAsyncHTTPClient({ forceInstance: true, defaults: { caCerts } });
      context.after(() => client.close());
      return client;
    },
  ],
  ["UndiciAsyncHTTPClient", (context: TestContext) => adapter(context)],
] as const) {
  describe(`${name} and a proxy behind TLS`, name.startsWith("Undici") ? needsPackages("undici") : {}, () => {
    test("https goes through a tunnel of it, TLS inside TLS, and its certificate is checked", async (context) => {
      const { port, asked } = await secureProxy(context);
      const server = createTlsServer(TLS, (socket) => {
        socket.on("error", () => {});
        socket.on("data", (chunk: Buffer) => {
          if (!chunk.includes("\r\n\r\n")) return;
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`);
          socket.write(BODY);
        });
      });
      server.on("tlsClientError", () => {});
      const inside = await listen(context, server);
      const client = await make(context);
      const proxySslOptions = { caCerts };
      const through = { proxyHost: "localhost", proxyPort: port, proxySecure: true };
      for (let i = 0; i < 2; i++) {
        const { body } = await client.fetch(`https://localhost:${inside}/`, { ...through, proxySslOptions });
        assert.deepEqual(body, BODY);
      }
      assert.deepEqual(new Set(asked), new Set([`CONNECT localhost:${inside}`]));
      const before = asked.length;
      await assert.rejects(client.fetch(`https://localhost:${inside}/`, through), HTTPConnectError);
      assert.equal(asked.length, before, "a proxy that is not trusted is asked for nothing");
    });
  });
}

test("SimpleAsyncHTTPClient sends plain http to a proxy behind TLS in absolute form", async (context) => {
  const { port, asked } = await secureProxy(context);
  const client = new SimpleAsyncHTTPClient({ forceInstance: true });
  context.after(() => client.close());
  const through = {
    proxyHost: "localhost",
    proxyPort: port,
    proxySecure: true,
    proxySslOptions: { caCerts },
  };
  for (const path of ["/a", "/b"]) {
    assert.equal((await client.fetch(`http://somewhere.test${path}`, through)).text(), "by proxy");
  }
  assert.deepEqual(asked, ["GET http://somewhere.test/a", "GET http://somewhere.test/b"]);
  assert.equal(client.connections, 1);
});
