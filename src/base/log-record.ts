/**
 * One event that was logged: when, by which logger, how grave, and what was said.
 *
 * A message is text as it stands, or a format when arguments come with it: `log.info("%s took %.1f ms", what,
 * ms)`. The format is filled only when a handler asks for the text, so a record that is not written costs
 * next to nothing. Without arguments a `%` is a percent sign and nothing else: text that came from outside
 * can never be taken for a format.
 *
 * What arrives through arguments is data, and data may be hostile: a line feed would forge a line of the log,
 * an escape character would command the reader's terminal. Therefore every control character of an argument
 * is shown as an escape (`\n`, `\x1b`). The message itself was written by a programmer and may have several
 * lines.
 */
import { type CallSite, errorSite, foreignCallSite, UNKNOWN } from "./call-site.js";
import { countPlaceholders, escapeControls, formatMessage, shown } from "./format-message.js";

/** How grave a record is. A logger lets through what is at least its own level. */
export const LogLevel = {
  /** As a logger's level: "ask my parent". */
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARNING: 30,
  ERROR: 40,
  CRITICAL: 50,
} as const;

/** The name of a level, as options and {@link Logger.setLevel} take it. */
export type LogLevelName = "debug" | "info" | "warning" | "error" | "critical";

const LEVEL_NAMES = new Map<number, string>([
  [LogLevel.DEBUG, "DEBUG"],
  [LogLevel.INFO, "INFO"],
  [LogLevel.WARNING, "WARNING"],
  [LogLevel.ERROR, "ERROR"],
  [LogLevel.CRITICAL, "CRITICAL"],
]);

/** The level's name in capitals; `LEVEL 35` for one without a name. */
export function levelName(level: number): string {
  return LEVEL_NAMES.get(level) ?? `LEVEL ${level}`;
}

/** Where records get their time from: milliseconds since 1970. */
export type LogClock = () => number;

let clock: LogClock = Date.now;

/**
 * Makes records take their time from `next` (the default is `Date.now`) and returns what was used before, so
 * that a test can put it back.
 */
export function setLogClock(next: LogClock): LogClock {
  const previous = clock;
  clock = next;
  return previous;
}

/**
 * What was logged, as filters, handlers and formatters see it. Tornado's users know it as
 * `logging.LogRecord`.
 */
export class LogRecord {
  /** The name of the logger; the empty string for the root. */
  readonly name: string;
  /** One of {@link LogLevel}, or a number between. */
  readonly level: number;
  /** The message as it was given, before arguments are filled in. */
  readonly format: string;
  /** The arguments of the format; control characters in them are not escaped yet. */
  readonly args: readonly unknown[];
  /** What was thrown, if the record reports an error; it is written with its stack. */
  readonly error: unknown;
  /** When it happened: milliseconds since 1970, see {@link setLogClock}. */
  readonly created: number;
  /** How many records like this one were left out before it, see `LogRateLimit`. */
  suppressed = 0;
  readonly #entry: unknown;
  #text: string | undefined;
  #site: CallSite | undefined;

  /**
   * `entry` is the function by which the call came into the log: the place to show is that of its caller.
   * `thrown` says that the last argument is what was caught, whatever it is; otherwise a last argument is
   * taken for that if it is an `Error` and the format does not use it.
   */
  constructor(
    name: string,
    level: number,
    message: unknown,
    args: readonly unknown[],
    entry?: unknown,
    thrown = false,
  ) {
    this.name = name;
    this.level = level;
    this.created = clock();
    this.#entry = entry;
    let error: unknown;
    if (message instanceof Error) {
      error = message;
      this.format = headline(message);
    } else {
      this.format = typeof message === "string" ? message : safely(message);
    }
    if (args.length > 0) {
      const last = args[args.length - 1];
      const spare = args.length > countPlaceholders(this.format);
      if (thrown || (spare && last instanceof Error)) {
        error = last;
        if (spare) args = args.slice(0, -1);
      }
    }
    this.error = error;
    this.args = args;
  }

  /** The level's name in capitals, for instance `WARNING`. */
  get levelName(): string {
    return levelName(this.level);
  }

  /**
   * The message with its arguments filled in. Never throws: if the arguments do not fit the format, the
   * answer says so and shows both.
   */
  getMessage(): string {
    this.#text ??= this.#compose();
    return this.#text;
  }

  #compose(): string {
    if (this.args.length === 0) return this.format;
    try {
      return formatMessage(this.format, this.args);
    } catch (error) {
      const shownArgs = this.args.map(safely).join(", ");
      const why = error instanceof Error ? error.message : safely(error);
      return escapeControls(`Bad message (${why}): ${JSON.stringify(this.format)} with [${shownArgs}]`);
    }
  }

  /**
   * Where the record was logged. Found when first asked for, by looking at the stack, and only while the call
   * that logged is still running; a handler that writes later should read it before it returns.
   */
  get site(): CallSite {
    this.locate();
    return this.#site ?? UNKNOWN;
  }

  /** Finds {@link LogRecord.site} out now; calling twice is fine. */
  locate(): void {
    if (this.#site !== undefined || this.#entry === undefined) return;
    const caller = foreignCallSite(this.#entry);
    // What a callback threw is logged when its frames are gone from the stack, but not from the error.
    this.#site = caller === UNKNOWN ? errorSite(this.error) : caller;
  }
}

function headline(error: Error): string {
  try {
    return String(error.message || error.name);
  } catch {
    return "an error that cannot be shown";
  }
}

function safely(value: unknown): string {
  try {
    return shown(value);
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}
