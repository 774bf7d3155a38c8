/** `squall/locale`: messages in the reader's language, and its dates, lists and numbers. */
export { getBrowserLocale, parseAcceptLanguage } from "./text/locale/accept-language.js";
export {
  CONTEXT_SEPARATOR,
  type CSVTranslations,
  GettextCatalogue,
  type GettextEntry,
} from "./text/locale/catalogue.js";
export { CSVLocale } from "./text/locale/csv-locale.js";
export {
  CatalogueError,
  type CatalogueErrorOptions,
  GettextParserMissingError,
  PluralFormsError,
} from "./text/locale/errors.js";
export { GettextLocale } from "./text/locale/gettext-locale.js";
export type { GettextParser, GettextTable, GettextTableEntry } from "./text/locale/gettext-parser.js";
export { interpolate } from "./text/locale/interpolate.js";
export { type LoadTranslationsOptions, loadTranslations } from "./text/locale/load-csv.js";
export { type LoadGettextTranslationsOptions, loadGettextTranslations } from "./text/locale/load-gettext.js";
export {
  type FormatDayOptions,
  get,
  getSupportedLocales,
  Locale,
  type LocaleOptions,
  setDefaultLocale,
  setLocaleClock,
  supportLocales,
} from "./text/locale/locale.js";
export { LOCALE_NAMES, type LocaleName } from "./text/locale/locale-names.js";
export { type PluralForms, parsePluralForms } from "./text/locale/plural-forms.js";
export type { FormatDateOptions } from "./text/locale/relative-date.js";
