// npm run test:vectors [-- FAMILY …]: sets the clone up and runs the vectors made by the real Tornado.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

setUp();
const run = spawnSync(
  process.execPath,
  ["--enable-source-maps", join(root, "build", "test", "vectors", "run.js"), ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exit(run.status ?? 1);
