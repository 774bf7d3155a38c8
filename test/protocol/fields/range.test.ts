import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatContentRange, parseRange, resolveRange } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { formatUnsatisfiedRange } from "#room/protocol/fields/range";

test("parseRange() reads one byte range, the unit in any case", () => {
  assert.deepEqual(parseRange("bytes=0-499"), { kind: "positions", first: 0, last: 499 });
  assert.deepEqual(parseRange("BYTES=5-"), { kind: "positions", first: 5, last: undefined });
  assert.deepEqual(parseRange("bytes=-5"), { kind: "suffix", length: 5 });
  assert.deepEqual(parseRange("bytes=007-010"), { kind: "positions", first: 7, last: 10 });
});

test("case 82: parseRange() leaves lists, other units and malformed ranges alone", () => {
  for (const field of [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=1",
    "bytes=5-4",
    "bytes=a-b",
    "bytes=1-2,4-5",
    "bytes=0-0,0-0,0-0",
    "items=1-2",
    "bytes 1-2",
    "bytes=+1-2",
    "bytes=1--2",
    "bytes=1_0-2",
    "bytes=1 - 2",
    "bytes=0x1-2",
    "bytes=1.0-2",
    "bytes=١-٢",
    "bytes=1-2-3",
    "bytes==1-2",
  ]) {
    assert.equal(parseRange(field), undefined, field);
    assert.deepEqual(resolveRange(field, 100), { kind: "ignored" });
  }
});

test("case 82: resolveRange() clamps to the length and tells what cannot be satisfied", () => {
  assert.deepEqual(resolveRange("bytes=0-0", 10), { kind: "partial", start: 0, end: 1 });
  assert.deepEqual(resolveRange("bytes=5-99999999999999999999999", 10), {
    kind: "partial",
    start: 5,
    end: 10,
  });
  assert.deepEqual(resolveRange("bytes=-3", 10), { kind: "partial", start: 7, end: 10 });
  assert.deepEqual(resolveRange("bytes=-99999999999999999999999", 10), {
    kind: "partial",
    start: 0,
    end: 10,
  });
  assert.deepEqual(resolveRange(undefined, 10), { kind: "ignored" });
  for (const [field, length] of [
    ["bytes=10-", 10],
    ["bytes=-0", 10],
    ["bytes=0-", 0],
    ["bytes=-1", 0],
    ["bytes=99999999999999999999-", 10],
  ] as const) {
    assert.deepEqual(resolveRange(field, length), { kind: "unsatisfiable" }, field);
  }
});

test("resolveRange() stays within the length, and formatContentRange() can say it", () => {
  const position = fc.option(fc.nat({ max: 40 }), { nil: "" as const });
  fc.assert(
    fc.property(position, position, fc.nat({ max: 30 }), (first, last, length) => {
      const range = resolveRange(`bytes=${first}-${last}`, length);
      if (range.kind !== "partial") return;
      assert.ok(range.start >= 0 && range.start < range.end && range.end <= length);
      assert.equal(
        formatContentRange(range.start, range.end, length),
        `bytes ${range.start}-${range.end - 1}/${length}`,
      );
    }),
  );
});

test("formatContentRange() refuses an empty range and one beyond the end", () => {
  assert.equal(formatContentRange(undefined, undefined, 10), "bytes 0-9/10");
  assert.equal(formatUnsatisfiedRange(10), "bytes */10");
  for (const [start, end, length] of [
    [0, 0, 10],
    [3, 3, 10],
    [5, 4, 10],
    [0, 11, 10],
    [-1, 5, 10],
    [undefined, undefined, 0],
    [Number.NaN, 5, 10],
  ] as const) {
    assert.throws(() => formatContentRange(start, end, length), InvalidArgumentError);
  }
});
