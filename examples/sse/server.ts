/**
 * node build/examples/sse/server.js [--port 8888]: a live page on http://localhost:8888. Open it in two windows.
 */
import { IOLoop } from "squall/ioloop";
import { define, Integer, parseCommandLine } from "squall/options";
import { makeApplication } from "./application.js";
import { Pulse } from "./pulse.js";

const port = define("port", { type: Integer, default: 8888, help: "where to listen, 0 for any free port" });
const address = define("address", { default: "localhost", help: "the interface to listen on" });
parseCommandLine(process.argv.slice(1), { exit: true });

const pulse = new Pulse(IOLoop.current());
const server = await makeApplication(pulse).listen(port.value, {
  address: address.value,
  maxBodySize: 4 * 1024,
});
console.log(`The live page is on http://localhost:${server.port} (Ctrl-C ends it)`);

async function stop(): Promise<void> {
  server.stop();
  await pulse.close();
  await server.closeAllConnections({ timeout: 3_000 });
}
process.once("SIGINT", stop).once("SIGTERM", stop);
