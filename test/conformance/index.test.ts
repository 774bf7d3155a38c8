/**
 * The numbered promises of safety, and who keeps them. A number never changes its meaning, so that a report, a commit or an option's
 * documentation can name it; each has a test somewhere below test/ whose title begins with it: `case 27: …`.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/root.js";

/** The parts whose code is there: HTTP server; cookies, forms, files and answers; resources and processes. */
const RANGES = [
  [1, 46],
  [70, 87],
  [103, 120],
] as const;

/** What was wrong in Tornado once and concerns a part that is there, by release. */
const RELEASES = [
  "2.2.1",
  "3.1",
  "3.2.1",
  "4.2.1",
  "4.4.2",
  "5.1",
  "6.3.2",
  "6.3.3",
  "6.4.1",
  "6.4.2",
  "6.5.0",
  "6.5.3",
  "6.5.5",
];

/** Text in quotes that begins as a title does. */
const TITLE = /(["'`])((?:case \d+|Tornado \d)(?:(?!\1).)*)/g;

function titles(): string[] {
  const base = join(root, "test");
  return readdirSync(base, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith(".test.ts"))
    .flatMap((path) => [...readFileSync(join(base, path), "utf8").matchAll(TITLE)].map((match) => match[2]!));
}

test("each numbered promise has a test that carries its number", () => {
  const found = new Set<number>();
  for (const title of titles()) {
    const numbers = title.slice(0, title.indexOf(":"));
    if (!/^case \d+(, (case )?\d+)*$/.test(numbers)) continue;
    for (const number of numbers.matchAll(/\d+/g)) found.add(Number(number[0]));
  }
  const missing = RANGES.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((number) => !found.has(number)),
  );
  assert.deepEqual(missing, []);
});

test("each release of Tornado that mended one of our parts has a test that carries its number", () => {
  const all = titles();
  const missing = RELEASES.filter(
    (release) =>
      !all.some(
        (title) => title.startsWith(`Tornado ${release}:`) || title.startsWith(`Tornado ${release},`),
      ),
  );
  assert.deepEqual(missing, []);
});
