/** The sources as the tests of the project's own rules see them: paths below src/, and their text. */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { root } from "./root.js";

/** Source files by their path below src/ (`net/iostream.ts`), with slashes. */
export type SourceTree = ReadonlyMap<string, string>;

/** All TypeScript files below src/, read now. */
export function readSources(): SourceTree {
  const base = join(root, "src");
  return new Map(
    readdirSync(base, { recursive: true })
      .map((path) => String(path).split(sep).join("/"))
      .filter((path) => path.endsWith(".ts"))
      .sort()
      .map((path) => [path, readFileSync(join(base, path), "utf8")]),
  );
}

/** True for `web.ts`, false for `web/application/application.ts`. */
export function isDoor(path: string): boolean {
  return !path.includes("/");
}

/** The file that a relative import inside src/ means, as a path below src/; undefined when it leaves src/. */
export function resolveInside(from: string, specifier: string): string | undefined {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/").replace(/\.js$/, ".ts");
}
