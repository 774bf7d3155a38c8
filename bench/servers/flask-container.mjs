// flask_hello.py in squall's WSGIContainer.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { HTTPServer } from "../../dist/httpserver.js";
import { WSGIContainer } from "../../dist/wsgi.js";
import { announce } from "../lib/serve.mjs";

const flask = new WSGIContainer("flask_hello:app", {
  python: "/usr/bin/python3",
  cwd: dirname(fileURLToPath(import.meta.url)),
  workers: 2,
});
await flask.start();
const server = new HTTPServer(flask);
await server.listen(0, { address: "127.0.0.1" });
announce(server.port);
