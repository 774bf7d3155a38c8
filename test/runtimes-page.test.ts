/** docs/RUNTIMES.md, which a run writes, holds the runtimes, versions and differences of test/runtimes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "./support/root.js";

const scripts = pathToFileURL(join(root, "test", "runtimes/")).href;

test("docs/RUNTIMES.md names the runtimes, the versions and the known differences that are tested", async () => {
  const { readKnown } = (await import(`${scripts}known.mjs`)) as { readKnown: () => unknown[] };
  const { faultsOfPage } = (await import(`${scripts}page.mjs`)) as {
    faultsOfPage: (known: unknown[]) => string[];
  };
  const known = readKnown();
  assert.deepEqual(faultsOfPage(known), []);
  const another = { runtime: "bun", file: "x.test.js", title: "x", reason: "Another difference." };
  assert.equal(
    faultsOfPage([...known, another]).length,
    1,
    "a difference that is not on the page is noticed",
  );
});
