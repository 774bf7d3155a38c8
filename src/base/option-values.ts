/**
 * The types that an option can have, and how their values are written on a command line and in a
 * configuration file. The texts mean what they mean in Tornado: `30` is thirty seconds, `1h 30m` ninety
 * minutes; the values are JavaScript's, so a length of time is a number of milliseconds and a date without a
 * zone is local time.
 */
import { inspect } from "node:util";
import { strftime } from "./strftime.js";
import { type Timedelta, timedeltaToSeconds } from "./util.js";
import { checkFunction } from "./validate.js";

/** What makes a value of text; throws for text that means nothing. `Date` itself stands for dates. */
export type OptionType<T = unknown> = (text: string) => T;

/** How a type reads, checks and shows values. */
export interface ValueKind {
  /** For messages: "an integer". */
  readonly description: string;
  /** Throws an Error whose message says what is wrong with the text. */
  parse(text: string): unknown;
  /** Whether a value that was not parsed from text fits. */
  accepts(value: unknown): boolean;
  /** As it would be written on a command line. */
  show(value: unknown): string;
  /**
   * Turns a value of a configuration file that is not text into one of the option; default: takes it as it
   * is.
   */
  configured?(value: unknown): unknown;
}

function complain(expected: string, text: string): never {
  throw new TypeError(`expected ${expected}, got ${inspect(text, { maxStringLength: 80 })}`);
}

function parseInteger(text: string): number {
  if (!/^\s*[-+]?\d+(?:_\d+)*\s*$/.test(text)) complain("an integer", text);
  const value = Number(text.replaceAll("_", ""));
  // Beyond 2^53 a number would silently be another one.
  if (!Number.isSafeInteger(value)) complain("an integer up to 2^53 (use type: BigInt for more)", text);
  return value === 0 ? 0 : value;
}

function parseBigInt(text: string): bigint {
  if (!/^\s*[-+]?\d+(?:_\d+)*\s*$/.test(text)) complain("an integer", text);
  const digits = text.trim().replaceAll("_", "").replace(/^\+/, "");
  return digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits);
}

function parseNumber(text: string): number {
  const word = text
    .trim()
    .toLowerCase()
    .replaceAll(/(\d)_(?=\d)/g, "$1");
  const named = /^([-+]?)(inf(?:inity)?|nan)$/.exec(word);
  if (named) return named[2] === "nan" ? Number.NaN : named[1] === "-" ? -Infinity : Infinity;
  if (!/^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/.test(word)) complain("a number", text);
  return Number(word);
}

/** `false`, `0` and `f`, in capitals or not, are false; any other text is true. */
function parseBoolean(text: string): boolean {
  return !["false", "0", "f"].includes(text.toLowerCase());
}

// The parts of a date, as C's strptime reads them: digits may be missing where they are zeros.
const DATE_PARTS: Readonly<Record<string, string>> = {
  Y: "(?<year>\\d{4})",
  m: "(?<month>1[0-2]|0[1-9]|[1-9])",
  d: "(?<day>3[01]|[12]\\d|0[1-9]|[1-9])",
  H: "(?<hour>2[0-3]|[01]\\d|\\d)",
  M: "(?<minute>[0-5]\\d|\\d)",
  S: "(?<second>[0-5]\\d|\\d)",
  a: "(?:mon|tue|wed|thu|fri|sat|sun)",
  b: "(?<monthName>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
};

/**
 * How a date may be written: as `ctime` writes it, ISO 8601 with or without time and seconds, compact, or a
 * time alone.
 */
export const datetimeFormats: readonly string[] = [
  "%a %b %d %H:%M:%S %Y",
  "%Y-%m-%d %H:%M:%S",
  "%Y-%m-%d %H:%M",
  "%Y-%m-%dT%H:%M",
  "%Y%m%d %H:%M:%S",
  "%Y%m%d %H:%M",
  "%Y-%m-%d",
  "%Y%m%d",
  "%H:%M:%S",
  "%H:%M",
];

let datePatterns: readonly RegExp[] | undefined;

function compileFormats(): readonly RegExp[] {
  return datetimeFormats.map((format) => {
    const source = format.replace(/%(\w)|\s+/g, (_, part?: string) =>
      part ? (DATE_PARTS[part] ?? "") : "\\s+",
    );
    return new RegExp(`^${source}$`, "i");
  });
}

/** A date in local time by one of {@link datetimeFormats}; a time alone is one of 1 January 1900. */
function parseDate(text: string): Date {
  datePatterns ??= compileFormats();
  for (const pattern of datePatterns) {
    const parts = pattern.exec(text)?.groups;
    if (parts === undefined) continue;
    const { year = "1900", month, monthName, day = "1", hour = "0", minute = "0", second = "0" } = parts;
    const index = monthName === undefined ? Number(month ?? 1) - 1 : monthIndex(monthName);
    const date = new Date(2000, index, 1, Number(hour), Number(minute), Number(second));
    // The constructor takes the years 0 to 99 for 1900 to 1999.
    date.setFullYear(Number(year), index, Number(day));
    if (date.getMonth() === index) return date;
  }
  return complain('a date or time, as in "2026-01-31 12:34"', text);
}

function monthIndex(name: string): number {
  return "janfebmaraprmayjunjulaugsepoctnovdec".indexOf(name.toLowerCase()) / 3;
}

const MILLISECONDS = new Map<string, number>([
  ["us", 0.001],
  ["microseconds", 0.001],
  ["ms", 1],
  ["milliseconds", 1],
  ["s", 1000],
  ["sec", 1000],
  ["seconds", 1000],
  ["m", 60_000],
  ["min", 60_000],
  ["minutes", 60_000],
  ["h", 3_600_000],
  ["hours", 3_600_000],
  ["d", 86_400_000],
  ["days", 86_400_000],
  ["w", 604_800_000],
  ["weeks", 604_800_000],
]);

/** As in Python: more days than this overflow. */
const LONGEST = 999_999_999 * 86_400_000;

const DELTA_UNITS: ReadonlySet<string> = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
]);

/**
 * A length of time from a configuration file. A bare number does not say whether it means seconds or
 * milliseconds.
 */
function configuredDuration(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (typeof value === "string") return Duration(value);
  if (typeof value === "number") {
    throw new TypeError(`a length of time needs its unit, as in "${value} s" or "${value} ms"`);
  }
  const isDelta = typeof value === "object" && Object.keys(value).some((unit) => DELTA_UNITS.has(unit));
  const milliseconds = isDelta ? timedeltaToSeconds(value as Timedelta) * 1000 : Number.NaN;
  if (!(Math.abs(milliseconds) <= LONGEST)) {
    throw new TypeError(
      `expected a length of time, as in "1h 30m" or { minutes: 90 }, got ${inspect(value, { depth: 0 })}`,
    );
  }
  return milliseconds;
}

/**
 * Reads a length of time and gives milliseconds: numbers with units, separated by spaces and summed up, as in
 * `1h 30m` or `-1.5 days`. Units are `w`, `d`, `h`, `m` or `min`, `s` or `sec`, `ms`, `us`, or the long names
 * in the plural; without one it is seconds. The answer is exact to the microsecond. Use it as an option's
 * `type`.
 */
export function Duration(text: string): number {
  const part = /\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)\s*([\p{L}\p{N}_]*)\s*/iuy;
  let sum = 0;
  do {
    const match = part.exec(text);
    if (match === null) complain('a length of time, as in "1h 30m" or "500 ms"', text);
    const [, amount, unit] = match as unknown as [string, string, string];
    const factor = MILLISECONDS.get(unit === "" ? "s" : unit);
    if (factor === undefined) {
      throw new TypeError(`expected a length of time with a space between its parts and units w, d, h, m, s, ms or us, \
got ${inspect(text, { maxStringLength: 80 })}`);
    }
    sum += Number(amount) * factor;
  } while (part.lastIndex < text.length);
  if (!(Math.abs(sum) <= LONGEST)) complain("a length of time of at most 999,999,999 days", text);
  return Math.round(sum * 1000) / 1000;
}

/**
 * Reads an integer. Use it as an option's `type`; it is also what a default that is an integer stands for.
 */
export function Integer(text: string): number {
  return parseInteger(text);
}

/** The shortest way to write a length of time. */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return String(milliseconds);
  let rest = Math.abs(milliseconds);
  const parts: string[] = [];
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  if (rest > 0) parts.push(`${Math.round(rest * 1000) / 1000}ms`);
  const sign = milliseconds < 0 ? "-" : "";
  return parts.length === 0 ? "0s" : parts.map((text) => sign + text).join(" ");
}

const KINDS = new Map<unknown, ValueKind>([
  [
    String,
    {
      description: "text",
      parse: (text) => text,
      accepts: (value) => typeof value === "string",
      show: String,
    },
  ],
  [
    Integer,
    {
      description: "an integer",
      parse: parseInteger,
      accepts: (value) => Number.isInteger(value),
      show: String,
    },
  ],
  [
    Number,
    {
      description: "a number",
      parse: parseNumber,
      accepts: (value) => typeof value === "number",
      show: String,
    },
  ],
  [
    BigInt,
    {
      description: "an integer (BigInt)",
      parse: parseBigInt,
      accepts: (value) => typeof value === "bigint",
      show: String,
    },
  ],
  [
    Boolean,
    {
      description: "true or false",
      parse: parseBoolean,
      accepts: (value) => typeof value === "boolean",
      show: String,
    },
  ],
  [
    Date,
    {
      description: "a date",
      parse: parseDate,
      accepts: (value) => value instanceof Date,
      show: (value) => strftime("%Y-%m-%d %H:%M:%S", value as Date),
    },
  ],
  [
    Duration,
    {
      description: "a length of time in milliseconds",
      parse: Duration,
      accepts: (value) => typeof value === "number" && !Number.isNaN(value),
      show: (value) => formatDuration(value as number),
      configured: configuredDuration,
    },
  ],
]);

/** How a type reads, checks and shows values; a function of the user's own reads, and accepts any value. */
export function kindOf(type: OptionType): ValueKind {
  checkFunction("type", type);
  return (
    KINDS.get(type) ?? {
      description: `what ${type.name || "its type"} makes`,
      parse: type,
      accepts: () => true,
      show: (value) => (typeof value === "string" ? value : inspect(value, { depth: 1 })),
    }
  );
}

/** The type that a default value stands for: text if there is none. */
export function typeOfValue(value: unknown): OptionType {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) ? Integer : Number;
    case "bigint":
      return BigInt;
    case "boolean":
      return Boolean;
    default:
      return value instanceof Date ? Date : String;
  }
}
