/** Small things of Tornado's `util` that have no better home. */
import { constants } from "node:os";
import { createContext, isContext, Script } from "node:vm";
import { InvalidArgumentError } from "./errors.js";

/** The type of text. */
export const unicodeType: StringConstructor = String;

/** The type of text; Tornado keeps both names from the days of two kinds. */
export const basestringType: StringConstructor = String;

/** The type of bytes. */
export const bytesType: Uint8ArrayConstructor = Uint8Array;

/**
 * Undoes the escaping of a regular expression: `\.` becomes `.`. Throws an {@link InvalidArgumentError} if a
 * backslash stands before a letter or digit of ASCII, where it means something else (`\d`).
 */
export function reUnescape(pattern: string): string {
  return pattern.replace(/\\([\s\S])/gu, (whole, char: string) => {
    if (/[a-zA-Z\d]/.test(char))
      throw new InvalidArgumentError(`cannot unescape ${whole}: it stands for no single character`);
    return char;
  });
}

/** The parts of a length of time; they add up. Python's `timedelta`. */
export interface Timedelta {
  /** Each of seven days; default 0. */
  readonly weeks?: number | undefined;
  /** Each of 24 hours; default 0. */
  readonly days?: number | undefined;
  /** Default 0. */
  readonly hours?: number | undefined;
  /** Default 0. */
  readonly minutes?: number | undefined;
  /** Default 0. */
  readonly seconds?: number | undefined;
  /** Default 0. */
  readonly milliseconds?: number | undefined;
  /** Default 0. */
  readonly microseconds?: number | undefined;
}

/**
 * The seconds of a length of time, given by its parts or as a number of milliseconds; exact to the
 * microsecond.
 */
export function timedeltaToSeconds(time: Timedelta | number): number {
  if (typeof time === "number") return time / 1000;
  const {
    weeks = 0,
    days = 0,
    hours = 0,
    minutes = 0,
    seconds = 0,
    milliseconds = 0,
    microseconds = 0,
  } = time;
  const whole = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds;
  return Math.round(whole * 1e6 + milliseconds * 1000 + microseconds) / 1e6;
}

/**
 * The number of an operating system's error, as in `os.constants.errno` (positive, unlike `error.errno`);
 * undefined if the other value. `error.code` with its name is usually the better thing to look at.
 */
export function errnoFromException(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
  const known =
    typeof code === "string" ? (constants.errno as Readonly<Record<string, number>>)[code] : undefined;
  return known ?? (typeof errno === "number" ? Math.abs(errno) : undefined);
}

/**
 * Throws an error again, as it is, with the stack that it has. Also takes Tornado's triple (type, error,
 * traceback).
 */
export function raiseExcInfo(info: unknown): never {
  throw Array.isArray(info) && info.length === 3 ? info[1] : info;
}

/**
 * Runs JavaScript with the properties of `globals` as its global variables (and `locals` over them), and
 * returns the value of its last statement; what it assigns to globals, or declares by `var` or `function`, is
 * in `globals` afterwards. This is not a sandbox: never run untrusted code. Tornado `exec_in`.
 */
export function execIn(
  code: string,
  globals: Record<string, unknown>,
  locals?: Record<string, unknown>,
): unknown {
  const script = new Script(code, { filename: "execIn.js" });
  if (locals === undefined) return script.runInContext(isContext(globals) ? globals : createContext(globals));
  const scope: Record<string, unknown> = { ...globals, ...locals };
  const result: unknown = script.runInContext(createContext(scope));
  // As in Python, what is new or changed goes to the locals.
  for (const [name, value] of Object.entries(scope)) {
    if (!Object.hasOwn(globals, name) || globals[name] !== value) locals[name] = value;
  }
  return result;
}
