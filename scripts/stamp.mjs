// What the set-up steps share: when is an install or a build stale?
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** The newest modification time (ms) below a file or folder; 0 when it does not exist. */
export function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let latest = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /[\\/](?:node_modules|build)(?:[\\/]|$)/.test(entry.parentPath.slice(path.length)))
      continue;
    latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}

/** True when the folder's node_modules is absent or does not hold what its lock file names. */
export function installIsStale(folder = root) {
  const wanted = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
  if (Object.keys(wanted).length === 1) return false;
  const installed = join(folder, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return true;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).some(
    ([path, entry]) => path !== "" && !entry.optional && have[path]?.version !== entry.version,
  );
}

/** True when a source, a test or an example is newer than the last complete build. */
export function buildIsStale() {
  const built = newest(join(root, "build", ".stamp"));
  if (built === 0) return true;
  const sources = ["src", "test", "examples", "tsconfig.base.json", "tsconfig.json", "package-lock.json"];
  return sources.some((path) => newest(join(root, path)) > built);
}
