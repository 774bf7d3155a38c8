import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodePercent, encodeQueryComponent } from "#room/protocol/fields/percent";

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

test("encodeQueryComponent() leaves letters, digits and _.-~ and is undone by decodePercent()", () => {
  assert.equal(encodeQueryComponent("aZ0_.-~ !'()*&=é"), "aZ0_.-~+%21%27%28%29%2A%26%3D%C3%A9");
  assert.equal(encodeQueryComponent("\ud800x"), "%EF%BF%BDx");
  assert.equal(encodeQueryComponent("\u{1f600}"), "%F0%9F%98%80");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
      const encoded = encodeQueryComponent(text);
      assert.match(encoded, /^(?:[A-Za-z0-9_.~+-]|%[0-9A-F]{2})*$/);
      assert.equal(
        decodePercent(encoded, { plus: true }).toString("utf8"),
        Buffer.from(text).toString("utf8"),
      );
    }),
  );
});
