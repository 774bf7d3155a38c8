/**
 * Finds out which line of which file called, from V8's stack. It costs some microseconds, so it is done only for
 * what is really written (a line of the log) or happens once (the definition of an option).
 */
import { fileURLToPath } from "node:url";

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

// Turning URLs into paths would cost more than the look at the stack. Files are few; code that is generated may be many.
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
  const { path, module } = sourceFile(frame.getFileName() ?? "");
  return { path, module, line: frame.getLineNumber() ?? 0, functionName: frame.getFunctionName() ?? "" };
}

function keepFrames(_error: Error, frames: NodeJS.CallSite[]): NodeJS.CallSite[] {
  return frames;
}

/**
 * The place from where `entry` was called, if `entry` is running now; without `entry`, the caller of the caller.
 * Never throws: what cannot be found out is `unknown`.
 */
export function callSite(entry: unknown = callSite): CallSite {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const skip = entry === callSite ? 1 : 0;
  try {
    const holder: { stack?: unknown } = {};
    Error.stackTraceLimit = skip + 1;
    Error.prepareStackTrace = keepFrames;
    Error.captureStackTrace(holder, entry as typeof callSite);
    const frame = (holder.stack as NodeJS.CallSite[] | undefined)?.[skip];
    return frame === undefined ? UNKNOWN : describe(frame);
  } catch {
    return UNKNOWN;
  } finally {
    // Assigning undefined is not the same as deleting, but V8 treats both as "no hook".
    Error.prepareStackTrace = prepareStackTrace as typeof Error.prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}
