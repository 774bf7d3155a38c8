/** The blog's catalogues; what needs its packages is tested in test/e2e. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { root } from "../support/root.js";

test("whatever pages say is in both catalogues", () => {
  const folder = `${root}examples/blog`;
  const messagesOf = (language: string): Set<string> =>
    new Set(
      [...readFileSync(`${folder}/locale/${language}.csv`, "utf8").matchAll(/^"([^"]+)"/gm)].map(
        ([, message = ""]) => message,
      ),
    );
  const [english, german] = [messagesOf("en"), messagesOf("de")];
  const used = new Set<string>();
  for (const file of ["templates", "src"].flatMap((part) =>
    readdirSync(`${folder}/${part}`, { recursive: true }).map((name) => `${part}/${name}`),
  )) {
    if (!/\.(?:html|ts)$/.test(file)) continue;
    const source = readFileSync(`${folder}/${file}`, "utf8");
    for (const [, message = "", plural = message] of source.matchAll(
      /\b(?:_|translate)\(["']([^"']+)["'](?:, "([^"]+)")?/g,
    ))
      used.add(message).add(plural);
    for (const [, key = ""] of source.matchAll(
      /"((?:[a-z-]+\.(?:rules|taken|wrong))|error\.(?!html)[a-z-]+|provider\.(?!html)[a-z-]+)"/g,
    ))
      used.add(key);
  }
  assert.ok(used.size > 30);
  assert.deepEqual(
    [...used].filter((message) => !german.has(message)),
    [],
  );
  assert.deepEqual(
    [...german].filter((message) => !used.has(message)),
    [],
  );
  assert.deepEqual(
    [...used].filter((message) => /^[a-z-]+\.[a-z-]+$/.test(message) && !english.has(message)),
    [],
  );
});
