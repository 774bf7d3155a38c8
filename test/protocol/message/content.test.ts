/** Which responses have content, for each status that there is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endsWithHead, forbidsContent, opensTunnel } from "#room/protocol/message/content";

const STATUSES = Array.from({ length: 900 }, (_, i) => 100 + i);

test("forbidsContent() is true for 1xx, 204, 205 and 304 alone", () => {
  const forbidding = STATUSES.filter((code) => code >= 200 && forbidsContent(code));
  assert.deepEqual(forbidding, [204, 205, 304]);
  assert.ok(STATUSES.filter((code) => code < 200).every(forbidsContent));
});

test("endsWithHead() leaves out 205, whose length of 0 must be announced", () => {
  const ending = STATUSES.filter((code) => code >= 200 && endsWithHead(code));
  assert.deepEqual(ending, [204, 304]);
  assert.ok(STATUSES.filter((code) => code < 200).every(endsWithHead));
});

test("opensTunnel() is true for a 2xx to CONNECT alone", () => {
  assert.deepEqual(
    STATUSES.filter((code) => opensTunnel("CONNECT", code)),
    STATUSES.filter((code) => code >= 200 && code < 300),
  );
  assert.equal(STATUSES.filter((code) => opensTunnel("GET", code)).length, 0);
});
