import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteQueue } from "#room/base/byte-queue";
import { DelimiterSearch } from "#room/base/delimiter-search";

/** The plain twin: everything in one buffer, every operation by copying. */
class PlainQueue {
  bytes: Buffer = Buffer.alloc(0);
  push(chunk: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
  }
  unshift(chunk: Uint8Array): void {
    this.bytes = Buffer.concat([chunk, this.bytes]);
  }
  take(size: number): Buffer {
    const taken = this.bytes.subarray(0, size);
    this.bytes = this.bytes.subarray(size);
    return taken;
  }
}

type Step =
  | { do: "push" | "unshift"; size: number }
  | { do: "take" | "skip" | "peek" | "into" | "chunk"; size: number }
  | { do: "find"; delimiter: number[] };

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("push" as const), size: sizes() }) },
    fc.record({
      do: fc.constantFrom("unshift" as const, "take" as const, "skip" as const, "peek" as const),
      size: sizes(),
    }),
    fc.record({ do: fc.constantFrom("into" as const, "chunk" as const), size: sizes() }),
    fc.record({
      do: fc.constant("find" as const),
      delimiter: fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }),
    }),
  ),
  { maxLength: 60 },
);

function sizes(): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.nat(8) },
    fc.nat(1500),
    fc.constantFrom(1024, 1025, 20_000, 65_536),
  );
}

/** Bytes 0, 1 and 2 in an order that never repeats soon: delimiters occur, and straddle chunks. */
function noise(): (size: number) => Buffer {
  let state = 1;
  return (size) => {
    const bytes = Buffer.allocUnsafe(size);
    for (let i = 0; i < size; i++) {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
      bytes[i] = (state >> 16) % 3;
    }
    return bytes;
  };
}

describe("ByteQueue", () => {
  it("agrees with one plain buffer whatever is done to it", () => {
    fc.assert(
      fc.property(steps, (script: Step[]) => {
        const queue = new ByteQueue();
        const plain = new PlainQueue();
        const make = noise();
        // What was handed out must not change when more arrives.
        const handed: [Buffer, Buffer][] = [];
        for (const step of script) {
          if (step.do === "find") {
            const expected = plain.bytes.indexOf(Buffer.from(step.delimiter));
            assert.equal(queue.indexOf(Uint8Array.from(step.delimiter)), expected);
            continue;
          }
          const size = Math.min(step.size, plain.bytes.length);
          if (step.do === "push") {
            const chunk = make(step.size);
            queue.push(chunk);
            plain.push(chunk);
          } else if (step.do === "unshift") {
            const chunk = make(step.size);
            queue.unshift(chunk);
            plain.unshift(chunk);
          } else if (step.do === "take") {
            const taken = queue.take(size);
            handed.push([taken, Buffer.from(plain.take(size))]);
          } else if (step.do === "skip") {
            queue.skip(size);
            plain.take(size);
          } else if (step.do === "peek") {
            handed.push([queue.peek(step.size), Buffer.from(plain.bytes.subarray(0, step.size))]);
          } else if (step.do === "chunk") {
            const taken = queue.takeChunk(step.size);
            handed.push([taken, Buffer.from(plain.take(taken.length))]);
            assert.ok(taken.length > 0 || size === 0);
          } else {
            const target = Buffer.alloc(step.size);
            assert.equal(queue.takeInto(target), size);
            handed.push([target.subarray(0, size), Buffer.from(plain.take(size))]);
          }
          assert.equal(queue.length, plain.bytes.length);
        }
        for (const [mine, theirs] of handed) assert.ok(mine.equals(theirs));
        assert.ok(queue.takeAll().equals(plain.bytes));
      }),
      { numRuns: 300 },
    );
  });

  it("take() hands out a whole chunk itself, without a copy", () => {
    const queue = new ByteQueue();
    const chunk = Buffer.alloc(5000, 7);
    queue.push(chunk);
    assert.equal(queue.take(5000), chunk);
  });

  it("take() of a part shares the chunk's memory", () => {
    const queue = new ByteQueue();
    const chunk = Buffer.alloc(5000, 7);
    queue.push(chunk);
    assert.equal(queue.take(2500).buffer, chunk.buffer);
  });

  it("take() and skip() refuse more than there is, and what is no count", () => {
    const queue = new ByteQueue();
    queue.push(Buffer.from("abc"));
    for (const size of [4, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => queue.take(size), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
      assert.throws(() => queue.skip(size), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
    assert.equal(queue.takeAll().toString(), "abc");
  });

  it("indexOf() finds a delimiter at every split of the input, also fed byte by byte", () => {
    const text = Buffer.from("a\r\nb\r\r\n\r\n\r\nrest");
    const delimiter = Buffer.from("\r\n\r\n");
    const expected = text.indexOf(delimiter);
    for (let cut = 0; cut <= text.length; cut++) {
      const queue = new ByteQueue();
      queue.push(text.subarray(0, cut));
      queue.indexOf(delimiter);
      queue.push(text.subarray(cut));
      assert.equal(queue.indexOf(delimiter), expected, `cut at ${cut}`);
    }
    const queue = new ByteQueue();
    for (const [i, byte] of text.entries()) {
      queue.push(Buffer.of(byte));
      assert.equal(queue.indexOf(delimiter), i + 1 >= expected + delimiter.length ? expected : -1);
    }
  });

  it("indexOf() agrees with a plain search for long delimiters, whatever is taken in between", () => {
    const piece = fc.record({
      text: fc.array(fc.constantFrom(0, 0, 0, 1), { maxLength: 90 }),
      skip: fc.nat(40),
    });
    const delimiters = fc.oneof(
      fc.constant(Buffer.alloc(33)),
      fc.constant(Buffer.from([...Buffer.alloc(33), 1])),
      fc
        .array(fc.constantFrom(0, 0, 0, 1), { minLength: 33, maxLength: 40 })
        .map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 20 }),
        delimiters,
        fc.boolean(),
        (script, delimiter, again) => {
          const queue = new ByteQueue();
          const plain = new PlainQueue();
          for (const { text, skip } of script) {
            queue.push(Buffer.from(text));
            plain.push(Buffer.from(text));
            assert.equal(queue.indexOf(delimiter), plain.bytes.indexOf(delimiter));
            if (again) assert.equal(queue.indexOf(Buffer.from(delimiter)), plain.bytes.indexOf(delimiter));
            const size = Math.min(skip, queue.length);
            queue.skip(size);
            plain.take(size);
            assert.equal(queue.indexOf(delimiter), plain.bytes.indexOf(delimiter));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("indexOf() looks at each byte once although a long delimiter repeats itself", () => {
    const { feed } = DelimiterSearch.prototype;
    let looked = 0;
    DelimiterSearch.prototype.feed = function (this: DelimiterSearch, chunk, start): number {
      looked += chunk.length - start;
      return feed.call(this, chunk, start);
    };
    try {
      const delimiter = Buffer.alloc(5000, "a");
      const almost = Buffer.alloc(5000, "a").fill("b", 4999);
      const queue = new ByteQueue();
      for (let i = 0; i < 200; i++) {
        queue.push(almost);
        assert.equal(queue.indexOf(delimiter), -1);
      }
      assert.equal(looked, queue.length);
      queue.push(delimiter);
      assert.equal(queue.indexOf(delimiter), 200 * 5000);
    } finally {
      DelimiterSearch.prototype.feed = feed;
    }
  });

  it("indexOf() refuses an empty delimiter", () => {
    assert.throws(() => new ByteQueue().indexOf(Buffer.alloc(0)), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  it("indexOf() looks at no byte twice when the input drips in", () => {
    const queue = new ByteQueue();
    const delimiter = Buffer.from("\n");
    let looked = 0;
    const { indexOf } = Buffer.prototype;
    Buffer.prototype.indexOf = function (this: Buffer, ...args: Parameters<typeof indexOf>): number {
      looked += this.length - Number(args[1] ?? 0);
      return indexOf.apply(this, args);
    } as typeof indexOf;
    try {
      for (let i = 0; i < 20_000; i++) {
        queue.push(Buffer.from("x"));
        assert.equal(queue.indexOf(delimiter), -1);
      }
    } finally {
      Buffer.prototype.indexOf = indexOf;
    }
    assert.equal(looked, 20_000);
  });

  it("peek() copies a growing input a constant number of times, not at each look", () => {
    const queue = new ByteQueue();
    let copied = 0;
    const { copy } = Buffer.prototype;
    Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<typeof copy>): number {
      const count = copy.apply(this, args);
      copied += count;
      return count;
    };
    try {
      for (let i = 0; i < 1000; i++) {
        queue.push(Buffer.alloc(2000, i));
        assert.equal(queue.peek(queue.length).length, queue.length);
      }
    } finally {
      Buffer.prototype.copy = copy;
    }
    assert.ok(copied < 5 * 2_000_000, `copied ${copied} bytes`);
  });

  it("does not hold a large chunk for the sake of a few bytes that wait", () => {
    const queue = new ByteQueue();
    const large = Buffer.alloc(65_536);
    queue.push(large);
    queue.skip(65_530);
    assert.notEqual(queue.peek(6).buffer, large.buffer);
    queue.clear();
    queue.push(large);
    assert.notEqual(queue.take(10).buffer, large.buffer);
  });

  it("does not hold a pool of 64 KiB, which Node has from 24 on, for a small chunk that waits", () => {
    const pool = new ArrayBuffer(65_536);
    const queue = new ByteQueue();
    for (const add of ["push", "unshift"] as const) {
      for (const [begin, size] of [
        [8, 3],
        [100, 1200],
        [2000, 5000],
      ] as const) {
        queue[add](Buffer.from(pool, begin, size));
        assert.ok(queue.peek(size).buffer.byteLength < 8192, `${add} of ${size} bytes`);
        queue.clear();
      }
    }
    const half = Buffer.from(pool, 0, 32_768);
    queue.push(half);
    assert.equal(queue.takeAll(), half);
  });

  it("gathers single bytes, so that a dripping peer costs no object for each", () => {
    const queue = new ByteQueue();
    for (let i = 0; i < 100_000; i++) queue.push(Buffer.of(i & 0xff));
    let chunks = 0;
    let index = 0;
    while (queue.length > 0) {
      chunks++;
      for (const byte of queue.takeChunk()) assert.equal(byte, index++ & 0xff);
    }
    assert.equal(index, 100_000);
    assert.ok(chunks < 100, `${chunks} chunks`);
  });
});
