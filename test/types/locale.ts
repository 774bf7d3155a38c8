/** What the compiler must accept and refuse of locales. It is compiled, never run. */
import {
  CSVLocale,
  type GettextLocale,
  type GettextParser,
  Locale,
  loadGettextTranslations,
} from "squall/locale";

declare const gettext: GettextLocale;
declare const parser: GettextParser;

for (const locale of [new Locale("fr"), new CSVLocale("fr", {}), gettext]) {
  locale.translate("a");
  locale.translate("a", "b", 2);
  locale.pgettext("c", "a");
  locale.pgettext("c", "a", "b", 2);
  // @ts-expect-error A plural needs a count.
  locale.translate("a", "b");
  // @ts-expect-error A plural needs a count.
  locale.pgettext("c", "a", "b");
  // @ts-expect-error A count is a number.
  locale.translate("a", "b", "2");
  locale.formatDate(new Date(0), { now: 0, gmtOffset: undefined });
  // @ts-expect-error Dates are Date objects or numbers.
  locale.formatDate("2024-05-14");
  locale.friendlyNumber(1n);
}

void loadGettextTranslations("locale", "app", { parser });
// @ts-expect-error A parser reads both formats.
void loadGettextTranslations("locale", "app", { parser: { mo: parser.mo } });

class Own extends Locale {
  override translate(message: string): string {
    return message.toUpperCase();
  }
}
new Own("fr").translate("a");
