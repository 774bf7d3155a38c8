/**
 * The catalogue of numbered promises (README.md beside this file) and the tests that keep them agree: each row has a
 * test that carries its number, and each number in a title has a row that says what it means.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/root.js";

const catalogue = readFileSync(join(root, "test", "conformance", "README.md"), "utf8");
const cases = [...catalogue.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
const releases = [...catalogue.matchAll(/^\| (\d+\.\d+(?:\.\d+)?) \|/gm)].map((match) => match[1]!);

/** Text in quotes that begins as a title does. */
const TITLE = /(["'`])((?:case \d+|Tornado \d)(?:(?!\1).)*)/g;

function titles(): string[] {
  const base = join(root, "test");
  return readdirSync(base, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith(".test.ts") && !path.includes("node_modules"))
    .flatMap((path) => [...readFileSync(join(base, path), "utf8").matchAll(TITLE)].map((match) => match[2]!));
}

/** The numbers of titles such as "case 23: …" and "case 23, case 24: …". */
function numbersInTitles(): Set<number> {
  const found = new Set<number>();
  for (const title of titles()) {
    const numbers = title.slice(0, title.indexOf(":"));
    if (!/^case \d+(, (case )?\d+)*$/.test(numbers)) continue;
    for (const number of numbers.matchAll(/\d+/g)) found.add(Number(number[0]));
  }
  return found;
}

test("the catalogue lists each case once, in order", () => {
  assert.ok(cases.length >= 82, `${cases.length} cases`);
  assert.deepEqual(
    cases,
    [...new Set(cases)].sort((a, b) => a - b),
  );
});

test("each case of the catalogue has a test that carries its number", () => {
  const found = numbersInTitles();
  assert.deepEqual(
    cases.filter((number) => !found.has(number)),
    [],
  );
});

test("each number in a title is explained in the catalogue", () => {
  const known = new Set(cases);
  assert.deepEqual(
    [...numbersInTitles()].filter((number) => !known.has(number)),
    [],
  );
});

test("each release of Tornado in the catalogue has a test that carries its number", () => {
  const all = titles();
  const missing = releases.filter(
    (release) =>
      !all.some(
        (title) => title.startsWith(`Tornado ${release}:`) || title.startsWith(`Tornado ${release},`),
      ),
  );
  assert.ok(releases.length >= 13);
  assert.deepEqual(missing, []);
});
