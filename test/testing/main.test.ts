import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { root } from "../support/root.js";
import "../support/guard.js";

const folder = mkdtempSync(join(tmpdir(), "squall-main-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const sample = join(folder, "sample.test.mjs");
cpSync(fileURLToPath(new URL("../support/fixtures/sample.js", import.meta.url)), sample);
const good = join(folder, "good.test.mjs");
writeFileSync(good, 'import { test } from "node:test"; test("good passes", () => console.log("chatter"));\n');
const marker = join(folder, "marker");
/** A test that says when it runs, and ends when the marker is there. */
writeFileSync(
  join(folder, "patient.mjs"),
  `import { existsSync } from "node:fs";
   import { test } from "node:test";
   test("patient", async () => {
     console.log("started");
     const parent = process.ppid; // who changes when the runner is killed
     while (!existsSync(${JSON.stringify(marker)}) && process.ppid === parent) await new Promise(setImmediate);
   });`,
);

interface Result {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Runs main() in a process of its own; `onOutput` sees what it has printed so far. */
function run(args: string[], onOutput?: (output: string, interrupt: () => void) => void): Promise<Result> {
  const program = join(root, "dist", "testing.js");
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const script = `import { main } from ${JSON.stringify(program)}; await main();`;
  return new Promise((resolve) => {
    const entry = join(folder, "run.mjs");
    writeFileSync(entry, script);
    const child = spawn(process.execPath, [entry, ...args], { cwd: folder, env });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
      onOutput?.(output, () => child.kill("SIGINT"));
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("close", (status, signal) => resolve({ status, signal, output }));
  });
}

describe("main()", () => {
  test("runs all test files below the folder and tells the failures", async () => {
    const { status, output } = await run([]);
    assert.equal(status, 1);
    assert.match(output, /FAILED: second fails/);
    assert.match(output, /FAILED: fifth fails/);
    assert.match(output, /printed by the sample/);
    assert.match(output, /chatter/);
    assert.match(output, /ran 5 tests in \d+\.\d\d s, 1 skipped: FAILED \(2\)/);
  });

  test("runs the files and the tests that are named", async () => {
    const one = await run(["good.test.mjs"]);
    assert.equal(one.status, 0);
    assert.match(one.output, /ran 1 test in .*: OK/);
    const named = await run(["sample.test.mjs", "third"]);
    assert.equal(named.status, 0, named.output);
  });

  test("--verbose gives each test a line, --quiet leaves failures and summary", async () => {
    const verbose = await run(["--verbose", "sample.test.mjs"]);
    assert.match(verbose.output, /^first passes \.\.\. ok$/m);
    assert.match(verbose.output, /^ {2}second fails \.\.\. FAILED$/m);
    assert.match(verbose.output, /^fourth is skipped \.\.\. skipped$/m);
    const quiet = await run(["--quiet", "--buffer", "good.test.mjs"]);
    assert.match(quiet.output, /^\nran 1 test in \d+\.\d\d s: OK\n$/);
  });

  test("--buffer hides what passing files print and shows it for those that fail", async () => {
    const { output } = await run(["--buffer"]);
    assert.doesNotMatch(output, /chatter/);
    assert.match(output, /printed by .*sample\.test\.mjs:\nprinted by the sample/);
  });

  test("--failfast stops at the first failure", async () => {
    const { status, output } = await run(["--failfast", "sample.test.mjs"]);
    assert.equal(status, 1);
    assert.match(output, /FAILED: second fails/);
    assert.doesNotMatch(output, /fifth/);
  });

  test("Ctrl-C reports what has been run, unless --exception-on-interrupt=false", async () => {
    const interruptOnce = (): ((output: string, interrupt: () => void) => void) => {
      let done = false;
      return (output, interrupt) => {
        if (done || !output.includes("started")) return;
        done = true;
        interrupt();
      };
    };
    const soft = await run(["good.test.mjs", "patient.mjs"], interruptOnce());
    assert.equal(soft.status, 130, soft.output);
    assert.match(soft.output, /ran 1 test/);
    const hard = await run(
      ["--exception-on-interrupt=false", "good.test.mjs", "patient.mjs"],
      interruptOnce(),
    );
    assert.doesNotMatch(hard.output, /ran \d+ tests/);
    assert.notEqual(hard.status, 0);
  });

  test("--catch finishes the file that runs on Ctrl-C and begins no other", async () => {
    let interrupted = false;
    const { status, output } = await run(["--catch", "patient.mjs", "sample.test.mjs"], (text, interrupt) => {
      if (!interrupted && text.includes("started")) {
        interrupted = true;
        interrupt();
      } else if (text.includes("interrupted;")) {
        writeFileSync(marker, "");
      }
    });
    assert.equal(status, 130, output);
    assert.match(output, /ran 1 test in .*: OK/);
    assert.doesNotMatch(output, /sample/);
  });
});
