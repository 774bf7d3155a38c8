// npm test [-- WORD …]: sets the clone up and runs the compiled tests with node:test.
// A WORD picks the test files whose path holds it; words that begin with a dash go to node.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

// Whole servers, other programs and browsers: npm run test:e2e.
const OUTSIDE = new Set(["e2e", "interop"]);

setUp();
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const flags = process.argv.slice(2).filter((word) => word.startsWith("-"));
const all = flags.includes("--all");
const base = join(root, "build", "test");
const files = readdirSync(base, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith(".test.js"))
  .filter((path) => all || words.length > 0 || !OUTSIDE.has(path.split(sep)[0]))
  .filter((path) => words.length === 0 || words.some((word) => path.split(sep).join("/").includes(word)))
  .sort()
  .map((path) => relative(root, join(base, path)));
if (files.length === 0) {
  console.error(`no test file matches: ${words.join(" ")}`);
  process.exit(1);
}
const run = spawnSync(
  process.execPath,
  ["--expose-gc", "--enable-source-maps", "--test", ...flags.filter((flag) => flag !== "--all"), ...files],
  { cwd: root, stdio: "inherit" },
);
process.exit(run.status ?? 1);
