/**
 * Streams over sockets whose handles are not those of Node. Each title is true on Node in any case; the sockets here have a
 * handle that does not count, and take what is written in a later turn of the loop, as those of Deno do.
 */
import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { PipeIOStream, StreamClosedError } from "squall/iostream";
import { VirtualLoop } from "squall/testing";
import { genLog } from "#room/base/log";
import { ExpectLog } from "#room/testing/expect-log";

type Written = { readonly data: string | Buffer; readonly encoding: BufferEncoding };

class ForeignSocket extends Duplex {
  readonly _handle: object = {};
  readonly encrypted: boolean;
  readonly written: Written[] = [];
  readonly #takes: (done: (error?: Error) => void) => void;

  constructor(takes: (done: (error?: Error) => void) => void = setImmediate, encrypted = false) {
    super({ decodeStrings: false, allowHalfOpen: true, highWaterMark: 1000 });
    this.#takes = takes;
    this.encrypted = encrypted;
  }

  get bytes(): Buffer {
    return Buffer.concat(
      this.written.map(({ data, encoding }) =>
        typeof data === "string" ? Buffer.from(data, encoding) : data,
      ),
    );
  }

  override _read(): void {}

  override _write(data: string | Buffer, encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#takes((error) => {
      if (error === undefined) this.written.push({ data, encoding });
      done(error);
    });
  }
}

test("what was written directly before close() leaves", async () => {
  const socket = new ForeignSocket();
  const stream = new PipeIOStream(socket);
  stream.send("hello, ");
  stream.send("world");
  stream.close();
  assert.ok(stream.closed());
  await stream.whenClosed();
  assert.equal(socket.bytes.toString(), "hello, world");
});

test("close() waits a second at most for a kernel that takes nothing", async () => {
  await VirtualLoop.run(async (loop) => {
    const socket = new ForeignSocket(() => {});
    const stream = new PipeIOStream(socket);
    stream.send("hello");
    const before = loop.time();
    stream.close();
    await stream.whenClosed();
    assert.ok(socket.destroyed);
    assert.equal(loop.time() - before, 1000);
  });
});

test("drained() resolves when what was written before it is taken, and writes nothing itself", async () => {
  const turns: (() => void)[] = [];
  const socket = new ForeignSocket((done) => turns.push(done));
  const stream = new PipeIOStream(socket);
  await stream.drained();
  stream.send("one");
  const first = stream.drained();
  stream.send("two");
  const second = stream.drained();
  turns.shift()!();
  await first;
  assert.equal(socket.written.length, 1);
  turns.shift()!();
  await second;
  assert.equal(socket.bytes.toString(), "onetwo");
  stream.cork();
  stream.send("three");
  const third = stream.drained();
  stream.uncork();
  turns.shift()!();
  await third;
  assert.ok(socket.written.every(({ data }) => data.length > 0));
  stream.close();
});

test("write() and drained() reject when the system refuses the data a turn later", async () => {
  using _ = new ExpectLog(genLog, /error on a stream: refused/);
  const socket = new ForeignSocket((done) => setImmediate(done, new Error("refused")));
  const stream = new PipeIOStream(socket);
  const writing = stream.write("into the void");
  const draining = stream.drained();
  await assert.rejects(writing, StreamClosedError);
  await assert.rejects(draining, StreamClosedError);
  await stream.whenClosed();
});

test("text in Latin-1 arrives over TLS as it was written, also when it leaves together with other writes", async () => {
  const socket = new ForeignSocket(setImmediate, true);
  const stream = new PipeIOStream(socket);
  stream.send("caf\xe9 ", "latin1");
  stream.send(Buffer.from([0xff]));
  stream.send(" \u20ac ");
  stream.cork();
  stream.send("\xe9", "latin1");
  stream.send(Buffer.from([0xfe]));
  stream.uncork();
  await stream.drained();
  // Deno would encode these as UTF-8.
  assert.ok(socket.written.every(({ data }) => typeof data !== "string"));
  assert.deepEqual(socket.bytes, Buffer.from("caf\xe9 \xff \xe2\x82\xac \xe9\xfe", "latin1"));
  stream.close();
});
