// A line echo as it is written by hand on node:net: no promise, no limit on a line, no back-pressure.
import { createServer } from "node:net";
import { announce } from "../lib/serve.mjs";

const LF = 10;

const server = createServer({ noDelay: true }, (socket) => {
  let rest;
  socket.on("data", (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LF, start);
      if (end < 0) break;
      socket.write(bytes.subarray(start, end + 1));
      start = end + 1;
    }
    rest = start === bytes.length ? undefined : bytes.subarray(start);
  });
  socket.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => announce(server.address().port));
