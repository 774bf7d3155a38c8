/**
 * The options of logging: their definition, and what they do to a logger. Stands above both logs and options.
 */
import { InvalidArgumentError } from "./errors.js";
import { type Logger, rootLogger } from "./log.js";
import { RotatingFileHandler, TimedRotatingFileHandler } from "./log-file.js";
import { LogFormatter } from "./log-format.js";
import { type LogHandler, StreamHandler } from "./log-handler.js";
import type { LogLevelName } from "./log-record.js";
import { hintOf } from "./nearest-name.js";
import { OptionError } from "./option.js";
import type { OptionParser } from "./option-parser.js";
import { Integer } from "./option-values.js";
import { shown } from "./validate.js";

const GROUP = "squall/log";

const LEVELS: readonly string[] = ["debug", "info", "warning", "error", "critical", "none"];
const MODES: readonly string[] = ["size", "time"];
const UNITS = /^(?:[smhd]|w[0-6]|midnight)$/i;

/** The end of a message about a value that is none of `choices`. */
function got(text: string, choices: readonly string[]): string {
  return `, got ${shown(text)}${hintOf(text, choices)}`;
}

function level(text: string): string {
  if (LEVELS.includes(text.toLowerCase())) return text;
  throw new OptionError(`expected ${LEVELS.slice(0, -1).join(", ")} or none${got(text, LEVELS)}`);
}

function mode(text: string): string {
  if (MODES.includes(text)) return text;
  throw new OptionError(`expected size or time${got(text, MODES)}`);
}

function unit(text: string): string {
  if (UNITS.test(text)) return text;
  throw new OptionError(`expected S, M, H, D, W0 to W6, or midnight${got(text, [])}`);
}

/**
 * Defines the options of logging on a parser (the program's has them), and applies them when it has parsed.
 */
export function defineLoggingOptions(options: OptionParser): void {
  options.define("logging", {
    default: "info",
    type: level,
    metavar: "debug|info|warning|error|critical|none",
    group: GROUP,
    help: "Log from this level on. 'none' leaves logging as it is.",
  });
  options.define("log_to_stderr", {
    type: Boolean,
    group: GROUP,
    help: "Send log output to stderr, with colours on a terminal. By default if there is neither --log-file-prefix nor another handler.",
  });
  options.define("log_file_prefix", {
    type: String,
    metavar: "PATH",
    group: GROUP,
    help: "Write the log to this file. Processes that run side by side need a file each, for instance with the port in its name.",
  });
  options.define("log_file_max_size", {
    default: 100_000_000,
    type: Integer,
    group: GROUP,
    help: "Bytes in a log file before it is set aside",
  });
  options.define("log_file_num_backups", {
    default: 10,
    type: Integer,
    group: GROUP,
    help: "Number of log files to keep",
  });
  options.define("log_rotate_when", {
    default: "midnight",
    type: unit,
    group: GROUP,
    help: "Unit of time for rotation: S, M, H, D, W0 to W6, or midnight",
  });
  options.define("log_rotate_interval", {
    default: 1,
    type: Integer,
    group: GROUP,
    help: "How many units of time before rotation",
  });
  options.define("log_rotate_mode", {
    default: "size",
    type: mode,
    group: GROUP,
    help: "When to set log files aside: by size or by time",
  });
  options.addParseCallback(() => applyLoggingOptions(options));
}

function fileHandler(options: OptionParser, path: string): LogHandler {
  const formatter = new LogFormatter({ color: false });
  const backups = options.get("log_file_num_backups") as number;
  const mode = options.get("log_rotate_mode");
  switch (mode) {
    case "size":
      return new RotatingFileHandler({
        path,
        formatter,
        backups,
        maxSize: options.get("log_file_max_size") as number,
      });
    case "time":
      return new TimedRotatingFileHandler({
        path,
        formatter,
        backups,
        when: options.get("log_rotate_when") as string,
        interval: options.get("log_rotate_interval") as number,
      });
    default:
      throw new OptionError(`option log_rotate_mode must be "size" or "time", got ${JSON.stringify(mode)}`);
  }
}

/** A value of an option is the fault of whoever runs the program, and needs no stack. */
function named<T>(what: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new OptionError(`${what}: ${cause.message}`, { cause });
  }
}

// What was added to a logger by options, so that applying others replaces it.
const added = new WeakMap<Logger, LogHandler[]>();

/** Sets a logger up as the options say; without one, the root. See `enablePrettyLogging()`. */
export function applyLoggingOptions(options: OptionParser, logger: Logger = rootLogger): void {
  const level = options.get("logging") as string | undefined;
  if (level === undefined || level.toLowerCase() === "none") return;
  const path = options.get("log_file_prefix") as string | undefined;
  const file = path ? named("options of logging", () => fileHandler(options, path)) : undefined;
  named("option logging", () => logger.setLevel(level as LogLevelName));
  for (const handler of added.get(logger) ?? []) {
    logger.removeHandler(handler);
    handler.close();
  }
  const handlers: LogHandler[] = file === undefined ? [] : [file];
  const toStderr = options.get("log_to_stderr") as boolean | undefined;
  if (toStderr ?? (file === undefined && logger.handlers.length === 0)) handlers.push(new StreamHandler());
  for (const handler of handlers) logger.addHandler(handler);
  added.set(logger, handlers);
}
