/** What the system knows of the other end: what it has acknowledged, and whether it has left behind unread bytes. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { IOStream, StreamSink } from "squall/iostream";
import { TCPServer } from "squall/tcpserver";
import { Deferred } from "#room/async/deferred";
import { peerStateOf } from "#room/net/stream/base-stream";
import { peerState } from "#room/net/stream/peer-state";
import { writeProgress } from "#room/net/stream/write-progress";
import { streamKits } from "../../contract/stream-kits.js";
import { canHideProc, withoutProc } from "../../support/without-proc.js";

const isLinux = process.platform === "linux";

const ignorant: StreamSink = { onData() {}, onFin() {}, onDrain() {}, onClose() {} };

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** The server's stream and the client's socket of one connection. */
async function pair(): Promise<{ server: TCPServer; stream: IOStream; socket: Socket }> {
  const accepted = new Deferred<IOStream>();
  class Server extends TCPServer {
    override handleStream(stream: IOStream): void {
      accepted.resolve(stream);
    }
  }
  const server = await new Server({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  const socket = connect(server.port!, "127.0.0.1");
  socket.on("error", () => {});
  return { server, stream: await accepted.promise, socket };
}

for (const [leave, what] of [
  ["end", "a FIN"],
  ["resetAndDestroy", "a reset"],
] as const) {
  test(`${what} behind unread bytes is seen while the input is paused`, { skip: !isLinux }, async () => {
    const { server, stream, socket } = await pair();
    stream.consume(ignorant);
    stream.pauseReading();
    await new Promise((resolve) => socket.write(Buffer.alloc(50_000), resolve));
    assert.equal((await peerStateOf(stream)).hasLeft, false);
    socket[leave]();
    // Bun closes a connection that is reset, also while it is paused.
    while (!stream.closed() && !(await peerStateOf(stream)).hasLeft) await turn();
    assert.equal(stream.finReceived, false);
    socket.destroy();
    stream.close();
    await server.stop();
  });
}

test("progress counts what the reader has acknowledged, not what the kernel has taken", {
  skip: !isLinux,
}, async () => {
  const { server, stream, socket } = await pair();
  socket.pause();
  const size = 1_000_000;
  stream.send(Buffer.alloc(size));
  await stream.drained();
  const taken = stream.writeProgress;
  const before = (await peerStateOf(stream)).progress;
  assert.ok(before < taken, `${before} of ${taken} bytes are acknowledged by a reader that reads nothing`);
  let received = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (received === size) resolve();
    });
  });
  socket.resume();
  await all;
  assert.equal(stream.writeProgress, taken);
  while ((await peerStateOf(stream)).progress < taken) await turn();
  socket.destroy();
  stream.close();
  await server.stop();
});

test("where the system tells nothing, progress is what the kernel takes and the other side has not left", async () => {
  const kit = streamKits.find(({ name }) => name === "pipe")!;
  const { near, far } = await kit.open();
  assert.deepEqual(await peerStateOf(near), { progress: near.writeProgress, hasLeft: false });
  near.close();
  far.close();
});

test("sockets in memory know it by themselves", async () => {
  const kit = streamKits.find(({ name }) => name === "memory")!;
  const { near, far } = await kit.open();
  near.consume(ignorant);
  near.pauseReading();
  near.send(Buffer.alloc(1000));
  far.send(Buffer.alloc(100_000));
  await turn();
  const before = await peerStateOf(near);
  assert.equal(before.hasLeft, false);
  await far.readBytes(1000);
  assert.ok((await peerStateOf(near)).progress > before.progress);
  far.end();
  while (!(await peerStateOf(near)).hasLeft) await turn();
  assert.equal(near.finReceived, false);
  near.close();
  far.close();
});

/** A socket as it looks where the runtime shows no handle. */
function withoutHandle(socket: Socket): Socket {
  return Object.create(socket, { _handle: { value: undefined } }) as Socket;
}

test("without the handle of a socket, progress is what has left Node, and the other side has not left", async () => {
  const { server, stream, socket } = await pair();
  socket.pause();
  const ours = withoutHandle(stream.socket as Socket);
  assert.equal(writeProgress(ours), 0);
  stream.send(Buffer.alloc(20_000_000));
  const waiting = writeProgress(ours);
  assert.ok(waiting < 0, "what waits counts against it");
  assert.deepEqual(await peerState(ours, () => performance.now()), { progress: waiting, hasLeft: false });
  socket.resume();
  await stream.drained();
  assert.equal(writeProgress(ours), 0);
  socket.destroy();
  stream.close();
  await stream.whenClosed();
  assert.equal((await peerState(ours, () => performance.now())).hasLeft, true);
  await server.stop();
});

// The last one: its clock is far ahead, so that the table is read anew.
test("without /proc the same is known as without the handle", { skip: !canHideProc }, async () => {
  const { server, stream, socket } = await pair();
  await withoutProc(async (asked) => {
    const state = await peerState(stream.socket as Socket, () => 1e12);
    assert.deepEqual(state, { progress: stream.writeProgress, hasLeft: false });
    assert.equal(asked(), 2);
  });
  socket.destroy();
  stream.close();
  await server.stop();
});
