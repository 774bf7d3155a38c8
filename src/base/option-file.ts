/**
 * Configuration files: a JSON object, or a JavaScript module whose exports (or whose default export, an
 * object) are the values. Where Tornado executes Python, we import a module: it can compute, and
 * `import.meta.filename` says where it is.
 *
 * JSON is read synchronously, so that its values are there when the callback of an option such as `--config`
 * returns.
 */
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OptionError } from "./option.js";

/** Values by name, of a module or an object. */
export type ConfigValues = Readonly<Record<string, unknown>>;

/** A configuration file that was read. */
export interface ConfigFile {
  /** The absolute path. */
  readonly path: string;
  readonly values: ConfigValues;
  /** `path:line` of a name, or the path where lines are not known. */
  placeOf(name: string): string;
}

function isObject(value: unknown): value is ConfigValues {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** V8 says where JSON is broken; `undefined` if this version says it in other words. */
function brokenAt(error: Error, text: string): number | undefined {
  const offset = /at position (\d+)/.exec(error.message)?.[1];
  if (offset !== undefined) return lineAt(text, Number(offset));
  return /Unexpected end/.test(error.message) ? lineAt(text, text.length) : undefined;
}

function parseJson(path: string): ConfigFile {
  let text = "";
  let values: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark; RFC 8259 §8.1 lets parsers ignore it.
    text = readFileSync(path, "utf8").replace(/^\ufeff/, "");
    values = JSON.parse(text);
  } catch (cause) {
    const line = brokenAt(cause as Error, text);
    const place = line === undefined ? path : `${path}:${line}`;
    throw new OptionError(`cannot read the configuration ${place}: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(values)) throw new OptionError(`the configuration ${path} must be a JSON object`);
  return {
    path,
    values,
    placeOf(name) {
      const key = JSON.stringify(name).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      const found = new RegExp(`${key}\\s*:`).exec(text);
      return found === null ? path : `${path}:${lineAt(text, found.index)}`;
    },
  };
}

async function importModule(path: string): Promise<ConfigFile> {
  try {
    const url = pathToFileURL(path);
    // A file that has changed since it was read is another module.
    url.searchParams.set("mtime", String((await stat(path)).mtimeMs));
    const module = (await import(url.href)) as Record<string, unknown>;
    const { default: object, ...names } = module;
    return { path, values: isObject(object) ? { ...object, ...names } : names, placeOf: () => path };
  } catch (cause) {
    throw new OptionError(
      `cannot read the configuration ${path}: ${String((cause as Error)?.message ?? cause)}`,
      { cause },
    );
  }
}

/**
 * Reads a configuration file: JSON at once, a module as a promise.
 *
 * @throws OptionError (`ERR_SQUALL_OPTION`) if it cannot be read or is of another kind
 */
export function readConfigFile(path: string): ConfigFile | Promise<ConfigFile> {
  const whole = resolve(path);
  const extension = extname(whole).toLowerCase();
  if (extension === ".json") return parseJson(whole);
  if ([".js", ".mjs", ".cjs", ".ts", ".mts"].includes(extension)) return importModule(whole);
  throw new OptionError(`a configuration file must be .json, .js, .mjs, .cjs, .ts or .mts, got ${path}`);
}
