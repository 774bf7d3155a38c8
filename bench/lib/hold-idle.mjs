// Opens connections, sends one request on each, reads the answer, and holds them open until it is killed.
import { connect } from "node:net";

const [port, count] = process.argv.slice(2).map(Number);
/** How many are on their way at once: less than a listening queue holds. */
const AT_ONCE = 100;
const sockets = [];
let begun = 0;

function open() {
  if (begun === count) return;
  begun++;
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", (error) => {
    console.error(`idle connection: ${error.message}`);
    process.exit(1);
  });
  socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  socket.once("data", () => {
    sockets.push(socket);
    if (sockets.length === count) process.send("open");
    else open();
  });
}

for (let i = 0; i < AT_ONCE; i++) open();
process.on("disconnect", () => process.exit());
