/** What only an operating system does: sockets by the thousand, descriptors, memory, signals. Servers are programs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import process, { kill } from "node:process";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { IOLoop } from "squall/ioloop";
import { bindSockets } from "squall/netutil";
import { Child } from "../support/child.js";
import { get } from "../support/conformance.js";
import { field, RawClient } from "../support/raw-client.js";
import { root } from "../support/root.js";

const PROGRAM = join(root, "build", "test", "support", "conformance-program.js");
const LINUX = process.platform === "linux";

interface Stats {
  readonly rss: number;
  readonly cpu: { readonly user: number; readonly system: number };
  readonly made: number;
  readonly descriptors: number;
}

async function start(context: TestContext, limit?: number): Promise<{ child: Child; port: number }> {
  const child =
    limit === undefined
      ? Child.start(context, process.execPath, [PROGRAM, "serve"])
      : Child.start(context, "sh", [
          "-c",
          `ulimit -n ${limit}; exec "$0" "$@"`,
          process.execPath,
          PROGRAM,
          "serve",
        ]);
  const [, port] = await child.prints(/ready (\d+)/);
  return { child, port: Number(port) };
}

const open = (port: number) => RawClient.connect(IOLoop.current(), port);

/** Asks on a connection of its own; rejects if there is no answer within `ms`. */
async function ask(port: number, path: string, ms = 10_000): Promise<string> {
  const client = await open(port);
  const limit = setTimeout(() => client.close(), ms);
  try {
    client.send(get(path, "Connection: close\r\n"));
    return (await client.response()).body.toString();
  } finally {
    clearTimeout(limit);
    client.close();
  }
}

const statsOf = async (port: number) => JSON.parse(await ask(port, "/stats")) as Stats;

/** Asks until the answer pleases, for at most `ms` milliseconds. */
async function until<T>(ms: number, ask: () => Promise<T>, pleases: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (pleases(answer)) return answer;
    assert.ok(performance.now() < end, `not in time; the last answer was ${JSON.stringify(answer)}`);
    await turn();
  }
}

/** Sockets that are destroyed when the test is over. */
function crowd(context: TestContext): Socket[] {
  const sockets: Socket[] = [];
  context.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

async function joinIn(sockets: Socket[], port: number, count: number, say: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    sockets.push(socket);
    socket.write(say);
    // The kernel queues only so many connections that nobody has accepted; who is answered stood behind them.
    if (i % 100 === 99) await ask(port, "/hello");
  }
}

test("case 103: beside 2,000 peers that never finish their heads others are answered within 50 ms", async (context) => {
  const { port } = await start(context);
  const peers = crowd(context);
  await joinIn(peers, port, 2000, "GET / HTTP/1.1\r\nHost: a\r\n");
  await until(
    10_000,
    () => statsOf(port),
    ({ descriptors }) => !LINUX || descriptors > 2000,
  );
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    for (const peer of peers.slice(i * 50, i * 50 + 50)) peer.write("X");
    const began = performance.now();
    assert.match(await ask(port, "/hello"), /hello/);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  assert.ok(times[20]! < 50, `half of them took longer than ${times[20]} ms`);
});

test("case 105: a gigabyte for a reader that stopped reading stays unmade, and memory with it", async (context) => {
  const { port } = await start(context);
  const before = await statsOf(port);
  const readers = crowd(context);
  for (let i = 0; i < 10; i++) {
    const reader = connect(port, "127.0.0.1");
    readers.push(reader);
    reader.write(get("/big"));
    await once(reader, "readable");
  }
  // It is still when what was made is the same for a while.
  let last = -1;
  let still = 0;
  const stopped = await until(
    10_000,
    () => statsOf(port),
    ({ made }) => {
      still = made === last ? still + 1 : 0;
      last = made;
      return still >= 50;
    },
  );
  assert.ok(stopped.made < 2 ** 25, `${stopped.made} bytes were made although nobody reads`);
  assert.ok(stopped.rss - before.rss < 80 * 2 ** 20, `memory has grown by ${stopped.rss - before.rss}`);
  for (const reader of readers) reader.destroy();
  if (!LINUX) return;
  await until(
    10_000,
    () => statsOf(port),
    ({ descriptors }) => descriptors <= before.descriptors + 2,
  );
});

test("case 107: out of descriptors the server neither spins nor ends, and accepts again when there are some", {
  skip: !LINUX && "needs /proc",
}, async (context) => {
  const { child, port } = await start(context, 256);
  const before = await statsOf(port);
  const peers = crowd(context);
  let closed = 0;
  for (let i = 0; i < 400; i++) {
    const peer = connect(port, "127.0.0.1");
    peers.push(peer);
    peer.on("error", () => {}).on("close", () => closed++);
    peer.write("GET / HTTP/1.1\r\n");
    peer.resume();
    await once(peer, "connect");
  }
  await until(
    10_000,
    async () => turn(),
    () => closed >= 140,
  );
  for (const peer of peers) peer.destroy();
  const after = await until(
    10_000,
    () => statsOf(port).catch(() => undefined),
    (stats) => stats !== undefined,
  );
  const cpu = after!.cpu.user + after!.cpu.system - before.cpu.user - before.cpu.system;
  assert.ok(cpu < 1_000_000, `${cpu} µs of CPU`);
  assert.doesNotMatch(child.output, /\n\s+at /, "a stack in the log");
  assert.ok(child.output.split("\n").length < 20, child.output);
});

test("case 106: near the limit of descriptors connections that rest are closed, and newcomers served", {
  skip: !LINUX && "needs /proc",
}, async (context) => {
  const { child, port } = await start(context, 256);
  const resting: RawClient[] = [];
  context.after(() => {
    for (const client of resting) client.close();
  });
  // One after the other: as many as there is room for, each answered and kept.
  for (;;) {
    const client = await open(port);
    client.send(get("/hello"));
    try {
      await client.response();
    } catch {
      client.close();
      break;
    }
    resting.push(client);
    if (resting.length > 400) break;
  }
  assert.ok(resting.length > 100, `${resting.length}`);
  // Newcomers get in as soon as the others have rested for a second, and go on getting in: twice as many as fit.
  for (let served = 0; served < 500; served++) {
    const client = await until(
      20_000,
      async () => {
        const newcomer = await open(port);
        newcomer.send(get("/hello"));
        return newcomer.response().then(
          () => newcomer,
          () => newcomer.close(),
        );
      },
      (answered) => answered !== undefined,
    );
    resting.push(client!);
  }
  assert.ok(resting.some((client) => client.ended));
  assert.match(child.output, /file descriptors are running out/);
});

test("case 114: SIGTERM: nothing new, the running answer with Connection: close, resting ones go, exit 0", async (context) => {
  const { child, port } = await start(context);
  const [busy, resting] = [await open(port), await open(port)];
  resting.send(get("/hello"));
  await resting.response();
  busy.send(get("/wait"));
  await child.prints(/waiting/);
  kill(child.pid, "SIGTERM");
  await resting.whenEnded();
  resting.close();
  await assert.rejects(open(port), { code: "ECONNREFUSED" });
  child.input("");
  const response = await busy.response();
  assert.equal(response.body.toString(), "waited");
  assert.equal(field(response, "Connection"), "close");
  await busy.whenEnded();
  busy.close();
  assert.deepEqual(await child.ended, { code: 0, signal: null });
  assert.match(child.output, /stopped \{"idle":1,"finished":1,"aborted":0\}/);
});

test("case 114: a second SIGTERM ends the program at once", async (context) => {
  const { child, port } = await start(context);
  const busy = await open(port);
  busy.send(get("/wait"));
  await child.prints(/waiting/);
  kill(child.pid, "SIGTERM");
  await until(
    10_000,
    () =>
      open(port).then(
        (client) => client.close(),
        () => "refused",
      ),
    (answer) => answer === "refused",
  );
  kill(child.pid, "SIGTERM");
  assert.deepEqual(await child.ended, { code: null, signal: "SIGTERM" });
  await busy.whenEnded();
  busy.close();
});

test("case 116: a worker that is killed is replaced, and nobody is refused meanwhile", async (context) => {
  const [socket] = await bindSockets(0, "127.0.0.1");
  const { port } = socket!.address as { port: number };
  await socket!.close();
  const child = Child.start(context, process.execPath, [PROGRAM, "workers", String(port)]);
  await child.prints(/ready \d+\s+ready \d+/);
  const pids = new Set<string>();
  const seen = async (): Promise<number> => {
    pids.add((await ask(port, "/hello", 1000)).split(" ").at(-1)!);
    return pids.size;
  };
  await until(10_000, seen, (count) => count === 2);
  const [victim] = pids;
  kill(Number(victim), "SIGKILL");
  // What the killed one had accepted is lost; a connection that is refused would be a gap.
  const attempt = (): Promise<number> =>
    seen().catch((error: NodeJS.ErrnoException) => {
      assert.notEqual(error.code, "ECONNREFUSED");
      return pids.size;
    });
  await until(20_000, attempt, (count) => count === 3);
  kill(child.pid, "SIGTERM");
  assert.deepEqual(await child.ended, { code: 0, signal: null });
});

test("case 117: a port in use, an address that is not here and a port that is not allowed are clear errors, and status 1", async (context) => {
  const { port } = await start(context);
  const listen = async (...args: (string | number)[]): Promise<string> => {
    const child = Child.start(context, process.execPath, [PROGRAM, "listen", ...args.map(String)]);
    assert.deepEqual(await child.ended, { code: 1, signal: null }, child.output);
    return child.output;
  };
  assert.match(await listen(port, "127.0.0.1"), /EADDRINUSE: address already in use 127\.0\.0\.1:\d+/);
  assert.match(await listen(0, "192.0.2.1"), /EADDRNOTAVAIL: address not available 192\.0\.2\.1/);
  const firstFree = LINUX
    ? Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"))
    : 1024;
  if (firstFree > 1) {
    const user = process.getuid?.() === 0 ? [65_534] : [];
    assert.match(await listen(1, "127.0.0.1", ...user), /EACCES: permission denied 127\.0\.0\.1:1/);
  }
});

test("case 120: 300 clients that reset in the middle leave no line in the log and no descriptor", async (context) => {
  const { child, port } = await start(context);
  const before = await statsOf(port);
  const outputBefore = child.output;
  for (let round = 0; round < 300; round++) {
    const client = connect(port, "127.0.0.1");
    client.on("error", () => {});
    client.write(get(round % 3 === 0 ? "/big" : "/hello"));
    await once(client, round % 3 === 1 ? "connect" : "readable");
    client.resetAndDestroy();
  }
  const after = await until(
    10_000,
    () => statsOf(port),
    ({ descriptors }) => descriptors <= before.descriptors + 1,
  );
  assert.ok(after.rss > 0);
  assert.equal(child.output, outputBefore);
});
