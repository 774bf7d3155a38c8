/** What a module of precompiled templates holds, and how its lines lead back to the templates. */
import type { TemplatePlace } from "./code-writer.js";
import type { ScriptLines } from "./stack-trace.js";

/** The version of the format; a module of another one is refused. */
export const PRECOMPILED_FORMAT = 1;

/** A place as a module lists it: file, line, and the index of the place that includes the file, or -1. */
export type ListedPlace = readonly [filename: string, lineno: number, includedFrom: number];

/** A template in a module made by {@link compileTemplates}. */
export interface PrecompiledEntry {
  /** The template's name. */
  readonly name: string;
  /** The function that escapes its expressions, or null. */
  readonly autoescape: string | null;
  /** Whether it holds `await`. */
  readonly isAsync: boolean;
  /** The line of the module on which the function's code begins. */
  readonly firstLine: number;
  /** The places in templates that the code was made from. */
  readonly places: readonly ListedPlace[];
  /** For each line of the code the index of its place, or -1. */
  readonly lines: readonly number[];
  /** Makes the function that renders. */
  make(helpers: object): (scope: never) => string | Promise<string>;
}

/** What a module made by {@link compileTemplates} exports as `templates`. */
export interface PrecompiledTemplates {
  /** The version of the format. */
  readonly format: number;
  /** The module's own URL, by which stack traces know it. */
  readonly url: string;
  /** The templates. */
  readonly entries: readonly PrecompiledEntry[];
}

/** A precompiled template, as the constructor of `Template` takes it. */
export interface PrecompiledTemplate extends PrecompiledEntry {
  /** The URL of the module that it is from. */
  readonly url: string;
}

/** Makes a table of the places, each of them once. */
export function listPlaces(all: readonly (TemplatePlace | undefined)[]): {
  places: ListedPlace[];
  lines: number[];
} {
  const places: ListedPlace[] = [];
  const known = new Map<string, number>();
  const indexOf = (place: TemplatePlace | undefined): number => {
    if (place === undefined) return -1;
    const listed: ListedPlace = [place.filename, place.lineno, indexOf(place.includedFrom)];
    const key = JSON.stringify(listed);
    let index = known.get(key);
    if (index === undefined) {
      index = places.push(listed) - 1;
      known.set(key, index);
    }
    return index;
  };
  return { lines: all.map(indexOf), places };
}

/** How the lines of a template's module lead to the places that it lists. */
export function linesOfPrecompiled({ firstLine, places, lines, url }: PrecompiledTemplate): ScriptLines {
  const placeAt = (index: number | undefined): TemplatePlace | undefined => {
    const listed = index === undefined ? undefined : places[index];
    if (listed === undefined) return undefined;
    const [filename, lineno, includedFrom] = listed;
    return { filename, lineno, includedFrom: placeAt(includedFrom) };
  };
  return {
    script: url,
    placeOf: (line) => placeAt(lines[line - firstLine]),
    sourceLine: () => undefined,
  };
}
