/** Listening sockets and addresses. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import { IOStream } from "squall/iostream";
import { addAcceptHandler, bindSockets, bindUnixSocket, isValidIp } from "squall/netutil";
import { TCPServer } from "squall/tcpserver";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { errorSite } from "#room/base/call-site";
import { appLog } from "#room/base/log";
import { normalizeAddress } from "#room/net/address";

function inTemporaryFolder(body: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test("isValidIp() takes literal addresses and nothing else", () => {
  for (const ip of ["127.0.0.1", "4.4.4.4", "::1", "2620:0:1cfe:face:b00c::3"]) assert.ok(isValidIp(ip), ip);
  for (const ip of [
    "",
    " ",
    "\n",
    "www.example.com",
    "localhost",
    "4.4.4.4<",
    " 127.0.0.1",
    "\0",
    "\x0a7.0.0.1",
    "1.2.3",
  ]) {
    assert.equal(isValidIp(ip), false, JSON.stringify(ip));
  }
});

test("bindSockets() gives IPv4 and IPv6 the same free port; IPv6 sockets take IPv6 alone", async () => {
  const sockets = await bindSockets(0);
  const ports = new Set(sockets.map((socket) => (socket.address as { port: number }).port));
  assert.equal(ports.size, 1);
  assert.equal(
    new Set(sockets.map((socket) => (socket.address as { family: number }).family)).size,
    sockets.length,
  );
  await Promise.all(sockets.map((socket) => socket.close()));
});

test("bindSockets() leaves nothing open when one address cannot be bound", async () => {
  const [taken] = await bindSockets(0, "127.0.0.1");
  const { port } = taken!.address as { port: number };
  await assert.rejects(bindSockets(port, { address: "127.0.0.1" }), { code: "EADDRINUSE" });
  await taken!.close();
  const [again] = await bindSockets(port, "127.0.0.1");
  await again!.close();
  await assert.rejects(bindSockets(0, "no.such.host.invalid"), /ENOTFOUND|EAI_AGAIN/);
  await assert.rejects(bindSockets(70_000), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
});

test(
  "bindUnixSocket() makes a socket of mode 0600, replaces a stale one, and refuses other files",
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "app.sock");
    const first = await bindUnixSocket(path);
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
    // As if the first process had died: the file is there, and somebody else takes the name.
    const second = await bindUnixSocket(path, { mode: 0o660 });
    assert.equal(lstatSync(path).mode & 0o777, 0o660);
    class Greeter extends TCPServer {
      override handleStream(stream: IOStream, address: unknown): void {
        assert.deepEqual(address, { path: "" });
        stream.setNodelay(true);
        void stream.write("hello");
        stream.close();
      }
    }
    const server = new Greeter();
    server.addSocket(second);
    const stream = await new IOStream().connect({ path });
    assert.equal((await stream.readUntilClose()).toString(), "hello");
    await server.stop();
    await first.close();
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    await assert.rejects(bindUnixSocket(file), /not a socket/);
    // What a missing folder is called depends on the system.
    await assert.rejects(bindUnixSocket(join(folder, "no", "such", "folder")), (error) =>
      /^(ENOENT|EACCES)$/.test((error as NodeJS.ErrnoException).code ?? ""),
    );
  }),
);

test(
  "closing a unix socket leaves alone what another process has bound under its name",
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "app.sock");
    const old = await bindUnixSocket(path);
    const successor = await bindUnixSocket(path);
    await old.close();
    assert.ok(lstatSync(path).isSocket());
    const server = new TCPServer();
    server.handleStream = (stream: IOStream): void => stream.close();
    server.addSocket(successor);
    const stream = await new IOStream().connect({ path });
    assert.equal((await stream.readUntilClose()).length, 0);
    await server.stop();
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test(
  "a path that the system would cut off is refused before anything is bound",
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "x".repeat(107 - Buffer.byteLength(folder)));
    assert.equal(Buffer.byteLength(path), 108);
    const isRefused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
    await assert.rejects(bindUnixSocket(path), isRefused);
    await assert.rejects(new IOStream().connect({ path }), isRefused);
    assert.deepEqual(readdirSync(folder), []);
    const longest = await bindUnixSocket(path.slice(0, 107));
    const stream = await new IOStream().connect({ path: path.slice(0, 107) });
    stream.close();
    await longest.close();
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test("stop() accepts what the system has queued: those clients are served, not reset", async () => {
  class Greeter extends TCPServer {
    override async handleStream(stream: IOStream): Promise<void> {
      await stream.write("hello");
      stream.close();
    }
  }
  const server = await new Greeter().listen(0, "127.0.0.1");
  // A child, since connections of this process would be accepted as they are made.
  const program = `
    const net = require("node:net");
    let open = 0, served = 0, closed = 0;
    for (let i = 0; i < 50; i++) {
      const socket = net.connect(${server.port}, "127.0.0.1", () => { if (++open === 50) console.log("open"); });
      socket.on("data", () => served++).on("error", () => {}).on("close", () => {
        if (++closed === 50) console.log("served " + served);
      });
    }`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "spawn");
  // The loop of this process is blocked until all of them are in the system's queue.
  const queued = (): number => {
    const line = readFileSync("/proc/net/tcp", "latin1")
      .split("\n")
      .find((row) =>
        row.includes(`:${server.port!.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`),
      );
    return Number.parseInt(/ 0A [0-9A-F]+:([0-9A-F]+) /.exec(line ?? "")?.[1] ?? "0", 16);
  };
  while (queued() < 50) spawnSync("sleep", ["0.02"]);
  const stopping = server.stop();
  await stopping;
  await once(child, "exit");
  assert.match(output, /served 50/);
});

test("addAcceptHandler() accepts until its remover is called; an error of the callback is logged", async () => {
  const [socket] = await bindSockets(0, "127.0.0.1");
  const { port } = socket!.address as { port: number };
  const hosts: string[] = [];
  const remove = addAcceptHandler(socket!, (connection, address) => {
    hosts.push("host" in address ? address.host : "");
    connection.destroy();
    if (hosts.length === 2) throw new Error("boom");
  });
  await once(connect(port, "127.0.0.1").resume(), "close");
  {
    using _ = new ExpectLog(appLog, /accept handler/);
    await once(connect(port, "127.0.0.1").resume(), "close");
  }
  remove();
  remove();
  const waiting = connect(port, "127.0.0.1");
  await once(waiting, "connect");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(hosts, ["127.0.0.1", "127.0.0.1"]);
  waiting.destroy();
  await socket!.close();
});

test("connect addresses are checked: a pair, an object, a path", () => {
  assert.deepEqual(normalizeAddress(["localhost", 80]), { host: "localhost", port: 80 });
  assert.deepEqual(normalizeAddress({ path: "/x" }), { path: "/x" });
  for (const bad of [
    ["", 80],
    ["a", 70_000],
    ["a", -1],
    ["a", 1.5],
  ] as const) {
    assert.throws(() => normalizeAddress(bad), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  }
});

describe("the error of an address that cannot be listened on", () => {
  class Main extends RequestHandler {}
  const ways: Readonly<Record<string, (port: number) => Promise<unknown>>> = {
    "Application.listen()": (port) => new Application([["/", Main]]).listen(port, "127.0.0.1"),
    "HTTPServer.listen()": (port) => new HTTPServer(() => {}).listen(port, "127.0.0.1"),
    "TCPServer.listen()": (port) => new TCPServer().listen(port, "127.0.0.1"),
    "TCPServer.bind()": (port) => new TCPServer().bind(port, "127.0.0.1"),
    "bindSockets()": (port) => bindSockets(port, "127.0.0.1"),
  };
  for (const [way, listen] of Object.entries(ways)) {
    test(`of ${way} names the address and what to do, and its stack leads to the line of the program`, async () => {
      const [taken] = await bindSockets(0, "127.0.0.1");
      const { port } = taken!.address as { port: number };
      const error = await listen(port).then(
        () => assert.fail("it listens twice"),
        (reason: NodeJS.ErrnoException & { port?: number }) => reason,
      );
      await taken!.close();
      assert.equal(error.code, "EADDRINUSE");
      assert.equal(error.port, port);
      assert.match(
        error.message,
        new RegExp(`already in use 127\\.0\\.0\\.1:${port}: another program, .*0 takes a free one`),
      );
      assert.ok(error.stack?.startsWith(`Error: ${error.message}\n`), error.stack);
      assert.equal(errorSite(error).module, "listen.test");
    });
  }

  test("says of an address that this machine lacks what would do instead", async () => {
    await assert.rejects(bindSockets(0, "203.0.113.5"), {
      code: "EADDRNOTAVAIL",
      message: /203\.0\.113\.5.*no interface of this machine has the address/,
    });
  });
});
