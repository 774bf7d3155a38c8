import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { GzipDecompressor, Inflate, type InflateFormat } from "squall/util";
import { SyncZlib } from "#room/base/sync-zlib";

const decodeError = { name: "DecodeError", code: "ERR_SQUALL_DECODE" };

describe("GzipDecompressor", () => {
  it("gives the same bytes for every way to cut input and output", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 0, max: 400 }),
        (data, cut, maxLength) => {
          const packed = gzipSync(data);
          const decompressor = new GzipDecompressor();
          const pieces: Buffer[] = [];
          for (let at = 0; at < packed.length; at += cut) {
            let input: Uint8Array = packed.subarray(at, at + cut);
            do {
              const piece = decompressor.decompress(input, { maxLength });
              if (maxLength > 0) assert.ok(piece.length <= maxLength);
              pieces.push(piece);
              input = decompressor.unconsumedTail;
            } while (input.length > 0);
          }
          pieces.push(decompressor.flush());
          assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), data);
        },
      ),
    );
  });

  it("never makes more than maxLength of a bomb, and keeps the rest of the input (security case 66)", () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const decompressor = new GzipDecompressor();
    const before = process.memoryUsage().arrayBuffers;
    const output = decompressor.decompress(bomb, { maxLength: 1000 });
    assert.equal(output.length, 1000);
    assert.ok(decompressor.unconsumedTail.length > 0);
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
    assert.throws(() => decompressor.flush(), decodeError);
  });

  it("refuses corrupt data, again at every later call, and data that end too early (security case 67)", () => {
    const packed = gzipSync("hello hello hello");
    const corrupt = new GzipDecompressor();
    assert.throws(() => corrupt.decompress(Buffer.from("this is no gzip")), decodeError);
    assert.throws(() => corrupt.decompress(packed), decodeError);
    for (let cut = 1; cut < packed.length; cut++) {
      const short = new GzipDecompressor();
      short.decompress(packed.subarray(0, cut));
      assert.throws(() => short.flush(), decodeError, `cut at ${cut}`);
    }
  });

  it("takes several members for one, and refuses other bytes behind the last (security case 67, RFC 1952 §2.2)", () => {
    const two = Buffer.concat([gzipSync("one "), gzipSync("two")]);
    const decompressor = new GzipDecompressor();
    assert.equal(decompressor.decompress(two).toString() + decompressor.flush().toString(), "one two");
    const trailing = new GzipDecompressor();
    assert.throws(() => trailing.decompress(Buffer.concat([two, Buffer.from("garbage")])), decodeError);
    const packed = gzipSync("one");
    for (const rest of ["\0", "\0\0\0", "\0garbage"]) {
      for (let cut = 0; cut <= packed.length; cut++) {
        const padded = new GzipDecompressor();
        assert.throws(
          () => {
            padded.decompress(packed.subarray(0, cut));
            padded.decompress(Buffer.concat([packed.subarray(cut), Buffer.from(rest)]));
          },
          decodeError,
          `cut at ${cut}`,
        );
      }
    }
  });

  it("flush() of nothing is nothing; afterwards the decompressor is closed", () => {
    const decompressor = new GzipDecompressor();
    assert.equal(decompressor.flush().length, 0);
    assert.equal(decompressor.flush().length, 0);
    assert.throws(() => decompressor.decompress(gzipSync("a")), { code: "ERR_SQUALL_INVALID_STATE" });
    assert.equal(typeof decompressor.decompressobj.close, "function");
  });

  it("takes 0, null and Infinity for no limit, and refuses less", () => {
    for (const maxLength of [0, null, undefined, Number.POSITIVE_INFINITY]) {
      assert.equal(
        new GzipDecompressor().decompress(gzipSync(Buffer.alloc(200_000)), { maxLength }).length,
        200_000,
      );
    }
    assert.throws(() => new GzipDecompressor().decompress(gzipSync("a"), { maxLength: -1 }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });
});

describe("Inflate", () => {
  it("knows gzip, deflate, bare deflate and Brotli, and no other format", () => {
    const text = "some text ".repeat(100);
    for (const [format, packed] of [
      ["gzip", gzipSync(text)],
      ["deflate", deflateSync(text)],
      ["deflate-raw", deflateRawSync(text)],
      ["br", brotliCompressSync(text)],
    ] as const) {
      const inflate = new Inflate(format);
      const { output, used } = inflate.step(packed);
      assert.equal(output.toString(), text);
      assert.equal(used, packed.length);
      assert.equal(inflate.finish().length, 0);
    }
    assert.throws(() => new Inflate("zstd" as InflateFormat), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});

describe("SyncZlib", () => {
  it("says so where an engine has no synchronous side, before anything is unpacked", () => {
    for (const engine of [{}, { _handle: null }, { _handle: {} }, { _handle: { writeSync() {} } }]) {
      assert.throws(() => new SyncZlib(engine), {
        code: "ERR_SQUALL_INVALID_STATE",
        message: /no synchronous zlib handle/,
      });
    }
  });
});
