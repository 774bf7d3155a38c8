/**
 * Dates of HTTP (RFC 9110 §5.6.7). Three forms are read, one is written:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT    IMF-fixdate, the one that is written
 *     Sunday, 06-Nov-94 08:49:37 GMT   RFC 850
 *     Sun Nov  6 08:49:37 1994         asctime()
 *
 * Nothing here reads a clock: the caller passes the present time.
 */
import { InvalidArgumentError } from "../../base/errors.js";

/** The years that an IMF-fixdate has room for. */
const MAX_YEAR = 9999;

/**
 * The HTTP date of a time: milliseconds since 1970, a `Date`, or a list
 * `[year, month, day, hour, minute, second]` in UTC with months from 1 (what follows in a longer list is
 * ignored). Fractions of a second are cut off. Tornado `format_timestamp`.
 * @throws InvalidArgumentError for everything else, and for years beyond 9999.
 */
export function formatTimestamp(time: number | Date | readonly number[]): string {
  const date = toDate(time);
  const year = date.getUTCFullYear();
  // A Date that is not valid has no year, and NaN is in no range.
  if (year >= 0 && year <= MAX_YEAR) return date.toUTCString();
  throw new InvalidArgumentError(
    `a timestamp must be milliseconds, a Date or [year, month, day, hour, minute, second], in the years 0 to ${MAX_YEAR}`,
  );
}

function toDate(time: unknown): Date {
  if (time instanceof Date) return time;
  // toUTCString() cuts toward the past, before 1970 as well.
  if (typeof time === "number") return new Date(time);
  if (Array.isArray(time) && time.length >= 6 && time.every((part) => typeof part === "number")) {
    const [year, month, day, hour, minute, second] = time as number[];
    const date = new Date(Date.UTC(2000, month! - 1, day!, hour!, minute!, second!));
    // Date.UTC() takes the years 0 to 99 for 1900 to 1999; setUTCFullYear does not.
    date.setUTCFullYear(year! + date.getUTCFullYear() - 2000);
    return date;
  }
  return new Date(Number.NaN);
}

let cachedSecond = Number.NaN;
let cachedText = "";

/**
 * The value of a `Date` field for a response sent at `now` (milliseconds since 1970). The text is made once a
 * second and shared by all connections; the clock may jump in either direction.
 */
export function httpDate(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== cachedSecond) {
    cachedText = formatTimestamp(second * 1000);
    cachedSecond = second;
  }
  return cachedText;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTH = `(${MONTHS.join("|")})`;
const TIME = "(\\d{2}):(\\d{2}):(\\d{2})";
const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(
  `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} GMT$`,
);
const ASCTIME = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/**
 * Milliseconds since 1970 of an HTTP date in any of the three forms; undefined when it is in none of them or
 * names a day or time that does not exist. `now` (milliseconds since 1970) settles the century of an RFC 850
 * date: two digits that would lie more than 50 years ahead mean the past (RFC 9110 §5.6.7). Whether the name
 * of the day fits is not looked at.
 */
export function parseDate(text: string, now: number): number | undefined {
  let match = IMF_FIXDATE.exec(text);
  if (match !== null) return toTime(match[3]!, match[2]!, match[1]!, match[4]!, match[5]!, match[6]!);
  match = RFC_850.exec(text);
  if (match !== null) {
    const year = fullYear(Number(match[3]), new Date(now).getUTCFullYear());
    return toTime(year, match[2]!, match[1]!, match[4]!, match[5]!, match[6]!);
  }
  match = ASCTIME.exec(text);
  if (match !== null) return toTime(match[6]!, match[1]!, match[2]!, match[3]!, match[4]!, match[5]!);
  return undefined;
}

function fullYear(twoDigits: number, presentYear: number): number {
  const year = presentYear - (presentYear % 100) + twoDigits;
  return year > presentYear + 50 ? year - 100 : year;
}

function toTime(
  year: string | number,
  monthName: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | undefined {
  const month = MONTHS.indexOf(monthName);
  // A leap second is the first of the next minute to a clock that has none.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), month, Number(day));
  if (date.getUTCMonth() !== month || date.getUTCDate() !== Number(day)) return undefined;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}
