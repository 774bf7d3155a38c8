// npm run bench:routes: what a thousand routes cost beside ten, every route asked for in turn.
import { ServerProcess } from "./lib/process.mjs";
import { fixed, publish, readOptions, summary, table, times, whole } from "./lib/report.mjs";
import { wrk } from "./lib/wrk.mjs";

const options = readOptions(
  { rounds: 7, seconds: 4, warmup: 2, connections: 64 },
  { rounds: 1, seconds: 1, warmup: 1 },
);
const cases = ["template", "regex"].flatMap((pattern) =>
  [10, 1000].map((routes) => ({ pattern, routes, rounds: [] })),
);

try {
  for (const one of cases) {
    one.server = await ServerProcess.start("routes.mjs", {
      env: { ROUTES: one.routes, PATTERN: one.pattern },
    });
    await wrk(one.server.port, { ...options, paths: one.routes, seconds: options.warmup });
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { server, routes, rounds } of cases) {
      const before = server.cpuMicroseconds();
      const load = await wrk(server.port, { ...options, paths: routes });
      rounds.push({ ...load, cpu: (server.cpuMicroseconds() - before) / load.requests });
    }
  }
} finally {
  for (const { server } of cases) await server?.stop();
}

const rows = cases.map(({ pattern, routes, rounds }) => {
  const few = cases.find((other) => other.pattern === pattern && other.routes === 10);
  const cpu = summary(rounds, "cpu").median;
  return [
    `${whole(routes)} ${pattern} routes`,
    whole(summary(rounds, "perSecond").median),
    fixed(cpu),
    times(cpu / summary(few.rounds, "cpu").median),
  ];
});
const tables = [table(["application", "requests/s", "CPU µs/request", "against 10"], rows)];
publish("routes", {
  title: "Ten and a thousand routes",
  options,
  tables,
  data: cases.map(({ server, ...rest }) => rest),
});
