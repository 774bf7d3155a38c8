// Compiles src to dist, tests and examples to build, and copies what the examples serve beside their code.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./stamp.mjs";

/** Builds everything; returns the exit status of the compiler (0 when all is well). */
export function build() {
  const tsc = spawnSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b"], {
    cwd: root,
    stdio: "inherit",
  });
  if (tsc.status !== 0) return tsc.status ?? 1;
  copyAssets("examples");
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(join(root, "build", ".stamp"), `${new Date().toISOString()}\n`);
  return 0;
}

/** Pages, styles and templates travel with the compiled examples, so that `import.meta.url` finds them. */
function copyAssets(folder) {
  const from = join(root, folder);
  if (!existsSync(from)) return;
  cpSync(from, join(root, "build", folder), {
    recursive: true,
    filter: (path) =>
      statSync(path).isDirectory()
        ? basename(path) !== "node_modules"
        : !path.endsWith(".ts") && !basename(path).startsWith("tsconfig"),
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exit(build());
