/**
 * A chat over WebSockets on http://localhost:8889.
 *
 *     node build/examples/websocket-chat/server.js --port 9000
 */
import { define, Integer, parseCommandLine } from "squall/options";
import { makeApplication } from "./application.js";

const port = define("port", { type: Integer, default: 8889, help: "where to listen, 0 for any free port" });
const address = define("address", { default: "localhost", help: "the interface to listen on" });
parseCommandLine(process.argv.slice(1), { exit: true });

const server = await makeApplication().listen(port.value, { address: address.value });
console.log(`The chat is open on http://localhost:${server.port} (Ctrl-C ends it)`);

/** Says goodbye to all pages, which come back by themselves when the server does. */
async function stop(): Promise<void> {
  await server.stop();
  await server.closeAllConnections({ timeout: 3000 });
  process.exit();
}
process.once("SIGINT", stop).once("SIGTERM", stop);
