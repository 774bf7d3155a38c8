// HTTPServer with a plain function: what squall costs below the web framework. No entity tag, as nobody asks for one.
import { HTTPServer } from "../../dist/httpserver.js";
import { HTTPHeaders } from "../../dist/httputil.js";
import { announce } from "../lib/serve.mjs";

const server = new HTTPServer((request) => {
  const headers = new HTTPHeaders({ "Content-Type": "text/html; charset=UTF-8", "Content-Length": "12" });
  request.connection.respond({ version: "HTTP/1.1", code: 200, reason: "OK" }, headers, "Hello, world");
});
await server.listen(0, { address: "127.0.0.1" });
announce(server.port);
