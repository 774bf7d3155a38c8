// npm run bench:interop: applications of other worlds under squall, beside the same applications where they are at home.
// Requests a second in turn; whoever serves has one core with all its processes, and the load comes from the other.
import { ServerProcess } from "./lib/process.mjs";
import { fixed, publish, readOptions, summary, table, times, whole } from "./lib/report.mjs";
import { wrk } from "./lib/wrk.mjs";

/** What is compared: ours and theirs are files of bench/servers, `reach` is how much of theirs ours should answer. */
const PAIRS = {
  flask: {
    ours: { file: "flask-container.mjs", title: "Flask, WSGIContainer, 2 workers" },
    theirs: { file: "flask-gunicorn.py", title: "Flask, gunicorn, 2 workers" },
    reach: 0.8,
  },
  express: {
    ours: { file: "express-container.mjs", title: "Express, NodeContainer" },
    theirs: { file: "express.mjs", title: "Express, node:http" },
    reach: 0.85,
  },
  hono: {
    ours: { file: "hono-container.mjs", title: "Hono, FetchContainer" },
    theirs: { file: "hono-node-server.mjs", title: "Hono, @hono/node-server" },
    reach: 0.85,
  },
  listener: {
    ours: { file: "squall-listener.mjs", title: "squall, nodeListener() under node:http" },
    theirs: { file: "squall.mjs", title: "squall, HTTPServer" },
  },
};

const options = readOptions(
  { rounds: 7, seconds: 5, warmup: 3, connections: 64, pairs: Object.keys(PAIRS).join(), head: "short" },
  { rounds: 1, seconds: 1, warmup: 1 },
);
const measured = {};
const rows = [];

for (const name of options.pairs.split(",")) {
  const pair = PAIRS[name];
  const running = {};
  measured[name] = { ours: [], theirs: [] };
  try {
    for (const side of ["ours", "theirs"]) {
      running[side] = await ServerProcess.start(pair[side].file);
      await wrk(running[side].port, { ...options, seconds: options.warmup });
    }
    // Interleaved: what disturbs the machine for a while disturbs one round of both.
    for (let round = 0; round < options.rounds; round++) {
      for (const side of ["ours", "theirs"]) {
        const load = await wrk(running[side].port, options);
        measured[name][side].push(load);
        console.error(
          `round ${round + 1} ${name.padEnd(8)} ${side.padEnd(6)} ${whole(load.perSecond).padStart(8)}/s`,
        );
        if (load.errors > 0) console.error(`  ${load.errors} errors`);
      }
    }
  } finally {
    for (const server of Object.values(running)) await server.stop();
  }
  const of = (side, figure) => summary(measured[name][side], figure).median;
  for (const side of ["ours", "theirs"]) {
    rows.push([
      pair[side].title,
      whole(of(side, "perSecond")),
      side === "ours" ? times(of("ours", "perSecond") / of("theirs", "perSecond")) : "",
      side === "ours" && pair.reach !== undefined ? times(pair.reach) : "",
      fixed(of(side, "p99")),
    ]);
  }
}
publish("interop", {
  title: "Applications of other worlds",
  options,
  tables: [table(["server", "requests/s", "of theirs", "reach", "p99 ms"], rows)],
  data: measured,
});
