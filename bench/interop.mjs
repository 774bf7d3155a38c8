// npm run bench:interop: applications of other worlds under squall, beside the same applications where they are at home.
// Requests a second in turn; whoever serves has one core with all its processes, and the load comes from the other.
import { ServerProcess } from "./lib/process.mjs";
import { chosenNames, fixed, publish, readOptions, summary, table, times, whole } from "./lib/report.mjs";
import { wrk } from "./lib/wrk.mjs";

/**
 * What is compared: the files of bench/servers that stand for an application, ours first. `reach`: how much of what this neighbour answers
 * ours should answer. `hasWorkers`: the time of its process is not the time that it takes.
 */
const GROUPS = {
  flask: [
    { file: "flask-container.mjs", title: "Flask, WSGIContainer, 2 workers", hasWorkers: true },
    { file: "flask-gunicorn.py", title: "Flask, gunicorn, 2 workers", hasWorkers: true, reach: 0.8 },
  ],
  express: [
    { file: "express-container.mjs", title: "Express, NodeContainer" },
    { file: "express.mjs", title: "Express, node:http", reach: 0.85 },
  ],
  hono: [
    { file: "hono-container.mjs", title: "Hono, FetchContainer" },
    { file: "hono-node-server.mjs", title: "Hono, @hono/node-server, global Response replaced", reach: 0.85 },
    { file: "hono-node-server-platform.mjs", title: "Hono, @hono/node-server, global Response kept" },
  ],
  listener: [
    { file: "squall-listener.mjs", title: "squall, nodeListener() under node:http" },
    { file: "squall.mjs", title: "squall, HTTPServer" },
    { file: "node-http.mjs", title: "node:http" },
  ],
};

const options = readOptions(
  { rounds: 7, seconds: 5, warmup: 3, connections: 64, groups: Object.keys(GROUPS).join(), head: "short" },
  { rounds: 1, seconds: 1, warmup: 1 },
);
const measured = {};
const rows = [];

for (const name of chosenNames("groups", options.groups, Object.keys(GROUPS))) {
  const servers = GROUPS[name];
  const running = [];
  const loads = servers.map(() => []);
  measured[name] = loads;
  try {
    for (const { file } of servers) {
      const server = await ServerProcess.start(file);
      running.push(server);
      await wrk(server.port, { ...options, seconds: options.warmup });
    }
    // Interleaved: what disturbs the machine for a while disturbs one round of all.
    for (let round = 0; round < options.rounds; round++) {
      for (const [i, { title }] of servers.entries()) {
        const before = running[i].cpuMicroseconds();
        const load = await wrk(running[i].port, options);
        loads[i].push({ ...load, cpu: (running[i].cpuMicroseconds() - before) / load.requests });
        console.error(`round ${round + 1} ${title.padEnd(50)} ${whole(load.perSecond).padStart(8)}/s`);
        if (load.errors > 0) console.error(`  ${load.errors} errors`);
      }
    }
  } finally {
    for (const server of running) await server.stop();
  }
  const ours = summary(loads[0], "perSecond").median;
  for (const [i, { title, reach, hasWorkers }] of servers.entries()) {
    const median = (figure) => summary(loads[i], figure).median;
    const perSecond = median("perSecond");
    rows.push([
      title,
      whole(perSecond),
      i === 0 ? "" : times(ours / perSecond),
      reach === undefined ? "" : times(reach),
      hasWorkers === true ? "" : fixed(median("cpu")),
      fixed(median("p99")),
    ]);
  }
}
publish("interop", {
  title: "Applications of other worlds",
  options,
  tables: [table(["server", "requests/s", "squall ÷ it", "the aim", "CPU µs/request", "p99 ms"], rows)],
  data: measured,
});
