// npm run bench:http: "Hello, world" through squall and its neighbours, one core each, in turn.
import { ServerProcess } from "./lib/process.mjs";
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
import { HEADS, wrk } from "./lib/wrk.mjs";

const SERVERS = {
  squall: { file: "squall.mjs", title: "squall, RequestHandler" },
  server: { file: "squall-server.mjs", title: "squall, HTTPServer alone" },
  net: { file: "net.mjs", title: "node:net, a constant" },
  http: { file: "node-http.mjs", title: "node:http" },
  fastify: { file: "fastify.mjs", title: "Fastify 5" },
  express: { file: "express.mjs", title: "Express 5" },
  tornado: { file: "tornado-hello.py", title: "Tornado 6" },
};

const options = readOptions(
  {
    rounds: 7,
    seconds: 5,
    warmup: 3,
    connections: 64,
    servers: Object.keys(SERVERS).join(),
    heads: "short,browser",
  },
  { rounds: 1, seconds: 1, warmup: 1 },
);
const names = chosenNames("servers", options.servers, Object.keys(SERVERS));
const heads = chosenNames("heads", options.heads, Object.keys(HEADS));
const running = new Map();
const measured = {};

try {
  for (const name of names) {
    const server = await ServerProcess.start(SERVERS[name].file);
    running.set(name, server);
    for (const head of heads) await wrk(server.port, { ...options, head, seconds: options.warmup });
  }
  // Interleaved: what disturbs the machine for a while disturbs one round of everybody, not all rounds of one.
  for (let round = 0; round < options.rounds; round++) {
    for (const head of heads) {
      for (const name of names) {
        const server = running.get(name);
        const before = server.cpuMicroseconds();
        const load = await wrk(server.port, { ...options, head });
        const cpu = (server.cpuMicroseconds() - before) / load.requests;
        const one = { ...load, cpu, rss: server.residentBytes() };
        measured[head] ??= {};
        measured[head][name] ??= [];
        measured[head][name].push(one);
        console.error(
          `round ${round + 1} ${head.padEnd(7)} ${name.padEnd(8)} ${whole(one.perSecond).padStart(8)}/s ${fixed(cpu)} µs`,
        );
        if (one.errors > 0) console.error(`  ${one.errors} errors`);
      }
    }
  }
} finally {
  for (const server of running.values()) await server.stop();
}

const tables = heads.map((head) => {
  const of = (name, figure) => summary(measured[head][name], figure);
  const base = names.includes("squall") ? "squall" : names[0];
  const rows = names.map((name) => {
    const cpu = of(name, "cpu");
    return [
      SERVERS[name].title,
      whole(of(name, "perSecond").median),
      times(of(base, "perSecond").median / of(name, "perSecond").median),
      fixed(cpu.median),
      `${fixed(cpu.min)}–${fixed(cpu.max)}`,
      times(of(base, "cpu").median / cpu.median),
      fixed(of(name, "p99").median),
      mebibytes(of(name, "rss").median),
    ];
  });
  const columns = [
    "requests/s",
    `${base} ÷ it`,
    "CPU µs/request",
    "range",
    `${base} ÷ it`,
    "p99 ms",
    "RSS MiB",
  ];
  return `## The ${head} head\n\n${table(["server", ...columns], rows)}`;
});
publish("http", { title: "Hello, world", options, tables, data: measured });
