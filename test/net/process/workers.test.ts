/** Worker processes: numbers, restarts, the budget, and stopping with connections open. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { kill } from "node:process";
import { test } from "node:test";
import { IOStream, type PipeIOStream } from "squall/iostream";
import { bindSockets } from "squall/netutil";
import { Subprocess } from "squall/process";
import { root } from "../../support/root.js";

function run(...args: string[]): Subprocess {
  return new Subprocess(
    [process.execPath, join(root, "build", "test", "support", "worker-program.js"), ...args],
    {
      stdin: "ignore",
      stdout: Subprocess.STREAM,
      stderr: Subprocess.STREAM,
    },
  );
}

async function line(child: Subprocess): Promise<string> {
  return (await (child.stdout as PipeIOStream).readUntil("\n", { timeout: 20_000 })).toString().trim();
}

async function rest(child: Subprocess): Promise<string> {
  return (await (child.stdout as PipeIOStream).readUntilClose({ timeout: 20_000 })).toString();
}

async function freePort(): Promise<number> {
  const [socket] = await bindSockets(0, "127.0.0.1");
  const { port } = socket!.address as { port: number };
  await socket!.close();
  return port;
}

test("forkProcesses() resolves in each worker with its number; the primary exits with 0 when all are done", async () => {
  const child = run("ids");
  const output = await rest(child);
  assert.deepEqual(output.trim().split("\n").sort(), ["worker 0", "worker 1", "worker 2"]);
  assert.equal(await child.waitForExit(), 0);
});

test("forkProcesses() gives up after maxRestarts", async () => {
  const child = run("budget");
  assert.equal((await rest(child)).trim(), "ERR_SQUALL_TOO_MANY_RESTARTS");
  assert.equal(await child.waitForExit({ raiseError: false }), 4);
  const log = (await (child.stderr as PipeIOStream).readUntilClose()).toString();
  assert.equal(log.match(/exited with status 1, restarting/g)?.length, 4);
});

test("bind() and start(2) share a port; a killed worker is replaced; SIGTERM lets connections finish", async () => {
  const port = await freePort();
  const child = run("serve", String(port));
  const ready = [await line(child), await line(child)];
  assert.deepEqual(ready.map((text) => text.split(" ")[1]).sort(), ["0", "1"]);
  const address = { host: "127.0.0.1", port };

  const stream = await new IOStream().connect(address);
  const [id, pid] = (await stream.readUntil("\n")).toString().trim().split(" ");
  const closed = stream.whenClosed();
  kill(Number(pid), "SIGKILL");
  await closed;
  const again = (await line(child)).split(" ");
  assert.equal(again[1], id);
  assert.notEqual(again[2], pid);

  const staying = await new IOStream().connect(address);
  await staying.readUntil("\n");
  kill(child.pid!, "SIGTERM");
  const refused = async (): Promise<boolean> => {
    try {
      (await new IOStream().connect(address)).close();
      return false;
    } catch {
      return true;
    }
  };
  while (!(await refused())) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(staying.closed(), false);
  assert.equal(child.returncode, undefined);
  staying.close();
  assert.equal(await child.waitForExit({ timeout: 20_000 }), 0);
});

test("a second SIGTERM ends the workers at once", async () => {
  const port = await freePort();
  const child = run("serve", String(port));
  await line(child);
  await line(child);
  const address = { host: "127.0.0.1", port };
  const streams = [await new IOStream().connect(address), await new IOStream().connect(address)];
  for (const stream of streams) await stream.readUntil("\n");
  const closed = streams.map((stream) => stream.whenClosed({ timeout: 20_000 }));
  kill(child.pid!, "SIGTERM");
  // The first is known to have arrived when connections are refused.
  for (let open = true; open; ) {
    try {
      (await new IOStream().connect(address)).close();
      await new Promise((resolve) => setImmediate(resolve));
    } catch {
      open = false;
    }
  }
  kill(child.pid!, "SIGTERM");
  await Promise.all(closed);
  assert.equal(await child.waitForExit({ timeout: 20_000 }), 0);
});
