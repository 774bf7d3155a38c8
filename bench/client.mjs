// npm run bench:client: one small answer, fetched over and over through squall's client and its neighbours, one core
// each, in turn. What is measured is the CPU time of the client's process for each request, body text included.
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

const CLIENTS = {
  squall: { file: "squall.mjs", title: "squall, AsyncHTTPClient" },
  "squall-fetch": { file: "squall-fetch.mjs", title: "squall, createFetch()" },
  net: { file: "net.mjs", title: "node:net, a constant, nothing parsed" },
  undici: { file: "undici.mjs", title: "undici.request" },
  "undici-stream": { file: "undici-stream.mjs", title: "undici.stream" },
  fetch: { file: "fetch.mjs", title: "built-in fetch" },
  http: { file: "node-http.mjs", title: "node:http with an agent" },
  axios: { file: "axios.mjs", title: "axios" },
  tornado: { file: "tornado-client.py", title: "Tornado 6" },
};

const options = readOptions(
  { rounds: 5, seconds: 4, warmup: 2, connections: 50, clients: Object.keys(CLIENTS).join() },
  { rounds: 1, seconds: 1, warmup: 1 },
);
const names = chosenNames("clients", options.clients, Object.keys(CLIENTS));
const folder = join(dirname(fileURLToPath(import.meta.url)), "clients");

function run(file, port) {
  const command = file.endsWith(".py") ? "/usr/bin/python3" : process.execPath;
  const { connections, seconds, warmup } = options;
  const args = ["-c", CLIENT_CORE, command, join(folder, file), port, connections, seconds, warmup].map(
    String,
  );
  return new Promise((resolve, reject) => {
    const child = spawn("taskset", args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(output.trim().split("\n").at(-1)));
      else reject(new Error(`${file} ended with ${code}`));
    });
  });
}

const server = await ServerProcess.start("net.mjs");
const measured = {};
try {
  for (let round = 0; round < options.rounds; round++) {
    for (const name of names) {
      const one = await run(CLIENTS[name].file, server.port);
      measured[name] ??= [];
      measured[name].push(one);
      console.error(
        `round ${round + 1} ${name.padEnd(13)} ${whole(one.perSecond).padStart(8)}/s ${fixed(one.cpu)} µs`,
      );
    }
  }
} finally {
  await server.stop();
}

const of = (name, figure) => summary(measured[name], figure);
const base = names.includes("squall") ? "squall" : names[0];
const rows = names.map((name) => {
  const cpu = of(name, "cpu");
  return [
    CLIENTS[name].title,
    whole(of(name, "perSecond").median),
    fixed(cpu.median),
    `${fixed(cpu.min)}–${fixed(cpu.max)}`,
    times(of(base, "cpu").median / cpu.median),
    mebibytes(of(name, "rss").median),
  ];
});
const tables = [table(["client", "requests/s", "CPU µs/request", "range", `${base} ÷ it`, "RSS MiB"], rows)];
publish("client", { title: "Fetching a small answer", options, tables, data: measured });
