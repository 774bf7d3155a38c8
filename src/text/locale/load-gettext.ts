/**
 * Gettext catalogues, in the folders that gettext's tools use:
 *
 *     locale/pt_BR/LC_MESSAGES/messages.mo    made by msgfmt from messages.po
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filePath } from "../../base/file-path.js";
import { genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { readMo, readPo } from "./gettext-files.js";
import { GettextLocale } from "./gettext-locale.js";
import { type GettextParser, importGettextParser } from "./gettext-parser.js";
import { type Locale, type LocaleOptions, locales } from "./locale.js";

/** Options of {@link loadGettextTranslations}. */
export interface LoadGettextTranslationsOptions extends LocaleOptions {
  /** The parser for the files. Default: the package `gettext-parser`, imported once a catalogue was found. */
  readonly parser?: GettextParser | undefined;
}

const LOAD_GETTEXT_TRANSLATIONS_OPTIONS = optionNames<LoadGettextTranslationsOptions>({ intl: 1, parser: 1 });

/** The catalogue of one language. */
interface Found {
  readonly code: string;
  readonly file: string;
}

function findCatalogues(directory: string, domain: string): Found[] {
  const found: Found[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const code = entry.name;
    if (code.startsWith(".") || entry.isFile()) continue;
    const base = join(directory, code, "LC_MESSAGES", domain);
    const file = [`${base}.mo`, `${base}.po`].find((path) => existsSync(path));
    if (file === undefined)
      genLog.error("Cannot load translation for %r: there is no %s.mo or .po", code, base);
    else found.push({ code, file });
  }
  return found.sort((a, b) => (a.code < b.code ? -1 : 1));
}

/**
 * Loads the gettext catalogues `<directory>/<code>/LC_MESSAGES/<domain>.mo`, and replaces all catalogues
 * that were loaded before. The directory is a path or a `file:` URL. Where there is no `.mo`, the `.po` of
 * the same name is read instead, without its fuzzy and untranslated entries. A folder with neither is
 * logged and skipped.
 *
 * The files are read synchronously, since this is for the start of a program; the promise waits only for the
 * import of the parser. Either all catalogues are loaded or, if it rejects, none. Tornado
 * `locale.load_gettext_translations`, which logs broken catalogues instead.
 *
 * @throws CatalogueError (`ERR_SQUALL_LOCALE_CATALOGUE`) when a file is broken; for an invalid rule for
 * plural forms, the `cause` is a PluralFormsError
 * @throws GettextParserMissingError (`ERR_SQUALL_LOCALE_PARSER_MISSING`) when catalogues were found and
 * `gettext-parser` is not installed
 */
export async function loadGettextTranslations(
  directory: string | URL,
  domain: string,
  options: LoadGettextTranslationsOptions = {},
): Promise<void> {
  checkNames("option of loadGettextTranslations()", options, LOAD_GETTEXT_TRANSLATIONS_OPTIONS);
  const { intl } = options;
  const makers = new Map<string, () => Locale>();
  const found = findCatalogues(filePath("directory", directory), domain);
  if (found.length > 0) {
    const parser = options.parser ?? (await importGettextParser());
    for (const { code, file } of found) {
      const read = file.endsWith(".mo") ? readMo : readPo;
      const catalogue = read(file, readFileSync(file), parser);
      makers.set(code, () => new GettextLocale(code, catalogue, { intl }));
    }
  }
  locales.replace(makers);
  genLog.debug("Supported locales: %s", [...locales.codes()].sort().join(", "));
}
