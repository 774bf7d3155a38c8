/**
 * From Tornado's codes (`pt_BR`) to the language tags that `Intl` understands (BCP 47: `pt-BR`), and what
 * follows from a tag: the name of the language and the direction of its script. A code may be any text, since
 * it may come from a header.
 */
import { LOCALE_NAMES } from "./locale-names.js";

/** Scripts that are written from right to left (Unicode Standard Annex #9). */
const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(
  "Adlm Arab Aran Hebr Mand Mend Nkoo Rohg Samr Sogd Syrc Thaa Yezi".split(" "),
);

/** The canonical tag for a code; `und` (undetermined) if the code does not name a language. */
export function languageTag(code: string): string {
  try {
    return new Intl.Locale(code.replaceAll("_", "-")).toString();
  } catch {
    return "und";
  }
}

/** The language of a tag: `pt` of `pt-BR`. */
export function languageOf(tag: string): string {
  return new Intl.Locale(tag).language;
}

/** Whether the language is written from right to left, in the script that is most likely for its tag. */
export function isRightToLeft(tag: string): boolean {
  const { script } = new Intl.Locale(tag).maximize();
  return script !== undefined && RIGHT_TO_LEFT.has(script);
}

/**
 * The name in the language itself: Tornado's if it has one, then that of `Intl`; `Unknown` if neither has.
 */
export function languageName(code: string, tag: string): string {
  const known = LOCALE_NAMES[code];
  if (known !== undefined) return known.name;
  // Intl names languages, scripts, regions and variants; a tag with extensions (`en-u-ca-…`) throws there.
  const { baseName } = new Intl.Locale(tag);
  const name = new Intl.DisplayNames([tag, "en"], { type: "language", fallback: "none" }).of(baseName);
  if (name === undefined || tag === "und") return "Unknown";
  // Many languages write their names in lower case within a sentence; in a list they stand beside Tornado's.
  const [first = ""] = name;
  return first.toLocaleUpperCase(tag) + name.slice(first.length);
}
