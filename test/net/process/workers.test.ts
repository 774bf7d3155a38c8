/** Worker processes: numbers, restarts, the budget, and stopping with connections open. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { kill } from "node:process";
import { after, test } from "node:test";
import { IOStream, type PipeIOStream, StreamClosedError } from "squall/iostream";
import { bindSockets } from "squall/netutil";
import { Subprocess } from "squall/process";
import { root } from "../../support/root.js";

const children: Subprocess[] = [];

// A test that fails leaves no process behind: workers end with their primary.
after(() => {
  for (const child of children) if (child.returncode === undefined) child.proc.kill("SIGKILL");
});

function run(...args: string[]): Subprocess {
  const child = new Subprocess(
    [process.execPath, join(root, "build", "test", "support", "worker-program.js"), ...args],
    {
      stdin: "ignore",
      stdout: Subprocess.STREAM,
      stderr: Subprocess.STREAM,
    },
  );
  children.push(child);
  return child;
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

interface Reply {
  readonly id: string;
  readonly pid: number;
  readonly stream: IOStream;
}

/** How long a client waits before it counts as hanging; a busy machine may take a while to start workers. */
const PATIENCE = 20_000;

/** Connects and waits for the worker's first line. Rejects with a reset, or with a timeout if nothing comes. */
async function ask(port: number): Promise<Reply> {
  const stream = await new IOStream().connect({ host: "127.0.0.1", port }, { timeout: PATIENCE });
  try {
    const [id = "", pid] = (await stream.readUntil("\n", { timeout: PATIENCE })).toString().trim().split(" ");
    return { id, pid: Number(pid), stream };
  } catch (error) {
    stream.close();
    throw error;
  }
}

/** Starts `count` workers, waits until they are ready, and returns their pids in the order of their numbers. */
async function serving(
  port: number,
  count: number,
  mode: "quick" | "busy" = "quick",
): Promise<{ child: Subprocess; pids: number[] }> {
  const child = run("serve", String(port), String(count), mode);
  const pids: number[] = [];
  for (let i = 0; i < count; i++) {
    const [, id, pid] = (await line(child)).split(" ");
    pids[Number(id)] = Number(pid);
  }
  return { child, pids };
}

function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function end(child: Subprocess): Promise<void> {
  kill(child.pid!, "SIGTERM");
  kill(child.pid!, "SIGTERM");
  await child.waitForExit({ timeout: 20_000 });
}

test("connections spread evenly over the workers, also those that stay", async () => {
  const port = await freePort();
  const { child } = await serving(port, 3);
  const replies: Reply[] = [];
  for (let i = 0; i < 60; i++) replies.push(await ask(port));
  const perWorker = new Map<string, number>();
  for (const { id } of replies) perWorker.set(id, (perWorker.get(id) ?? 0) + 1);
  assert.deepEqual([...perWorker.values()].sort(), [20, 20, 20]);
  for (const { stream } of replies) stream.close();
  await end(child);
});

/** SQUALL_WORKER_DEATHS=200 tries more of them. */
const DEATHS = Number(process.env.SQUALL_WORKER_DEATHS ?? 8);

test("workers that die under load leave no client hanging: each is answered or reset", async (t) => {
  const port = await freePort();
  const { child } = await serving(port, 3);
  let answered = 0;
  let reset = 0;
  let longest = 0;
  const late: unknown[] = [];
  const killed = new Set<number>();
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) {
      const began = performance.now();
      try {
        const { stream } = await ask(port);
        answered++;
        stream.close();
      } catch (error) {
        if (error instanceof StreamClosedError) reset++;
        else late.push(error);
      }
      longest = Math.max(longest, performance.now() - began);
    }
  };
  const clients = Array.from({ length: 8 }, client);
  try {
    while (killed.size < DEATHS) {
      const { pid, stream } = await ask(port);
      stream.close();
      killed.add(pid);
      kill(pid, "SIGKILL");
      // The next one dies when this one has been replaced.
      await line(child);
    }
  } finally {
    isOver = true;
  }
  await Promise.all(clients);
  assert.deepEqual(late, []);
  assert.ok(answered > DEATHS, `${answered} were answered, ${reset} were reset`);
  t.diagnostic(
    `${DEATHS} deaths: ${answered} answered, ${reset} reset, the longest wait ${Math.round(longest)} ms`,
  );
  await end(child);
});

test("while all workers are dead, connections wait in the primary and the next worker serves them", async () => {
  const port = await freePort();
  const { child, pids } = await serving(port, 2);
  for (const pid of pids) kill(pid, "SIGKILL");
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => new IOStream().connect({ host: "127.0.0.1", port })),
  );
  for (const stream of streams) {
    assert.match((await stream.readUntil("\n", { timeout: 20_000 })).toString(), /^[01] \d+\n$/);
    stream.close();
  }
  await end(child);
});

test("a worker that is told to stop by itself finishes and is replaced, and the log says so", async () => {
  const port = await freePort();
  const { child } = await serving(port, 2);
  const staying = await ask(port);
  kill(staying.pid, "SIGTERM");
  staying.stream.close();
  const [, id, pid] = (await line(child)).split(" ");
  assert.equal(id, staying.id);
  assert.notEqual(Number(pid), staying.pid);
  const { stream } = await ask(port);
  stream.close();
  await end(child);
  const log = (await (child.stderr as PipeIOStream).readUntilClose()).toString();
  assert.match(log, /worker [01] \(pid \d+\) was stopped by a signal and has finished, starting another/);
});

/** Lets the worker of this connection never come back to its loop. */
async function block({ stream }: Reply): Promise<void> {
  await stream.write("block for ever");
  await stream.drained();
  stream.close();
}

test("a second signal to the primary ends a worker that is in an endless loop", async () => {
  const port = await freePort();
  const { child, pids } = await serving(port, 2);
  await block(await ask(port));
  kill(child.pid!, "SIGTERM");
  // The first has arrived when connections are refused.
  for (;;) {
    const reply = await ask(port).catch(() => undefined);
    if (reply === undefined) break;
    reply.stream.close();
  }
  kill(child.pid!, "SIGTERM");
  assert.equal(await child.waitForExit({ timeout: 20_000 }), 0);
  assert.ok(!pids.some(isAlive));
});

test("workers end when their primary is killed, also one in an endless loop", async () => {
  const port = await freePort();
  const { child, pids } = await serving(port, 2);
  await block(await ask(port));
  kill(child.pid!, "SIGKILL");
  await child.waitForExit({ raiseError: false });
  const deadline = performance.now() + 20_000;
  while (pids.some(isAlive)) {
    assert.ok(performance.now() < deadline, "a worker lives on");
    await new Promise((resolve) => setImmediate(resolve));
  }
});

for (const [how, mode, clients] of [
  ["is served", "quick", 50],
  ["is served, however long the workers take for it, as long as they go on", "busy", 10],
] as const) {
  test(`what waits in the system's queue when the primary is told to stop ${how}`, async () => {
    const port = await freePort();
    const { child } = await serving(port, 2, mode);
    kill(child.pid!, "SIGSTOP");
    const streams = await Promise.all(
      Array.from({ length: clients }, () => new IOStream().connect({ host: "127.0.0.1", port })),
    );
    kill(child.pid!, "SIGTERM");
    kill(child.pid!, "SIGCONT");
    for (const stream of streams) {
      assert.match((await stream.readUntil("\n", { timeout: 20_000 })).toString(), /^[01] \d+\n$/);
      stream.close();
    }
    assert.equal(await child.waitForExit({ timeout: 20_000 }), 0);
  });
}
