/** Modules and what is in them by name. */
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { InvalidArgumentError } from "./errors.js";

const SCHEMES = new Set(["node", "file", "data", "http", "https", "blob"]);

/** `module:name.member` in its parts; a colon after a scheme, as in `node:path`, belongs to the module. */
function split(name: string): { readonly module: string; readonly path: readonly string[] } {
  const match =
    /^(.+):([\p{ID_Start}$_][\p{ID_Continue}$]*(?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*)$/u.exec(name);
  const [, module, path] = match ?? [];
  if (module === undefined || path === undefined || SCHEMES.has(module)) return { module: name, path: [] };
  return { module, path: path.split(".") };
}

async function importModule(specifier: string): Promise<unknown> {
  if (/^\.{0,2}\//.test(specifier)) return import(pathToFileURL(resolve(specifier)).href);
  try {
    return await import(specifier);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    // squall may lie elsewhere than the program that uses it, and so see other packages.
    const { resolve: find } = createRequire(join(process.cwd(), "import"));
    let path: string;
    try {
      path = find(specifier);
    } catch {
      throw error;
    }
    return import(pathToFileURL(path).href);
  }
}

/**
 * Imports a module, `importObject("node:path")`, or something in it, `importObject("./app.js:Handler")`.
 * Relative paths count from the working directory. Rejects with the import's own error if there is no such
 * module, and with an {@link InvalidArgumentError} if it has no such name. Tornado `import_object`; there the
 * separator is a dot, which in our world belongs to file names.
 */
export async function importObject(name: string): Promise<unknown> {
  const { module, path } = split(name);
  let found = await importModule(module);
  for (const part of path) {
    if ((typeof found !== "object" && typeof found !== "function") || found === null || !(part in found)) {
      throw new InvalidArgumentError(`there is no ${JSON.stringify(part)} in ${JSON.stringify(module)}`);
    }
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}
