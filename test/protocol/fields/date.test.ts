import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTimestamp, parseDate } from "squall/httputil";
import { InvalidArgumentError } from "#room/base/errors";
import { httpDate } from "#room/protocol/fields/date";

const NOW = Date.UTC(2026, 5, 1);

test("formatTimestamp() takes milliseconds, a Date or a list in UTC, and cuts off fractions toward the past", () => {
  const text = "Sun, 06 Nov 1994 08:49:37 GMT";
  assert.equal(formatTimestamp(784_111_777_000), text);
  assert.equal(formatTimestamp(784_111_777_999.9), text);
  assert.equal(formatTimestamp(new Date(784_111_777_000)), text);
  assert.equal(formatTimestamp([1994, 11, 6, 8, 49, 37]), text);
  assert.equal(formatTimestamp([1994, 11, 6, 8, 49, 37, 6, 310, 0]), text);
  assert.equal(formatTimestamp(-500), "Wed, 31 Dec 1969 23:59:59 GMT");
  assert.equal(formatTimestamp([50, 1, 1, 0, 0, 0]), "Sat, 01 Jan 0050 00:00:00 GMT");
});

test("formatTimestamp() refuses what is no time, or no four-digit year", () => {
  for (const time of [
    Number.NaN,
    Infinity,
    new Date(Number.NaN),
    [1],
    [],
    ["1994", 1, 1, 0, 0, 0],
    {},
    "0",
    null,
    undefined,
    300_000_000_000_000,
  ]) {
    assert.throws(() => formatTimestamp(time as number), InvalidArgumentError, String(time));
  }
});

test("httpDate() changes with the second, in both directions", () => {
  assert.equal(httpDate(1000), "Thu, 01 Jan 1970 00:00:01 GMT");
  assert.equal(httpDate(1999.9), "Thu, 01 Jan 1970 00:00:01 GMT");
  assert.equal(httpDate(2000), "Thu, 01 Jan 1970 00:00:02 GMT");
  assert.equal(httpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
});

test("parseDate() reads the three forms of RFC 9110 §5.6.7", () => {
  for (const text of [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ]) {
    assert.equal(parseDate(text, NOW), 784_111_777_000, text);
  }
});

test("parseDate() takes a two-digit year more than 50 years ahead for the past", () => {
  assert.equal(parseDate("Monday, 01-Jan-76 00:00:00 GMT", NOW), Date.UTC(2076, 0, 1));
  assert.equal(parseDate("Monday, 01-Jan-77 00:00:00 GMT", NOW), Date.UTC(1977, 0, 1));
  assert.equal(parseDate("Monday, 01-Jan-00 00:00:00 GMT", NOW), Date.UTC(2000, 0, 1));
});

test("case 83: parseDate() gives undefined for what is no HTTP date", () => {
  for (const text of [
    "",
    "0",
    "yesterday",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "sun, 06 nov 1994 08:49:37 gmt",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "1994-11-06T08:49:37Z",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sun Nov 6 08:49:37 1994",
    "x".repeat(100_000),
  ]) {
    assert.equal(parseDate(text, NOW), undefined, text.slice(0, 40));
  }
  assert.equal(parseDate("Sat, 31 Dec 2016 23:59:60 GMT", NOW), Date.UTC(2017, 0, 1));
});

test("parseDate() reads what formatTimestamp() wrote, for each second of four-digit years", () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
      assert.equal(parseDate(formatTimestamp(seconds * 1000), NOW), seconds * 1000);
    }),
  );
});
