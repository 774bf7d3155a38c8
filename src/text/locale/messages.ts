/**
 * The messages of which Tornado composes dates and lists. They are the keys under which catalogues translate
 * them: `January`, `Monday`, `%(month_name)s %(day)s`, `%(minutes)d minutes ago` and so on.
 */
import type { DateWording } from "./relative-date.js";

/** For each unit: the singular, the plural, and the name of the number in the message. */
export const AGO: Readonly<
  Record<"second" | "minute" | "hour", readonly [one: string, many: string, name: string]>
> = {
  second: ["1 second ago", "%(seconds)d seconds ago", "seconds"],
  minute: ["1 minute ago", "%(minutes)d minutes ago", "minutes"],
  hour: ["1 hour ago", "%(hours)d hours ago", "hours"],
};

/** The message for a date, whole and without the time of day. */
export const DATES: Readonly<
  Record<Exclude<DateWording["kind"], "ago">, readonly [whole: string, shorter: string]>
> = {
  time: ["%(time)s", "%(time)s"],
  yesterday: ["yesterday at %(time)s", "yesterday"],
  weekday: ["%(weekday)s at %(time)s", "%(weekday)s"],
  day: ["%(month_name)s %(day)s at %(time)s", "%(month_name)s %(day)s"],
  year: ["%(month_name)s %(day)s, %(year)s at %(time)s", "%(month_name)s %(day)s, %(year)s"],
};

/** A day with its weekday, and alone. */
export const DAYS: readonly [withWeekday: string, alone: string] = [
  "%(weekday)s, %(month_name)s %(day)s",
  "%(month_name)s %(day)s",
];

/** All of a list but its last part, and that part. */
export const LIST = "%(commas)s and %(last)s";

/**
 * The time of day as Tornado writes it: with 12 hours in American English and in China, with 24 everywhere
 * else.
 */
export function clockTime(code: string, local: Date): string {
  const hours = local.getUTCHours();
  const minutes = String(local.getUTCMinutes()).padStart(2, "0");
  const twelve = `${hours % 12 || 12}:${minutes}`;
  if (code === "zh_CN") return `${hours >= 12 ? "下午" : "上午"}${twelve}`;
  if (code === "en" || code === "en_US") return `${twelve} ${hours >= 12 ? "pm" : "am"}`;
  return `${hours}:${minutes}`;
}
