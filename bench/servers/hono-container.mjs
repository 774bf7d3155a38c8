// The application of hono-node-server.mjs in squall's FetchContainer.
import { Hono } from "hono";
import { FetchContainer } from "../../dist/fetch.js";
import { HTTPServer } from "../../dist/httpserver.js";
import { announce } from "../lib/serve.mjs";

const app = new Hono();
app.get("/", (context) => context.text("Hello, world"));
const server = new HTTPServer(new FetchContainer(app.fetch));
await server.listen(0, { address: "127.0.0.1" });
announce(server.port);
