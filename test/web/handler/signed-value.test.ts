import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { ExpectLog } from "squall/testing";
import { createSignedValue, decodeSignedValue, getSignatureKeyVersion } from "squall/web";
import "../../support/guard.js";

const NOW = 1_500_000_000;
const clock = () => NOW;
const DAY = 86_400;
const refused = { code: "ERR_SQUALL_INVALID_ARGUMENT" };

describe("signed values", () => {
  test("are written as Tornado writes them", () => {
    assert.equal(
      createSignedValue("SECRET", "key", "value", { clock }).toString(),
      "2|1:0|10:1500000000|3:key|8:dmFsdWU=|2618658a24939d90e97a32c38bcaf7871ea470b76ffcded8db170f9016989f73",
    );
    assert.equal(
      createSignedValue("SECRET", "key", "value", { clock, version: 1 }).toString(),
      "dmFsdWU=|1500000000|ce97e401425f1f3a2022df7981808eac1e609820",
    );
  });

  test("come back whatever name and value are made of", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (name, value) => {
        const signed = createSignedValue("SECRET", name, value, { clock });
        assert.deepEqual(decodeSignedValue("SECRET", name, signed, { clock }), Buffer.from(value));
      }),
    );
  });

  test("case 72: no changed, cut, foreign, old or future value is accepted, and nothing throws", () => {
    const signed = createSignedValue("SECRET", "key", "value", { clock });
    for (let at = 0; at < signed.length; at++) {
      const changed = Buffer.from(signed);
      changed[at] = (changed[at] as number) ^ 1;
      assert.equal(decodeSignedValue("SECRET", "key", changed, { clock }), undefined, String(at));
      assert.equal(
        decodeSignedValue("SECRET", "key", signed.subarray(0, at), { clock }),
        undefined,
        String(at),
      );
    }
    assert.equal(decodeSignedValue("SECRET", "other", signed, { clock }), undefined);
    assert.equal(decodeSignedValue("OTHER", "key", signed, { clock }), undefined);
    assert.equal(decodeSignedValue("SECRET", "key", signed, { clock: () => NOW + 31 * DAY + 1 }), undefined);
    assert.equal(decodeSignedValue("SECRET", "key", signed, { clock: () => NOW - 31 * DAY - 1 }), undefined);
    assert.equal(decodeSignedValue("SECRET", "key", signed, { clock, maxAgeDays: 0 })?.toString(), "value");
    assert.equal(decodeSignedValue("SECRET", "key", "x".repeat(1 << 20), { clock }), undefined);
    assert.equal(decodeSignedValue("SECRET", "key", `2|${"9".repeat(1 << 20)}`, { clock }), undefined);
    for (const nothing of [undefined, null, "", Buffer.alloc(0)]) {
      assert.equal(decodeSignedValue("SECRET", "key", nothing, { clock }), undefined);
    }
  });

  test("arbitrary input is never accepted and never throws", () => {
    using _log = new ExpectLog("squall.general", /Invalid cookie signature/, { required: false });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `2|${text}`),
          fc.string().map((text) => `1:0|${text}`),
        ),
        (text) => {
          assert.equal(decodeSignedValue("SECRET", "key", text, { clock }), undefined);
        },
      ),
    );
  });

  test("keys can be rotated: the value names its key, a key that is gone refuses it", () => {
    const keys = { 0: "zero", 1: "one" };
    const signed = createSignedValue(keys, "key", "v", { clock, keyVersion: 1 });
    assert.equal(getSignatureKeyVersion(signed), 1);
    assert.equal(decodeSignedValue(keys, "key", signed, { clock })?.toString(), "v");
    assert.equal(decodeSignedValue("one", "key", signed, { clock })?.toString(), "v");
    assert.equal(decodeSignedValue({ 0: "zero" }, "key", signed, { clock }), undefined);
    assert.equal(decodeSignedValue({ 1: "zero" }, "key", signed, { clock }), undefined);
    assert.throws(() => createSignedValue(keys, "key", "v"), refused);
    assert.throws(() => createSignedValue(keys, "key", "v", { keyVersion: 7 }), refused);
    assert.throws(() => createSignedValue(keys, "key", "v", { version: 1 }), refused);
  });

  test("version 1 is read unless minVersion forbids it; its weakness is watched", () => {
    const signed = createSignedValue("SECRET", "key", "value", { clock, version: 1 });
    assert.equal(decodeSignedValue("SECRET", "key", signed, { clock })?.toString(), "value");
    assert.equal(decodeSignedValue("SECRET", "key", signed, { clock, minVersion: 2 }), undefined);
    assert.throws(() => decodeSignedValue("SECRET", "key", signed, { minVersion: 3 }), refused);
    // Digits that move from the end of the value to the front of the time keep the signature.
    const then = () => 1_300_000_000;
    for (const [encoded, kept, message] of [
      ["d309", 3, /Cookie timestamp in future; possible tampering/],
      ["d300", 3, /Tampered cookie/],
    ] as const) {
      const genuine = createSignedValue("SECRET", "key", Buffer.from(encoded, "base64"), {
        clock: then,
        version: 1,
      });
      const [value, time, signature] = genuine.toString().split("|") as [string, string, string];
      assert.equal(value, encoded);
      const forged = `${value.slice(0, kept)}|${value.slice(kept)}${time}|${signature}`;
      using _log = new ExpectLog("squall.general", message);
      assert.equal(decodeSignedValue("SECRET", "key", forged, { clock: then }), undefined);
    }
  });
});
