/** TLS: who is believed, who is not, and that nothing which goes wrong in a handshake hurts anybody else. */
import assert from "node:assert/strict";
import { createServer, connect as rawConnect, type Socket } from "node:net";
import { test } from "node:test";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { IOStream, SSLIOStream, StreamClosedError } from "squall/iostream";
import {
  SSLCertificateError,
  type SSLOptions,
  sslMatchHostname,
  sslOptionsToContext,
  sslWrapSocket,
} from "squall/netutil";
import { TCPServer, type TCPServerOptions } from "squall/tcpserver";
import { Deferred } from "#room/async/deferred";
import { TimeoutError } from "#room/base/errors";
import { appLog, genLog } from "#room/base/log";
import { ExpectLog } from "#room/testing/expect-log";
import { caCerts, certificate } from "../support/certs.js";

class Greeter extends TCPServer {
  override async handleStream(stream: IOStream): Promise<void> {
    await stream.write("hello\n");
    await stream.readUntilClose();
  }
}

async function greeter(sslOptions: SSLOptions, options: TCPServerOptions = {}): Promise<Greeter> {
  return await new Greeter({ sslOptions, ...options }).listen(0, "127.0.0.1");
}

async function greeting(
  server: TCPServer,
  sslOptions: SSLOptions,
  serverHostname: string | undefined = "localhost",
): Promise<string> {
  const stream = new SSLIOStream(undefined, { sslOptions });
  await stream.connect({ host: "127.0.0.1", port: server.port! }, { serverHostname });
  const line = await stream.readUntil("\n");
  stream.close();
  return line.toString();
}

function code(expected: string): (error: unknown) => true {
  return (error) => {
    assert.equal((error as NodeJS.ErrnoException).code, expected, String(error));
    return true;
  };
}

test("a client trusts a certificate of its authority for the name, or the address, that it asked for", async () => {
  const server = await greeter(certificate("server"));
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  assert.equal(await greeting(server, { caCerts }, "127.0.0.1"), "hello\n");
  await server.stop();
});

test("a client refuses an unknown authority, another name, and an expired trust in nothing by default", async () => {
  using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  const stranger = await greeter(certificate("stranger"));
  await assert.rejects(greeting(stranger, { caCerts }), code("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
  await assert.rejects(greeting(stranger, {}), code("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
  const other = await greeter(certificate("other"));
  await assert.rejects(greeting(other, { caCerts }), code("ERR_TLS_CERT_ALTNAME_INVALID"));
  assert.equal(await greeting(other, { caCerts }, "other.test"), "hello\n");
  assert.equal(await greeting(other, { caCerts, checkHostname: false }), "hello\n");
  assert.equal(await greeting(stranger, { certReqs: "none" }), "hello\n");
  await Promise.all([stranger.stop(), other.stop()]);
});

test("a checkServerIdentity that throws ends the handshake and nothing else", async () => {
  using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  const server = await greeter(certificate("server"));
  const sslOptions: SSLOptions = {
    caCerts,
    checkServerIdentity() {
      throw new Error("no idea");
    },
  };
  await assert.rejects(greeting(server, sslOptions), /no idea/);
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  await server.stop();
});

test("certReqs: required wants a good certificate of the client", async () => {
  const server = await greeter({ ...certificate("server"), caCerts, certReqs: "required" });
  using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  assert.equal(await greeting(server, { caCerts, ...certificate("client") }), "hello\n");
  await assert.rejects(greeting(server, { caCerts }));
  await assert.rejects(greeting(server, { caCerts, ...certificate("stranger") }));
  await server.stop();
});

test("certReqs: optional lets a client without a certificate in, but not one with a bad one", async () => {
  const server = await greeter({ ...certificate("server"), caCerts, certReqs: "optional" });
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  assert.equal(await greeting(server, { caCerts, ...certificate("client") }), "hello\n");
  await assert.rejects(greeting(server, { caCerts, ...certificate("stranger") }));
  await server.stop();
});

test("the server chooses by SNI; an SNICallback that throws or rejects costs that one connection", async () => {
  using _ = new ExpectLog(appLog, /SNICallback/);
  using __ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  const other = sslOptionsToContext(certificate("other"));
  const server = await greeter({
    ...certificate("server"),
    SNICallback(name, done) {
      if (name === "other.test") return other;
      if (name === "throws.test") throw new Error("boom");
      if (name === "rejects.test") return Promise.reject(new Error("boom"));
      done(null);
      return undefined;
    },
  });
  assert.equal(await greeting(server, { caCerts }, "other.test"), "hello\n");
  await assert.rejects(greeting(server, { caCerts }, "throws.test"));
  await assert.rejects(greeting(server, { caCerts }, "rejects.test"));
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  await server.stop();
});

test("ALPN is agreed on and visible on both sides", async () => {
  const agreed: (string | undefined)[] = [];
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      assert.ok(stream instanceof SSLIOStream);
      await stream.waitForHandshake();
      agreed.push(stream.alpnProtocol);
      stream.close();
    }
  }
  const sslOptions = { ...certificate("server"), ALPNProtocols: ["h9", "squall/1"] };
  const server = await new Server({ sslOptions }).listen(0, "127.0.0.1");
  const stream = new SSLIOStream(undefined, { sslOptions: { caCerts, ALPNProtocols: ["squall/1"] } });
  await stream.connect({ host: "127.0.0.1", port: server.port! });
  assert.equal(stream.alpnProtocol, "squall/1");
  await stream.readUntilClose();
  assert.deepEqual(agreed, ["squall/1"]);
  await server.stop();
});

test("handleStream() begins before the handshake; garbage instead of TLS is logged and the server goes on", async () => {
  using _ = new ExpectLog(genLog, /TLS handshake failed/);
  const server = await greeter(certificate("server"));
  const socket = rawConnect(server.port!, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.0\r\n\r\n");
  await new Promise((resolve) => socket.once("close", resolve).resume());
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  await server.stop();
});

test("a client that resets or leaves during the handshake leaves no line in the log", async () => {
  const server = await greeter(certificate("server"));
  for (const leave of ["resetAndDestroy", "end"] as const) {
    const socket = rawConnect(server.port!, "127.0.0.1");
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("connect", resolve));
    socket[leave]();
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
  }
  while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  await server.stop();
});

test("a client that never begins is closed after handshakeTimeout", async () => {
  using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  const server = await greeter(certificate("server"), { handshakeTimeout: 30 });
  const socket = rawConnect(server.port!, "127.0.0.1");
  await new Promise((resolve) => socket.once("close", resolve).resume());
  await server.stop();
});

test("a missing or unreadable certificate is refused in the constructor", () => {
  const missing = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
  assert.throws(() => new TCPServer({ sslOptions: {} }), missing);
  assert.throws(() => new TCPServer({ sslOptions: { certfile: "/no/such/file.pem" } }), missing);
  const { certfile } = certificate("server");
  assert.throws(() => new TCPServer({ sslOptions: { certfile, keyfile: "/no/such/key.pem" } }), missing);
  assert.throws(() => sslOptionsToContext({ certReqs: "perhaps" as "none" }), missing);
});

test("sslOptionsToContext() passes contexts through, Node's too", () => {
  const context = sslOptionsToContext(certificate("server"), { serverSide: true });
  assert.equal(sslOptionsToContext(context), context);
  assert.equal(sslOptionsToContext(context.secureContext).secureContext, context.secureContext);
});

test("startTls() turns a plain connection into TLS on both sides, and the close callback moves along", async () => {
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.readUntil("STARTTLS\n");
      await stream.write("go on\n");
      const secure = await stream.startTls(true, { sslOptions: certificate("server") });
      await assert.rejects(stream.write("x"), StreamClosedError);
      for await (const chunk of secure) await secure.write(chunk);
    }
  }
  const server = await new Server().listen(0, "127.0.0.1");
  const plain = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  const closed = new Promise<void>((resolve) => plain.setCloseCallback(resolve));
  await plain.write("STARTTLS\n");
  await plain.readUntil("\n");
  const secure = await plain.startTls(false, { sslOptions: { caCerts }, serverHostname: "localhost" });
  assert.ok(plain.closed());
  await secure.write("secret");
  assert.equal((await secure.readBytes(6)).toString(), "secret");
  secure.close();
  await closed;
  await server.stop();
});

test("startTls() on a TLS stream runs a second TLS inside the first, with a certificate of its own", async () => {
  const ended = new Deferred();
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      stream.setCloseCallback(() => ended.resolve());
      await stream.readUntil("INNER\n");
      await stream.write("go on\n");
      while (stream.writing()) await new Promise((resolve) => setImmediate(resolve));
      const inner = await stream.startTls(true, { sslOptions: certificate("other") });
      for await (const chunk of inner) await inner.write(chunk);
    }
  }
  using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  const server = await new Server({ sslOptions: certificate("server") }).listen(0, "127.0.0.1");
  const connectOuter = async (): Promise<SSLIOStream> => {
    const stream = new SSLIOStream(undefined, { sslOptions: { caCerts } });
    await stream.connect({ host: "127.0.0.1", port: server.port! }, { serverHostname: "localhost" });
    await stream.write("INNER\n");
    await stream.readUntil("\n");
    return stream;
  };
  const outer = await connectOuter();
  const closed = new Promise<void>((resolve) => outer.setCloseCallback(resolve));
  const inner = await outer.startTls(false, {
    sslOptions: { caCerts },
    serverHostname: "other.test",
  });
  assert.ok(outer.closed());
  inner.setNodelay(true);
  inner.keepsAlive(false);
  inner.keepsAlive(true);
  const sent = Buffer.alloc(300_000, "both layers ");
  const [, received] = await Promise.all([inner.write(sent), inner.readBytes(sent.length)]);
  assert.deepEqual(received, sent);
  assert.match(String(inner.socket?.getPeerCertificate().subject.CN), /other/);
  inner.close();
  await closed;
  await ended.promise;

  const refused = await connectOuter();
  await assert.rejects(
    refused.startTls(false, { sslOptions: { caCerts }, serverHostname: "localhost" }),
    code("ERR_TLS_CERT_ALTNAME_INVALID"),
  );
  assert.ok(refused.closed());
  const reset = await (await connectOuter()).startTls(false, {
    sslOptions: { caCerts },
    serverHostname: "other.test",
  });
  reset.close();
  await server.stop();
  await server.closeAllConnections({ timeout: 1000 });
});

test("startTls() takes a ClientHello that was read ahead for the beginning of TLS", async () => {
  const lineRead = new Deferred();
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.readUntil("STARTTLS\n");
      lineRead.resolve();
      // A stream with a close callback reads ahead.
      stream.setCloseCallback(() => {});
      while (stream.bytesBuffered < 100) await new Promise((resolve) => setImmediate(resolve));
      const secure = await stream.startTls(true, { sslOptions: certificate("server") });
      await secure.write(await secure.readUntil("\n"));
    }
  }
  const server = await new Server().listen(0, "127.0.0.1");
  const plain = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  await plain.write("STARTTLS\n");
  // This client does not wait for an answer before it begins.
  await lineRead.promise;
  const secure = await plain.startTls(false, { sslOptions: { caCerts }, serverHostname: "localhost" });
  await secure.write("secret\n");
  assert.equal((await secure.readUntil("\n")).toString(), "secret\n");
  secure.close();
  await server.stop();
});

test("startTls() refuses a stream that is not idle and leaves it as it was", async () => {
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.write("line\nleft over");
      await stream.readUntilClose();
    }
  }
  const server = await new Server().listen(0, "127.0.0.1");
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  const options = { sslOptions: { caCerts }, serverHostname: "localhost" };
  const reading = stream.readUntil("\n");
  await assert.rejects(stream.startTls(false, options), /not idle/);
  await reading;
  await assert.rejects(stream.startTls(false, options), /not idle/);
  await assert.rejects(stream.startTls(false, { sslOptions: { caCerts } }), /serverHostname/);
  assert.equal((await stream.readBytes(9)).toString(), "left over");
  // Now it is idle, but the call is not one that can be made.
  await assert.rejects(stream.startTls(false, { ...options, timeout: Number.NaN }), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
  });
  const reason = new Error("no longer");
  await assert.rejects(stream.startTls(false, { ...options, signal: AbortSignal.abort(reason) }), reason);
  assert.equal(stream.closed(), false);
  await stream.write("still plain");
  stream.close();
  await server.stop();
});

test("waitForHandshake() has one waiter and rejects with what made the handshake fail", async () => {
  const silent = await new (class extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.readUntilClose();
    }
  })().listen(0, "127.0.0.1");
  const socket = rawConnect(silent.port!, "127.0.0.1");
  const stream = new SSLIOStream(socket, { serverHostname: "localhost", handshakeTimeout: 50 });
  const first = stream.waitForHandshake();
  await assert.rejects(stream.waitForHandshake(), /already/);
  await assert.rejects(first, TimeoutError);
  assert.ok(stream.closed());
  await assert.rejects(stream.waitForHandshake(), TimeoutError);
  await silent.stop();
});

test("connect() with a timeout covers the handshake and closes the stream", async () => {
  const silent = await new (class extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.readUntilClose();
    }
  })().listen(0, "127.0.0.1");
  const stream = new SSLIOStream(undefined, { sslOptions: { caCerts } });
  await assert.rejects(
    stream.connect({ host: "127.0.0.1", port: silent.port! }, { timeout: 50 }),
    TimeoutError,
  );
  assert.ok(stream.closed());
  await stream.whenClosed();
  await silent.stop();
});

test("an orderly close says goodbye inside TLS", async () => {
  const server = await greeter(certificate("server"));
  const stream = new SSLIOStream(undefined, { sslOptions: { caCerts } });
  await stream.connect({ host: "127.0.0.1", port: server.port! });
  assert.equal((await stream.readUntil("\n")).toString(), "hello\n");
  assert.equal(stream.socket?.getProtocol(), "TLSv1.3");
  stream.close();
  while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
});

test("sslWrapSocket() gives a verified TLS socket, and sslMatchHostname() checks a certificate", async () => {
  const server = await greeter(certificate("server"));
  const socket = rawConnect(server.port!, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  const tls = await sslWrapSocket(socket, { caCerts }, { serverHostname: "localhost" });
  assert.equal(tls.authorized, true);
  const cert = tls.getPeerCertificate();
  sslMatchHostname(cert, "localhost");
  sslMatchHostname(cert, "127.0.0.1");
  assert.throws(() => sslMatchHostname(cert, "other.test"), SSLCertificateError);
  tls.destroy();
  await server.stop();
});

test("sslWrapSocket() refuses a server that is not who it should be", async () => {
  using _ = new ExpectLog(genLog, /TLS handshake failed/, { required: false });
  const server = await greeter(certificate("other"));
  const socket = rawConnect(server.port!, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  await assert.rejects(
    sslWrapSocket(socket, { caCerts }, { serverHostname: "localhost" }),
    code("ERR_TLS_CERT_ALTNAME_INVALID"),
  );
  assert.ok(socket.destroyed);
  await assert.rejects(sslWrapSocket(socket, { caCerts }), /serverHostname/);
  await server.stop();
});

test("what was written right before close() arrives, and the other side sees an orderly end", async () => {
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await (stream as SSLIOStream).waitForHandshake();
      void stream.write("goodbye");
      stream.close();
    }
  }
  const server = await new Server({ sslOptions: certificate("server") }).listen(0, "127.0.0.1");
  for (let i = 0; i < 20; i++) {
    const stream = new SSLIOStream(undefined, { sslOptions: { caCerts } });
    await stream.connect({ host: "127.0.0.1", port: server.port! });
    assert.equal((await stream.readUntilClose()).toString(), "goodbye");
    assert.equal(stream.error, undefined);
  }
  await server.stop();
});

test("write() before the handshake resolves when the data can leave, so that close() loses nothing", async () => {
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.write("hello and goodbye");
      stream.close();
    }
  }
  const server = await new Server({ sslOptions: certificate("server") }).listen(0, "127.0.0.1");
  const stream = new SSLIOStream(undefined, { sslOptions: { caCerts } });
  await stream.connect({ host: "127.0.0.1", port: server.port! });
  assert.equal((await stream.readUntilClose()).toString(), "hello and goodbye");
  await server.stop();
});

/** A client that has done its handshake with a server that waits for a line; what lies between them can be written to. */
async function tamperable(): Promise<{
  readonly server: TCPServer;
  readonly client: TLSSocket;
  /** The connection that the server sees, below TLS. */
  readonly wire: Socket;
  /** What the handler's pending read rejected with. */
  readonly failure: Promise<unknown>;
}> {
  let report: (error: unknown) => void = () => {};
  const failure = new Promise<unknown>((resolve) => {
    report = resolve;
  });
  class Server extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.readUntil("\n").then(() => report(undefined), report);
    }
  }
  const server = await new Server({ sslOptions: certificate("server") }).listen(0, "127.0.0.1");
  const wire = rawConnect(server.port!, "127.0.0.1");
  const relay = createServer((near) => {
    near.on("error", () => {});
    wire.on("error", () => {});
    near.on("data", (chunk) => wire.write(chunk));
    wire.on("data", (chunk) => near.write(chunk));
    wire.once("close", () => near.destroy());
    relay.close();
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as { port: number };
  const client = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false, maxVersion: "TLSv1.2" });
  client.on("error", () => {});
  await new Promise((resolve) => client.once("secureConnect", resolve));
  return { server, client, wire, failure };
}

test("a broken record after the handshake closes the connection at once; the pending read rejects", async () => {
  using log = new ExpectLog(genLog, /^error on a stream: .*[^\n]$/);
  const { server, wire, failure } = await tamperable();
  const closed = new Promise((resolve) => wire.once("close", resolve));
  wire.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40, 7)]));
  const error = await failure;
  assert.ok(error instanceof StreamClosedError);
  assert.ok(error.realError instanceof Error);
  await closed;
  while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(log.matched, 1);
  await server.stop();
});

test("what follows a broken record is not kept: a peer that goes on sending is cut off", async () => {
  using _ = new ExpectLog(genLog, /error on a stream/);
  const { server, wire } = await tamperable();
  const closed = new Promise((resolve) => wire.once("close", resolve));
  wire.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40, 7)]));
  const junk = Buffer.alloc(65_536, 7);
  let sent = 0;
  const pour = (): void => {
    while (!wire.destroyed && sent < 200_000_000 && wire.write(junk)) sent += junk.length;
  };
  wire.on("drain", pour);
  pour();
  await closed;
  assert.ok(sent < 50_000_000, `the server took ${sent} bytes`);
  await server.stop();
});

test("a client that asks for another handshake on a TLS 1.2 connection is refused and cut off", async (t) => {
  const { server, client, wire, failure } = await tamperable();
  assert.equal(client.getProtocol(), "TLSv1.2");
  const closed = new Promise((resolve) => client.once("close", resolve));
  if (client.renegotiate({ rejectUnauthorized: false }, () => {}) === false) {
    client.destroy();
    wire.destroy();
    await server.stop();
    t.skip("the client of this platform cannot ask for another handshake");
    return;
  }
  using _ = new ExpectLog(genLog, /error on a stream: .*renegotiation/);
  assert.ok((await failure) instanceof StreamClosedError);
  await closed;
  await server.stop();
});

test("an SNICallback that returns undefined and takes no callback stands for the default certificate", async () => {
  const server = await greeter({ ...certificate("server"), SNICallback: () => undefined });
  assert.equal(await greeting(server, { caCerts }), "hello\n");
  await server.stop();
});

test("a failed handshake is one line in the log, without a line break at its end", async () => {
  using log = new ExpectLog(genLog, /^TLS handshake failed: .*[^\n]$/);
  const server = await greeter(certificate("server"));
  const socket = rawConnect(server.port!, "127.0.0.1");
  socket.on("error", () => {});
  socket.end("no TLS at all\r\n\r\n");
  await new Promise((resolve) => socket.once("close", resolve).resume());
  assert.equal(log.matched, 1);
  await server.stop();
});
