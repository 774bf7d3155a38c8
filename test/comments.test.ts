/** Lines of comment stay within 110 columns, as code does, which the formatter sees to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSources, type SourceTree } from "./support/source-tree.js";

const COLUMNS = 110;

function tooLong(tree: SourceTree): string[] {
  const complaints: string[] = [];
  for (const [path, source] of tree) {
    for (const [index, line] of source.split("\n").entries()) {
      if (line.length > COLUMNS && /^\s*(?:\*|\/\*|\/\/)|\s\/\/\s/.test(line)) {
        complaints.push(`${path}:${index + 1}: ${line.length} columns`);
      }
    }
  }
  return complaints;
}

test("no line of comment is longer than 110 columns", () => {
  const tree = readSources();
  assert.ok(tree.size > 50);
  assert.deepEqual(tooLong(tree), []);
});

test("the rule bites", () => {
  const words = "word ".repeat(30);
  const tree = new Map([
    ["a/block.ts", `/**\n * ${words}\n */`],
    ["a/line.ts", `// ${words}`],
    ["a/code.ts", `const text = "${words}";`],
  ]);
  assert.deepEqual(
    tooLong(tree).map((complaint) => complaint.split(":")[0]),
    ["a/block.ts", "a/line.ts"],
  );
});
