// The floor: node:net and a constant answer, one for each chunk that comes. It parses nothing, so it is no
// HTTP server; it shows what the socket alone costs on Node.
import { createServer } from "node:net";
import { announce } from "../lib/serve.mjs";

const ANSWER =
  "HTTP/1.1 200 OK\r\nServer: net\r\nContent-Type: text/html; charset=UTF-8\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\n" +
  'Etag: "e02aa1b106d5c7c6a98def2b13005d5b84fd8dc8"\r\nContent-Length: 12\r\n\r\nHello, world';

function answer() {
  this.write(ANSWER, "latin1");
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", answer);
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", 511, () => announce(server.address().port));
