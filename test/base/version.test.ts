import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseVersion, version, versionInfo } from "#room/base/version";
import { root } from "../support/root.js";

test("version is the version of package.json", () => {
  const { version: published } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  assert.equal(version, published);
});

test("versionInfo is the version in numbers, below 0 in the last place before a release", () => {
  assert.equal(versionInfo.slice(0, 3).join("."), version.replace(/-.*/, ""));
  assert.deepEqual(parseVersion("1.22.3"), [1, 22, 3, 0]);
  assert.deepEqual(parseVersion("4.0.0-beta.1"), [4, 0, 0, -1]);
});
