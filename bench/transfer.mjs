// npm run bench:transfer: a gigabyte down and a gigabyte up through streams of squall's client, with what that takes of
// CPU time and, at its highest, of memory.
import { AsyncHTTPClient } from "../dist/httpclient.js";
import { ServerProcess } from "./lib/process.mjs";
import { fixed, mebibytes, publish, readOptions, table } from "./lib/report.mjs";

const options = readOptions({ mebibytes: 1024, rounds: 3 }, { mebibytes: 32, rounds: 1 });
const size = options.mebibytes * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, "y");

async function* upload() {
  for (let left = size; left > 0; left -= PIECE.length) {
    yield left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
  }
}

async function down(client, base) {
  const { stream } = await client.fetch(`${base}/${size}`, { streamBody: true, requestTimeout: 0 });
  let received = 0;
  for await (const chunk of stream) received += chunk.length;
  return received;
}

async function up(client, base) {
  const answer = await client.fetch(`${base}/`, { method: "POST", body: upload(), requestTimeout: 0 });
  return Number(answer.text());
}

const server = await ServerProcess.start("octets.mjs");
const client = new AsyncHTTPClient({ forceInstance: true });
const data = [];
try {
  for (const [name, run] of [
    ["down", down],
    ["up", up],
  ]) {
    for (let round = 0; round < options.rounds; round++) {
      let highest = 0;
      const watch = setInterval(() => {
        highest = Math.max(highest, process.memoryUsage.rss());
      }, 20);
      const before = process.cpuUsage();
      const began = performance.now();
      const moved = await run(client, `http://127.0.0.1:${server.port}`);
      const seconds = (performance.now() - began) / 1000;
      const { user, system } = process.cpuUsage(before);
      clearInterval(watch);
      if (moved !== size) throw new Error(`${name}: ${moved} octets instead of ${size}`);
      data.push({ name, seconds, cpu: (user + system) / 1e6, highest });
    }
  }
} finally {
  client.close();
  await server.stop();
}
const rows = data.map(({ name, seconds, cpu, highest }) => [
  `${options.mebibytes} MiB ${name}`,
  fixed(options.mebibytes / seconds, 0),
  fixed(cpu),
  mebibytes(highest),
]);
const tables = [table(["transfer", "MiB/s", "CPU s", "highest RSS MiB"], rows)];
publish("transfer", { title: "A long body down and up", options, tables, data });
