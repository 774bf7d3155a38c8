// The application of express.mjs in squall's NodeContainer.
import express from "express";
import { HTTPServer } from "../../dist/httpserver.js";
import { NodeContainer } from "../../dist/node.js";
import { announce } from "../lib/serve.mjs";

const app = express();
app.get("/", (_request, response) => {
  response.send("Hello, world");
});
const server = new HTTPServer(new NodeContainer(app));
await server.listen(0, { address: "127.0.0.1" });
announce(server.port);
