/**
 * Configuration files: a JSON object, or a JavaScript module whose exports (or whose default export, an object) are the
 * values. Where Tornado executes Python, we import a module: it can compute, and `import.meta.filename` says where it is.
 */
import { readFile, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OptionError } from "./option.js";

/** A module's or object's values by name. */
export type ConfigValues = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is ConfigValues {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readJson(path: string): Promise<ConfigValues> {
  let value: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark; RFC 8259 §8.1 lets parsers ignore it.
    value = JSON.parse((await readFile(path, "utf8")).replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new OptionError(`cannot read the configuration ${path}: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(value)) throw new OptionError(`the configuration ${path} must be a JSON object`);
  return value;
}

async function importModule(path: string): Promise<ConfigValues> {
  try {
    const url = pathToFileURL(path);
    // A file that has changed since it was read is another module.
    url.searchParams.set("mtime", String((await stat(path)).mtimeMs));
    const module = (await import(url.href)) as Record<string, unknown>;
    const { default: object, ...names } = module;
    return isObject(object) ? { ...object, ...names } : names;
  } catch (cause) {
    throw new OptionError(
      `cannot read the configuration ${path}: ${String((cause as Error)?.message ?? cause)}`,
      { cause },
    );
  }
}

/** Reads a configuration file. Throws an {@link OptionError} if it cannot be read or is of another kind. */
export async function readConfigFile(path: string): Promise<ConfigValues> {
  const whole = resolve(path);
  const extension = extname(whole).toLowerCase();
  if (extension === ".json") return readJson(whole);
  if ([".js", ".mjs", ".cjs", ".ts", ".mts"].includes(extension)) return importModule(whole);
  throw new OptionError(`a configuration file must be .json, .js, .mjs or .cjs, got ${path}`);
}
