// Node's own HTTP server, answering what the frameworks answer.
import { createServer } from "node:http";
import { announce } from "../lib/serve.mjs";

const server = createServer((_request, response) => {
  response.setHeader("Content-Type", "text/html; charset=UTF-8");
  response.end("Hello, world");
});
server.listen(0, "127.0.0.1", 511, () => announce(server.address().port));
