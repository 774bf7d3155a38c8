/**
 * How a record becomes lines of text.
 *
 *     [W 260131 12:34:56 server:123] the message
 *         its further lines, and the stack of an error, four columns in
 *
 * Only the bracket is coloured, and only on terminals. The indent distinguishes further lines of a record
 * from the beginning of the next one, which no record can fake (`log-record.ts`).
 */
import { inspect } from "node:util";
import { escapeControls } from "./format-message.js";
import { LogLevel, type LogRecord } from "./log-record.js";
import { strftime } from "./strftime.js";

/** Options of {@link LogFormatter}. */
export interface LogFormatterOptions {
  /**
   * The line, with fields as `%(name)s` (width and precision as in printf): `color`, `end_color`,
   * `levelname`, `levelno`, `asctime`, `msecs`, `created`, `name`, `place` (a space, module and line; empty
   * if not known), `module`, `lineno`, `filename`, `pathname`, `funcName`, `process`, `message`. Default
   * {@link LogFormatter.DEFAULT_FORMAT}.
   */
  readonly fmt?: string | undefined;
  /**
   * The pattern of `asctime`, local time, see `strftime`. Default {@link LogFormatter.DEFAULT_DATE_FORMAT}.
   */
  readonly datefmt?: string | undefined;
  /**
   * Ignored, whatever it says; taken for configurations that name it. Default `%`, the only style there is.
   */
  readonly style?: string | undefined;
  /** `true` (default) colours if stderr is a terminal that can, `false` never does. */
  readonly color?: boolean | undefined;
  /**
   * Level to number of a terminal colour: 0–7, or 8–255 for terminals with that many. A level that is left
   * out has no colour. Default {@link LogFormatter.DEFAULT_COLORS}.
   */
  readonly colors?: Readonly<Record<number, number>> | undefined;
}

type Field = (record: LogRecord, formatter: LogFormatter) => string | number;

/** The line's parts between which a record's fields are put. */
type Part = string | ((record: LogRecord, formatter: LogFormatter) => string);

const SITE_FIELDS = /%\((?:place|module|lineno|filename|pathname|funcName)\)/;

const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ["color", (record, formatter) => formatter.colorOf(record.level)],
  ["end_color", (record, formatter) => (formatter.colorOf(record.level) === "" ? "" : "\x1b[0m")],
  ["levelname", (record) => record.levelName],
  ["levelno", (record) => record.level],
  ["asctime", (record, formatter) => formatter.formatTime(record)],
  ["msecs", (record) => Math.floor(record.created % 1000)],
  ["created", (record) => record.created / 1000],
  ["name", (record) => escapeControls(record.name || "root")],
  ["place", ({ site }) => (site.line === 0 ? "" : ` ${site.module}:${site.line}`)],
  ["module", (record) => record.site.module],
  ["lineno", (record) => record.site.line],
  ["filename", (record) => /[^/\\]*$/.exec(record.site.path)?.[0] ?? ""],
  ["pathname", (record) => record.site.path],
  ["funcName", (record) => record.site.functionName],
  ["process", () => process.pid],
  ["message", (record) => escapeControls(record.getMessage(), true)],
]);

function compile(fmt: string): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of fmt.matchAll(/%(?:%|\((\w+)\)(-?\d+)?(?:\.(\d+))?[sdf])/g)) {
    parts.push(fmt.slice(end, match.index));
    end = match.index + match[0].length;
    const [, name, width, precision] = match;
    if (name === undefined) {
      parts.push("%");
      continue;
    }
    const field = FIELDS.get(name);
    // An unknown field is shown as it was written: a misspelt format must not cost the record.
    parts.push(field === undefined ? match[0] : fitted(field, Number(width ?? 0), precision));
  }
  parts.push(fmt.slice(end));
  return parts.filter((part) => part !== "");
}

function fitted(field: Field, width: number, precision: string | undefined): Part {
  return (record, formatter) => {
    let value = String(field(record, formatter));
    if (precision !== undefined) value = value.slice(0, Number(precision));
    return width < 0 ? value.padEnd(-width) : value.padStart(width);
  };
}

function stderrHasColors(): boolean {
  try {
    return process.stderr.isTTY === true && process.stderr.hasColors();
  } catch {
    return false; // a closed stderr
  }
}

/** A thrown value with its stack, fields and causes. Never throws. */
function describeError(error: unknown): string {
  try {
    return inspect(error, { depth: 4 });
  } catch (failure) {
    return `an error that cannot be shown: ${String(failure)}`;
  }
}

/** Turns records into text, with colours on terminals. Tornado `LogFormatter`. */
export class LogFormatter {
  /**
   * Level, time, the place in the program (never one in squall itself; left out if there is none) and
   * message.
   */
  static readonly DEFAULT_FORMAT: string =
    "%(color)s[%(levelname)1.1s %(asctime)s%(place)s]%(end_color)s %(message)s";
  /** `260131 12:34:56` */
  static readonly DEFAULT_DATE_FORMAT: string = "%y%m%d %H:%M:%S";
  /** Debug blue, info green, warning yellow, error red, critical magenta. */
  static readonly DEFAULT_COLORS: Readonly<Record<number, number>> = {
    [LogLevel.DEBUG]: 4,
    [LogLevel.INFO]: 2,
    [LogLevel.WARNING]: 3,
    [LogLevel.ERROR]: 1,
    [LogLevel.CRITICAL]: 5,
  };

  /** Whether the line shows where a record was logged. */
  readonly usesSite: boolean;
  readonly #parts: readonly Part[];
  readonly #datefmt: string;
  readonly #colors: ReadonlyMap<number, string>;
  #second = Number.NaN;
  #secondText = "";

  constructor(options: LogFormatterOptions = {}) {
    const fmt = options.fmt ?? LogFormatter.DEFAULT_FORMAT;
    this.#parts = compile(fmt);
    this.usesSite = SITE_FIELDS.test(fmt);
    this.#datefmt = options.datefmt ?? LogFormatter.DEFAULT_DATE_FORMAT;
    const colors = new Map<number, string>();
    if ((options.color ?? true) && stderrHasColors()) {
      for (const [level, color] of Object.entries(options.colors ?? LogFormatter.DEFAULT_COLORS)) {
        colors.set(Number(level), color < 8 ? `\x1b[3${color}m` : `\x1b[38;5;${color}m`);
      }
    }
    this.#colors = colors;
  }

  /** The escape sequence that begins the colour of `level`; empty where nothing is coloured. */
  colorOf(level: number): string {
    return this.#colors.get(level) ?? "";
  }

  /** The record's time by `datefmt`. */
  formatTime(record: LogRecord): string {
    if (this.#datefmt.includes("%f")) return strftime(this.#datefmt, new Date(record.created));
    const second = Math.floor(record.created / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = strftime(this.#datefmt, new Date(record.created));
    }
    return this.#secondText;
  }

  /**
   * The text of one record, without a line feed at its end: further lines of the message and the stack of
   * `record.error` are indented by four. Never throws.
   */
  format(record: LogRecord): string {
    let line = "";
    for (const part of this.#parts) line += typeof part === "string" ? part : part(record, this);
    if (record.suppressed > 0) line += ` (and ${record.suppressed} more like this, left out)`;
    if (record.error !== undefined) {
      line = `${line.trimEnd()}\n${escapeControls(describeError(record.error), true)}`;
    }
    return line.includes("\n") ? line.replaceAll("\n", "\n    ") : line;
  }
}
