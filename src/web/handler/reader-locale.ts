/**
 * `handler.locale`: the language of the person who reads the page. The user's own choice comes first, then
 * what the browser asks for (RFC 9110 §12.5.4).
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { getBrowserLocale } from "../../text/locale/accept-language.js";
import { Locale } from "../../text/locale/locale.js";
import type { Handler } from "../types.js";
import { stateOf } from "./handler-state.js";
import { addToVary } from "./header-value.js";

const locales = new WeakMap<Handler, Locale>();

/** `handler.locale`: chosen when it is first asked for. */
export function localeOf(handler: Handler): Locale {
  let locale = locales.get(handler);
  if (locale === undefined) {
    locale = checkLocale(
      "getUserLocale() must return",
      handler.getUserLocale() ?? handler.getBrowserLocale(),
    );
    locales.set(handler, locale);
  }
  return locale;
}

/** `handler.locale = …` */
export function setLocale(handler: Handler, locale: Locale): void {
  locales.set(handler, checkLocale("locale must be", locale));
}

function checkLocale(what: string, locale: unknown): Locale {
  if (locale instanceof Locale) return locale;
  const hint =
    typeof locale === "object" ? "; a handler that waits for it assigns this.locale in prepare()" : "";
  throw new InvalidArgumentError(`${what} a Locale${hint}`);
}

/** `handler.getBrowserLocale()`. Caches are told that the page depends on the field. */
export function browserLocale(handler: Handler, defaultCode: string): Locale {
  const state = stateOf(handler);
  if (!state.headersWritten) addToVary(state.headers, "Accept-Language");
  return getBrowserLocale(handler.request.headers.get("Accept-Language"), defaultCode);
}
