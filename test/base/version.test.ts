import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { version } from "#room/base/version";
import { root } from "../support/root.js";

test("version is the version of package.json", () => {
  const { version: published } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  assert.equal(version, published);
});
