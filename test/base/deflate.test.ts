/** Raw deflate that is called, and the sides of Inflate that WebSockets use. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { Deflate } from "#room/base/deflate";
import { Inflate } from "#room/base/inflate";

const argumentError = { code: "ERR_SQUALL_INVALID_ARGUMENT" };
const stateError = { code: "ERR_SQUALL_INVALID_STATE" };
const unpack = (bytes: Buffer) => inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });

describe("Deflate", () => {
  test("gives all that its input becomes, up to a whole byte, at each call", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ minLength: 1, maxLength: 300 }),
            fc
              .constantFrom(50_000, 100_000)
              .map((size) => new Uint8Array(size).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24)),
          ),
          { maxLength: 4 },
        ),
        (inputs) => {
          const deflate = new Deflate();
          let all = Buffer.alloc(0);
          for (const input of inputs) {
            const bytes = deflate.flush(input);
            assert.equal(bytes.toString("hex", bytes.length - 4), "0000ffff");
            all = Buffer.concat([all, bytes]);
          }
          assert.deepEqual(unpack(all), Buffer.concat(inputs));
          deflate.close();
        },
      ),
      { numRuns: 50 },
    );
  });

  test("stands alone after reset(), and shorter with what came before", () => {
    const deflate = new Deflate();
    const text = Buffer.from("the quick brown fox jumps over the lazy dog");
    const first = deflate.flush(text);
    const second = deflate.flush(text);
    deflate.reset();
    const third = deflate.flush(text);
    assert.deepEqual(third, first);
    assert.ok(second.length < first.length / 2);
    assert.deepEqual(unpack(third), text);
  });

  test("keeps to the level and memory that it is given", () => {
    const input = Buffer.from("abcdefgh".repeat(1000));
    assert.ok(new Deflate({ level: 0 }).flush(input).length > input.length);
    assert.ok(new Deflate({ level: 9, memLevel: 1, windowBits: 9 }).flush(input).length < 200);
    for (const options of [
      { level: 10 },
      { memLevel: 0 },
      { windowBits: 8 },
      { windowBits: 16 },
      { level: 1.5 },
    ]) {
      assert.throws(() => new Deflate(options), argumentError);
    }
  });

  test("refuses to work after close(), which may come twice", () => {
    const deflate = new Deflate();
    deflate.close();
    deflate.close();
    assert.throws(() => deflate.flush(Buffer.of(1)), stateError);
    assert.throws(() => deflate.reset(), stateError);
  });
});

describe("Inflate", () => {
  test("begins anew after reset(), also after an error", () => {
    const bytes = deflateRawSync(Buffer.from("Hello"));
    const inflate = new Inflate("deflate-raw");
    assert.equal(inflate.step(bytes).output.toString(), "Hello");
    inflate.reset();
    assert.equal(inflate.step(bytes).output.toString(), "Hello");
    inflate.reset();
    assert.throws(() => inflate.step(Buffer.of(0xff)), { code: "ERR_SQUALL_DECODE" });
    assert.throws(() => inflate.step(bytes), { code: "ERR_SQUALL_DECODE" });
    inflate.reset();
    assert.equal(inflate.step(bytes).output.toString(), "Hello");
    inflate.close();
    assert.throws(() => inflate.reset(), stateError);
  });

  test("keeps to the window that it is given", () => {
    const text = Buffer.from(`${"abcdefghij".repeat(3)}${"-".repeat(2000)}${"abcdefghij".repeat(3)}`);
    const far = deflateRawSync(text, { windowBits: 15, level: 9 });
    assert.deepEqual(new Inflate("deflate-raw", { windowBits: 15 }).step(far).output, text);
    const wide = Buffer.concat([
      Buffer.from("0123456789abcdef"),
      Buffer.alloc(40_000),
      Buffer.from("0123456789abcdef"),
    ]);
    assert.equal(
      new Inflate("deflate-raw", { windowBits: 15 }).step(deflateRawSync(wide)).output.length,
      wide.length,
    );
    for (const windowBits of [7, 16, 8.5])
      assert.throws(() => new Inflate("deflate-raw", { windowBits }), argumentError);
  });
});
