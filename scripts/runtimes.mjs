// npm run test:runtimes [-- RUNTIME … WORD …]: runs the suites that promise the same on every runtime under each of them, and
// writes docs/RUNTIMES.md. A RUNTIME is node-22, node-24, node-26, bun or deno; a WORD picks the test files whose path holds it,
// and then no page is written. `--check`, for CI, compares the page (all but its counts) instead of writing it; `--list` prints
// lines for known.tsv.
//
// Tests that are known to fail somewhere stand in test/runtimes/known.tsv with their reason. A failure that is not listed
// fails the run, and so does a listed test that passes: the list says what is true. A file in which something unexpected
// happened runs once more alone, since a slow machine is no difference; only what happens twice counts, and the summary names
// the file.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { covers, readKnown } from "../test/runtimes/known.mjs";
import { faultsOfPage, writePage } from "../test/runtimes/page.mjs";
import { runFile } from "../test/runtimes/run-files.mjs";
import { RUNTIMES, versionOf } from "../test/runtimes/runtimes.mjs";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

const portable = join(root, "build", "portable-test");

/** The rest looks at the repository, or concerns tools of Node. */
const SUITES = new Set([
  ...[
    "protocol",
    "base",
    "async",
    "net",
    "contract",
    "http",
    "httputil",
    "text",
    "websocket",
    "web",
    "testing",
  ],
  ...["fetch", "node", "proxy", "auth"],
]);

/**
 * Copies the compiled tests, with `node:test`, doors and rooms named by their files. Source maps stay behind: the tests look for
 * files beside themselves, and Bun and Deno would lead them to the sources.
 */
function makePortable() {
  const from = join(root, "build", "test");
  rmSync(portable, { recursive: true, force: true });
  mkdirSync(portable, { recursive: true });
  const runner = pathToFileURL(join(root, "test", "runtimes", "node-test.mjs")).href;
  const dist = pathToFileURL(join(root, "dist")).href;
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = relative(from, join(entry.parentPath, entry.name));
    if (entry.isDirectory()) mkdirSync(join(portable, path), { recursive: true });
    else if (/\.(d\.ts|map)$/.test(path)) continue;
    else if (!path.endsWith(".js")) cpSync(join(from, path), join(portable, path));
    else {
      const text = readFileSync(join(from, path), "utf8")
        .replace(/^\/\/# sourceMappingURL=.*$/m, "")
        .replaceAll('from "node:test"', `from ${JSON.stringify(runner)}`)
        .replace(/(["'])squall\/([a-z0-9]+)\1/g, (_, quote, door) => `${quote}${dist}/${door}.js${quote}`)
        .replace(
          /(from |import\()(["'])squall\2/g,
          (_, verb, quote) => `${verb}${quote}${dist}/index.js${quote}`,
        )
        .replace(
          /(["'])#room\/([\w/-]+?)(?:\.js)?\1/g,
          (_, quote, room) => `${quote}${dist}/${room}.js${quote}`,
        );
      writeFileSync(join(portable, path), text);
    }
  }
}

function testFiles() {
  return (
    readdirSync(portable, { recursive: true })
      .map((path) => String(path).split(sep).join("/"))
      .filter((path) => path.endsWith(".test.js") && SUITES.has(path.split("/")[0]))
      // The compiler leaves behind what was compiled from files that have been moved or deleted.
      .filter((path) => existsSync(join(root, "test", path.replace(/\.js$/, ".ts"))))
      .sort()
  );
}

/** What nobody expected in a file: failures that are not listed, and listed tests that pass. */
function surprisesOf(name, file, { results, seen }) {
  const mine = known.filter((entry) => entry.runtime === name && entry.file === file);
  const surprises = results
    .filter((result) => result.outcome === "fail" && !mine.some((entry) => covers(entry, result.name)))
    .map((result) => ({ title: result.name, fails: true, text: result.error ?? "" }));
  for (const { entry, tests } of seen) {
    if (entry.sometimes) continue;
    const good = tests.filter(({ outcome }) => outcome === "pass").map((test) => test.name);
    if (tests.length === 0 || good.length > 0)
      surprises.push({
        title: entry.title,
        fails: false,
        text: `known.tsv lists it, but it passes: ${good.join(", ") || "there is no such test"}`,
      });
  }
  return surprises;
}

const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const runtimes = Object.keys(RUNTIMES).filter((name) => words.includes(name));
if (runtimes.length === 0) runtimes.push(...Object.keys(RUNTIMES));
const parts = words.filter((word) => !(word in RUNTIMES));
setUp();
install(join(root, "test", "runtimes"));
makePortable();
const known = readKnown();
const all = testFiles();
const missing = known.filter(({ file }) => !all.includes(file));
if (missing.length > 0)
  throw new Error(`known.tsv names files that are not there: ${missing.map(({ file }) => file)}`);
const files = all.filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));

const outcomes = new Map(runtimes.map((name) => [name, new Map()]));
const again = [];
const queue = runtimes.flatMap((name) => files.map((file) => [name, file]));
const times = [];
async function work() {
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    const [name, file] = task;
    const began = performance.now();
    const outcome = await runFile(name, file, known);
    times.push([Math.round(performance.now() - began), name, file]);
    outcomes.get(name).set(file, outcome);
    const surprises = surprisesOf(name, file, outcome);
    if (surprises.length > 0) again.push(task);
    for (const { title, text } of surprises)
      console.error(`runs again: ${RUNTIMES[name].title}: ${file}: ${title}\n${text}`);
  }
}
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
for (const [name, file] of again) outcomes.get(name).set(file, await runFile(name, file, known));

times.sort(([a], [b]) => b - a);
writeFileSync(
  join(root, "build", "runtimes-times.tsv"),
  times.map((line) => `${line.join("\t")}\n`).join(""),
);
const rows = [];
let bad = 0;
for (const name of runtimes) {
  const { title, command } = RUNTIMES[name];
  let passed = 0;
  let skipped = 0;
  let expected = 0;
  let wrong = 0;
  for (const [file, outcome] of outcomes.get(name)) {
    const surprises = surprisesOf(name, file, outcome);
    for (const surprise of surprises) {
      console.error(`\n${title}: ${file}: ${surprise.title}\n${surprise.text}`);
      if (process.argv.includes("--list")) console.log(`${name}\t${file}\t${surprise.title}\tREASON`);
    }
    wrong += surprises.length;
    const count = (what) => outcome.results.filter((result) => result.outcome === what).length;
    passed += count("pass");
    skipped += count("skip");
    expected += count("fail") - surprises.filter(({ fails }) => fails).length;
  }
  bad += wrong;
  const version = await versionOf(command());
  rows.push({ title, version, passed, expected, skipped, wrong });
  console.log(
    `${title} ${version}: ${passed} passed, ${expected} differ as known, ${skipped} skipped, ${wrong} unexpected`,
  );
}
for (const [name, file] of again) console.log(`ran twice: ${RUNTIMES[name].title}: ${file}`);
const faults = process.argv.includes("--check") ? faultsOfPage(known) : [];
for (const fault of faults) console.error(`docs/RUNTIMES.md: ${fault}; npm run test:runtimes writes it`);
if (parts.length === 0 && !process.argv.includes("--check")) writePage(rows, known);
console.log(bad === 0 ? "all runtimes do what is promised" : `${bad} tests differ from what is promised`);
process.exit(bad + faults.length === 0 ? 0 : 1);
