/**
 * npm start: the harbour office on http://localhost:8888.
 *
 *     npm start -- --port 9000 --address 0.0.0.0
 *     npm start -- --python venv/bin/python        an interpreter that has Flask
 *     COOKIE_SECRET=…                              32 random bytes or more; without it one is made, and a restart signs all out
 */
import { randomBytes } from "node:crypto";
import { define, Integer, parseCommandLine } from "squall/options";
import { makeApplication } from "./application.js";
import { NoFlaskError, startLogbook } from "./logbook.js";

/** How long answers on their way may take when the server stops (ms). */
const GRACE = 3_000;

const port = define("port", { type: Integer, default: 8888, help: "where to listen, 0 for any free port" });
const address = define("address", { default: "localhost", help: "the interface to listen on" });
const python = define("python", { default: "", help: "a Python that has Flask; default: python3" });
const { PORT, COOKIE_SECRET } = process.env;
parseCommandLine(["server", ...(PORT ? [`--port=${PORT}`] : []), ...process.argv.slice(2)], { exit: true });

const secret = COOKIE_SECRET || randomBytes(32).toString("base64");
const logbook = await startLogbook(secret, python.value).catch((error: unknown) => {
  if (!(error instanceof NoFlaskError)) throw error;
  console.error(error.message);
  process.exit(1);
});
const server = await makeApplication(logbook, secret).listen(port.value, { address: address.value });
console.log(`The harbour office is open on http://localhost:${server.port} (Ctrl-C ends it)`);

let stopping = false;

/** Lets answers on their way arrive, then ends the Python worker. */
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  server.stop();
  await server.closeAllConnections({ timeout: GRACE });
  await logbook.stop({ timeout: GRACE });
}
process.on("SIGINT", stop).on("SIGTERM", stop);
