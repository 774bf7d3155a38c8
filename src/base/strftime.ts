/** Dates by a pattern, as C's strftime writes them: the pattern language of log and option texts. */

/** The days of the week in English, in the order of `Date.getDay()`. */
export const WEEKDAYS = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
] as const;
/** The months in English, in the order of `Date.getMonth()`. */
export const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000 + 1;
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

function directive(date: Date, letter: string): string | undefined {
  switch (letter) {
    case "Y":
      return String(date.getFullYear()).padStart(4, "0");
    case "y":
      return two(date.getFullYear() % 100);
    case "m":
      return two(date.getMonth() + 1);
    case "d":
      return two(date.getDate());
    case "e":
      return String(date.getDate()).padStart(2);
    case "H":
      return two(date.getHours());
    case "I":
      return two(date.getHours() % 12 || 12);
    case "M":
      return two(date.getMinutes());
    case "S":
      return two(date.getSeconds());
    case "f":
      return `${String(date.getMilliseconds()).padStart(3, "0")}000`;
    case "p":
      return date.getHours() < 12 ? "AM" : "PM";
    case "a":
      return WEEKDAYS[date.getDay()]?.slice(0, 3);
    case "A":
      return WEEKDAYS[date.getDay()];
    case "b":
      return MONTHS[date.getMonth()]?.slice(0, 3);
    case "B":
      return MONTHS[date.getMonth()];
    case "j":
      return String(dayOfYear(date)).padStart(3, "0");
    case "z":
      return zone(date);
    case "s":
      return String(Math.floor(date.getTime() / 1000));
    case "F":
      return strftime("%Y-%m-%d", date);
    case "T":
      return strftime("%H:%M:%S", date);
    case "%":
      return "%";
    default:
      return undefined;
  }
}

/**
 * Writes `date` in local time by `pattern`: `%Y %y %m %d %e %H %I %M %S %f %p %a %A %b %B %j %z %s %F %T %%`;
 * names are English. Any other directive stays as it is.
 */
export function strftime(pattern: string, date: Date): string {
  return pattern.replace(/%([a-zA-Z%])/g, (whole, letter: string) => directive(date, letter) ?? whole);
}
