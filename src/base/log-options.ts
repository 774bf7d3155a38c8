/**
 * The options of logging: their definition, and what they do to a logger. Stands above both logs and options.
 */
import { type Logger, rootLogger } from "./log.js";
import { RotatingFileHandler, TimedRotatingFileHandler } from "./log-file.js";
import { LogFormatter } from "./log-format.js";
import { type LogHandler, StreamHandler } from "./log-handler.js";
import type { LogLevelName } from "./log-record.js";
import { OptionError } from "./option.js";
import type { OptionParser } from "./option-parser.js";
import { Integer } from "./option-values.js";

const GROUP = "squall/log";

/**
 * Defines the options of logging on a parser (the program's has them), and applies them when it has parsed.
 */
export function defineLoggingOptions(options: OptionParser): void {
  options.define("logging", {
    default: "info",
    metavar: "debug|info|warning|error|none",
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
    type: String,
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
    type: String,
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

// What was added to a logger by options, so that applying others replaces it.
const added = new WeakMap<Logger, LogHandler[]>();

/** Sets a logger up as the options say; without one, the root. See `enablePrettyLogging()`. */
export function applyLoggingOptions(options: OptionParser, logger: Logger = rootLogger): void {
  const level = options.get("logging") as string | undefined;
  if (level === undefined || level.toLowerCase() === "none") return;
  const path = options.get("log_file_prefix") as string | undefined;
  const file = path ? fileHandler(options, path) : undefined;
  logger.setLevel(level as LogLevelName);
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
