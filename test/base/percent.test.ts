import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodePercent, encodePercent, HEX_VALUE } from "#room/base/percent";

test("decodePercent() gives octets and keeps a percent sign that begins nothing", () => {
  assert.deepEqual(decodePercent("a%20b%C3%a9%ff"), Buffer.from([0x61, 0x20, 0x62, 0xc3, 0xa9, 0xff]));
  for (const text of ["%", "%%", "%4", "%zz", "a%g1", "%-1", "% 41"]) {
    assert.equal(decodePercent(text).toString("latin1"), text);
  }
  assert.equal(decodePercent("%%41").toString("latin1"), "%A");
  assert.equal(decodePercent("é").toString("latin1"), "é");
});

test("decodePercent() reads + as a space only when asked to", () => {
  assert.equal(decodePercent("a+b%2B").toString(), "a+b+");
  assert.equal(decodePercent("a+b%2B", { plus: true }).toString(), "a b+");
});

test("encodePercent() leaves letters, digits and _.-~ and is undone by decodePercent()", () => {
  assert.equal(encodePercent("aZ0_.-~ !'()*&=é", { plus: true }), "aZ0_.-~+%21%27%28%29%2A%26%3D%C3%A9");
  assert.equal(encodePercent("\ud800x", { plus: true }), "%EF%BF%BDx");
  assert.equal(encodePercent("\u{1f600}", { plus: true }), "%F0%9F%98%80");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
      const encoded = encodePercent(text, { plus: true });
      assert.match(encoded, /^(?:[A-Za-z0-9_.~+-]|%[0-9A-F]{2})*$/);
      assert.equal(
        decodePercent(encoded, { plus: true }).toString("utf8"),
        Buffer.from(text).toString("utf8"),
      );
    }),
  );
});

test("encodePercent() keeps a slash, writes a space as %20, takes octets, and refuses half a pair if told to", () => {
  assert.equal(encodePercent("a b/c"), "a%20b%2Fc");
  assert.equal(encodePercent("a b/c", { slash: true }), "a%20b/c");
  assert.equal(encodePercent(new Uint8Array([0xff, 0x41, 0x20])), "%FFA%20");
  assert.throws(() => encodePercent("\ud800", { loneSurrogates: "throw" }), {
    code: "ERR_SQUALL_INVALID_ARGUMENT",
  });
});

test("HEX_VALUE knows the digits in both cases and nothing else", () => {
  for (let octet = 0; octet < 256; octet++) {
    const character = String.fromCharCode(octet);
    const value = /[0-9a-fA-F]/.test(character) ? Number.parseInt(character, 16) : 255;
    assert.equal(HEX_VALUE[octet], value);
  }
});
