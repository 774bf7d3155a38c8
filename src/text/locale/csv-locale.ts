import { genLog } from "../../base/log.js";
import type { CSVTranslations } from "./catalogue.js";
import { Locale, type LocaleOptions } from "./locale.js";

/** A language whose messages come from a CSV file, see `loadTranslations()`. Tornado `locale.CSVLocale`. */
export class CSVLocale extends Locale {
  /** The rows of the file, by their third column. */
  override readonly translations: CSVTranslations;

  constructor(code: string, translations: CSVTranslations, options?: LocaleOptions) {
    super(code, options);
    this.translations = translations;
  }

  protected override lookUp(message: string, pluralMessage?: string, count?: number): string | undefined {
    const { unknown, singular, plural } = this.translations;
    if (pluralMessage === undefined) return unknown?.get(message);
    return count === 1 ? singular?.get(message) : plural?.get(pluralMessage);
  }

  /** Translates without the context, which CSV files do not have, and logs a warning. */
  override pgettext(context: string, message: string, pluralMessage: string, count: number): string;
  override pgettext(context: string, message: string): string;
  override pgettext(context: string, message: string, pluralMessage?: string, count?: number): string {
    if (Object.keys(this.translations).length > 0)
      genLog.warning("pgettext() is not supported by CSV catalogues: the context %r is ignored", context);
    return super.pgettext(context, message, pluralMessage as string, count as number);
  }
}
