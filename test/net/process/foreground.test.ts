/** A process that has handed over to its successor, also where Node does not list its open handles. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../../support/root.js";

const PROGRAM = `
  import { createServer } from "node:net";
  import process from "node:process";
  import { becomeShell } from "#room/net/process/foreground";
  const server = createServer().listen(0, "127.0.0.1", () => {
    if (process.argv[1] === "plain") process._getActiveHandles = undefined;
    const restore = becomeShell();
    let refused = false;
    try { process.exit(5); } catch { refused = true; }
    restore();
    console.log(JSON.stringify({ listening: server.listening, refused }));
    process.exit(0);
  });
`;

const { bun, deno } = process.versions;
// The program is given as text, which other runtimes do not take for a module.
const skip = bun !== undefined || deno !== undefined;

for (const [how, listening] of [
  ["listed", false],
  ["plain", true],
] as const) {
  const what = listening
    ? "keeps the ports that it cannot find, where Node does not list them, and does the rest"
    : "closes its ports, and cannot end by itself";
  test(`a process that has handed over ${what}`, { skip }, () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ["--input-type=module", "-e", PROGRAM, how],
      { cwd: root, encoding: "utf8", timeout: 20_000 },
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { listening, refused: true });
  });
}
