// Makes a fresh clone ready: installs from the lock file and builds, each only when it is needed.
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { buildIsStale, installIsStale, root } from "./stamp.mjs";

/** Installs and builds what is stale; ends the process with the failing step's status when one fails. */
export function setUp() {
  install(root);
  if (buildIsStale()) {
    console.error("squall: building …");
    const status = build();
    if (status !== 0) process.exit(status);
  }
}

/**
 * Installs the packages of `folder` (the root, or a part with a package and lock file of its own) when what is
 * there is not what its lock file names. No package's install script runs: none that we use needs one.
 */
export function install(folder) {
  if (!installIsStale(folder)) return;
  console.error(`squall: installing ${join(relative(root, folder), "package-lock.json")} …`);
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (npm.status !== 0) process.exit(npm.status ?? 1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setUp();
