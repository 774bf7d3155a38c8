/**
 * How a date is best expressed at a given moment: "3 minutes ago", "yesterday", a weekday, a day, a day with
 * its year. The decision is the same for every language; the words come later. Tornado `Locale.format_date`.
 *
 *     under 50 s      seconds         under 5 days            the weekday
 *     under 50 min    minutes         under 334 days          the month and the day
 *     under 24 h      hours           any other date          the month, the day and the year
 *     the day before  yesterday       less than 60 s ahead    now, because clocks differ
 */
import { InvalidArgumentError } from "../../base/errors.js";

/** Options of `Locale.formatDate()`. */
export interface FormatDateOptions {
  /**
   * The present: a `Date`, or milliseconds since 1970. Default: the time of the clock that `setLocaleClock()`
   * has set, which is the system's unless it was changed. The loop's `wallTime()` follows virtual time.
   */
  readonly now?: Date | number | undefined;
  /**
   * Minutes by which local time is behind UTC, as `Date.getTimezoneOffset()` counts: 300 in New York in
   * winter. Default 0.
   */
  readonly gmtOffset?: number | undefined;
  /** Say "5 minutes ago" and "yesterday" where that fits. Default true. */
  readonly relative?: boolean | undefined;
  /** Leave out the time of day where there is a day to show. Default false. */
  readonly shorter?: boolean | undefined;
  /** Always show the whole date with its year. Default false. */
  readonly fullFormat?: boolean | undefined;
}

/** What to express: how long ago it was, or which parts of the date. */
export type DateWording =
  | { readonly kind: "ago"; readonly unit: "second" | "minute" | "hour"; readonly value: number }
  | {
      readonly kind: "time" | "yesterday" | "weekday" | "day" | "year";
      /** The date in local time, to be read by the UTC methods. */
      readonly local: Date;
    };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Eleven months: after that, a month without a year could be taken for the same month of this year. */
const MOST_DAYS_WITHOUT_YEAR = 334;

/**
 * Milliseconds since 1970 of a date in either form. Throws an {@link InvalidArgumentError} for an invalid
 * date.
 */
export function toTime(name: string, date: Date | number): number {
  const time = date instanceof Date ? date.getTime() : date;
  if (typeof time === "number" && Math.abs(time) <= 8.64e15) return time;
  throw new InvalidArgumentError(`${name} must be a valid Date or a number of milliseconds since 1970`);
}

/** The date whose UTC fields are the local time of a place `gmtOffset` minutes behind UTC. */
export function toLocal(time: number, gmtOffset: number | undefined = 0): Date {
  const local = new Date(time - gmtOffset * MINUTE);
  if (!Number.isNaN(local.getTime())) return local;
  throw new InvalidArgumentError("gmtOffset must be a number of minutes that leaves the date in range");
}

/** Rounds to the nearest integer, halves to the even one, as Python does: 2 minutes after 150 seconds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** How the time `date` is best expressed at the time `now`, both in milliseconds since 1970. */
export function wordingOf(date: number, now: number, options: FormatDateOptions): DateWording {
  const { gmtOffset = 0, relative = true } = options;
  let time = date;
  let full = options.fullFormat ?? false;
  if (date > now) {
    if (relative && date - now < MINUTE) time = now;
    else full = true;
  }
  const local = toLocal(time, gmtOffset);
  if (full) return { kind: "year", local };
  const age = now - time;
  const days = Math.floor(age / DAY);
  if (days === 0) {
    if (!relative) return { kind: "time", local };
    const seconds = Math.floor(age / SECOND);
    if (seconds < 50) return { kind: "ago", unit: "second", value: seconds };
    if (seconds < 50 * 60) return { kind: "ago", unit: "minute", value: roundHalfEven(seconds / 60) };
    return { kind: "ago", unit: "hour", value: roundHalfEven(seconds / 3600) };
  }
  const yesterday = toLocal(now - DAY, gmtOffset);
  if (relative && days === 1 && local.getUTCDate() === yesterday.getUTCDate())
    return { kind: "yesterday", local };
  if (days < 5) return { kind: "weekday", local };
  return { kind: days < MOST_DAYS_WITHOUT_YEAR ? "day" : "year", local };
}
