/** The options of `npm test` that change what the tests run with. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { root } from "./root.js";

/** Runs `npm test` for one small file. */
function runTests(
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string }> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["scripts/test.mjs", ...args, "support/run-probe"], {
      cwd: root,
      env: { ...env, ...more },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

test("npm test runs the library's own tests, those whose path holds a word", async () => {
  const { code, output } = await runTests([]);
  assert.equal(code, 0, output);
  assert.match(output, /the tests say with what they run/);
  assert.match(output, /this run: .*, DefaultLoopResolver/);
  assert.match(output, /tests 1\b/);
});

test("--resolver names the resolver of whoever asks for none, and a name that is none fails the run", async () => {
  const { code, output } = await runTests(["--resolver=CaresResolver"]);
  assert.equal(code, 0, output);
  assert.match(output, /this run: .*, CaresResolver/);
  const wrong = await runTests(["--resolver=IsValidIp"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.output, /has no resolver of that name/);
});

test("--locale sets the locale of the test processes", async () => {
  const { code, output } = await runTests(["--locale=de_DE.UTF-8"]);
  assert.equal(code, 0, output);
  assert.match(output, /this run: 1,5 in de-DE/);
});

test("--fail-if-logs=false lets stray log lines pass, which else fail the test", async () => {
  const stray = { SQUALL_TEST_STRAY: "1" };
  const strict = await runTests([], stray);
  assert.equal(strict.code, 1);
  assert.match(strict.output, /a stray log line/);
  assert.equal((await runTests(["--fail-if-logs=false"], stray)).code, 0);
});

test("--httpserver names another class of server for the tests of HTTP, and a name that is none fails the run", async () => {
  const file = "build/test/support/fixtures/other-implementations.js";
  const { code, output } = await runTests([`--httpserver=${file}#OtherServer`]);
  assert.equal(code, 0, output);
  assert.match(output, /this run: OtherServer, exchange/);
  const wrong = await runTests([`--httpserver=${file}#otherExchange`]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.output, /is not a kind of HTTPServer/);
});

test("--httpclient names another client for the tests of HTTP, and a name that is none fails the run", async () => {
  const file = "build/test/support/fixtures/other-implementations.js";
  const { code, output } = await runTests([`--httpclient=${file}#otherExchange`]);
  assert.equal(code, 0, output);
  assert.match(output, /this run: HTTPServer, otherExchange/);
  const wrong = await runTests([`--httpclient=${file}#nobody`]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.output, /the module has no such export/);
});
