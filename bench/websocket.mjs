// npm run bench:websocket: echoes, idle connections and broadcasts, beside `ws` and Debian's Tornado.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLIENT_CORE, ServerProcess } from "./lib/process.mjs";
import { chosenNames, fixed, median, publish, readOptions, table, times, whole } from "./lib/report.mjs";

const SERVERS = { squall: "websocket-squall.mjs", ws: "websocket-ws.mjs", tornado: "websocket-tornado.py" };
const options = readOptions(
  {
    servers: "squall,ws,tornado",
    parts: "echo,idle,broadcast",
    modes: "plain,deflate",
    rounds: 5,
    seconds: 3,
    connections: 64,
    window: 4,
    sizes: "32,1024,65536,1048576",
    idle: 15_000,
    audience: 10_000,
    processes: 2,
  },
  { rounds: 1, seconds: 0.3, connections: 4, idle: 100, audience: 100, sizes: "32,65536" },
);
const names = chosenNames("servers", options.servers, Object.keys(SERVERS));
const parts = chosenNames("parts", options.parts, ["echo", "idle", "broadcast"]);
const modes = chosenNames("modes", options.modes, ["plain", "deflate"]);
const loadFile = join(dirname(fileURLToPath(import.meta.url)), "lib", "websocket-load.mjs");

/** Load generators that share the work, on the core of the clients. */
class Load {
  #children;

  constructor(port, processes = options.processes) {
    this.#children = Array.from({ length: processes }, () =>
      spawn("taskset", ["-c", CLIENT_CORE, process.execPath, loadFile, String(port)], {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      }),
    );
  }

  /** Sends each its share of a job, and waits for all answers. */
  all(job) {
    return Promise.all(
      this.#children.map(
        (child) =>
          new Promise((resolve, reject) => {
            child.once("message", resolve);
            child.once("exit", (code) => reject(new Error(`a load generator ended (${code})`)));
            child.send(job);
          }),
      ),
    );
  }

  get size() {
    return this.#children.length;
  }

  open(count, deflate) {
    return this.all({ open: Math.ceil(count / this.size), deflate });
  }

  stop() {
    for (const child of this.#children) {
      child.removeAllListeners("exit");
      child.kill();
    }
  }
}

/** Runs `run` with a server and its clients. */
async function withServer(name, deflate, run) {
  const isNode = name !== "tornado";
  const server = await ServerProcess.start(SERVERS[name], {
    env: { DEFLATE: deflate ? "1" : "0" },
    flags: isNode ? ["--expose-gc"] : [],
  });
  const load = new Load(server.port);
  try {
    return await run(server, load);
  } finally {
    load.stop();
    await server.stop();
  }
}

async function echoes(deflate) {
  const rows = [];
  for (const size of options.sizes.split(",").map(Number)) {
    if (deflate && size > 65_536) continue;
    const results = {};
    for (const name of names) {
      results[name] = await withServer(name, deflate, async (server, load) => {
        await load.open(options.connections, deflate);
        const job = { size, window: size > 65_536 ? 1 : options.window, deflate };
        await load.all({ echo: { ...job, ms: 500 } });
        const rounds = [];
        for (let round = 0; round < options.rounds; round++) {
          const before = server.cpuMicroseconds();
          const answers = await load.all({ echo: { ...job, ms: options.seconds * 1000 } });
          const count = answers.reduce((sum, one) => sum + one.count, 0);
          rounds.push({
            cpu: (server.cpuMicroseconds() - before) / count,
            perSecond: answers.reduce((sum, one) => sum + one.answered, 0) / options.seconds,
            p99: Math.max(...answers.map((one) => one.p99)),
          });
        }
        const of = (figure) => median(rounds.map((round) => round[figure]));
        return { cpu: of("cpu"), perSecond: of("perSecond"), p99: of("p99") };
      });
    }
    for (const name of names) {
      const { cpu, perSecond, p99 } = results[name];
      const against = results.ws === undefined ? "" : times(cpu / results.ws.cpu);
      rows.push([`${name}, ${whole(size)} B`, fixed(cpu), against, whole(perSecond), fixed(p99)]);
    }
  }
  return rows;
}

async function idle() {
  const rows = [];
  const each = {};
  for (const name of names) {
    each[name] = await withServer(name, false, async (server, load) => {
      const collect = async () =>
        name === "tornado" ? { rss: server.residentBytes() } : await server.collected();
      await load.open(100, false);
      const before = await collect();
      const began = performance.now();
      await load.open(options.idle, false);
      const took = performance.now() - began;
      const after = await collect();
      const heap = (usage) => usage.heapUsed + usage.external;
      return {
        rss: (after.rss - before.rss) / options.idle,
        heap: name === "tornado" ? undefined : (heap(after) - heap(before)) / options.idle,
        took,
      };
    });
  }
  for (const name of names) {
    const { rss, heap, took } = each[name];
    const against = each.ws === undefined ? "" : times(rss / each.ws.rss);
    rows.push([name, heap === undefined ? "" : whole(heap), whole(rss), against, fixed(took / 1000)]);
  }
  return rows;
}

async function broadcasts() {
  const rows = [];
  const text = '{"name":"squall","text":"The quick brown fox jumps over the lazy dog","n":12345},'.repeat(6);
  for (const mode of modes) {
    const deflate = mode === "deflate";
    const cpu = {};
    for (const name of names.filter((one) => one !== "tornado")) {
      cpu[name] = await withServer(name, deflate, async (server, load) => {
        await load.open(options.audience, deflate);
        const deliver = async (rounds) => {
          const done = load.all({ count: Math.ceil(options.audience / load.size) * rounds });
          server.broadcast(text, rounds);
          await done;
        };
        await deliver(2);
        const results = [];
        for (let round = 0; round < options.rounds; round++) {
          const before = server.cpuMicroseconds();
          await deliver(5);
          results.push((server.cpuMicroseconds() - before) / (options.audience * 5));
        }
        return median(results);
      });
    }
    for (const [name, each] of Object.entries(cpu)) {
      const against = cpu.ws === undefined ? "" : times(each / cpu.ws);
      rows.push([`${name}, ${deflate ? "permessage-deflate" : "plain"}`, fixed(each), against]);
    }
  }
  return rows;
}

const ECHO = ["CPU µs/message", "against ws", "messages/s", "p99 ms"];
const tables = [];
if (parts.includes("echo")) {
  if (modes.includes("plain")) tables.push(table(["echo", ...ECHO], await echoes(false)));
  if (modes.includes("deflate"))
    tables.push(table(["echo, permessage-deflate", ...ECHO], await echoes(true)));
}
if (parts.includes("idle")) {
  tables.push(table(["idle", "heap B each", "RSS B each", "against ws", "seconds to open"], await idle()));
}
if (parts.includes("broadcast")) {
  tables.push(table(["broadcast", "CPU µs/delivery", "against ws"], await broadcasts()));
}
publish("websocket", { title: "WebSockets", options, tables, data: {} });
