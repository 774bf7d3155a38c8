/**
 * Messages with places for arguments, in the manner of printf. The format is the programmer's; the arguments
 * may come from anywhere, so what could forge a line or command a terminal is shown as an escape.
 */
import { inspect } from "node:util";

/**
 * Shows the control characters of `text` as escapes: C0 and C1 controls, DEL, and the Unicode line and
 * paragraph separators and direction overrides, all of which can make a line of a log look like something
 * else. Tab stays. With `keepLines` line feeds stay too.
 */
export function escapeControls(text: string, keepLines = false): string {
  const pattern = keepLines ? CONTROLS_BUT_LINES : CONTROLS;
  pattern.lastIndex = 0;
  return pattern.test(text) ? text.replace(pattern, escapeOne) : text;
}

const CONTROLS = /[\0-\x08\n-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const CONTROLS_BUT_LINES = /[\0-\x08\v-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function escapeOne(char: string): string {
  if (char === "\n") return "\\n";
  if (char === "\r") return "\\r";
  const code = char.charCodeAt(0);
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

// %s %r %d %i %f %e %g %x %o %j and %%, with the flags, width and precision of printf. A space is no flag
// here, so that "100% done" stays what it is.
const PLACEHOLDER = /%(?:%|([-+0#]*)(\d+)?(?:\.(\d+))?([srdifegxXoj]))/g;

/** How many arguments a format has places for. */
export function countPlaceholders(format: string): number {
  if (!format.includes("%")) return 0;
  let count = 0;
  for (const match of format.matchAll(PLACEHOLDER)) if (match[4] !== undefined) count++;
  return count;
}

function text(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "object":
      if (value === null) return "null";
      if (value instanceof Uint8Array)
        return Buffer.from(value.buffer, value.byteOffset, value.length).toString();
      // Objects that know how to show themselves do so (a request, a URL); others are inspected.
      if (value instanceof Error || hasOwnText(value)) return String(value);
      return shown(value);
    case "function":
      return value.name || "anonymous";
    default:
      return String(value);
  }
}

function hasOwnText(value: object): boolean {
  const method = (value as { toString?: unknown }).toString;
  return typeof method === "function" && method !== Object.prototype.toString && !Array.isArray(value);
}

/** A value on one line, as `console.log` would show it. */
export function shown(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: 10, depth: 3 });
}

function number(value: unknown, conversion: string): number {
  const result = typeof value === "number" ? value : Number(value);
  if (Number.isNaN(result) && !Number.isNaN(value)) {
    throw new TypeError(`%${conversion} needs a number, got ${shown(value)}`);
  }
  return result;
}

function convert(value: unknown, conversion: string, precision: number | undefined): string {
  switch (conversion) {
    case "r":
      return shown(value);
    case "j":
      return JSON.stringify(value) ?? "undefined";
    case "d":
    case "i":
      return typeof value === "bigint" ? value.toString() : String(Math.trunc(number(value, conversion)));
    case "f":
      return number(value, conversion).toFixed(Math.min(precision ?? 6, 100));
    case "e":
      return number(value, conversion).toExponential(Math.min(precision ?? 6, 100));
    case "g":
      return String(number(value, conversion));
    case "x":
      return Math.trunc(number(value, conversion)).toString(16);
    case "X":
      return Math.trunc(number(value, conversion)).toString(16).toUpperCase();
    case "o":
      return Math.trunc(number(value, conversion)).toString(8);
    default: {
      // A line end behind the text says nothing; OpenSSL's messages have one.
      const whole = text(value).replace(/[\r\n]+$/, "");
      return precision === undefined ? whole : whole.slice(0, precision);
    }
  }
}

function pad(value: string, flags: string, width: number): string {
  if (value.length >= width) return value;
  if (flags.includes("-")) return value.padEnd(width);
  if (!flags.includes("0")) return value.padStart(width);
  const sign = /^[-+]/.exec(value)?.[0] ?? "";
  return sign + value.slice(sign.length).padStart(width - sign.length, "0");
}

/**
 * Fills a format in the manner of printf: `%s` text, `%r` and `%j` inspected and as JSON, `%d` `%i` `%x` `%o`
 * integers, `%f` `%e` `%g` numbers, `%%` a percent sign, with flags `-+0`, width and precision. Control
 * characters of the arguments are escaped. Arguments beyond the format are inspected and appended; too few,
 * or a value that cannot be converted, throw a TypeError.
 */
export function formatMessage(format: string, args: readonly unknown[]): string {
  let used = 0;
  let result = format.replace(
    PLACEHOLDER,
    (
      whole,
      flags: string | undefined,
      width: string | undefined,
      precision: string | undefined,
      conversion,
    ) => {
      if (conversion === undefined) return "%";
      if (used >= args.length) throw new TypeError(`not enough arguments for ${whole}`);
      let value = convert(args[used++], conversion, precision === undefined ? undefined : Number(precision));
      if (flags?.includes("+") && /^\d/.test(value) && conversion !== "s") value = `+${value}`;
      // A width from a format is the programmer's; 1000 columns are enough for anybody's.
      if (width !== undefined) value = pad(value, flags ?? "", Math.min(Number(width), 1000));
      return escapeControls(value);
    },
  );
  while (used < args.length) result += ` ${escapeControls(shown(args[used++]))}`;
  return result;
}
