// The runtimes that the suites run under: Node's own and, from the packages beside this file, others.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("node_modules", import.meta.url));

/** The program inside the package that the registry has for this platform: install scripts would only move it. */
function binary(scope, name) {
  const base = join(packages, scope);
  if (!existsSync(base)) return name;
  const found = readdirSync(base, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && (entry.name === name || entry.name === `${name}.exe`),
  );
  return found === undefined ? name : join(found.parentPath, found.name);
}

const node = (version) => ({
  title: `Node.js ${version}`,
  package: `node-${version}`,
  command: () => [join(packages, `node-${version}`, "bin", "node")],
});

/** `ours`: the runtime cannot run a file of node:test by itself, so that it gets node-test.mjs. */
export const RUNTIMES = {
  "node-22": node(22),
  "node-24": node(24),
  "node-26": node(26),
  bun: {
    title: "Bun",
    package: "bun",
    ours: true,
    command: () => [binary("@oven", "bun"), "--expose-gc", "run"],
  },
  deno: {
    title: "Deno",
    package: "deno",
    ours: true,
    command: () => [
      binary("@deno", "deno"),
      ...["run", "-A", "--no-lock", "--v8-flags=--expose-gc", "--node-modules-dir=manual"],
    ],
  },
};

/** What a program calls its version. */
export function versionOf([program]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["--version"], { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", () => {
      const version = /\d+\.\d+\.\d+/.exec(text)?.[0];
      if (version === undefined) reject(new Error(`${program} does not say its version`));
      else resolve(version);
    });
  });
}
