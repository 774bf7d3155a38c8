/** Child processes. */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { PipeIOStream, StreamClosedError } from "squall/iostream";
import { CalledProcessError, cpuCount, Subprocess, taskId } from "squall/process";
import { InvalidArgumentError, TimeoutError } from "#room/base/errors";
import { moduleCommand } from "../../support/module-program.js";

/** Runs a line of JavaScript in another Node. */
function script(code: string): string[] {
  return [execPath, "-e", code];
}

test("STREAM makes the channels asked for streams, and only those", async () => {
  const child = new Subprocess(["cat"], {
    stdin: Subprocess.STREAM,
    stdout: Subprocess.STREAM,
    stderr: "ignore",
  });
  assert.ok(child.stdin instanceof PipeIOStream);
  assert.ok(child.stdout instanceof PipeIOStream);
  assert.equal(child.stderr, undefined);
  assert.ok(child.pid! > 0);
  await child.stdin.write("hello\n");
  assert.equal((await child.stdout.readUntil("\n")).toString(), "hello\n");
  const data = Buffer.alloc(1_000_000, "x");
  void child.stdin.write(data);
  child.stdin.end();
  assert.deepEqual(await child.stdout.readUntilClose(), data);
  assert.equal(await child.waitForExit(), 0);
  assert.equal(child.returncode, 0);
});

test("what a child has written before its end can be read afterwards", async () => {
  const child = new Subprocess(
    script("process.stdout.write('x'.repeat(50000)); process.stderr.write('oops')"),
    {
      stdin: "ignore",
      stdout: Subprocess.STREAM,
      stderr: Subprocess.STREAM,
    },
  );
  await child.waitForExit();
  assert.ok(child.stdout instanceof PipeIOStream && child.stderr instanceof PipeIOStream);
  assert.equal((await child.stdout.readUntilClose()).length, 50_000);
  assert.equal((await child.stderr.readUntilClose()).toString(), "oops");
});

test("waitForExit() rejects with CalledProcessError for another status than 0, unless told not to", async () => {
  const child = new Subprocess(script("process.exit(3)"), { stdin: "ignore" });
  await assert.rejects(child.waitForExit(), (error: unknown) => {
    assert.ok(error instanceof CalledProcessError);
    assert.equal(error.returncode, 3);
    assert.equal(error.cmd[0], execPath);
    assert.equal(error.code, "ERR_SQUALL_CALLED_PROCESS");
    return true;
  });
  assert.equal(await child.waitForExit({ raiseError: false }), 3);
});

test("a child killed by a signal has its negative number as status", async () => {
  const child = new Subprocess(["cat"], { stdin: Subprocess.STREAM, stdout: "ignore" });
  child.proc.kill("SIGKILL");
  assert.equal(await child.waitForExit({ raiseError: false }), -9);
});

test("the exit callback runs once, also if the process had ended before it was set; there is one at a time", async () => {
  const child = new Subprocess(script(""), { stdin: "ignore" });
  const first = new Promise<number>((resolve) => child.setExitCallback(resolve));
  assert.throws(() => child.setExitCallback(() => {}), { code: "ERR_SQUALL_INVALID_STATE" });
  assert.equal(await first, 0);
  assert.equal(await new Promise<number>((resolve) => child.setExitCallback(resolve)), 0);
});

test("a program that is not there rejects waitForExit() with the system's error", async () => {
  const child = new Subprocess(["/no/such/program"], { stdin: Subprocess.STREAM });
  await assert.rejects(child.waitForExit(), { code: "ENOENT" });
  assert.equal(child.returncode, 127);
  assert.equal(child.pid, undefined);
});

test("waitForExit() with a timeout leaves the process alone", async () => {
  const child = new Subprocess(["cat"], { stdin: Subprocess.STREAM, stdout: "ignore" });
  await assert.rejects(child.waitForExit({ timeout: 30 }), TimeoutError);
  assert.equal(child.returncode, undefined);
  (child.stdin as PipeIOStream).close();
  assert.equal(await child.waitForExit(), 0);
});

test("PipeIOStream refuses what is neither pipe nor socket", () => {
  assert.throws(() => new PipeIOStream(9999), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  const file = openSync(process.execPath, "r");
  assert.throws(() => new PipeIOStream(file), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  closeSync(file);
});

test("initialize() and uninitialize() are there and do nothing", () => {
  Subprocess.initialize();
  Subprocess.uninitialize();
  assert.ok(cpuCount() >= 1);
  assert.equal(taskId(), undefined);
});

test("without descriptors left waitForExit() rejects with the system's error, and the process goes on", async (t) => {
  // In a process of its own, with few descriptors, all of which are taken.
  const program = `
    import { openSync } from "node:fs";
    import { Subprocess } from ${JSON.stringify(import.meta.resolve("squall/process"))};
    new Subprocess(["true"]); // loads what Node needs for it
    try { for (;;) openSync("/dev/null"); } catch {}
    const { STREAM } = Subprocess;
    const child = new Subprocess(["cat"], { stdin: STREAM, stdout: STREAM, stderr: STREAM });
    const code = await child.waitForExit().then(() => "none", (error) => error.code);
    process.stdout.write(code + " " + child.returncode + " " + child.stdin + "\\n");
  `;
  const folder = mkdtempSync(join(tmpdir(), "squall-descriptors-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const limited = 'ulimit -n 64 && exec "$0" "$@"';
  const child = new Subprocess(["sh", "-c", limited, ...moduleCommand(folder, program)], {
    stdin: "ignore",
    stdout: Subprocess.STREAM,
    stderr: Subprocess.STREAM,
  });
  const output = (await (child.stdout as PipeIOStream).readUntilClose({ timeout: 20_000 })).toString();
  const errors = (await (child.stderr as PipeIOStream).readUntilClose({ timeout: 20_000 })).toString();
  assert.equal(errors, "");
  assert.match(output, /^E[MN]FILE 127 undefined$/m);
  assert.equal(await child.waitForExit(), 0);
});

test("channels are two-way streams, the descriptors of the child from 3 on", async () => {
  const child = new Subprocess(
    ["sh", "-c", 'for fd in 3 4; do read line <&$fd; echo "$fd:$line" >&$fd; done; cat <&3; cat <&4'],
    { channels: 2, stdin: "ignore" },
  );
  const [first, second] = child.channels;
  assert.equal(child.channels.length, 2);
  await first!.write("a\n");
  await second!.write("b\n");
  assert.equal((await first!.readUntil("\n")).toString(), "3:a\n");
  assert.equal((await second!.readUntil("\n")).toString(), "4:b\n");
  first!.close();
  second!.close();
  assert.equal(await child.waitForExit(), 0);
});

test("channels: there are none unless they are asked for, nor of a child that could not be started", async () => {
  const plain = new Subprocess(["true"], { stdin: "ignore" });
  assert.deepEqual(plain.channels, []);
  await plain.waitForExit();
  const missing = new Subprocess(["/nowhere/program"], { channels: 2, stdin: "ignore" });
  await assert.rejects(missing.waitForExit(), { code: "ENOENT" });
  for (const channel of missing.channels) await assert.rejects(channel.readBytes(1), StreamClosedError);
  assert.throws(() => new Subprocess(["true"], { channels: -1 }), InvalidArgumentError);
});
