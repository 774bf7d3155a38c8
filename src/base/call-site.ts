/**
 * Finds out which line of which file called, from V8's stack. It costs some microseconds, so it is done only
 * for what is really written (a line of the log) or happens once (the definition of an option).
 */
import nodeModule from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A place in the source. */
export interface CallSite {
  /** The file's path; the empty string if it is not known. */
  readonly path: string;
  /** The file's name without folder and extension; `unknown` if it is not known. */
  readonly module: string;
  /** The line, counted from 1; 0 if it is not known. */
  readonly line: number;
  /** The function's name; the empty string for code outside functions and functions without a name. */
  readonly functionName: string;
}

/** The place of what was called from nowhere known. */
export const UNKNOWN: CallSite = { path: "", module: "unknown", line: 0, functionName: "" };

interface SourceFile {
  readonly path: string;
  readonly module: string;
}

// Turning URLs into paths would cost more than the look at the stack. Files are few; code that is generated
// may be many.
const files = new Map<string, SourceFile>();
const MOST_FILES = 1000;

function sourceFile(url: string): SourceFile {
  let file = files.get(url);
  if (file === undefined) {
    const path = url.startsWith("file:") ? fileURLToPath(url) : url;
    file = { path, module: /([^/\\]*?)(?:\.[^./\\]*)?$/.exec(path)?.[1] || "unknown" };
    if (files.size >= MOST_FILES) files.clear();
    files.set(url, file);
  }
  return file;
}

function describe(frame: NodeJS.CallSite): CallSite {
  const { url, line } = sourceOf(frame);
  return { ...sourceFile(url), line, functionName: frame.getFunctionName() ?? "" };
}

/**
 * File and line of a frame, in the source from which the file was made if Node applies source maps: a frame
 * itself knows the compiled file alone, whose lines say nothing where the compiler makes one of them all.
 */
function sourceOf(frame: NodeJS.CallSite): { readonly url: string; readonly line: number } {
  const url = frame.getFileName() ?? "";
  const line = frame.getLineNumber() ?? 0;
  try {
    // Undefined if source maps are off, and on runtimes that apply them to frames.
    const entry = nodeModule.findSourceMap?.(url)?.findEntry(line - 1, (frame.getColumnNumber() ?? 1) - 1);
    if (entry !== undefined && "originalLine" in entry && URL.canParse(entry.originalSource))
      return { url: entry.originalSource, line: entry.originalLine + 1 };
  } catch {
    // A map that cannot be read leaves what the frame says.
  }
  return { url, line };
}

/**
 * The folder of squall's own modules; bundled modules lie beside each other in one, the others in folders by
 * layer.
 */
const OWN_FOLDER = ((): string => {
  const here = new URL(".", import.meta.url).href;
  return here.endsWith("/base/") ? new URL("..", here).href : here;
})();
/** The sources that its modules were made of, which stand in stacks where Node applies source maps. */
const OWN_SOURCES = new URL("../src/", OWN_FOLDER).href;
/** How far up the stack the caller's own code is looked for. */
const FRAMES = 24;

/** True for a frame of the program that uses squall: neither squall's own code nor the platform's. */
function isForeign(url: string): boolean {
  return (
    url !== "" && !url.startsWith("node:") && !url.startsWith(OWN_FOLDER) && !url.startsWith(OWN_SOURCES)
  );
}

/**
 * True for a file that belongs neither to squall nor to the platform: a URL, as modules have in the stacks of
 * Node, or a path, as they have in those of Bun and, by source maps, of Deno.
 */
export function isForeignFile(file: string): boolean {
  return isForeign(file.startsWith("/") ? pathToFileURL(file).href : file);
}

/**
 * The first place outside of squall among the callers of `entry`; `unknown` if there is none, as when the
 * loop called. What squall itself logs then points to the code of the program that led to it, or nowhere.
 * Never throws.
 */
export function foreignCallSite(entry: unknown): CallSite {
  const frame = framesAbove(entry, FRAMES)?.find((each) => isForeignFile(each.getFileName() ?? ""));
  return frame === undefined ? UNKNOWN : describe(frame);
}

/** The first place outside of squall in the stack of an error; `unknown` if there is none. Never throws. */
export function errorSite(error: unknown): CallSite {
  const stack: unknown = error instanceof Error ? error.stack : undefined;
  if (typeof stack !== "string") return UNKNOWN;
  for (const line of stack.split("\n", FRAMES)) {
    const match = /^ +at (?:(?:async )?(\S+) .*\()?([^()\s][^()]*?):(\d+):\d+\)?$/.exec(line);
    if (match === null) continue;
    const url = match[2]!.startsWith("/") ? pathToFileURL(match[2]!).href : match[2]!;
    if (isForeign(url))
      return {
        ...sourceFile(url),
        line: Number(match[3]),
        functionName: match[1]?.replace(/^.*\./, "") ?? "",
      };
  }
  return UNKNOWN;
}

function keepFrames(_error: Error, frames: NodeJS.CallSite[]): NodeJS.CallSite[] {
  return frames;
}

/**
 * The place from where `entry` was called, if `entry` is running now; without `entry`, the caller of the
 * caller. Where calls in tail position leave no frame (JavaScriptCore), so that `entry` is not found, the
 * first place outside of squall. Never throws: what cannot be found out is `unknown`.
 */
export function callSite(entry: unknown = callSite): CallSite {
  const skip = entry === callSite ? 1 : 0;
  const frame = framesAbove(entry, skip + 1)?.[skip];
  return frame === undefined ? foreignCallSite(framesAbove) : describe(frame);
}

/** The frames of the callers of `entry`, at most `limit`; undefined if they cannot be had. */
function framesAbove(entry: unknown, limit: number): NodeJS.CallSite[] | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    const holder: { stack?: unknown } = {};
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = keepFrames;
    Error.captureStackTrace(holder, entry as typeof callSite);
    return holder.stack as NodeJS.CallSite[] | undefined;
  } catch {
    return undefined;
  } finally {
    // Assigning undefined is not the same as deleting, but V8 treats both as "no hook".
    Error.prepareStackTrace = prepareStackTrace as typeof Error.prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
