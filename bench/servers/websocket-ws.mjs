// The same with `ws`; a broadcast is a loop, as its manual shows it.
import { WebSocketServer } from "ws";
import { announce } from "../lib/serve.mjs";

const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  perMessageDeflate: process.env.DEFLATE === "1",
});
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
});
server.on("listening", () =>
  announce(server.address().port, (text) => {
    for (const client of server.clients) client.send(text);
  }),
);
