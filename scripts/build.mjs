// Compiles src to dist, tests and examples to build, and copies what is read or run beside the code: Python modules of the
// package, and what the examples serve.
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
  copyAssets("src/interop/python", "dist/interop/python");
  copyAssets("examples", "build/examples");
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(join(root, "build", ".stamp"), `${new Date().toISOString()}\n`);
  return 0;
}

const LEFT_BEHIND = new Set(["node_modules", "__pycache__"]);

/**
 * Pages, templates and Python modules travel with the compiled code, so that `import.meta.url` finds them. A folder with
 * packages of its own compiles itself, where it is.
 */
function copyAssets(folder, target) {
  const from = join(root, folder);
  if (!existsSync(from)) return;
  cpSync(from, join(root, target), {
    recursive: true,
    filter: (path) =>
      statSync(path).isDirectory()
        ? !LEFT_BEHIND.has(basename(path)) && !existsSync(join(path, "package.json"))
        : !path.endsWith(".ts") && !basename(path).startsWith("tsconfig"),
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exit(build());
