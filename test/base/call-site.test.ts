/** Where a call came from, on platforms that leave frames out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { callSite } from "#room/base/call-site";

test("the place of a call whose own frame is not in the stack is the first outside of squall", () => {
  // As if the call to it had been in tail position, which leaves no frame in Bun.
  const eliminated = (): void => {};
  const site = callSite(eliminated);
  assert.match(site.path, /call-site\.test\.[jt]s$/);
  assert.equal(site.module, "call-site.test");
  assert.ok(site.line > 0);
});
