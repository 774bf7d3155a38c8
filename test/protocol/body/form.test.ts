import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { parseQsBytes } from "squall/escape";
import { parseUrlencoded } from "squall/httputil";
import { encodePercent } from "#room/base/percent";
import { addValue } from "#room/protocol/body/form";
import { cpuTime } from "../../support/cpu-time.js";

/** Names and values as latin1 text, so that they can be written down. */
function shown(input: string | Uint8Array): Record<string, string[]> {
  const found = parseUrlencoded(input);
  return Object.fromEntries(
    Object.entries(found).map(([name, values]) => [name, values.map((value) => value.toString("latin1"))]),
  );
}

test("parseUrlencoded() keeps repeats, blanks and names without =, and skips empty pieces", () => {
  assert.deepEqual(shown("a=1&b&a=2&&c=&=d&&"), { a: ["1", "2"], b: [""], c: [""], "": ["d"] });
  assert.deepEqual(shown(""), {});
  assert.deepEqual(shown("&&&"), {});
  assert.deepEqual(shown("a=b=c;d=e"), { a: ["b=c;d=e"] });
});

test("case 77: a bad percent sign is kept, a good one decoded once, in names and values", () => {
  assert.deepEqual(shown("a%20b+c=%zz%2541%"), { "a b c": ["%zz%41%"] });
});

test("bytes go through untouched, whatever charset they are in", () => {
  assert.deepEqual(parseUrlencoded(Buffer.from([0xe9, 0x3d, 0xff, 0x00])).é, [Buffer.from([0xff, 0])]);
  assert.deepEqual(parseUrlencoded("a=%C3%A9").a, [Buffer.from("é")]);
  assert.deepEqual(parseUrlencoded("a=☃").a, [Buffer.from("☃")]);
});

test("case 18, 77: __proto__ and its like are plain names, and the result has no prototype", () => {
  const found = parseUrlencoded("__proto__=1&__proto__[x]=2&constructor=3&toString=4");
  assert.equal(Object.getPrototypeOf(found), null);
  assert.deepEqual(Object.keys(found), ["__proto__", "__proto__[x]", "constructor", "toString"]);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test("case 77, 109: more arguments than the limit are refused with status 400, exactly the limit is not", () => {
  const pairs = (count: number) => Array.from({ length: count }, (_, i) => `a${i}=1`).join("&");
  assert.equal(Object.keys(parseUrlencoded(pairs(1000))).length, 1000);
  assert.throws(() => parseUrlencoded(pairs(1001)), {
    name: "HTTPInputError",
    code: "ERR_SQUALL_TOO_MANY_ARGUMENTS",
    status: 400,
  });
  assert.throws(() => parseUrlencoded("a", { maxArguments: 0 }), { code: "ERR_SQUALL_TOO_MANY_ARGUMENTS" });
  assert.equal(Object.keys(parseUrlencoded(pairs(3000), { maxArguments: Infinity })).length, 3000);
  assert.deepEqual(Object.keys(parseUrlencoded("&&&", { maxArguments: 0 })), []);
});

test("parseUrlencoded() reads what encodePercent() wrote", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 8 });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (pairs) => {
      const form = pairs
        .map(
          ([name, value]) => `${encodePercent(name, { plus: true })}=${encodePercent(value, { plus: true })}`,
        )
        .join("&");
      const read = Object.entries(parseUrlencoded(Buffer.from(form))).flatMap(([name, values]) =>
        values.map((value) => [Buffer.from(name, "latin1").toString(), value.toString()]),
      );
      const sorted = (list: string[][]) => list.map((pair) => JSON.stringify(pair)).sort();
      assert.deepEqual(sorted(read), sorted(pairs));
    }),
  );
});

test("a megabyte of separators, percent signs or pluses takes linear time", () => {
  const started = cpuTime();
  for (const piece of ["&", "%", "+", "=", "%4"]) parseUrlencoded(piece.repeat(1_000_000));
  assert.ok(cpuTime() - started < 2000);
});

test("addValue() puts names into a plain object without touching its prototype", () => {
  const map: Record<string, string[]> = {};
  addValue(map, "__proto__", "a");
  addValue(map, "toString", "b");
  addValue(map, "toString", "c");
  assert.deepEqual(Object.entries(map), [
    ["__proto__", ["a"]],
    ["toString", ["b", "c"]],
  ]);
  assert.equal(Object.getPrototypeOf(map), Object.prototype);
});

describe("parseQsBytes()", () => {
  it("keeps every byte of names and values, and the order per name", () => {
    const result = parseQsBytes("a=%ff&b=1&a=2", { keepBlankValues: true });
    assert.deepEqual(result.a, [Buffer.of(0xff), Buffer.from("2")]);
    assert.deepEqual(Object.keys(result), ["a", "b"]);
  });

  it("has no prototype: __proto__ and constructor are names like others", () => {
    const result = parseQsBytes("__proto__=1&constructor=2");
    assert.deepEqual(Object.entries(result)[0], ["__proto__", [Buffer.from("1")]]);
    assert.equal(Object.getPrototypeOf(result), null);
  });

  it("drops blank values unless asked, and throws for a field without = when strict", () => {
    assert.deepEqual(Object.keys(parseQsBytes("a=&b&c=1")), ["c"]);
    assert.deepEqual(Object.keys(parseQsBytes("a=&b&c=1&", { keepBlankValues: true })), ["a", "b", "c"]);
    assert.throws(() => parseQsBytes("a=1&b", { strictParsing: true }), { code: "ERR_SQUALL_DECODE" });
    assert.throws(() => parseQsBytes("a=1&", { strictParsing: true }), { code: "ERR_SQUALL_DECODE" });
  });

  it("refuses text that cannot stand for bytes", () => {
    assert.throws(() => parseQsBytes("a=☃"), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });
});
