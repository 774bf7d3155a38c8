/**
 * Where records go. A handler gets each record that its loggers let through, may refuse it (level, filters),
 * and writes it. Logging must never hurt the program that logs: a full disk or a closed pipe loses lines,
 * nothing more.
 */
import { inspect } from "node:util";
import { LogFormatter } from "./log-format.js";
import { LogLevel, type LogRecord } from "./log-record.js";
import { checkNames, optionNames } from "./nearest-name.js";

/** Says whether a record goes on; `false` drops it. */
export type LogFilter = ((record: LogRecord) => boolean) | { filter(record: LogRecord): boolean };

/** Asks each filter; the first that refuses decides. */
export function passes(filters: readonly LogFilter[], record: LogRecord): boolean {
  for (const filter of filters) {
    if (!(typeof filter === "function" ? filter(record) : filter.filter(record))) return false;
  }
  return true;
}

/** Makes text of records. */
export interface RecordFormatter {
  /** The text of a record, without line end. Must not throw for what a program may log. */
  format(record: LogRecord): string;
  /** True if it shows where records were logged, which is cheaper to find out early. */
  readonly usesSite?: boolean | undefined;
}

/** Options of every handler. */
export interface LogHandlerOptions {
  /** Records below are ignored; default 0: take all. */
  readonly level?: number | undefined;
  /** What makes the text; default a {@link LogFormatter}, with colours only on a terminal at stderr. */
  readonly formatter?: RecordFormatter | undefined;
}

const LOG_HANDLER_OPTIONS = optionNames<LogHandlerOptions>({ level: 1, formatter: 1 });

/** Base class of handlers: a subclass writes what {@link LogHandler.emit} gives it. */
export abstract class LogHandler {
  /** Records below are ignored. */
  level: number;
  #formatter: RecordFormatter | undefined;
  readonly #filters: LogFilter[] = [];

  constructor(options: LogHandlerOptions = {}) {
    checkNames("option of a log handler", options, LOG_HANDLER_OPTIONS, true);
    this.level = options.level ?? LogLevel.NOTSET;
    this.#formatter = options.formatter;
  }

  /** What makes the text of a record; made when first used, for it looks at stderr. */
  get formatter(): RecordFormatter {
    this.#formatter ??= this.defaultFormatter();
    return this.#formatter;
  }

  set formatter(formatter: RecordFormatter) {
    this.#formatter = formatter;
  }

  /** Makes the formatter of a handler that was given none. */
  protected defaultFormatter(): RecordFormatter {
    return new LogFormatter({ color: false });
  }

  /** Adds a filter; twice is once. */
  addFilter(filter: LogFilter): void {
    if (!this.#filters.includes(filter)) this.#filters.push(filter);
  }

  /** Takes a filter away; harmless if it is not there. */
  removeFilter(filter: LogFilter): void {
    const index = this.#filters.indexOf(filter);
    if (index >= 0) this.#filters.splice(index, 1);
  }

  /** Takes a record of a logger: writes it unless level or filters say no. */
  handle(record: LogRecord): void {
    if (record.level >= this.level && passes(this.#filters, record)) this.emit(record);
  }

  /** Writes one record. What it throws is reported on stderr and goes no further. */
  abstract emit(record: LogRecord): void;

  /** Lets go of files and the like; twice is fine. */
  close(): void {}
}

/** The part of a writable stream that {@link StreamHandler} uses. */
export interface LogStream {
  /** Takes a line with its end; `done` is called with a failure, if the stream reports any. */
  write(text: string, done?: (error?: Error | null) => void): boolean;
  /** As Node's streams have it; without it `done` alone gets failures. */
  once?(event: "error", listener: (error: Error) => void): unknown;
  /** The counterpart of {@link LogStream.once}. */
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
  /** How many listeners there are. */
  listenerCount?(event: "error"): number;
}

function ignore(): void {}

/**
 * Writes to a stream and survives its failure. A stream reports a failure (EPIPE, ENOSPC) by an event, at
 * once or later, which ends the process if it has no listener; hence a listener around the write, and one
 * more when the write's callback announces an event to come.
 */
function writeQuietly(stream: LogStream, text: string): void {
  stream.once?.("error", ignore);
  try {
    stream.write(text, (error) => {
      if (error && stream.listenerCount?.("error") === 0) stream.once?.("error", ignore);
    });
  } catch {
    // Destroyed meanwhile: the line is lost.
  } finally {
    stream.removeListener?.("error", ignore);
  }
}

/** Reports a failure of logging itself on stderr, in one line. Never throws. */
export function reportLogFailure(what: string, error: unknown): void {
  try {
    writeQuietly(process.stderr, `a log ${what} failed: ${inspect(error, { depth: 0 })}\n`);
  } catch {
    // An error that cannot be shown, or no stderr.
  }
}

/** Options of {@link StreamHandler}. */
export interface StreamHandlerOptions extends LogHandlerOptions {
  /** Where to write; default `process.stderr`, looked up at each record. */
  readonly stream?: LogStream | undefined;
}

/** Writes to a stream, by default stderr. The stream is not closed by {@link LogHandler.close}. */
export class StreamHandler extends LogHandler {
  readonly #stream: LogStream | undefined;

  constructor(options: StreamHandlerOptions = {}) {
    super(options);
    this.#stream = options.stream;
  }

  protected override defaultFormatter(): RecordFormatter {
    return new LogFormatter({ color: this.#stream === undefined || this.#stream === process.stderr });
  }

  override emit(record: LogRecord): void {
    writeQuietly(this.#stream ?? process.stderr, `${this.formatter.format(record)}\n`);
  }
}
