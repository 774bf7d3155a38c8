/**
 * Catalogues as CSV files, one for each language, named by its code:
 *
 *     locale/es_LA.csv    "I love you","Te amo"
 *                         "%(name)s liked this","A %(name)s les gustó esto","plural"
 *                         "%(name)s liked this","A %(name)s le gustó esto","singular"
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filePath } from "../../base/file-path.js";
import { genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import type { CSVTranslations } from "./catalogue.js";
import { CSVLocale } from "./csv-locale.js";
import { csvRows } from "./csv-rows.js";
import { checkEncoding, decodeCatalogue } from "./decode-catalogue.js";
import { type Locale, type LocaleOptions, locales } from "./locale.js";

/** Options of {@link loadTranslations}. */
export interface LoadTranslationsOptions extends LocaleOptions {
  /**
   * The encoding of all files, named as in Python or as in `TextDecoder`. Default: each file is UTF-16 if it
   * begins with the byte order mark of UTF-16, otherwise UTF-8. (Tornado applies the encoding of the first
   * file to all.)
   */
  readonly encoding?: string | undefined;
}

const LOAD_TRANSLATIONS_OPTIONS = optionNames<LoadTranslationsOptions>({ intl: 1, encoding: 1 });

/** A language, or a language and a country. */
const FILE_NAME = /^([a-z]+(?:_[A-Z]+)?)\.csv$/;

type Kind = keyof CSVTranslations;
const KINDS: ReadonlySet<string> = new Set<Kind>(["plural", "singular", "unknown"]);

/** Puts the rows of one file into tables. */
function readRows(file: string, text: string): CSVTranslations {
  const tables: Partial<Record<Kind, Map<string, string>>> = {};
  for (const { cells, line } of csvRows(file, text)) {
    const [message, translation, kind] = cells.map((cell) => cell.trim());
    if (message === undefined || translation === undefined) continue;
    const table = kind || "unknown";
    if (!KINDS.has(table)) {
      genLog.error("Unrecognized plural indicator %r in %s line %d", table, file, line);
      continue;
    }
    tables[table as Kind] ??= new Map();
    tables[table as Kind]?.set(message, translation);
  }
  return tables;
}

/**
 * Loads the CSV files of a folder, a path or a `file:` URL such as `new URL("./locale/",
 * import.meta.url)`, and replaces all catalogues that were loaded before. Each file is named by its code
 * (`fr.csv`, `pt_BR.csv`). Its rows have two or three cells, which are trimmed: the message, the
 * translation, and `plural` or `singular` for a message with a number. Rows with fewer cells are skipped.
 * Other file names and other third cells are logged and skipped. The last row for a message wins.
 *
 * The files are read synchronously, since this is for the start of a program. Either all of them are loaded
 * or, if it throws, none. Tornado `locale.load_translations`.
 *
 * @throws CatalogueError (`ERR_SQUALL_LOCALE_CATALOGUE`) when a file cannot be decoded, or a quote is not
 * closed
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when the encoding is unknown, or the directory
 * neither text nor a `file:` URL
 */
export function loadTranslations(directory: string | URL, options: LoadTranslationsOptions = {}): void {
  checkNames("option of loadTranslations()", options, LOAD_TRANSLATIONS_OPTIONS);
  const { encoding, intl } = options;
  if (encoding !== undefined) checkEncoding(encoding);
  const folder = filePath("directory", directory);
  const makers = new Map<string, () => Locale>();
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".csv")) continue;
    const file = join(folder, name);
    const code = FILE_NAME.exec(name)?.[1];
    if (code === undefined) {
      genLog.error("Unrecognized locale %r (path: %s)", name.slice(0, -".csv".length), file);
      continue;
    }
    const translations = readRows(file, decodeCatalogue(file, readFileSync(file), encoding));
    makers.set(code, () => new CSVLocale(code, translations, { intl }));
  }
  locales.replace(makers);
  genLog.debug("Supported locales: %s", [...locales.codes()].sort().join(", "));
}
