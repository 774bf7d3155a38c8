/**
 * One language of a program: its messages, and how it writes dates, lists and numbers. {@link Locale} itself
 * has no catalogue, so its messages are those of the source; `CSVLocale` and `GettextLocale` have one.
 *
 * Tornado writes dates and lists in English words, which a catalogue may translate. With the option `intl`,
 * `Intl` writes what the catalogue does not translate, a date always as a whole.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { MONTHS, WEEKDAYS } from "../../base/strftime.js";
import { checkNumber, checkString } from "../../base/validate.js";
import type { CSVTranslations, GettextCatalogue } from "./catalogue.js";
import { interpolate } from "./interpolate.js";
import { IntlWords } from "./intl-words.js";
import { isRightToLeft, languageName, languageOf, languageTag } from "./language-tag.js";
import { AGO, clockTime, DATES, DAYS, LIST } from "./messages.js";
import { type DateWording, type FormatDateOptions, toLocal, toTime, wordingOf } from "./relative-date.js";
import { SupportedLocales } from "./supported-locales.js";

/** Options of a {@link Locale}. */
export interface LocaleOptions {
  /**
   * Write dates, lists and numbers in the words of `Intl` where the catalogue does not translate Tornado's.
   * Default false: these words stay English, as in Tornado. It has no effect for English.
   */
  readonly intl?: boolean | undefined;
}

const LOCALE_OPTIONS = optionNames<LocaleOptions>({ intl: 1 });

/** Options of {@link Locale.formatDay}. */
export interface FormatDayOptions {
  /** Minutes by which local time is behind UTC, as `Date.getTimezoneOffset()` counts. Default 0. */
  readonly gmtOffset?: number | undefined;
  /** Show the day of the week. Default true. */
  readonly dow?: boolean | undefined;
}

const FORMAT_DATE_OPTIONS = optionNames<FormatDateOptions>({
  now: 1,
  gmtOffset: 1,
  relative: 1,
  shorter: 1,
  fullFormat: 1,
});

const FORMAT_DAY_OPTIONS = optionNames<FormatDayOptions>({ gmtOffset: 1, dow: 1 });

let clock: () => number = Date.now;

/**
 * Sets the clock that {@link Locale.formatDate} asks when its caller does not pass `now`: a function that
 * returns milliseconds since 1970. The default is `Date.now`. Returns the previous clock, so that a test can
 * restore it.
 */
export function setLocaleClock(next: () => number): () => number {
  const previous = clock;
  clock = next;
  return previous;
}

/** A language. {@link Locale.getClosest} gives the one for a reader. Tornado `locale.Locale`. */
export class Locale {
  /** The code: a language, or a language and a country, such as `pt_BR`. */
  readonly code: string;
  /** The language's own name for itself; `Unknown` if neither {@link LOCALE_NAMES} nor `Intl` knows it. */
  readonly name: string;
  /** Whether the language is written from right to left, which HTML expresses by `dir="rtl"`. */
  readonly rtl: boolean;
  /**
   * The language tag (BCP 47) for `lang` in HTML and for `Intl`: `pt-BR`; `und` if the code names no
   * language.
   */
  readonly languageTag: string;
  /** The catalogue; undefined if there is none. */
  readonly translations: CSVTranslations | GettextCatalogue | undefined = undefined;
  readonly #intl: IntlWords | undefined;

  constructor(code: string, options: LocaleOptions = {}) {
    checkNames("option of a Locale", options, LOCALE_OPTIONS, true);
    this.code = checkString("code", code);
    this.languageTag = languageTag(code);
    this.name = languageName(code, this.languageTag);
    this.rtl = isRightToLeft(this.languageTag);
    const foreign = languageOf(this.languageTag) !== "en" && this.languageTag !== "und";
    this.#intl = options.intl === true && foreign ? new IntlWords(this.languageTag) : undefined;
  }

  /**
   * The locale of exactly this code. It stays the same object until catalogues are loaded or the default is
   * changed.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the code is not supported
   */
  static get(code: string): Locale {
    const locale = locales.get(code);
    if (locale !== undefined) return locale;
    throw new InvalidArgumentError(`the locale ${JSON.stringify(code)} is not supported`);
  }

  /**
   * The locale of the first of these codes that is supported, or whose language is; otherwise that of the
   * default. `-` counts as `_`, and case does not matter in a code of two parts. Empty codes and codes of
   * more than two parts are skipped. The codes may be any text that a client sends.
   */
  static getClosest(...codes: (string | null | undefined)[]): Locale {
    return locales.closest(codes);
  }

  /**
   * The catalogue's translation of a message, in the form for `count` if there is a plural; undefined if
   * there is none. A subclass with a catalogue of its own overrides this method. Default: there is no
   * catalogue.
   */
  protected lookUp(_message: string, _pluralMessage?: string, _count?: number): string | undefined {
    return undefined;
  }

  /**
   * The translation of a message; the message itself if there is none. With a plural and a count, the form
   * that the count asks for. `interpolate()` fills in values.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a plural comes without a count
   */
  translate(message: string, pluralMessage: string, count: number): string;
  translate(message: string): string;
  translate(message: string, pluralMessage?: string, count?: number): string {
    if (pluralMessage === undefined) return this.lookUp(message) ?? message;
    checkNumber("count", count);
    return this.lookUp(message, pluralMessage, count) ?? (count === 1 ? message : pluralMessage);
  }

  /**
   * The translation of a message in a context, which distinguishes what is one word in English: a `club` to
   * join and a `club` to hit with. Only gettext catalogues have contexts; other locales translate without
   * them.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a plural comes without a count
   */
  pgettext(context: string, message: string, pluralMessage: string, count: number): string;
  pgettext(context: string, message: string): string;
  pgettext(_context: string, message: string, pluralMessage?: string, count?: number): string {
    return pluralMessage === undefined
      ? this.translate(message)
      : this.translate(message, pluralMessage, count as number);
  }

  /**
   * A date in words: "3 minutes ago", "yesterday at 2:35 pm", "April 28 at 2:35 pm". `date` is a `Date`, or
   * milliseconds since 1970. A date less than 60 seconds ahead counts as now, because clocks differ; a later
   * one is written with its year.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a date is invalid
   */
  formatDate(date: Date | number, options: FormatDateOptions = {}): string {
    checkNames("option of formatDate()", options, FORMAT_DATE_OPTIONS);
    const now = toTime("now", options.now ?? clock());
    const wording = wordingOf(toTime("date", date), now, options);
    const shorter = options.shorter ?? false;
    if (wording.kind === "ago") return this.#ago(wording);
    const message = DATES[wording.kind][shorter ? 1 : 0] as string;
    if (this.#prefersIntl(message)) return this.#intl!.date(wording, shorter);
    return this.#fillDate(message, wording.local);
  }

  /**
   * A day without its year: "Sunday, April 28". `date` is a `Date`, or milliseconds since 1970.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the date is invalid
   */
  formatDay(date: Date | number, options: FormatDayOptions = {}): string {
    checkNames("option of formatDay()", options, FORMAT_DAY_OPTIONS);
    const local = toLocal(toTime("date", date), options.gmtOffset);
    const dow = options.dow ?? true;
    const message = DAYS[dow ? 0 : 1];
    return this.#prefersIntl(message) ? this.#intl!.day(local, dow) : this.#fillDate(message, local);
  }

  /** Texts as a list: "a, b and c". */
  list(parts: readonly string[]): string {
    const last = parts.at(-1);
    if (last === undefined || parts.length === 1) return last ?? "";
    if (this.#prefersIntl(LIST)) return this.#intl!.list(parts);
    const comma = this.code.startsWith("fa") ? " \u0648 " : ", ";
    return interpolate(this.translate(LIST), { commas: parts.slice(0, -1).join(comma), last });
  }

  /**
   * A number with separators: "1,234,567". As in Tornado, only American English (`en`, `en_US`) has them,
   * unless the locale has the words of `Intl`.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the value is not a number
   */
  friendlyNumber(value: number | bigint): string {
    if (typeof value !== "number" && typeof value !== "bigint")
      throw new InvalidArgumentError("friendlyNumber() takes a number");
    if (this.#intl !== undefined) return this.#intl.number(value);
    const text = String(value);
    if (this.code !== "en" && this.code !== "en_US") return text;
    return text.replace(/\d+/, grouped);
  }

  /**
   * Whether `Intl` writes what this message is for: it may, and the catalogue does not translate the message.
   */
  #prefersIntl(message: string): boolean {
    return this.#intl !== undefined && this.lookUp(message) === undefined;
  }

  #ago(wording: DateWording & { kind: "ago" }): string {
    const { unit, value } = wording;
    const [one, many, name] = AGO[unit];
    if (this.#intl !== undefined && this.lookUp(one, many, value) === undefined)
      return this.#intl.date(wording, false);
    return interpolate(this.translate(one, many, value), { [name]: value });
  }

  #fillDate(message: string, local: Date): string {
    const month = MONTHS[local.getUTCMonth()] as string;
    const weekday = WEEKDAYS[local.getUTCDay()] as string;
    return interpolate(this.translate(message), {
      month_name: this.#prefersIntl(month) ? this.#intl!.month(local) : this.translate(month),
      weekday: this.#prefersIntl(weekday) ? this.#intl!.weekday(local) : this.translate(weekday),
      day: local.getUTCDate(),
      year: local.getUTCFullYear(),
      time: this.#intl?.time(local) ?? clockTime(this.code, local),
    });
  }
}

/** Digits in groups of three. */
function grouped(digits: string): string {
  const first = digits.length % 3 || 3;
  let text = digits.slice(0, first);
  for (let i = first; i < digits.length; i += 3) text += `,${digits.slice(i, i + 3)}`;
  return text;
}

/** The program's languages. Loaders fill it; `Locale.get()` and `Locale.getClosest()` read it. */
export const locales: SupportedLocales<Locale> = new SupportedLocales<Locale>(
  "en_US",
  (code) => new Locale(code),
);

/**
 * The locale of the first of these codes that is supported, see {@link Locale.getClosest}. Tornado
 * `locale.get`.
 */
export function get(...codes: (string | null | undefined)[]): Locale {
  return locales.closest(codes);
}

/**
 * Sets the language of the messages in the source. It needs no catalogue, always counts as supported, and is
 * the one for readers whose languages are not supported. The default is `en_US`. Tornado
 * `locale.set_default_locale`.
 */
export function setDefaultLocale(code: string): void {
  locales.setDefault(checkString("code", code));
}

/** The codes of all supported languages, the default included. The set is the caller's own. */
export function getSupportedLocales(): Set<string> {
  return locales.codes();
}

/**
 * Adds languages without catalogues: their messages are those of the source, and `Intl` writes their dates,
 * lists and numbers. A code that has a catalogue keeps it. Loading catalogues removes the languages that were
 * added before.
 */
export function supportLocales(codes: Iterable<string>): void {
  const make = (code: string): [string, () => Locale] => [code, () => new Locale(code, { intl: true })];
  locales.add(new Map(Array.from(codes, (code) => make(checkString("code", code)))));
}
