// Makes the blog ready to run: installs its packages, lets it find squall, and compiles it.
// In this repository squall is the working tree; in a project of your own it is a package like the others.
import { spawnSync } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { install, setUp } from "../../scripts/setup.mjs";
import { root } from "../../scripts/stamp.mjs";

const folder = dirname(fileURLToPath(import.meta.url));

/** Ends the process with the failing step's status when one fails. */
export function prepareBlog() {
  setUp();
  install(folder);
  const link = join(folder, "node_modules", "squall");
  if (!existsSync(link)) symlinkSync(join("..", "..", ".."), link, "junction");
  const tsc = spawnSync(
    process.execPath,
    [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", folder],
    {
      stdio: "inherit",
    },
  );
  if (tsc.status !== 0) process.exit(tsc.status ?? 1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) prepareBlog();
