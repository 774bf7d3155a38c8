import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allowsRange, evaluateConditions, formatTimestamp, parseEntityTags } from "squall/httputil";
import { matchesIfNoneMatch, stronglyEqual, weaklyEqual } from "#room/protocol/fields/conditional";

const NOW = Date.UTC(2026, 0, 1);
const CHANGED = Date.UTC(2025, 0, 1, 12);
const BEFORE = formatTimestamp(CHANGED - 1000);
const THEN = formatTimestamp(CHANGED);
const current = { etag: '"v1"', lastModified: CHANGED + 999 };

test("parseEntityTags() finds the tags, weak ones marked, whatever stands between them", () => {
  assert.deepEqual(parseEntityTags('"a", W/"b","c" "d"'), ['"a"', 'W/"b"', '"c"', '"d"']);
  assert.deepEqual(parseEntityTags('"a,b"'), ['"a,b"']);
  assert.deepEqual(parseEntityTags("junk"), []);
  assert.deepEqual(parseEntityTags('"open'), []);
  assert.deepEqual(parseEntityTags('w/"a"'), ['"a"']);
  assert.equal(parseEntityTags(" * "), "*");
});

test("parseEntityTags() takes linear time for 64 KB of quotes", () => {
  assert.equal((parseEntityTags('"'.repeat(65_536)) as string[]).length, 32_768);
});

test("weak comparison looks through W/, strong comparison does not (RFC 9110 §8.8.3.2)", () => {
  assert.deepEqual([weaklyEqual('W/"1"', 'W/"1"'), stronglyEqual('W/"1"', 'W/"1"')], [true, false]);
  assert.deepEqual([weaklyEqual('W/"1"', 'W/"2"'), stronglyEqual('W/"1"', 'W/"2"')], [false, false]);
  assert.deepEqual([weaklyEqual('W/"1"', '"1"'), stronglyEqual('W/"1"', '"1"')], [true, false]);
  assert.deepEqual([weaklyEqual('"1"', '"1"'), stronglyEqual('"1"', '"1"')], [true, true]);
  assert.equal(matchesIfNoneMatch('"a", W/"b"', '"b"'), true);
  assert.equal(matchesIfNoneMatch('"B"', '"b"'), false);
});

describe("evaluateConditions()", () => {
  test("goes on without conditions", () => {
    assert.equal(evaluateConditions("GET", {}, current, NOW), "proceed");
  });

  test("case 83: If-None-Match makes If-Modified-Since void", () => {
    assert.equal(evaluateConditions("GET", { ifNoneMatch: '"v1"' }, current, NOW), "not-modified");
    assert.equal(
      evaluateConditions("GET", { ifNoneMatch: '"old"', ifModifiedSince: THEN }, current, NOW),
      "proceed",
    );
    assert.equal(evaluateConditions("GET", { ifModifiedSince: THEN }, current, NOW), "not-modified");
    assert.equal(evaluateConditions("GET", { ifModifiedSince: BEFORE }, current, NOW), "proceed");
  });

  test("a method that writes answers 412 to a tag that matches, and does not look at If-Modified-Since", () => {
    assert.equal(evaluateConditions("PUT", { ifNoneMatch: "*" }, current, NOW), "precondition-failed");
    assert.equal(evaluateConditions("PUT", { ifNoneMatch: "*" }, { exists: false }, NOW), "proceed");
    assert.equal(evaluateConditions("PUT", { ifModifiedSince: THEN }, current, NOW), "proceed");
  });

  test("If-Match asks for a strong match and makes If-Unmodified-Since void", () => {
    assert.equal(
      evaluateConditions("PUT", { ifMatch: '"v1"', ifUnmodifiedSince: BEFORE }, current, NOW),
      "proceed",
    );
    assert.equal(evaluateConditions("PUT", { ifMatch: 'W/"v1"' }, current, NOW), "precondition-failed");
    assert.equal(evaluateConditions("PUT", { ifMatch: "*" }, current, NOW), "proceed");
    assert.equal(evaluateConditions("PUT", { ifMatch: "*" }, { exists: false }, NOW), "precondition-failed");
    assert.equal(
      evaluateConditions("PUT", { ifUnmodifiedSince: BEFORE }, current, NOW),
      "precondition-failed",
    );
    assert.equal(evaluateConditions("PUT", { ifUnmodifiedSince: THEN }, current, NOW), "proceed");
  });

  test("case 83: dates that are none are ignored", () => {
    assert.equal(evaluateConditions("GET", { ifModifiedSince: "yesterday" }, current, NOW), "proceed");
    assert.equal(evaluateConditions("GET", { ifUnmodifiedSince: "0" }, current, NOW), "proceed");
  });
});

test("allowsRange() wants the very tag, strongly, or the very date (RFC 9110 §13.1.5)", () => {
  assert.equal(allowsRange(undefined, current, NOW), true);
  assert.equal(allowsRange('"v1"', current, NOW), true);
  assert.equal(allowsRange('W/"v1"', { etag: 'W/"v1"' }, NOW), false);
  assert.equal(allowsRange('"v2"', current, NOW), false);
  assert.equal(allowsRange(THEN, current, NOW), true);
  assert.equal(allowsRange(BEFORE, current, NOW), false);
  assert.equal(allowsRange("junk", current, NOW), false);
});
