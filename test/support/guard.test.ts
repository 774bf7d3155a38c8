import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("the guard fails the tests that leave a stray log line or rejection, and no others", async () => {
  const file = fileURLToPath(new URL("./fixtures/stray.js", import.meta.url));
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(process.execPath, ["--test-reporter=tap", file], { env }, (error, stdout) => {
      resolve({ code: error?.code ?? 0, stdout });
    });
  });
  const results = [...stdout.matchAll(/^\s*(ok|not ok) \d+ - (good|bad)/gm)].map((m) => `${m[2]} ${m[1]}`);
  assert.deepEqual(
    results,
    ["good ok", "bad not ok", "bad not ok", "good ok", "bad not ok", "good ok"],
    stdout,
  );
  assert.match(stdout, /something is odd/);
  assert.match(stdout, /forgotten/);
  assert.equal(code, 1);
});
