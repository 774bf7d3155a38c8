// The application of squall.mjs under node:http, by nodeListener().
import { createServer } from "node:http";
import { nodeListener } from "../../dist/node.js";
import { Application, RequestHandler } from "../../dist/web.js";
import { announce } from "../lib/serve.mjs";

class Main extends RequestHandler {
  get() {
    this.write("Hello, world");
  }
}

const listener = nodeListener(new Application([["/", Main]]));
const server = createServer(listener).listen(0, "127.0.0.1", () => announce(server.address().port));
