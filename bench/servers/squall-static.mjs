// A StaticFileHandler for the folder of the benchmark, as it comes.
import { Application } from "../../dist/web.js";
import { announce } from "../lib/serve.mjs";

const server = await new Application([], { staticPath: process.env.BENCH_FILES }).listen(0, {
  address: "127.0.0.1",
});
announce(server.port);
