/**
 * A shelf for files on http://localhost:8888; node build/examples/upload/server.js --folder files
 *
 *     --folder ~/shelf                         where the files go
 *     --file-limit 500 --total-limit 2000      megabytes of one file, and of one upload
 *     --address 0.0.0.0                        reachable from your phone, and from everybody else
 */
import { define, Integer, parseCommandLine } from "squall/options";
import { makeApplication } from "./application.js";
import { FileStore } from "./file-store.js";
import { formatSize } from "./format.js";

const MEGABYTE = 1_000_000;
/** How long uploads and downloads on their way may take when the server stops (ms). */
const GRACE = 5_000;

const options = {
  port: define("port", { type: Integer, default: 8888, help: "where to listen, 0 for any free port" }),
  address: define("address", { default: "localhost", help: "the interface to listen on" }),
  folder: define("folder", { default: "build/uploads", help: "where the files go" }),
  file: define("file-limit", { type: Integer, default: 100, help: "the most that one file may have (MB)" }),
  total: define("total-limit", {
    type: Integer,
    default: 500,
    help: "the most that one upload may have (MB)",
  }),
};
parseCommandLine(
  ["server", ...(process.env.PORT ? [`--port=${process.env.PORT}`] : []), ...process.argv.slice(2)],
  {
    exit: true,
  },
);

const store = await FileStore.open(options.folder.value);
const limits = { file: options.file.value * MEGABYTE, total: options.total.value * MEGABYTE };
const server = await makeApplication(store, limits).listen(options.port.value, {
  address: options.address.value,
  // A browser reads an early refusal only after it has sent its form, so the server goes on reading for a while.
  drainSize: limits.total,
  drainTimeout: 10_000,
});
console.log(
  `The shelf is open on http://localhost:${server.port}, files up to ${formatSize(limits.file)} go to ${store.folder}`,
);

let stopping = false;

/** Stops accepting, and lets what is on its way arrive. A second signal changes nothing. */
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  console.log("Closing the shelf …");
  server.stop();
  await server.closeAllConnections({ timeout: GRACE });
}
process.on("SIGINT", stop).on("SIGTERM", stop);
