// squall with ROUTES routes, each with a parameter, and the same answer behind all of them.
import { Application, RequestHandler } from "../../dist/web.js";
import { announce } from "../lib/serve.mjs";

class Item extends RequestHandler {
  get() {
    this.write("Hello, world");
  }
}

const count = Number(process.env.ROUTES);
const pattern =
  process.env.PATTERN === "regex" ? (i) => `/section-${i}/item/([0-9]+)` : (i) => `/section-${i}/item/:id`;
const routes = Array.from({ length: count }, (_, i) => [pattern(i), Item]);
const server = await new Application(routes).listen(0, { address: "127.0.0.1" });
announce(server.port);
