/**
 * Dates, lists and numbers in the words of `Intl` (Unicode CLDR), for languages whose catalogues lack them.
 * To construct a formatter of `Intl` costs far more than to use it, so each is constructed once, when it is
 * first needed.
 */
import type { DateWording } from "./relative-date.js";

const TIME = { hour: "numeric", minute: "2-digit" } as const;
const DATE_PARTS: ReadonlySet<string> = new Set(["day", "month", "year", "weekday", "era", "relatedYear"]);

/** The words of `Intl` for one language. Dates are read by their UTC fields. */
export class IntlWords {
  // English comes second; otherwise Intl falls back to the machine's own language where it lacks this one.
  readonly #tags: readonly string[];
  readonly #dates = new Map<string, Intl.DateTimeFormat>();
  #relative: { always: Intl.RelativeTimeFormat; auto: Intl.RelativeTimeFormat } | undefined;
  #list: Intl.ListFormat | undefined;
  #number: Intl.NumberFormat | undefined;

  constructor(tag: string) {
    this.#tags = [tag, "en"];
  }

  /** A date as {@link DateWording} asks for it. */
  date(wording: DateWording, shorter: boolean): string {
    if (wording.kind === "ago") return this.#ago().always.format(-wording.value, wording.unit);
    const { kind, local } = wording;
    switch (kind) {
      case "time":
        return this.time(local);
      case "yesterday":
        return shorter ? this.#ago().auto.format(-1, "day") : this.#yesterday(local);
      case "weekday":
        return this.#format({ weekday: "long", ...(shorter ? {} : TIME) }).format(local);
      case "day":
        return this.#format({ month: "long", day: "numeric", ...(shorter ? {} : TIME) }).format(local);
      default:
        return this.#format({ dateStyle: "long", ...(shorter ? {} : { timeStyle: "short" }) }).format(local);
    }
  }

  /** The time of day. */
  time(local: Date): string {
    return this.#format({ timeStyle: "short" }).format(local);
  }

  /** Month and day, with or without the weekday. */
  day(local: Date, weekday: boolean): string {
    return this.#format({ month: "long", day: "numeric", ...(weekday ? { weekday: "long" } : {}) }).format(
      local,
    );
  }

  /** The name of the month, in the form that it has beside a day. */
  month(local: Date): string {
    const parts = this.#format({ month: "long", day: "numeric" }).formatToParts(local);
    return parts.find(({ type }) => type === "month")?.value ?? "";
  }

  /** The name of the day of the week. */
  weekday(local: Date): string {
    return this.#format({ weekday: "long" }).format(local);
  }

  /** "a, b and c". */
  list(parts: Iterable<string>): string {
    this.#list ??= new Intl.ListFormat([...this.#tags], { type: "conjunction" });
    return this.#list.format(parts);
  }

  /** A number with the language's digits and separators. */
  number(value: number | bigint): string {
    this.#number ??= new Intl.NumberFormat([...this.#tags], { maximumFractionDigits: 20 });
    return this.#number.format(value);
  }

  /**
   * Takes Intl's pattern for a date with a time, and puts the word for yesterday in the place of the date.
   */
  #yesterday(local: Date): string {
    const parts = this.#format({ dateStyle: "long", timeStyle: "short" }).formatToParts(local);
    const first = parts.findIndex(({ type }) => DATE_PARTS.has(type));
    const last = parts.findLastIndex(({ type }) => DATE_PARTS.has(type));
    const word = this.#ago().auto.format(-1, "day");
    const text = (some: readonly Intl.DateTimeFormatPart[]): string =>
      some.map(({ value }) => value).join("");
    return text(parts.slice(0, first)) + word + text(parts.slice(last + 1));
  }

  #ago(): { always: Intl.RelativeTimeFormat; auto: Intl.RelativeTimeFormat } {
    this.#relative ??= {
      always: new Intl.RelativeTimeFormat([...this.#tags], { numeric: "always" }),
      auto: new Intl.RelativeTimeFormat([...this.#tags], { numeric: "auto" }),
    };
    return this.#relative;
  }

  #format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify(options);
    let format = this.#dates.get(key);
    if (format === undefined) {
      format = new Intl.DateTimeFormat([...this.#tags], { ...options, timeZone: "UTC" });
      this.#dates.set(key, format);
    }
    return format;
  }
}
