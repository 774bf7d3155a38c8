import { CONTEXT_SEPARATOR, type GettextCatalogue } from "./catalogue.js";
import { Locale, type LocaleOptions } from "./locale.js";

/**
 * A language whose messages come from a gettext catalogue, see `loadGettextTranslations()`. Tornado
 * `locale.GettextLocale`.
 */
export class GettextLocale extends Locale {
  override readonly translations: GettextCatalogue;

  constructor(code: string, catalogue: GettextCatalogue, options?: LocaleOptions) {
    super(code, options);
    this.translations = catalogue;
  }

  /** The translation of a message; the message itself if there is none. */
  gettext(message: string): string {
    return this.translate(message);
  }

  /** The translation for a count; the message or its plural if there is none. */
  ngettext(message: string, pluralMessage: string, count: number): string {
    return this.translate(message, pluralMessage, count);
  }

  protected override lookUp(message: string, pluralMessage?: string, count?: number): string | undefined {
    if (pluralMessage === undefined) return this.translations.find(message);
    return this.translations.findPlural(message, count as number);
  }

  /**
   * The translation of a message in a context. If the catalogue has none, a message with a plural is looked
   * up without the context; a message without one is not translated, because another meaning would be wrong.
   * Tornado does the same.
   *
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when a plural comes without a count
   */
  override pgettext(context: string, message: string, pluralMessage: string, count: number): string;
  override pgettext(context: string, message: string): string;
  override pgettext(context: string, message: string, pluralMessage?: string, count?: number): string {
    const key = context + CONTEXT_SEPARATOR + message;
    if (pluralMessage === undefined) return this.translations.find(key) ?? message;
    const plain = this.translate(message, pluralMessage, count as number);
    return this.lookUp(key, pluralMessage, count) ?? plain;
  }
}
