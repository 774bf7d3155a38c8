/** Sockets that deliver as soon as they flow, inside `resume()`: what was queued before goes to the sink first. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { BaseIOStream, type StreamSink } from "squall/iostream";

class EagerSocket extends PassThrough {
  /** What `resume()` delivers. */
  held: string | undefined;

  override resume(): this {
    super.resume();
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.emit("data", Buffer.from(held));
    return this;
  }
}

class Stream extends BaseIOStream {
  constructor(socket: EagerSocket) {
    super();
    this.attach(socket);
  }
}

class Recorder implements StreamSink {
  text = "";

  onData(chunk: Buffer): void {
    this.text += chunk.toString();
  }

  onFin(): void {}
  onDrain(): void {}
  onClose(): void {}
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("a sink that goes on gets first what came while it was paused", async () => {
  const socket = new EagerSocket();
  const stream = new Stream(socket);
  const sink = new Recorder();
  stream.consume(sink);
  socket.emit("data", Buffer.from("1"));
  stream.pauseReading();
  socket.emit("data", Buffer.from("2"));
  socket.held = "3";
  stream.resumeReading();
  await turn();
  assert.equal(sink.text, "123");
  stream.close();
});

test("a new sink gets first what was read ahead", async () => {
  const socket = new EagerSocket();
  const stream = new Stream(socket);
  stream.unread(Buffer.from("1"));
  socket.held = "2";
  const sink = new Recorder();
  stream.consume(sink);
  await turn();
  assert.equal(sink.text, "12");
  stream.close();
});
