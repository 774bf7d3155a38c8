// npm run bench:static: a file of 1 KB and one of 10 MB, through squall's StaticFileHandler and @fastify/static, in turn.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { wrk } from "./lib/wrk.mjs";

const SERVERS = {
  squall: { file: "squall-static.mjs", title: "squall, StaticFileHandler" },
  fastify: { file: "fastify-static.mjs", title: "@fastify/static" },
};
/** Few connections for the large file: what is measured is the copying, and not the queue. */
const FILES = {
  small: { title: "1 KB", size: 1024, connections: 64 },
  large: { title: "10 MB", size: 10_000_000, connections: 4 },
};

const options = readOptions(
  { rounds: 7, seconds: 5, warmup: 3, servers: Object.keys(SERVERS).join() },
  { rounds: 1, seconds: 1, warmup: 1 },
);
const names = chosenNames("servers", options.servers, Object.keys(SERVERS));
const folder = mkdtempSync(join(tmpdir(), "squall-bench-"));
const running = new Map();
const measured = {};

try {
  for (const [name, { size }] of Object.entries(FILES)) {
    // Text that does not repeat at once, as files do not.
    const line = (n) => `${n} the quick brown fox jumps over the lazy dog\n`;
    let text = "";
    for (let n = 0; text.length < size; n++) text += line(n);
    writeFileSync(join(folder, `${name}.txt`), text.slice(0, size));
  }
  const load = (server, file, seconds) =>
    wrk(server.port, { connections: FILES[file].connections, seconds, path: `/static/${file}.txt` });
  for (const name of names) {
    const server = await ServerProcess.start(SERVERS[name].file, { env: { BENCH_FILES: folder } });
    running.set(name, server);
    for (const file of Object.keys(FILES)) await load(server, file, options.warmup);
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const file of Object.keys(FILES)) {
      for (const name of names) {
        const server = running.get(name);
        const before = server.cpuMicroseconds();
        const result = await load(server, file, options.seconds);
        const cpu = (server.cpuMicroseconds() - before) / result.requests;
        measured[file] ??= {};
        measured[file][name] ??= [];
        measured[file][name].push({ ...result, cpu, rss: server.residentBytes() });
        console.error(
          `round ${round + 1} ${file.padEnd(6)} ${name.padEnd(8)} ${whole(result.perSecond).padStart(8)}/s ${fixed(cpu)} µs`,
        );
        if (result.errors > 0) console.error(`  ${result.errors} errors`);
      }
    }
  }
} finally {
  for (const server of running.values()) await server.stop();
  rmSync(folder, { recursive: true });
}

const tables = Object.entries(FILES).map(([file, { title }]) => {
  const of = (name, figure) => summary(measured[file][name], figure);
  const base = names[0];
  const rows = names.map((name) => {
    const cpu = of(name, "cpu");
    return [
      SERVERS[name].title,
      whole(of(name, "perSecond").median),
      fixed(cpu.median),
      `${fixed(cpu.min)}–${fixed(cpu.max)}`,
      times(of(base, "cpu").median / cpu.median),
      mebibytes(of(name, "rss").median),
    ];
  });
  return `## A file of ${title}\n\n${table(["server", "requests/s", "CPU µs/request", "range", `${base} ÷ it`, "RSS MiB"], rows)}`;
});
publish("static", { title: "Static files", options, tables, data: measured });
