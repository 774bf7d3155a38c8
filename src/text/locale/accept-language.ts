/**
 * The language that a browser asks for (RFC 9110 §12.5.4):
 *
 *     Accept-Language: da, en-gb;q=0.8, en;q=0.7
 */
import { get, type Locale } from "./locale.js";

/** More than any browser sends, and few enough to look all of them up for each request. */
const MAX_LANGUAGES = 100;

/** A weight as Tornado accepts it: any decimal number, not only those up to 1 with three digits. */
const WEIGHT = /^(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

function weightOf(parameter: string | undefined): number {
  const [, value] = /^\s*q=(.*)$/is.exec(parameter ?? "") ?? [];
  if (value === undefined) return 1;
  const text = value.trim();
  return WEIGHT.test(text) ? Number(text) : 0;
}

/**
 * The languages of an `Accept-Language` field, best first; those of equal weight keep their order. Languages
 * with the weight 0 or an invalid weight are left out. The codes are returned as they were sent, and may be
 * any text. Only the first 100 elements of the field count.
 */
export function parseAcceptLanguage(value: string): string[] {
  const languages: { code: string; weight: number }[] = [];
  for (const element of value.split(",", MAX_LANGUAGES)) {
    const [code = "", parameter] = element.split(";");
    const weight = weightOf(parameter);
    if (weight > 0) languages.push({ code: code.trim(), weight });
  }
  return languages.sort((a, b) => b.weight - a.weight).map(({ code }) => code);
}

/**
 * The locale for the value of an `Accept-Language` field: the best of its languages that is supported; if
 * none is, the program's default. If the field is undefined, or accepts no language, it is the locale closest
 * to `defaultCode`. Tornado `RequestHandler.get_browser_locale`.
 */
export function getBrowserLocale(acceptLanguage: string | undefined, defaultCode = "en_US"): Locale {
  const codes = acceptLanguage === undefined ? [] : parseAcceptLanguage(acceptLanguage);
  return codes.length > 0 ? get(...codes) : get(defaultCode);
}
