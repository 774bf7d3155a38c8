/** Reads into one buffer that all sockets share. Where sockets cannot lend, bytes come as `data` events. */
import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { endLending, type LentReader, lendReads } from "#room/net/stream/lent-reads";
import { streamKits, waysOf } from "../../contract/stream-kits.js";

const { bun } = process.versions;

class Reader implements LentReader {
  readonly lent: Buffer[] = [];
  readonly kept: Buffer[] = [];
  bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #isReadAgain = false;

  /** Whether something was read into a buffer that had been given away. One that was lent may be given later. */
  get isReadAgain(): boolean {
    return this.#isReadAgain;
  }

  receiveLent(chunk: Buffer): void {
    this.#isReadAgain ||= this.kept.some(({ buffer }) => buffer === chunk.buffer);
    this.lent.push(chunk);
    this.#take(chunk);
  }

  receive(chunk: Buffer): void {
    this.kept.push(chunk);
    this.#take(chunk);
  }

  #take(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    this.#wake?.();
  }

  async until(length: number): Promise<void> {
    while (this.bytes.length < length) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const servers: Server[] = [];
const sockets: Socket[] = [];
after(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

/** A socket that a server has accepted, and its other end. */
async function pair(): Promise<{ accepted: Socket; client: Socket }> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const accepting = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  await new Promise((resolve) => client.once("connect", resolve));
  const accepted = await accepting;
  sockets.push(client, accepted);
  return { accepted, client };
}

/** Deno's TLS sockets read inside `resume()`, and do not lend. */
const kinds = process.versions.deno === undefined ? ["TCP", "TLS"] : ["TCP"];

for (const kit of streamKits.filter(({ name }) => kinds.includes(name))) {
  test(`a stream over ${kit.name} lends what it reads to a sink that takes it so`, {
    skip: bun !== undefined,
  }, async () => {
    const ways = await waysOf(kit);
    assert.equal(ways[0], "onLent");
  });
}

describe("lendReads()", { skip: bun !== undefined }, () => {
  test("short reads of all sockets share one buffer", async () => {
    const [first, second] = [await pair(), await pair()];
    const readers = [new Reader(), new Reader()];
    assert.ok(lendReads(first.accepted, readers[0]!));
    assert.ok(lendReads(second.accepted, readers[1]!));
    first.client.write("first");
    await readers[0]!.until(5);
    second.client.write("other");
    await readers[1]!.until(5);
    assert.equal(readers[0]!.bytes.toString(), "first");
    assert.equal(readers[1]!.bytes.toString(), "other");
    assert.equal(readers[0]!.lent[0]!.toString(), "other", "what was lent has been read over");
  });

  test("of much that comes at once, only the first full buffer and what fills none is lent", async () => {
    const { accepted, client } = await pair();
    const reader = new Reader();
    accepted.pause();
    assert.ok(lendReads(accepted, reader));
    const body = Buffer.alloc(4_000_000);
    for (let i = 0; i < body.length; i++) body[i] = (i * 7) & 0xff;
    client.write(body);
    accepted.resume();
    await reader.until(body.length);
    assert.ok(reader.bytes.equals(body));
    assert.ok(reader.kept.length > 0, "some buffers were given away");
    for (const chunk of reader.kept) {
      assert.ok(chunk.length * 2 >= chunk.buffer.byteLength, "and each is at least half full");
      assert.ok(reader.kept.every((other) => other === chunk || other.buffer !== chunk.buffer));
    }
    assert.ok(!reader.isReadAgain, "nothing is read into one again");
    // Afterwards the socket reads into the shared buffer again: it holds none.
    const other = new Reader();
    const { accepted: next, client: nextClient } = await pair();
    assert.ok(lendReads(next, other));
    nextClient.write("a");
    await other.until(1);
    client.write("bc");
    await reader.until(body.length + 2);
    client.write("de");
    await reader.until(body.length + 4);
    assert.equal(reader.lent.at(-1)!.buffer, other.lent[0]!.buffer);
  });

  test("a pause holds a socket at once, and the end of the other side is reported as always", async () => {
    const { accepted, client } = await pair();
    const reader = new Reader();
    assert.ok(lendReads(accepted, reader));
    accepted.pause();
    await new Promise((resolve) => client.write("held", resolve));
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(reader.bytes.length, 0);
    accepted.resume();
    await reader.until(4);
    const ended = new Promise((resolve) => accepted.once("end", resolve));
    client.end("last");
    await ended;
    assert.equal(reader.bytes.toString(), "heldlast");
  });

  test("after endLending() the socket is an ordinary one, whose data is its reader's to keep", async () => {
    const { accepted, client } = await pair();
    const reader = new Reader();
    assert.ok(lendReads(accepted, reader));
    client.write("lent");
    await reader.until(4);
    accepted.pause();
    endLending(accepted);
    const kept: Buffer[] = [];
    const whole = new Promise<void>((resolve) => {
      accepted.on("data", (chunk: Buffer) => {
        kept.push(chunk);
        if (Buffer.concat(kept).length === 300_004) resolve();
      });
    });
    client.write(Buffer.alloc(300_000, "x"));
    client.write("rest");
    accepted.resume();
    await whole;
    assert.ok(Buffer.concat(kept).equals(Buffer.from(`${"x".repeat(300_000)}rest`)));
    assert.equal(reader.bytes.toString(), "lent");
    assert.ok(lendReads(accepted, reader), "and can lend again");
  });

  test("sockets that have read already, connect still, or are read by their owner's buffer do not lend", async () => {
    const read = await pair();
    read.accepted.pause();
    read.accepted.unshift("early");
    assert.equal(lendReads(read.accepted, new Reader()), false);
    const server = servers[0]!.address() as { port: number };
    const connecting = connect(server.port, "127.0.0.1");
    sockets.push(connecting);
    assert.equal(lendReads(connecting, new Reader()), false);
    const taken = connect({
      port: server.port,
      host: "127.0.0.1",
      onread: { buffer: Buffer.alloc(10), callback: () => true },
    });
    sockets.push(taken);
    await new Promise((resolve) => taken.once("connect", resolve));
    assert.equal(lendReads(taken, new Reader()), false);
  });
});
