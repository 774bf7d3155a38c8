/** Gathering small writes: one write leaves, with the same bytes. */
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { WriteQueue } from "#room/net/stream/write-queue";

class Collector extends Writable {
  readonly writes: (string | Buffer)[] = [];
  #bytes = Buffer.alloc(0);

  constructor() {
    super({ decodeStrings: false });
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: () => void): void {
    this.writes.push(chunk);
    this.#bytes = Buffer.concat([
      this.#bytes,
      typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk,
    ]);
    done();
  }

  override _writev(chunks: { chunk: string | Buffer; encoding: BufferEncoding }[], done: () => void): void {
    const all = chunks.map(({ chunk, encoding }) =>
      typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk,
    );
    this.writes.push(Buffer.concat(all));
    this.#bytes = Buffer.concat([this.#bytes, ...all]);
    done();
  }
}

function gather(parts: readonly (readonly [string | Uint8Array, "latin1" | "utf8"])[]): Collector {
  const queue = new WriteQueue();
  for (const [data, encoding] of parts) queue.add(data, encoding);
  const sum = parts.reduce(
    (bytes, [data, encoding]) =>
      bytes + (typeof data === "string" ? Buffer.byteLength(data, encoding) : data.length),
    0,
  );
  assert.equal(queue.byteLength, sum);
  const collector = new Collector();
  queue.writeTo(collector as never);
  assert.ok(queue.isEmpty);
  assert.equal(queue.byteLength, 0);
  return collector;
}

test("text of one encoding leaves as one string", () => {
  const collector = gather([
    ["HTTP/1.1 200 OK\r\n", "latin1"],
    ["\r\n", "latin1"],
    ["body", "latin1"],
  ]);
  assert.deepEqual(collector.writes, ["HTTP/1.1 200 OK\r\n\r\nbody"]);
});

test("mixed small pieces leave as one buffer, large ones as they are in one write", () => {
  assert.equal(
    gather([
      ["head", "latin1"],
      [Buffer.from("body"), "utf8"],
      ["t\u00e9xt", "utf8"],
    ]).writes.length,
    1,
  );
  assert.equal(
    gather([
      ["head", "latin1"],
      [Buffer.alloc(100_000), "utf8"],
    ]).writes.length,
    1,
  );
});

test("whatever is gathered leaves with the same bytes in the same order, in one write", () => {
  const part = fc.oneof(
    fc.tuple(fc.string({ minLength: 1 }), fc.constant("utf8" as const)),
    fc.tuple(fc.string({ unit: "binary-ascii", minLength: 1 }), fc.constant("latin1" as const)),
    fc.tuple(fc.uint8Array({ minLength: 1 }), fc.constant("utf8" as const)),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
      const collector = gather(parts);
      const plain = parts.map(([data, encoding]) =>
        typeof data === "string" ? Buffer.from(data, encoding) : data,
      );
      assert.deepEqual(collector.bytes, Buffer.concat(plain));
      assert.equal(collector.writes.length, 1);
    }),
  );
});
