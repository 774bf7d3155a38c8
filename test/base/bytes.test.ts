import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  asBuffer,
  byteLength,
  concatBytes,
  equalBytes,
  equalIgnoringCase,
  fromLatin1,
  isAscii,
  isLatin1,
  latin1,
  lowerAscii,
  toBytes,
} from "#room/base/bytes";

describe("bytes", () => {
  it("asBuffer() and toBytes() share the memory of what they get", () => {
    const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
    const buffer = asBuffer(bytes);
    bytes[0] = 9;
    assert.deepEqual([...buffer], [9, 2]);
    assert.equal(toBytes(buffer), buffer);
    assert.deepEqual([...toBytes("é")], [0xc3, 0xa9]);
  });

  it("byteLength() counts text as UTF-8", () => {
    assert.equal(byteLength("é☃"), 5);
    assert.equal(byteLength(new Uint8Array(7)), 7);
  });

  it("concatBytes() copies nothing for one chunk", () => {
    const one = Buffer.from("one");
    assert.equal(concatBytes([one]), one);
    assert.equal(concatBytes([one, Buffer.from("two")]).toString(), "onetwo");
    assert.equal(concatBytes([]).length, 0);
  });

  it("latin1() and fromLatin1() keep all 256 values", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    assert.deepEqual(new Uint8Array(fromLatin1(latin1(all))), all);
    assert.equal(latin1(all, 65, 68), "ABC");
  });

  it("isAscii() and isLatin1() know the last character that fits", () => {
    assert.deepEqual([isAscii("\x7f"), isAscii("\x80"), isAscii("")], [true, false, true]);
    assert.deepEqual([isLatin1("\xff"), isLatin1("\u0100")], [true, false]);
  });

  it("equalIgnoringCase() folds A to Z and nothing else", () => {
    assert.ok(equalIgnoringCase("Content-TYPE", "content-type"));
    assert.ok(!equalIgnoringCase("a", "b"));
    assert.ok(!equalIgnoringCase("ab", "abc"));
    // U+212A, the Kelvin sign, and pairs that differ in bit 5 without being letters.
    assert.ok(!equalIgnoringCase("\u212a", "k"));
    assert.ok(!equalIgnoringCase("@", "`"));
    assert.ok(!equalIgnoringCase("[", "{"));
    assert.ok(!equalIgnoringCase("\0", " "));
    assert.ok(!equalIgnoringCase("É", "é"));
  });

  it("lowerAscii() leaves other alphabets alone", () => {
    assert.equal(lowerAscii("ÀBC\u212aΣ"), "Àbc\u212aΣ");
    assert.equal(lowerAscii("Keep-Alive"), "keep-alive");
    assert.equal(lowerAscii("abc"), "abc");
  });

  it("equalBytes() compares values", () => {
    assert.ok(equalBytes(Buffer.from("ab"), new Uint8Array([97, 98])));
    assert.ok(!equalBytes(Buffer.from("ab"), Buffer.from("abc")));
    assert.ok(!equalBytes(Buffer.from("ab"), Buffer.from("ac")));
  });
});
