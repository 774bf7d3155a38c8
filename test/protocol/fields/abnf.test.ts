import assert from "node:assert/strict";
import { test } from "node:test";
import * as abnf from "#room/protocol/fields/abnf";

/** The classes once more, written as regular expressions. */
const TWINS: readonly (readonly [number, RegExp])[] = [
  [abnf.TOKEN, /[!#$%&'*+\-.^_`|~0-9A-Za-z]/],
  [abnf.FIELD_VALUE, /[\t\x20-\x7e\x80-\xff]/],
  [abnf.DIGIT, /[0-9]/],
  [abnf.HEXDIG, /[0-9A-Fa-f]/],
  [abnf.WHITESPACE, /[ \t]/],
  [abnf.VCHAR, /[\x21-\x7e]/],
];

test("CHAR_CLASS says of each octet what the grammar says", () => {
  for (const [bit, pattern] of TWINS) {
    for (let octet = 0; octet < 256; octet++) {
      assert.equal(
        (abnf.CHAR_CLASS[octet]! & bit) !== 0,
        pattern.test(String.fromCharCode(octet)),
        `${bit} ${octet}`,
      );
    }
  }
});

test("isToken(), isDigits() and isFieldValue() know no character above U+00FF", () => {
  for (const text of ["\u0100", "a\u0141", "１", "٣", "\u{1f600}"]) {
    assert.equal(abnf.isToken(text), false);
    assert.equal(abnf.isDigits(text), false);
    assert.equal(abnf.isFieldValue(text), false);
  }
  assert.equal(abnf.isToken(""), false);
  assert.equal(abnf.isDigits(""), false);
  assert.equal(abnf.isFieldValue(""), true);
});

test("trimWhitespace() takes spaces and tabs from the ends, no other blank", () => {
  assert.equal(abnf.trimWhitespace(" \ta b\t "), "a b");
  assert.equal(abnf.trimWhitespace("\xa0\n\va\x85"), "\xa0\n\va\x85");
  assert.equal(abnf.trimWhitespace(" \t "), "");
});
