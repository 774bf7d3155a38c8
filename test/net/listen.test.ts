/** Listening sockets and addresses. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { IOStream } from "squall/iostream";
import { addAcceptHandler, bindSockets, bindUnixSocket, isValidIp } from "squall/netutil";
import { TCPServer } from "squall/tcpserver";
import { ExpectLog } from "squall/testing";
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
    await assert.rejects(bindUnixSocket(join(folder, "no", "such", "folder")), /ENOENT|EACCES/);
  }),
);

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
