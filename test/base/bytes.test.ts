import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  asBuffer,
  byteLength,
  concatBytes,
  equalBytes,
  equalsIgnoreCase,
  isLatin1,
  latin1,
} from "#room/base/bytes";

describe("bytes", () => {
  it("asBuffer() shares the memory of what they get", () => {
    const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
    const buffer = asBuffer(bytes);
    bytes[0] = 9;
    assert.deepEqual([...buffer], [9, 2]);
    assert.equal(asBuffer(buffer), buffer);
  });

  it("byteLength() counts text as UTF-8", () => {
    assert.equal(byteLength("é☃"), 5);
    for (const length of [0, 1, 63, 64, 65, 1000]) {
      assert.equal(byteLength("x".repeat(length)), length);
      assert.equal(byteLength(`${"x".repeat(length)}é`), length + 2);
    }
    assert.equal(byteLength(new Uint8Array(7)), 7);
  });

  it("concatBytes() copies nothing for one chunk", () => {
    const one = Buffer.from("one");
    assert.equal(concatBytes([one]), one);
    assert.equal(concatBytes([one, Buffer.from("two")]).toString(), "onetwo");
    assert.equal(concatBytes([]).length, 0);
  });

  it("latin1() keeps all 256 values", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    assert.deepEqual(new Uint8Array(Buffer.from(latin1(all), "latin1")), all);
    assert.equal(latin1(all, 65, 68), "ABC");
  });

  it("isLatin1() knows the last character that fits", () => {
    assert.deepEqual([isLatin1("\xff"), isLatin1("\u0100")], [true, false]);
  });

  it("equalsIgnoreCase() folds A to Z and nothing else", () => {
    assert.ok(equalsIgnoreCase("Content-TYPE", "content-type"));
    assert.ok(!equalsIgnoreCase("a", "b"));
    assert.ok(!equalsIgnoreCase("ab", "abc"));
    // U+212A, the Kelvin sign, and pairs that differ in bit 5 without being letters.
    assert.ok(!equalsIgnoreCase("\u212a", "k"));
    assert.ok(!equalsIgnoreCase("@", "`"));
    assert.ok(!equalsIgnoreCase("[", "{"));
    assert.ok(!equalsIgnoreCase("\0", " "));
    assert.ok(!equalsIgnoreCase("É", "é"));
  });

  it("equalBytes() compares values", () => {
    assert.ok(equalBytes(Buffer.from("ab"), new Uint8Array([97, 98])));
    assert.ok(!equalBytes(Buffer.from("ab"), Buffer.from("abc")));
    assert.ok(!equalBytes(Buffer.from("ab"), Buffer.from("ac")));
  });
});
