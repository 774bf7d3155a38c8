// node scripts/prepare-example.mjs [NAME …]: makes examples with packages of their own ready to run, by default all of them:
// installs the packages, lets the example find squall, and compiles it.
// In this repository squall is the working tree; in a project of your own it is a package like the others.
import { spawnSync } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { install, setUp } from "./setup.mjs";
import { root } from "./stamp.mjs";

/** The examples that have packages of their own. */
export const EXAMPLES = ["blog", "migrate"];

/** Prepares the example in `folder`, a URL. Ends the process with the failing step's status when one fails. */
export function prepareExample(folder) {
  const path = fileURLToPath(folder);
  setUp();
  install(path);
  const link = join(path, "node_modules", "squall");
  if (!existsSync(link)) symlinkSync(join("..", "..", ".."), link, "junction");
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const compiled = spawnSync(process.execPath, [tsc, "-p", path], { stdio: "inherit" });
  if (compiled.status !== 0) process.exit(compiled.status ?? 1);
}

/** Prepares several of them, by default all. */
export function prepareExamples(names = EXAMPLES) {
  for (const name of names) prepareExample(new URL(`../examples/${name}/`, import.meta.url));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const names = process.argv.slice(2);
  prepareExamples(names.length > 0 ? names : EXAMPLES);
}
