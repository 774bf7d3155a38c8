/** Plain streams over real sockets: the things that the contract suite cannot ask of every kind of stream. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { IOStream, StreamClosedError } from "squall/iostream";
import { TCPServer } from "squall/tcpserver";

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
