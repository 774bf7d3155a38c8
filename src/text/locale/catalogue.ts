/** Messages and their translations, in the two forms that catalogues have. */
import { GERMANIC, type PluralForms } from "./plural-forms.js";

/** The character between context and message in a key of a gettext catalogue (EOT). */
export const CONTEXT_SEPARATOR = "\x04";

/** The rows of a CSV catalogue by the third column; rows without one are under `unknown`. */
export interface CSVTranslations {
  /** What `translate(message)` looks up. */
  readonly unknown?: ReadonlyMap<string, string> | undefined;
  /** What is looked up for one thing. */
  readonly singular?: ReadonlyMap<string, string> | undefined;
  /** What is looked up for any other number of things. */
  readonly plural?: ReadonlyMap<string, string> | undefined;
}

/** The translation of one message. */
export interface GettextEntry {
  /** The forms by index; one for a message without plural. */
  readonly forms: readonly string[];
  /** Whether the message has a plural; `ngettext()` finds only those that do. */
  readonly plural: boolean;
}

/** A gettext catalogue: the content of a `.mo` or `.po` file. */
export class GettextCatalogue {
  /**
   * Translations by message; a message with a context has both in its key, around {@link CONTEXT_SEPARATOR}.
   */
  readonly entries: ReadonlyMap<string, GettextEntry>;
  /** The rule that picks a form for a number. */
  readonly pluralForms: PluralForms;

  /** Without `pluralForms` there are two forms, as in English. */
  constructor(entries: ReadonlyMap<string, GettextEntry>, pluralForms: PluralForms = GERMANIC) {
    this.entries = entries;
    this.pluralForms = pluralForms;
  }

  /** The translation of a message without a number; undefined if there is none. */
  find(key: string): string | undefined {
    const entry = this.entries.get(key);
    return entry?.forms[entry.plural ? this.pluralForms.indexOf(1) : 0];
  }

  /** The translation of a message for `n` things, by the key of its singular; undefined if there is none. */
  findPlural(key: string, n: number): string | undefined {
    const entry = this.entries.get(key);
    return entry?.plural === true ? entry.forms[this.pluralForms.indexOf(n)] : undefined;
  }
}
