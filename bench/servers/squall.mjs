// A RequestHandler with everything on that is on by default.
import { Application, RequestHandler } from "../../dist/web.js";
import { announce } from "../lib/serve.mjs";

class Main extends RequestHandler {
  get() {
    this.write("Hello, world");
  }
}

const server = await new Application([["/", Main]]).listen(0, { address: "127.0.0.1" });
announce(server.port);
