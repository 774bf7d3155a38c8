/** Plain streams over real sockets: the things that the contract suite cannot ask of every kind of stream. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { IOStream, type PipeIOStream, StreamClosedError } from "squall/iostream";
import { Subprocess } from "squall/process";
import { TCPServer } from "squall/tcpserver";
import { Deferred } from "#room/async/deferred";
import { coalesceWrites } from "#room/net/stream/base-stream";
import { moduleCommand } from "../../support/module-program.js";

/** A server on a free port of 127.0.0.1 which gives each connection to `handle`. */
async function serve(handle: (stream: IOStream) => unknown): Promise<TCPServer> {
  class Server extends TCPServer {
    override handleStream(stream: IOStream): unknown {
      return handle(stream);
    }
  }
  return await new Server().listen(0, "127.0.0.1");
}

async function echo(stream: IOStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk);
}

test("a client and a server talk over IOStream", async () => {
  const server = await serve(echo);
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  await stream.write("hello\nworld");
  assert.equal((await stream.readUntil("\n")).toString(), "hello\n");
  assert.equal((await stream.readBytes(5)).toString(), "world");
  stream.close();
  await stream.whenClosed();
  await server.stop();
});

test("what is written before connect() is sent once the connection is there", async () => {
  const server = await serve(echo);
  const stream = new IOStream();
  void stream.write("early ");
  void stream.write(Buffer.from("bird"));
  await stream.connect(["127.0.0.1", server.port!]);
  assert.equal((await stream.readBytes(10)).toString(), "early bird");
  stream.close();
  await server.stop();
});

test("connect() rejects and closes the stream when nobody listens", async () => {
  const server = await serve(echo);
  const port = server.port!;
  await server.stop();
  const stream = new IOStream();
  await assert.rejects(stream.connect({ host: "127.0.0.1", port }), (error: unknown) => {
    assert.ok(error instanceof StreamClosedError);
    assert.equal((error.realError as NodeJS.ErrnoException).code, "ECONNREFUSED");
    return true;
  });
  assert.ok(stream.closed());
  assert.equal((stream.error as NodeJS.ErrnoException).code, "ECONNREFUSED");
});

test("consume() hands every chunk to the sink and ends with one onClose", async () => {
  const heard: string[] = [];
  let finished: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const server = await serve((stream) => {
    stream.consume({
      onData(chunk) {
        heard.push(`data ${chunk}`);
        stream.cork();
        stream.send("a", "latin1");
        stream.send(Buffer.from("b"));
        stream.uncork();
      },
      onFin: () => heard.push("fin"),
      onDrain: () => heard.push("drain"),
      onClose(error) {
        heard.push(`close ${error}`);
        finished();
      },
    });
  });
  const socket = connect(server.port!, "127.0.0.1");
  socket.write("x");
  await new Promise<void>((resolve) => {
    socket.once("data", (chunk) => {
      assert.equal(chunk.toString(), "ab");
      socket.end();
      resolve();
    });
  });
  await over;
  assert.deepEqual(heard, ["data x", "fin", "close undefined"]);
  await server.stop();
});

test("a second read is refused while one is pending, and the first goes on", async () => {
  const server = await serve(echo);
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  const first = stream.readUntil("\n");
  await assert.rejects(stream.readBytes(1), { code: "ERR_SQUALL_INVALID_STATE" });
  await stream.write("hello\n");
  assert.equal((await first).toString(), "hello\n");
  stream.close();
  await server.stop();
});

test("what was received can be read after the other side has closed", async () => {
  const server = await serve(async (stream) => {
    await stream.write("line\nrest");
    stream.close();
  });
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  await stream.whenClosed();
  assert.equal((await stream.readUntil("\n")).toString(), "line\n");
  assert.equal((await stream.readUntilClose()).toString(), "rest");
  await assert.rejects(stream.readBytes(1), StreamClosedError);
  await server.stop();
});

test("descriptors run out: connections are dropped, nothing spins or dies, and accepting resumes", async (t) => {
  // A server in a process of its own, with few descriptors.
  const program = `
    import { TCPServer } from ${JSON.stringify(import.meta.resolve("squall/tcpserver"))};
    class Hold extends TCPServer {
      async handleStream(stream) { await stream.write("x"); await stream.readUntilClose(); }
    }
    const server = await new Hold().listen(0, "127.0.0.1");
    console.log(server.port);
    process.on("SIGUSR2", () => console.log(JSON.stringify(process.cpuUsage())));
  `;
  const folder = mkdtempSync(join(tmpdir(), "squall-descriptors-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const limited = 'ulimit -n 64 && exec "$0" "$@"';
  const child = new Subprocess(["sh", "-c", limited, ...moduleCommand(folder, program)], {
    stdin: "ignore",
    stdout: Subprocess.STREAM,
    stderr: Subprocess.STREAM,
  });
  const output = child.stdout as PipeIOStream;
  const port = Number(await output.readUntil("\n", { timeout: 10_000 }));
  const address = { host: "127.0.0.1", port };
  const streams = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const stream = new IOStream();
      try {
        await stream.connect(address);
        await stream.readBytes(1);
      } catch (error) {
        assert.ok(error instanceof StreamClosedError);
      }
      return stream;
    }),
  );
  const served = streams.filter((stream) => !stream.closed());
  assert.ok(served.length > 0 && served.length < 100, `${served.length} of 100 served`);
  const cpu = async (): Promise<number> => {
    child.proc.kill("SIGUSR2");
    const { user, system } = JSON.parse((await output.readUntil("\n", { timeout: 10_000 })).toString());
    return user + system;
  };
  const before = await cpu();
  await assert.rejects(served[0]!.readBytes(1, { timeout: 300 }));
  const spent = (await cpu()) - before;
  assert.ok(spent < 150_000, `it spent ${spent} µs of 300,000 although nothing happened`);
  for (const stream of served) stream.close();
  for (;;) {
    const stream = new IOStream();
    try {
      await stream.connect(address);
      await stream.readBytes(1);
      stream.close();
      break;
    } catch (error) {
      assert.ok(error instanceof StreamClosedError);
    }
  }
  child.proc.kill("SIGKILL");
  await child.waitForExit({ raiseError: false });
});

test("a read that nobody awaits does not end the process when the other side leaves", async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", listener);
  const server = await serve((stream) => stream.close());
  const stream = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  void stream.readBytes(1);
  await stream.whenClosed();
  void stream.readBytes(1);
  void stream.write("x");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", listener);
  assert.deepEqual(unhandled, []);
  await server.stop();
});

test("write() and drained() reject when the peer has reset the connection", async () => {
  const accepted = new Deferred<IOStream>();
  const server = await serve((stream) => accepted.resolve(stream));
  const socket = connect(server.port!, "127.0.0.1");
  socket.on("error", () => {});
  const stream = await accepted.promise;
  socket.resetAndDestroy();
  await new Promise((resolve) => socket.once("close", resolve));
  // This side does not read, so only the system knows of the reset.
  assert.equal(stream.closed(), false);
  await assert.rejects(stream.write("into the void"), StreamClosedError);
  await assert.rejects(stream.drained(), StreamClosedError);
  assert.ok(stream.error instanceof Error);
  await server.stop();
});

test("write() and drained() reject when a child process has closed its standard input", async () => {
  const child = new Subprocess(["sh", "-c", "exec <&-; echo closed; cat >/dev/null <&- || true; sleep 5"], {
    stdin: Subprocess.STREAM,
    stdout: Subprocess.STREAM,
    stderr: "ignore",
  });
  await (child.stdout as PipeIOStream).readUntil("\n");
  const stdin = child.stdin as PipeIOStream;
  const writing = stdin.write("nobody reads this");
  const drained = stdin.drained();
  await assert.rejects(writing, StreamClosedError);
  await assert.rejects(drained, StreamClosedError);
  child.proc.kill("SIGKILL");
  await child.waitForExit({ raiseError: false });
});

test("connect() resolves before the write() that was made first", async () => {
  const server = await serve(echo);
  const stream = new IOStream();
  const order: string[] = [];
  const writing = stream.write("early").then(() => order.push("write"));
  const connecting = stream
    .connect({ host: "127.0.0.1", port: server.port! })
    .then(() => order.push("connect"));
  await Promise.all([writing, connecting]);
  assert.deepEqual(order, ["connect", "write"]);
  assert.equal((await stream.readBytes(5)).toString(), "early");
  stream.close();
  await server.stop();
});

test("connect() with a signal that has aborted closes the stream", async () => {
  const stream = new IOStream();
  const reason = new Error("no longer");
  const writing = stream.write("never sent");
  await assert.rejects(
    stream.connect({ host: "127.0.0.1", port: 1 }, { signal: AbortSignal.abort(reason) }),
    reason,
  );
  assert.ok(stream.closed());
  assert.equal(stream.error, reason);
  await assert.rejects(writing, StreamClosedError);
});

test("connect() with an invalid option is refused and leaves the stream as it was", async () => {
  const server = await serve(echo);
  const stream = new IOStream();
  const address = { host: "127.0.0.1", port: server.port! };
  await assert.rejects(stream.connect(address, { timeout: Number.NaN }), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
  });
  assert.equal(stream.closed(), false);
  await stream.connect(address, { signal: null });
  stream.close();
  await server.stop();
});

test("write coalescing sends what one turn has queued on a stream in one write, whatever else is corked", async () => {
  const accepted = new Deferred<IOStream>();
  const server = await serve((stream) => accepted.resolve(stream));
  const client = await new IOStream().connect({ host: "127.0.0.1", port: server.port! });
  const stream = await accepted.promise;
  coalesceWrites(stream, stream.ioLoop.time());
  stream.uncork(); // one too many: the turn's cork is not the caller's to take
  stream.send("head ", "latin1");
  stream.cork();
  stream.send("body", "latin1");
  stream.uncork();
  assert.equal(stream.bytesQueued, 9);
  assert.equal(stream.socket?.writableLength, 0);
  assert.equal((await client.readBytes(9)).toString(), "head body");
  client.close();
  stream.close();
  await server.stop();
});
