// Runs compiled test files under a runtime, each in a process of its own.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { covers } from "./known.mjs";
import { runLimited } from "./processes.mjs";
import { RUNTIMES } from "./runtimes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "test", "runtimes");
const FILE_LIMIT = 90_000;
/** A listed test may hang: that is what is known of some. */
const KNOWN_LIMIT = 10_000;

const scratch = mkdtempSync(join(tmpdir(), "squall-runtimes-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
let files = 0;

const env = {
  ...process.env,
  NO_COLOR: "1",
  SQUALL_TEST_FAIL_IF_LOGS: "true",
  NODE_OPTIONS: "",
};

function readLines(path) {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  rmSync(path);
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

async function run(program, args, resultFile, limit) {
  const { output, trouble } = await runLimited(program, args, { cwd: root, env, limit });
  const lines = readLines(resultFile);
  const results = lines.filter(({ outcome }) => outcome !== undefined);
  return { output, trouble, lines, results };
}

const failure = (name, trouble, output) => ({ name, outcome: "fail", error: `${trouble}\n${output}`.trim() });

/** Runs a file with the runtime's own node:test. */
async function runWithNode([program], file) {
  const resultFile = join(scratch, `${files++}.jsonl`);
  const args = [
    ...["--expose-gc", "--enable-source-maps", "--test-timeout=60000"],
    `--test-reporter=${pathToFileURL(join(folder, "reporter.mjs")).href}`,
    `--test-reporter-destination=${resultFile}`,
    join("build", "test", file),
  ];
  const { output, trouble, results } = await run(program, args, resultFile, FILE_LIMIT);
  if (trouble !== undefined && !results.some(({ outcome }) => outcome === "fail"))
    results.push(failure("(file)", trouble, output));
  return results;
}

/** Runs a file with our runner: all tests, or those that `mode` (leave, only) and `titles` pick. */
async function runWithOurs(command, file, mode, titles, limit = FILE_LIMIT) {
  const resultFile = join(scratch, `${files++}.jsonl`);
  const [program, ...flags] = command;
  const portable = join(root, "build", "portable-test", file);
  const args = [...flags, join(folder, "run-file.mjs"), portable, resultFile, mode, JSON.stringify(titles)];
  const { output, trouble, lines, results } = await run(program, args, resultFile, limit);
  if (!lines.some(({ ended }) => ended)) {
    const begun = lines.findLast(({ begins }) => begins)?.name;
    const open = begun !== undefined && !results.some(({ name }) => name === begun) ? begun : "(file)";
    results.push(failure(open, trouble ?? "ended early", output));
  }
  return results;
}

/**
 * Runs a file under the runtime `name`. Tests that are `known` to fail run one by one, where they harm no other. Resolves with
 * `results` and, for each known difference of the file, how many of its tests fail and pass.
 */
export async function runFile(name, file, known) {
  const { ours, command } = RUNTIMES[name];
  const mine = known.filter((entry) => entry.runtime === name && entry.file === file);
  if (!ours) {
    const results = await runWithNode(command(), file);
    return {
      results,
      seen: mine.map((entry) => ({ entry, tests: results.filter((r) => covers(entry, r.name)) })),
    };
  }
  const apart = mine.filter(({ title }) => !title.startsWith("("));
  const whole = mine.filter(({ title }) => title.startsWith("("));
  const titles = apart.map(({ title }) => title);
  const results = titles.includes("*") ? [] : await runWithOurs(command(), file, "leave", titles);
  const seen = whole.map((entry) => ({ entry, tests: results.filter((r) => covers(entry, r.name)) }));
  for (const entry of apart) {
    const tests = await runWithOurs(command(), file, "only", [entry.title], KNOWN_LIMIT);
    seen.push({ entry, tests });
    results.push(...tests);
  }
  return { results, seen };
}
