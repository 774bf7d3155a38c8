import "../../support/guard.js";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const program = fileURLToPath(new URL("../fixtures/blocking-program.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "squall-blocked-"));
after(() => rmSync(folder, { recursive: true }));

/** No other program, however busy, delays the loop of the child for so long. */
const NEVER_REACHED = 60_000;

function run(how: string, threshold: number): { status: number | null; stdout: string; stderr: string } {
  // A file, so that the program itself can see what the watchdog has written.
  const path = join(folder, how);
  const errors = openSync(path, "w");
  const { status, stdout } = spawnSync(process.execPath, [program, how, String(threshold), path], {
    encoding: "utf8",
    timeout: 120_000,
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", errors],
  });
  closeSync(errors);
  return { status, stdout, stderr: readFileSync(path, "utf8") };
}

describe("setBlockingLogThreshold()", () => {
  test("shows the stack of what blocks the loop: at once if it stays blocked, and in the log afterwards", () => {
    const { status, stdout, stderr } = run("block", 50);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, "end\n");
    // On a busy machine the loop of the child may have been blocked before, by others: more lines come first.
    const frame = " {4}at computeForLong \\(.*blocking-program\\.js:\\d+:\\d+\\)\\n";
    assert.match(
      stderr,
      new RegExp(
        `(?:^|\n)squall: the loop has been blocked for \\d+ ms and still is, here:\n(?: {4}at .*\n)*${frame}`,
      ),
    );
    // Each frame is a line of its own, indented with the others of the record.
    assert.match(
      stderr,
      new RegExp(`the loop was blocked for \\d+ ms, and was found here:\n.*\n(?: {8}at .*\n)* {4}${frame}`),
    );
    assert.doesNotMatch(stderr, /\\n/);
  });

  test("is silent when nothing blocks, and when it is off", () => {
    assert.deepEqual(run("plain", NEVER_REACHED), { status: 0, stdout: "end\n", stderr: "" });
    assert.deepEqual(run("off", 50), { status: 0, stdout: "end\n", stderr: "" });
  });

  for (const [how, status] of [
    ["stop", 0],
    ["close", 0],
    ["exit", 3],
    ["statement", 0],
  ] as const) {
    test(`leaves a clean exit: ${how}`, () => {
      const result = run(how, NEVER_REACHED);
      assert.deepEqual(result, { status, stdout: "end\n", stderr: "" });
    });
  }

  test("is refused in a worker thread", async () => {
    const door = import.meta.resolve("squall/ioloop");
    const worker = new Worker(
      `import(${JSON.stringify(door)}).then(({ IOLoop }) => IOLoop.current().setBlockingLogThreshold(50))
        .then(() => "accepted", (error) => error.code)
        .then((answer) => require("node:worker_threads").parentPort.postMessage(answer))`,
      { eval: true },
    );
    const answer = await new Promise((resolve) => worker.once("message", resolve));
    await worker.terminate();
    assert.equal(answer, "ERR_SQUALL_INVALID_STATE");
  });
});
