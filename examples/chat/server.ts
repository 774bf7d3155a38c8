/**
 * npm start: the chat on http://localhost:8888.
 *
 *     npm start -- --port 9000                  another port; so does PORT=9000
 *     npm start -- --address 0.0.0.0            reachable from your phone, and from everybody else
 */
import { networkInterfaces } from "node:os";
import { define, Integer, parseCommandLine } from "squall/options";
import { makeApplication } from "./application.js";
import { MessageBuffer } from "./message-buffer.js";

/** How long answers on their way may take when the server stops (ms). */
const GRACE = 3_000;

const portOption = define("port", {
  type: Integer,
  default: 8888,
  help: "where to listen, 0 for any free port",
});
const addressOption = define("address", { default: "localhost", help: "the interface to listen on" });
// The environment comes first, so that the command line wins. Logging is set up by the way.
const fromEnvironment = process.env.PORT === undefined ? [] : [`--port=${process.env.PORT}`];
const rest = parseCommandLine(["server", ...fromEnvironment, ...process.argv.slice(2)], { exit: true });
if (rest.length > 0) {
  // npm keeps options that stand before "--" for itself, and passes on what follows them.
  console.error(
    `What is ${JSON.stringify(rest[0])} for? Options stand behind two hyphens: npm start -- --port 9000`,
  );
  process.exit(2);
}
const port = portOption.value;
const address = addressOption.value;
if (port < 0 || port > 65_535) {
  console.error(`The port must be a number from 0 to 65535, got ${port}.`);
  process.exit(2);
}

const messages = new MessageBuffer();
const server = await makeApplication(messages)
  .listen(port, { address, maxBodySize: 64 * 1024 })
  .catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      console.error(`Port ${port} is in use. Choose another one: npm start -- --port ${port + 1}`);
    } else if (code === "EACCES") {
      console.error(`Port ${port} needs more rights than you have. Try: npm start -- --port 8888`);
    } else {
      console.error(error);
    }
    process.exit(1);
  });
const host = ["localhost", "127.0.0.1", "::1"].includes(address) ? "localhost" : address;
const isEverywhere = ["", "0.0.0.0", "::"].includes(address);
const hosts = isEverywhere ? ["localhost", ...ownAddresses()] : [host.includes(":") ? `[${host}]` : host];
console.log(
  `The chat is open on ${hosts.map((each) => `http://${each}:${server.port}`).join(" and ")} (Ctrl-C ends it)`,
);
if (host === "localhost") {
  console.log(
    "This machine alone can reach it. To chat from your phone as well: npm start -- --address 0.0.0.0",
  );
}

/** The addresses under which other machines of the network find this one. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address: own }) => own);
}

/** npm passes a terminal's Ctrl-C on, so that one press may come twice; within this time it is one (ms). */
const ONE_PRESS = 500;
let stoppingSince: number | undefined;

/** Stops accepting, answers the polls that wait, and lets what is on its way arrive. A second signal ends at once. */
async function stop(): Promise<void> {
  const now = performance.now();
  if (stoppingSince !== undefined) {
    if (now - stoppingSince > ONE_PRESS) process.exit(1);
    return;
  }
  stoppingSince = now;
  console.log("Closing the chat …");
  server.stop();
  messages.close();
  await server.closeAllConnections({ timeout: GRACE });
}
process.on("SIGINT", stop).on("SIGTERM", stop);
