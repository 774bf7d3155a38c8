/** The incremental check of UTF-8 against the platform's decoder. */
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { BOUNDARY, checkUtf8, INVALID } from "#room/protocol/websocket/utf8";

function check(bytes: Uint8Array): number {
  return checkUtf8(BOUNDARY, bytes, 0, bytes.length);
}

test("every sequence of one and two octets, and the edges of longer ones, are judged as the platform judges them", () => {
  const edges = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xf4];
  const same = (bytes: Buffer) =>
    assert.equal(check(bytes) === BOUNDARY, isUtf8(bytes), bytes.toString("hex"));
  for (let first = 0; first < 256; first++) {
    same(Buffer.of(first));
    for (let second = 0; second < 256; second++) same(Buffer.of(first, second));
    if (first < 0xc0) continue;
    for (const second of edges) {
      for (const third of edges) {
        same(Buffer.of(first, second, third));
        for (const fourth of edges) same(Buffer.of(first, second, third, fourth));
      }
    }
  }
});

test("a check fails at the first octet that cannot be part of a text", () => {
  const cases: readonly (readonly [hex: string, firstBad: number])[] = [
    ["80", 0], // a tail octet alone
    ["c0af", 0], // overlong
    ["c1bf", 0],
    ["c241", 1], // the tail is missing
    ["e080", 1], // overlong
    ["e28228", 2],
    ["eda080", 1], // a surrogate
    ["f08080", 1], // overlong
    ["f0908028", 3],
    ["f490", 1], // above U+10FFFF
    ["f5", 0],
    ["ff", 0],
  ];
  for (const [hex, firstBad] of cases) {
    for (const before of ["", "41", "c3a9", "61".repeat(100)]) {
      const bytes = Buffer.from(before + hex, "hex");
      const bad = before.length / 2 + firstBad;
      assert.notEqual(checkUtf8(BOUNDARY, bytes, 0, bad), INVALID, `${hex} before the bad octet`);
      assert.equal(checkUtf8(BOUNDARY, bytes, 0, bad + 1), INVALID, `${hex} with the bad octet`);
    }
  }
});

test("a text cut anywhere is judged as the whole, and no cut makes it worse", () => {
  const pieces = fc.array(
    fc.oneof(
      fc
        .string({ unit: fc.constantFrom("a", "\u00e9", "\u2603", "\u{1f600}", "\0"), maxLength: 60 })
        .map((text) => Buffer.from(text)),
      fc
        .constantFrom("80", "c0", "c3", "e080", "ed9f", "eda0", "f090", "f48fbf", "f4bf", "ff")
        .map((hex) => Buffer.from(hex, "hex")),
      fc.nat(120).map((size) => Buffer.alloc(size, "é")),
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(400), { maxLength: 4 }), (parts, cuts) => {
      const bytes = Buffer.concat(parts);
      const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length])].sort(
        (a, b) => a - b,
      );
      let state = BOUNDARY;
      for (let i = 1; i < places.length; i++) state = checkUtf8(state, bytes, places[i - 1]!, places[i]!);
      assert.equal(state === BOUNDARY, isUtf8(bytes));
      let single = BOUNDARY;
      for (let at = 0; at < bytes.length; at++) single = checkUtf8(single, bytes, at, at + 1);
      assert.equal(state, single);
    }),
  );
});
