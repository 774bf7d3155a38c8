// npm run fuzz -- [SECONDS] [WORD …]: sets the clone up and lets the fuzz tests make up new cases, each test for that
// many seconds (default 60). A WORD picks the files whose path holds it. A finding says the seed that repeats it.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

setUp();
const words = process.argv.slice(2);
const seconds = /^[0-9]+$/.test(words[0] ?? "") ? words.shift() : "60";
const base = join(root, "build", "test", "fuzz");
const files = readdirSync(base)
  .filter((name) => name.endsWith(".test.js"))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort()
  .map((name) => relative(root, join(base, name)));
if (files.length === 0) {
  console.error(`no fuzz test matches: ${words.join(" ")}`);
  process.exit(1);
}
// Every run begins somewhere else; the seconds since 1970 leave room for a million cases until the next.
const first = process.env.SQUALL_FUZZ_FIRST ?? String(Math.floor(Date.now() / 1000) * 1_000_000);
const run = spawnSync(
  process.execPath,
  ["--expose-gc", "--enable-source-maps", "--test", "--test-reporter=spec", "--test-concurrency=2", ...files],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, SQUALL_FUZZ_SECONDS: seconds, SQUALL_FUZZ_FIRST: first },
  },
);
process.exit(run.status ?? 1);
