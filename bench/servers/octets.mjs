// For bench:transfer: GET /N answers with N octets, POST counts what comes; node:http, so that only the client is squall's.
import { createServer } from "node:http";
import { announce } from "../lib/serve.mjs";

const PIECE = Buffer.alloc(64 * 1024, "x");

const server = createServer((request, response) => {
  if (request.method === "POST") {
    let received = 0;
    request.on("data", (chunk) => {
      received += chunk.length;
    });
    request.on("end", () => response.end(String(received)));
    return;
  }
  let left = Number(request.url.slice(1));
  response.writeHead(200, { "Content-Length": left });
  const send = () => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
      left -= piece.length;
      if (!response.write(piece)) {
        response.once("drain", send);
        return;
      }
    }
    response.end();
  };
  send();
});
server.listen(0, "127.0.0.1", () => announce(server.address().port));
