// npm run bench:idle: what thousands of idle keep-alive connections cost the active ones, and in memory.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLIENT_CORE, ServerProcess } from "./lib/process.mjs";
import {
  chosenNames,
  fixed,
  mebibytes,
  publish,
  readOptions,
  summary,
  table,
  times,
  whole,
} from "./lib/report.mjs";
import { wrk } from "./lib/wrk.mjs";

const SERVERS = { squall: "squall.mjs", net: "net.mjs", http: "node-http.mjs" };
const options = readOptions(
  { rounds: 7, seconds: 4, warmup: 2, connections: 64, few: 10, many: 10_000, servers: "squall,http" },
  { rounds: 1, seconds: 1, warmup: 1, many: 1_000 },
);
const holder = join(dirname(fileURLToPath(import.meta.url)), "lib", "hold-idle.mjs");
const cases = chosenNames("servers", options.servers, Object.keys(SERVERS)).flatMap((name) =>
  [options.few, options.many].map((idle) => ({ name, idle, rounds: [] })),
);

/** Opens `count` connections, each of which has had one answer, and keeps them until killed. */
async function hold(port, count) {
  const child = spawn("taskset", ["-c", CLIENT_CORE, process.execPath, holder, String(port), String(count)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the idle connections could not be opened (${code})`)));
  });
  return child;
}

try {
  for (const one of cases) {
    one.server = await ServerProcess.start(SERVERS[one.name], { flags: ["--expose-gc"] });
    await wrk(one.server.port, { ...options, seconds: options.warmup });
    const before = await one.server.collected();
    one.holder = await hold(one.server.port, one.idle);
    const after = await one.server.collected();
    one.bytesEach = (after.rss - before.rss) / one.idle;
    one.heapEach = (after.heapUsed + after.external - before.heapUsed - before.external) / one.idle;
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { server, rounds } of cases) {
      const before = server.cpuMicroseconds();
      const load = await wrk(server.port, options);
      rounds.push({
        ...load,
        cpu: (server.cpuMicroseconds() - before) / load.requests,
        rss: server.residentBytes(),
      });
    }
  }
} finally {
  for (const { server, holder: child } of cases) {
    child?.kill();
    await server?.stop();
  }
}

const rows = cases.map(({ name, idle, rounds, heapEach, bytesEach }) => {
  const few = cases.find((other) => other.name === name && other.idle === options.few);
  const perSecond = summary(rounds, "perSecond").median;
  return [
    `${name}, ${whole(idle)} idle`,
    whole(perSecond),
    times(perSecond / summary(few.rounds, "perSecond").median),
    fixed(summary(rounds, "cpu").median),
    idle === options.few ? "" : whole(heapEach),
    idle === options.few ? "" : whole(bytesEach),
    mebibytes(summary(rounds, "rss").median),
  ];
});
const columns = ["requests/s", "against few", "CPU µs/request", "heap B each", "RSS B each", "RSS MiB"];
const tables = [table(["server", ...columns], rows)];
const data = cases.map(({ server, holder: child, ...rest }) => rest);
publish("idle", { title: "Idle connections beside active ones", options, tables, data });
