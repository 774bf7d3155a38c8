/**
 * Leads errors of generated code back to the template. V8 writes the lines of a stack as `at render
 * (SCRIPT:LINE:COLUMN)`; the lines of our scripts are replaced by the place in the template, so that people
 * see
 *
 *     TypeError: Cannot read properties of undefined (reading 'title')
 *         at row.html:2 (via page.html:7)
 *
 * and the place is kept beside the error for error pages. A rendering without errors pays nothing for it.
 */
import { fileURLToPath } from "node:url";
import { showPlace, type TemplatePlace } from "./code-writer.js";

/** Where in a template an error happened. */
export interface TemplateLocation extends TemplatePlace {
  /** The text of the line; undefined for a precompiled template, which does not have it. */
  readonly sourceLine: string | undefined;
}

/** How the script of a template is known to stack traces. */
export interface ScriptLines {
  /** The script's name in a stack trace. */
  readonly script: string;
  /** For each of the script's lines, counted from 1, where it comes from. */
  placeOf(line: number): TemplatePlace | undefined;
  /** The text of a line of a template, if it is known. */
  sourceLine(place: TemplatePlace): string | undefined;
}

const locations = new WeakMap<object, TemplateLocation>();

/**
 * Where in a template an error happened: the innermost place that the error's stack names. Undefined for an
 * error that has nothing to do with a template, or whose stack was not recorded (`Error.stackTraceLimit`). A
 * {@link ParseError} says itself where it belongs.
 */
export function templateErrorLocation(error: unknown): TemplateLocation | undefined {
  return typeof error === "object" && error !== null ? locations.get(error) : undefined;
}

/** Puts places of the template into the error's stack; answers the error. */
export function locateError(error: unknown, lines: ScriptLines): unknown {
  if (!(error instanceof Error) || typeof error.stack !== "string") return error;
  const names = namesOf(lines.script);
  let innermost: TemplatePlace | undefined;
  const stack = error.stack.split("\n").map((frame) => {
    if (!/^\s+at /.test(frame)) return frame;
    const name = names.find((each) => frame.includes(each));
    if (name === undefined) return frame;
    const place = lines.placeOf(Number.parseInt(frame.slice(frame.indexOf(name) + name.length), 10));
    if (place === undefined) return frame;
    innermost ??= place;
    return `    at ${showPlace(place)}`;
  });
  if (innermost === undefined) return error;
  if (!locations.has(error)) {
    locations.set(error, { ...innermost, sourceLine: lines.sourceLine(innermost) });
  }
  try {
    error.stack = stack.join("\n");
  } catch {
    // A frozen error keeps the stack that it has.
  }
  return error;
}

/**
 * What stands before the line in a frame: Node names a module by its URL, Bun by its path; Deno says of
 * compiled text that it is anonymous, whatever it is called.
 */
function namesOf(script: string): readonly string[] {
  return script.startsWith("file:")
    ? [`${script}:`, `${fileURLToPath(script)}:`]
    : [`${script}:`, `${script}, <anonymous>:`];
}
