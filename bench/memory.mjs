// npm run bench:memory: what a server holds after 10,000 and after 1,000,000 requests. Each figure is taken
// after two collections, with all connections closed.
import { ServerProcess } from "./lib/process.mjs";
import { mebibytes, publish, readOptions, table, times, whole } from "./lib/report.mjs";
import { wrk } from "./lib/wrk.mjs";

const options = readOptions(
  { first: 10_000, last: 1_000_000, connections: 64 },
  { first: 1_000, last: 20_000 },
);
const server = await ServerProcess.start("squall.mjs", { flags: ["--expose-gc"] });
const points = [];
let done = 0;
let perSecond = 5_000;

async function reach(goal) {
  // wrk runs for a time, not for a count: ask for as long as is missing at the rate seen last. Its shortest is 1 s.
  while (done < goal) {
    const seconds = Math.min(10, Math.max(1, Math.round((goal - done) / perSecond)));
    const load = await wrk(server.port, { ...options, seconds });
    ({ perSecond } = load);
    done += load.requests;
  }
  points.push({ requests: done, ...(await server.collected()) });
}

try {
  await reach(options.first);
  await reach(options.last / 2);
  await reach(options.last);
} finally {
  await server.stop();
}

const rows = points.map((point) => [
  whole(point.requests),
  mebibytes(point.heapUsed),
  times(point.heapUsed / points[0].heapUsed),
  mebibytes(point.rss),
  times(point.rss / points[0].rss),
]);
const tables = [table(["requests", "heap MiB", "against the first", "RSS MiB", "against the first"], rows)];
publish("memory", { title: "Memory after many requests", options, tables, data: points });
