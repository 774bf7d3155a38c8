/** Numbers from the wire: digits and nothing else, exactly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPInputError } from "#room/protocol/fields/errors";
import {
  CR_OR_LF_RE,
  DIGITS,
  HEXDIGITS,
  parseInt as parseDecimal,
  parseHexInt,
} from "#room/protocol/http1/numbers";

test("parseInt() reads digits as decimal, leading zeros included", () => {
  for (const [text, value] of [
    ["0", 0],
    ["10", 10],
    ["007", 7],
    ["010", 10],
    ["9007199254740991", 2 ** 53 - 1],
  ] as const) {
    assert.equal(parseDecimal(text), value);
  }
});

test("parseHexInt() reads hexadecimal digits in both cases", () => {
  for (const [text, value] of [
    ["0", 0],
    ["10", 16],
    ["fF", 255],
    ["1e3", 483],
    ["0b1", 177],
    ["1fffffffffffff", 2 ** 53 - 1],
    [`${"0".repeat(400)}1`, 1],
  ] as const) {
    assert.equal(parseHexInt(text), value);
  }
});

test("parseInt() and parseHexInt() refuse signs, spaces, prefixes, separators and other scripts", () => {
  for (const text of [
    "",
    "+1",
    "-1",
    "1_0",
    " 1",
    "1 ",
    "\t1",
    "1\n",
    "0x10",
    "0o7",
    "1.0",
    "1,1",
    "\uff11",
    "\u00b2",
    "\u0967",
    "1\0",
    "g",
  ]) {
    assert.throws(() => parseDecimal(text), HTTPInputError, JSON.stringify(text));
    assert.throws(() => parseHexInt(text), HTTPInputError, JSON.stringify(text));
  }
  for (const text of ["f", "1e3", "0b1"]) assert.throws(() => parseDecimal(text), HTTPInputError);
});

test("case 24: parseInt() and parseHexInt() refuse what they would have to round", () => {
  for (const text of ["9007199254740992", "9007199254740993", "9".repeat(400)])
    assert.throws(() => parseDecimal(text), HTTPInputError);
  for (const text of ["20000000000000", "20000000000001", "f".repeat(400)])
    assert.throws(() => parseHexInt(text), HTTPInputError);
});

test("DIGITS, HEXDIGITS and CR_OR_LF_RE match whole numbers and line ends", () => {
  assert.ok(DIGITS.test("123") && !DIGITS.test("12a") && !DIGITS.test("") && !DIGITS.test("1\n"));
  assert.ok(HEXDIGITS.test("12aF") && !HEXDIGITS.test("0x1") && !HEXDIGITS.test(""));
  assert.ok(CR_OR_LF_RE.test("a\rb") && CR_OR_LF_RE.test("\n") && !CR_OR_LF_RE.test("a b\t"));
});
