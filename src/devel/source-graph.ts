/**
 * Which source files a program is made of, found in their text.
 *
 * Node has a list of the CommonJS modules that are loaded and none of the others, and a program that cannot
 * be loaded (a syntax error) has to be watched, too. So the imports that are written out are followed from
 * the program's first file: `import … from "…"`, `export … from "…"`, `import("…")`, `require("…")` and `new
 * URL("….js", import.meta.url)`. The text is searched, not parsed: a path in a comment may be taken for an
 * import, and then one file too many is watched. Packages (`node_modules`) are left out.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SPECIFIER =
  /(?:\bfrom|\bimport|\b(?:import|require)\s*\()\s*(["'])([^"'\n]+)\1|\bnew\s+URL\(\s*(["'])([^"'\n]+\.[cm]?[jt]s)\3\s*,\s*import\.meta\.url/g;

/** What may hold imports. */
const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/** What TypeScript files may be imported as. */
const TYPESCRIPT: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/** True for a file of an installed package. */
export function isInPackage(path: string): boolean {
  return path.split(sep).includes("node_modules");
}

/**
 * The file that a name on the command line means: a script, with or without extension, or a package. If there
 * is no such file, the path as it is given, because it may come.
 */
export function resolveEntry(name: string): string {
  const path = resolve(name);
  const fromHere = createRequire(path);
  return realPath(tryResolve(fromHere, path) ?? tryResolve(fromHere, name) ?? path);
}

/**
 * The program's first file and all that it reaches, as absolute paths. Imported files that are not there are
 * among them: when one appears, it is time to try again.
 */
export function sourceFiles(entry: string): Set<string> {
  const found = new Set<string>([entry]);
  // A set that grows while it is walked: files found on the way are visited, each once.
  for (const path of found) {
    if (!SOURCE.test(path) && extname(path) !== "") continue;
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch {
      continue;
    }
    const require = createRequire(path);
    for (const match of text.matchAll(SPECIFIER)) {
      const imported = resolveImport(require, path, (match[2] ?? match[4]) as string);
      if (imported !== undefined && !isInPackage(imported)) found.add(imported);
    }
  }
  return found;
}

/** Where a file really lies: that is what its own imports are relative to. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function resolveImport(require: NodeJS.Require, from: string, specifier: string): string | undefined {
  if (/^(?:node|data|https?):/.test(specifier)) return undefined;
  const isPath = /^(?:\.{0,2}\/|file:)/.test(specifier);
  if (!isPath) return tryResolve(require, specifier);
  let path: string;
  try {
    path = fileURLToPath(new URL(specifier, pathToFileURL(from)));
  } catch {
    return undefined;
  }
  const resolved = tryResolve(require, path);
  if (resolved !== undefined) return resolved;
  const extension = extname(path);
  const candidates = (TYPESCRIPT[extension] ?? []).map((other) => path.slice(0, -extension.length) + other);
  return candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile()) ?? path;
}

function tryResolve(require: NodeJS.Require, specifier: string): string | undefined {
  try {
    const path = require.resolve(specifier);
    // Modules of Node's own resolve to their names.
    return path.includes(sep) ? path : undefined;
  } catch {
    return undefined;
  }
}
