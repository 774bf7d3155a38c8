/** The page of errors and the sources agree. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { root } from "./support/root.js";
import { tokens } from "./support/source-imports.js";
import { readSources } from "./support/source-tree.js";

const CODE = /^ERR_SQUALL_[A-Z0-9]+(?:_[A-Z0-9]+)*$/;

/** The codes that a source text makes: strings and names that are a code and nothing else, outside of comments. */
function codesOf(source: string): string[] {
  return tokens(source)
    .filter(
      ({ kind, text }) => (kind === "string" || kind === "template" || kind === "word") && CODE.test(text),
    )
    .map(({ text }) => text);
}

const inSources = new Set([...readSources().values()].flatMap(codesOf));
const rows = readFileSync(`${root}docs/errors.md`, "utf8")
  .split("\n")
  .flatMap((line) => /^\| `(\w+)`/.exec(line)?.[1] ?? []);

test("docs/errors.md explains every code that the sources make", () => {
  assert.deepEqual(
    [...inSources].filter((code) => !rows.includes(code)),
    [],
  );
});

test("docs/errors.md explains no code that is gone, and none twice", () => {
  assert.deepEqual(
    rows.filter((code) => !inSources.has(code)),
    [],
  );
  assert.equal(new Set(rows).size, rows.length);
});

test("codes are found in strings and keys, not in comments", () => {
  const source = `super("ERR_SQUALL_A_B"); const T = { ERR_SQUALL_C: 1 }; // ERR_SQUALL_D
    type Code = \`ERR_SQUALL_\${string}\`; throw new Error("see ERR_SQUALL_E");`;
  assert.deepEqual(codesOf(source), ["ERR_SQUALL_A_B", "ERR_SQUALL_C"]);
});
