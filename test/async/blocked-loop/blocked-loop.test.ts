import "../../support/guard.js";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const program = fileURLToPath(new URL("../fixtures/blocking-program.js", import.meta.url));

/** No other program, however busy, delays the loop of the child for so long. */
const NEVER_REACHED = 60_000;

function run(
  how: string,
  milliseconds: number,
  threshold: number,
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, how, String(milliseconds), String(threshold)],
    {
      encoding: "utf8",
      timeout: 30_000,
      env: { ...process.env, NODE_OPTIONS: "" },
    },
  );
  return { status, stdout, stderr };
}

describe("setBlockingLogThreshold()", () => {
  test("logs how long the loop was blocked, and the stack of what blocked it", () => {
    const { status, stdout, stderr } = run("plain", 300, 50);
    assert.equal(status, 0);
    assert.equal(stdout, "end\n");
    const blocked = /the loop was blocked for (\d+) ms/.exec(stderr);
    assert.ok(blocked, stderr);
    assert.ok(Number(blocked[1]) >= 150 && Number(blocked[1]) < 3000, blocked[1]);
    assert.match(stderr, /at computeForLong \(.*blocking-program\.js:\d+:\d+\)/);
  });

  test("is silent when nothing blocks, and when it is off", () => {
    assert.deepEqual(run("plain", 0, NEVER_REACHED), { status: 0, stdout: "end\n", stderr: "" });
    assert.deepEqual(run("off", 300, 50), { status: 0, stdout: "end\n", stderr: "" });
  });

  for (const [how, status] of [
    ["stop", 0],
    ["close", 0],
    ["exit", 3],
    ["statement", 0],
  ] as const) {
    test(`leaves a clean exit: ${how}`, () => {
      const result = run(how, 0, NEVER_REACHED);
      assert.deepEqual(result, { status, stdout: "end\n", stderr: "" });
    });
  }

  test("says so itself when the loop does not become free any more", () => {
    const { stderr } = run("plain", 6500, 50);
    assert.match(stderr, /squall: the loop has been blocked for \d+ ms and still is, here:\n {4}at /);
  });

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
