// node bench/net/line-echo.bench.mjs [SECONDS]: an echo of lines through IOStream.readUntil() and write(), beside one written
// by hand on node:net. CPU time of the server per line, as the kernel counts it, with one line under way on each of 64
// connections, and with batches of 16. Build first: npm run build. Pin this process beside the servers' core: taskset -c 1.
import { connect } from "node:net";
import { ServerProcess } from "../lib/process.mjs";

const SECONDS = Number(process.argv[2] ?? 2);
const ROUNDS = 3;
const CONNECTIONS = 64;
const LINE = `${"x".repeat(31)}\n`;

/** Sends `batch` lines on each connection, the next ones when all have come back; resolves with how many came. */
async function drive(port, batch, seconds) {
  const request = LINE.repeat(batch);
  let lines = 0;
  let isOver = false;
  const sockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      await new Promise((resolve) => socket.once("connect", resolve));
      return socket;
    }),
  );
  const done = sockets.map(
    (socket) =>
      new Promise((resolve, reject) => {
        let missing = request.length;
        socket.on("data", (chunk) => {
          missing -= chunk.length;
          if (missing > 0) return;
          lines += batch;
          missing = request.length;
          if (isOver) socket.end(resolve);
          else socket.write(request);
        });
        socket.once("error", reject);
        socket.write(request);
      }),
  );
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  isOver = true;
  await Promise.all(done);
  return lines;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const servers = {
  "node:net": await ServerProcess.start("line-echo-net.mjs"),
  squall: await ServerProcess.start("line-echo-squall.mjs"),
};
try {
  for (const batch of [1, 16]) {
    const costs = { "node:net": [], squall: [] };
    for (const { port } of Object.values(servers)) await drive(port, batch, 0.5);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, server] of Object.entries(servers)) {
        const before = server.cpuMicroseconds();
        const lines = await drive(server.port, batch, SECONDS);
        costs[name].push((server.cpuMicroseconds() - before) / lines);
      }
    }
    const [bare, ours] = [median(costs["node:net"]), median(costs.squall)];
    console.log(
      `${String(batch).padStart(2)} lines at a time: node:net ${bare.toFixed(2)} µs a line, squall ${ours.toFixed(2)} µs, ratio ${(ours / bare).toFixed(2)}`,
    );
  }
} finally {
  for (const server of Object.values(servers)) await server.stop();
}
