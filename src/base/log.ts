/**
 * Loggers form a tree by the dots of their names: `squall.access` is a child of `squall`, which is a child of
 * the root (the empty name). A record is made if its level is at least the level of its logger, or of the
 * nearest ancestor that has one; then it goes to the handlers of its logger and of all ancestors.
 *
 * As long as no handler is there at all, warnings and errors go to stderr and the rest is silent: a program
 * that never set logging up still reports what went wrong. `enablePrettyLogging()` is the usual next step.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "./errors.js";
import { type LogFilter, type LogHandler, passes, reportLogFailure, StreamHandler } from "./log-handler.js";
import { LogRateLimit } from "./log-limit.js";
import { LogLevel, type LogLevelName, LogRecord } from "./log-record.js";

// Raised whenever a level or a parent changes anywhere; loggers remember the level in force until then.
let generation = 0;

/** The number of a level given by name (any case) or number; throws an {@link InvalidArgumentError}. */
export function levelNumber(level: LogLevelName | number): number {
  if (typeof level === "number" && level >= 0) return level;
  const name = String(level).toUpperCase();
  const number = Object.hasOwn(LogLevel, name) ? LogLevel[name as keyof typeof LogLevel] : undefined;
  if (number !== undefined) return number;
  throw new InvalidArgumentError(
    `a level must be debug, info, warning, error, critical or a number of at least 0, got ${inspect(level)}`,
  );
}

/** A named source of records. Get one from {@link getLogger}. */
export class Logger {
  /** The name; the empty string for the root. */
  readonly name: string;
  /** The next logger towards the root; undefined for the root. */
  readonly parent: Logger | undefined;
  /** Whether records go on to the handlers of the ancestors; default true. */
  propagate = true;
  #level: number;
  #effective = 0;
  #generation = -1;
  readonly #filters: LogFilter[] = [];
  readonly #handlers: LogHandler[] = [];

  /** @internal Loggers come from {@link getLogger}; another one of the same name would not be found by it. */
  constructor(name: string, parent: Logger | undefined, level: number = LogLevel.NOTSET) {
    this.name = name;
    this.parent = parent;
    this.#level = level;
  }

  /** The level that was set here; `LogLevel.NOTSET` (0) means that the parent decides. */
  get level(): number {
    return this.#level;
  }

  /** Sets the least level to log, by name or number; `LogLevel.NOTSET` leaves it to the parent. */
  setLevel(level: LogLevelName | number): void {
    this.#level = levelNumber(level);
    generation++;
  }

  /** The level in force: the logger's own or that of the nearest ancestor which has one. */
  get effectiveLevel(): number {
    if (this.#generation !== generation) {
      let logger: Logger | undefined = this;
      while (logger !== undefined && logger.#level === LogLevel.NOTSET) logger = logger.parent;
      this.#effective = logger === undefined ? LogLevel.NOTSET : logger.#level;
      this.#generation = generation;
    }
    return this.#effective;
  }

  /** Whether a record of that level would be made. Two comparisons: cheap enough to ask for each request. */
  isEnabledFor(level: number): boolean {
    return level >= (this.#generation === generation ? this.#effective : this.effectiveLevel);
  }

  /** The handlers of this logger alone. */
  get handlers(): readonly LogHandler[] {
    return this.#handlers;
  }

  /** True if a record of this logger finds a handler, here or at an ancestor. */
  hasHandlers(): boolean {
    for (let logger: Logger | undefined = this; logger !== undefined; logger = logger.#next()) {
      if (logger.#handlers.length > 0) return true;
    }
    return false;
  }

  /** Adds a handler; twice is once. */
  addHandler(handler: LogHandler): void {
    if (!this.#handlers.includes(handler)) this.#handlers.push(handler);
  }

  /** Takes a handler away, without closing it; harmless if it is not there. */
  removeHandler(handler: LogHandler): void {
    const index = this.#handlers.indexOf(handler);
    if (index >= 0) this.#handlers.splice(index, 1);
  }

  /** Adds a filter for the records that are logged here (not for those of children); twice is once. */
  addFilter(filter: LogFilter): void {
    if (!this.#filters.includes(filter)) this.#filters.push(filter);
  }

  /** Takes a filter away; harmless if it is not there. */
  removeFilter(filter: LogFilter): void {
    const index = this.#filters.indexOf(filter);
    if (index >= 0) this.#filters.splice(index, 1);
  }

  /** The logger `name` below this one. */
  getChild(name: string): Logger {
    return getLogger(this.name === "" ? name : `${this.name}.${name}`);
  }

  /**
   * Logs details that help to find a fault. As with all five: with arguments the message is a format (`%s`,
   * `%d`, `%.1f`, `%r`, …), without any it is text; a last argument that is an `Error` and has no place in
   * the format is written with its stack; nothing is ever thrown.
   */
  debug(message: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(LogLevel.DEBUG)) this.#log(LogLevel.DEBUG, message, args, this.debug, false);
  }

  /** Logs what is normal; see {@link Logger.debug}. */
  info(message: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(LogLevel.INFO)) this.#log(LogLevel.INFO, message, args, this.info, false);
  }

  /** Logs what is odd and went well; see {@link Logger.debug}. */
  warning(message: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(LogLevel.WARNING)) this.#log(LogLevel.WARNING, message, args, this.warning, false);
  }

  /** Logs a failure; see {@link Logger.debug}. */
  error(message: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(LogLevel.ERROR)) this.#log(LogLevel.ERROR, message, args, this.error, false);
  }

  /** Logs a failure after which the program cannot go on as it should; see {@link Logger.debug}. */
  critical(message: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(LogLevel.CRITICAL))
      this.#log(LogLevel.CRITICAL, message, args, this.critical, false);
  }

  /**
   * Logs a failure together with what was thrown, which is the last argument, whatever its type:
   * `catch (error) { appLog.exception("cannot read %s", path, error); }`
   */
  exception(message: unknown, ...args: unknown[]): void {
    if (this.isEnabledFor(LogLevel.ERROR)) this.#log(LogLevel.ERROR, message, args, this.exception, true);
  }

  /** Logs with a level chosen at run time; see {@link Logger.debug}. */
  log(level: LogLevelName | number, message: unknown, ...args: unknown[]): void {
    const number = levelNumber(level);
    if (this.isEnabledFor(number)) this.#log(number, message, args, this.log, false);
  }

  /** Passes a record that was made elsewhere through the filters and to the handlers. */
  handle(record: LogRecord): void {
    try {
      if (!passes(this.#filters, record)) return;
    } catch (error) {
      reportLogFailure("filter", error);
    }
    let found = false;
    for (let logger: Logger | undefined = this; logger !== undefined; logger = logger.#next()) {
      // A handler may take itself away while it runs.
      for (const handler of logger.#handlers.length > 1 ? [...logger.#handlers] : logger.#handlers) {
        found = true;
        handleSafely(handler, record);
      }
    }
    if (!found && record.level >= LogLevel.WARNING) {
      lastResort ??= new StreamHandler();
      handleSafely(lastResort, record);
    }
  }

  #log(level: number, message: unknown, args: readonly unknown[], entry: unknown, thrown: boolean): void {
    this.handle(new LogRecord(this.name, level, message, args, entry, thrown));
  }

  #next(): Logger | undefined {
    return this.propagate ? this.parent : undefined;
  }
}

let lastResort: StreamHandler | undefined;

function handleSafely(handler: LogHandler, record: LogRecord): void {
  try {
    // A look at the stack costs more with each call in between, so not only when the line is made.
    if (record.level >= handler.level && handler.formatter?.usesSite === true) record.locate();
    handler.handle(record);
  } catch (error) {
    reportLogFailure("handler", error);
  }
}

/**
 * The logger at the root of the tree: handlers put here get everything. Its level is WARNING out of the box.
 */
export const rootLogger: Logger = new Logger("", undefined, LogLevel.WARNING);

const loggers = new Map<string, Logger>([["", rootLogger]]);

/**
 * The logger of that name, made with its ancestors when first asked for; the same one ever after. Without a
 * name, the root. Loggers are never let go, so names should not come from data.
 */
export function getLogger(name = ""): Logger {
  let logger = loggers.get(name);
  if (logger === undefined) {
    const dot = name.lastIndexOf(".");
    logger = new Logger(name, dot < 0 ? rootLogger : getLogger(name.slice(0, dot)));
    loggers.set(name, logger);
  }
  return logger;
}

/** One line for each request (`squall.access`): info below status 400, warning below 500, then error. */
export const accessLog: Logger = getLogger("squall.access");

/** Errors of the application's code that it did not catch (`squall.application`). */
export const appLog: Logger = getLogger("squall.application");

/**
 * What squall itself has to report (`squall.general`). Much of it is about what clients send, so {@link
 * genLogLimit} keeps it from flooding the log.
 */
export const genLog: Logger = getLogger("squall.general");

/** Lets 100 records of a kind pass in 10 seconds; `genLog.removeFilter(genLogLimit)` switches it off. */
export const genLogLimit: LogRateLimit = new LogRateLimit();
genLog.addFilter(genLogLimit);

/**
 * The same for warnings of {@link accessLog}, the lines of status 400 to 499, which every client can cause:
 * `accessLog.removeFilter(accessLogLimit)` switches it off. Other lines of the access log are never left out.
 */
export const accessLogLimit: LogRateLimit = new LogRateLimit({ levels: [LogLevel.WARNING] });
accessLog.addFilter(accessLogLimit);
