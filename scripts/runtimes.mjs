// npm run test:runtimes [-- RUNTIME …]: runs the suites that promise the same on every runtime under each of them, and
// writes docs/RUNTIMES.md. Runtimes: node-20 (or whatever runs this script), node-22, node-24, node-26, bun, deno.
//
// Tests that are known to fail somewhere stand in test/runtimes/known.tsv with their reason. A failure that is not listed
// fails the run, and so does a listed test that passes, unless its reason begins with "Sometimes": the list says what is true.
//
// Node runs all tests with node:test. Bun and Deno cannot run a file of node:test by itself, so each file runs in a process of
// its own there, with the small runner of test/runtimes/node-test.mjs; the compiled tests are copied for that, with their
// imports pointed to dist/.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

const folder = join(root, "test", "runtimes");
const packages = join(folder, "node_modules");
const portable = join(root, "build", "test-portable");
const pagePath = join(root, "docs", "RUNTIMES.md");
const FILE_LIMIT = 180_000;

/** The suites for Bun and Deno; the rest looks at the repository, or concerns Node's own tools. */
const SUITES = [
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
];

const RUNTIMES = {
  "node-20": { title: "Node.js 20", command: [process.execPath], run: runWithNode },
  "node-22": { title: "Node.js 22", command: [join(packages, "node-22", "bin", "node")], run: runWithNode },
  "node-24": { title: "Node.js 24", command: [join(packages, "node-24", "bin", "node")], run: runWithNode },
  "node-26": { title: "Node.js 26", command: [join(packages, "node-26", "bin", "node")], run: runWithNode },
  bun: { title: "Bun", command: [binary("@oven", "bun"), "--expose-gc", "run"], run: runFiles },
  deno: {
    title: "Deno",
    command: [
      binary("@deno", "deno"),
      ...["run", "-A", "--no-lock", "--v8-flags=--expose-gc", "--node-modules-dir=manual"],
    ],
    run: runFiles,
  },
};

/** The folders below test/ that need programs and packages of others: npm run test:e2e. */
const OUTSIDE = ["e2e", "interop", "runtimes"];

/** The program inside the package that its registry has for this platform: install scripts would only move it. */
function binary(scope, name) {
  const base = join(packages, scope);
  if (!existsSync(base)) return name;
  const found = readdirSync(base, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && (entry.name === name || entry.name === `${name}.exe`),
  );
  return found === undefined ? name : join(found.parentPath, found.name);
}

/** Copies the compiled tests, with `node:test`, doors and rooms named by their files. */
function makePortable() {
  const from = join(root, "build", "test");
  rmSync(portable, { recursive: true, force: true });
  mkdirSync(portable, { recursive: true });
  const runner = pathToFileURL(join(folder, "node-test.mjs")).href;
  const dist = pathToFileURL(join(root, "dist")).href;
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = relative(from, join(entry.parentPath, entry.name));
    if (entry.isDirectory()) mkdirSync(join(portable, path), { recursive: true });
    else if (!path.endsWith(".js")) cpSync(join(from, path), join(portable, path));
    else {
      const text = readFileSync(join(from, path), "utf8")
        .replaceAll('from "node:test"', `from ${JSON.stringify(runner)}`)
        .replace(/(["'])squall\/([a-z0-9]+)\1/g, (_, quote, door) => `${quote}${dist}/${door}.js${quote}`)
        .replace(/(["'])squall\1(?=;|\))/g, (_, quote) => `${quote}${dist}/index.js${quote}`)
        .replace(
          /(["'])#room\/([\w/-]+?)(?:\.js)?\1/g,
          (_, quote, room) => `${quote}${dist}/${room}.js${quote}`,
        );
      writeFileSync(join(portable, path), text);
    }
  }
}

function testFiles(base) {
  return (
    readdirSync(base, { recursive: true })
      .map((path) => String(path).split(sep).join("/"))
      .filter((path) => path.endsWith(".test.js"))
      // The compiler leaves behind what was compiled from files that have been moved or deleted.
      .filter((path) => existsSync(join(root, "test", path.replace(/\.js$/, ".ts"))))
      .sort()
  );
}

/** Runs all test files with the runtime's own node:test. */
function runWithNode([program]) {
  const base = join(root, "build", "test");
  const files = testFiles(base).filter((path) => !OUTSIDE.includes(path.split("/")[0]));
  const args = [
    ...["--test", "--expose-gc", "--enable-source-maps", "--test-timeout=120000"],
    `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
    `--test-reporter=${pathToFileURL(join(folder, "reporter.mjs")).href}`,
    ...files.map((file) => join("build", "test", file)),
  ];
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"], env: childEnv() });
    let text = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("close", () => {
      const lines = text.split("\n").filter((line) => line.startsWith("{"));
      resolve(lines.map((line) => JSON.parse(line)));
    });
  });
}

/** Runs one file under a runtime; its results, or one failure that says how the process ended. */
function runFile(command, file) {
  return new Promise((resolve) => {
    const resultFile = join(tmpdir(), `squall-${process.pid}-${Math.random().toString(36).slice(2)}.json`);
    const [program, ...flags] = command;
    const args = [...flags, join(folder, "run-file.mjs"), join(portable, file), resultFile];
    // A group of its own, so that what a hanging test has started ends with it.
    const child = spawn(program, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: childEnv(),
      detached: true,
    });
    const endGroup = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // All of it has ended.
      }
    };
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output = (output + text).slice(-4000);
      });
    }
    const timer = setTimeout(endGroup, FILE_LIMIT);
    child.on("error", (error) => {
      output += String(error);
    });
    child.on("exit", endGroup);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const results = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, "utf8")) : [];
      rmSync(resultFile, { force: true });
      if (results.length === 0)
        results.push({ name: "(file)", outcome: "fail", error: `ended with ${signal ?? code}\n${output}` });
      resolve(results.map((result) => ({ ...result, file })));
    });
  });
}

function childEnv() {
  return { ...process.env, NO_COLOR: "1", SQUALL_TEST_FAIL_IF_LOGS: "true", NODE_OPTIONS: "" };
}

/** Runs the files of the portable suites, a few at a time. */
async function runFiles(command) {
  const queue = testFiles(portable).filter((path) => SUITES.includes(path.split("/")[0]));
  const results = [];
  await Promise.all(
    Array.from({ length: Math.max(2, availableParallelism()) }, async () => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift())
        results.push(...(await runFile(command, file)));
    }),
  );
  return results;
}

/** What a program calls its version. */
function versionOf(command) {
  return new Promise((resolve) => {
    const child = spawn(command[0], ["--version"], { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("error", () => resolve(undefined));
    child.on("close", () => resolve(/\d+\.\d+\.\d+/.exec(text)?.[0]));
  });
}

/** known.tsv: runtime, test file, title (a prefix ending in * stands for all below), reason. */
function readKnown() {
  return readFileSync(join(folder, "known.tsv"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [runtime, file, title, reason] = line.split("\t");
      if (!runtime || !file || !title || !reason) throw new Error(`known.tsv: four columns needed: ${line}`);
      return { runtime, file, title, reason, seen: false };
    });
}

const covers = (entry, runtime, result) =>
  entry.runtime === runtime &&
  entry.file === result.file &&
  (entry.title.endsWith("*")
    ? result.name.startsWith(entry.title.slice(0, -1))
    : entry.title === result.name);

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
for (const name of wanted)
  if (!(name in RUNTIMES))
    throw new Error(`no runtime is named ${name}; there are ${Object.keys(RUNTIMES).join(", ")}`);
setUp();
install(folder);
makePortable();
const known = readKnown();
const rows = [];
let bad = 0;
for (const [name, { title, command, run }] of Object.entries(RUNTIMES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const version = await versionOf(command);
  if (version === undefined) throw new Error(`${title}: ${command[0]} does not run`);
  const results = await run(command);
  const failed = results.filter((result) => result.outcome === "fail");
  const expected = [];
  for (const result of failed) {
    const entry = known.find((candidate) => covers(candidate, name, result));
    if (entry === undefined) {
      bad++;
      console.error(`\n${title}: ${result.file}: ${result.name}\n${result.error}`);
    } else {
      entry.seen = true;
      expected.push(entry);
    }
  }
  const stale = known.filter(
    (entry) => entry.runtime === name && !entry.seen && !entry.reason.startsWith("Sometimes"),
  );
  for (const entry of stale) {
    bad++;
    console.error(`\n${title}: listed in known.tsv, but passes: ${entry.file}: ${entry.title}`);
  }
  const passed = results.filter((result) => result.outcome === "pass").length;
  const skipped = results.filter((result) => result.outcome === "skip").length;
  rows.push({ name, title, version, passed, expected, skipped });
  console.log(
    `${title} ${version}: ${passed} passed, ${failed.length} failed, ${expected.length} of them known, ${skipped} skipped`,
  );
}
if (bad === 0) writePage(rows);
console.log(bad === 0 ? "all runtimes do what is promised" : `${bad} tests differ from what is promised`);
process.exit(bad === 0 ? 0 : 1);

/** The rows of the page as it is, by the runtime's title. */
function rowsOfPage() {
  const page = existsSync(pagePath) ? readFileSync(pagePath, "utf8") : "";
  const rows = [...page.matchAll(/^\| (\S[^|]*?) \| ([\d.]+) \| +(\d+) \| +(\d+) \| +(\d+) \|$/gm)];
  return new Map(rows.map(([line, title]) => [title, line]));
}

/** Writes the page: the rows of this run, those of earlier runs for other runtimes, and the list of differences. */
function writePage(all) {
  const kept = rowsOfPage();
  for (const { title, version, passed, expected, skipped } of all)
    kept.set(title, `| ${title} | ${version} | ${passed} | ${expected.length} | ${skipped} |`);
  const lines = Object.values(RUNTIMES).flatMap(({ title }) => kept.get(title) ?? []);
  const differences = Object.entries(RUNTIMES).flatMap(([name, { title }]) => {
    const reasons = new Set(known.filter(({ runtime }) => runtime === name).map(({ reason }) => reason));
    return [...reasons].map((reason) => `- **${title}:** ${reason}`);
  });
  writeFileSync(
    pagePath,
    `# Runtimes

squall runs on Node.js 20.19 and later, on Bun and on Deno. \`npm run test:runtimes\` runs the tests under each and writes this page:
all tests under Node.js, and under Bun and Deno the suites of the protocols, the loop, streams, servers, the client, WebSockets and the web
framework. What rests on the insides of one runtime has a plain path beside it, which takes over elsewhere.

| runtime | version | passed | known to differ | skipped |
| ------- | ------- | -----: | --------------: | ------: |
${lines.join("\n")}

## What is known to differ

\`test/runtimes/known.tsv\` names the tests behind each line. A failure that is not listed there fails the run, and so does a listed test
that passes.

${differences.join("\n")}
`,
  );
}
