// The floor: node:net, a constant request, and an answer that is counted and not parsed.
import { connect } from "node:net";
import { drive, url } from "../lib/drive.mjs";

const { port } = new URL(url);
const REQUEST = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
const idle = [];

function open() {
  return new Promise((resolve) => {
    const socket = connect(Number(port), "127.0.0.1", () => resolve(socket));
    socket.setNoDelay(true);
    socket.done = undefined;
    socket.on("data", (chunk) => {
      idle.push(socket);
      socket.done(chunk.length);
    });
  });
}

await drive(async () => {
  const socket = idle.pop() ?? (await open());
  return new Promise((resolve) => {
    socket.done = resolve;
    socket.write(REQUEST, "latin1");
  });
});
