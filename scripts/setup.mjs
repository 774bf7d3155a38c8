// Makes a fresh clone ready: installs from the lock file and builds, each only when it is needed.
import { spawnSync } from "node:child_process";
import { build } from "./build.mjs";
import { buildIsStale, installIsStale, root } from "./stamp.mjs";

/** Installs and builds what is stale; ends the process with the failing step's status when one fails. */
export function setUp() {
  if (installIsStale()) {
    console.error("squall: installing the development tools from package-lock.json …");
    const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, stdio: "inherit" });
    if (npm.status !== 0) process.exit(npm.status ?? 1);
  }
  if (buildIsStale()) {
    console.error("squall: building …");
    const status = build();
    if (status !== 0) process.exit(status);
  }
}
