// npm run check: everything that has to hold before a change is proposed, on one command.
import { spawnSync } from "node:child_process";
import { setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

setUp();
for (const script of ["lint", "test"]) {
  console.log(`\n== npm run ${script}`);
  const run = spawnSync("npm", ["run", "-s", script], { cwd: root, stdio: "inherit" });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
