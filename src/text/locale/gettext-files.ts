/**
 * The two file formats of gettext: `.mo`, which is compiled, and its source `.po`. The parser trusts their
 * structure; from a damaged file it would read wrong texts without an error. So the structure is checked here
 * first:
 *
 *     .mo   magic, revision, count, and the offsets of two tables of (length, offset) pairs, for messages and
 *           translations; a NUL follows each text
 *     .po   each line is empty, a comment, a quoted text, or a keyword with a quoted text
 *
 * (GNU gettext manual, "The Format of GNU MO Files" and "The Format of PO Files".)
 */
import { CONTEXT_SEPARATOR, GettextCatalogue, type GettextEntry } from "./catalogue.js";
import { checkEncoding, decodeCatalogue } from "./decode-catalogue.js";
import { CatalogueError, PluralFormsError } from "./errors.js";
import type { GettextParser, GettextTable } from "./gettext-parser.js";
import { type PluralForms, parsePluralForms } from "./plural-forms.js";

const MAGIC = 0x950412de;
const HEADER_SIZE = 28;

const PO_TEXT = String.raw`"(?:[^"\\]|\\.)*"`;
const PO_LINE = new RegExp(
  String.raw`^\s*(?:#.*|(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s*)?(?:${PO_TEXT}\s*)*)$`,
);

/** The charset in the header of a catalogue; undefined if there is none. */
function charsetOf(file: string, content: string): string | undefined {
  const charset = /Content-Type:[^\n"]*?charset=\s*([\w.:-]+)/i.exec(content)?.[1];
  // xgettext writes CHARSET into the template of a new catalogue, which is ASCII until translators edit it.
  if (charset === undefined || charset === "CHARSET") return undefined;
  try {
    checkEncoding(charset);
  } catch (cause) {
    throw new CatalogueError(file, `the charset ${charset} is not known`, { cause });
  }
  return charset;
}

/** Reads the content of a `.mo` file. */
export function readMo(file: string, content: Buffer, parser: GettextParser): GettextCatalogue {
  checkMo(file, content);
  return toCatalogue(
    file,
    parsed(file, () => parser.mo.parse(content)),
    true,
  );
}

function checkMo(file: string, content: Buffer): void {
  const broken = (what: string): CatalogueError => new CatalogueError(file, what);
  if (content.length < HEADER_SIZE) throw broken("this is not a .mo file: it is too short");
  const littleEndian = content.readUInt32LE(0) === MAGIC;
  if (!littleEndian && content.readUInt32BE(0) !== MAGIC)
    throw broken("this is not a .mo file: it begins with other bytes");
  const read = (at: number): number => (littleEndian ? content.readUInt32LE(at) : content.readUInt32BE(at));
  // The upper half is the major revision; 0 and 1 differ only in the tables of system-dependent texts.
  if (read(4) >>> 16 > 1) throw broken(`the .mo file has the unknown revision ${read(4) >>> 16}`);
  const count = read(8);
  const charset = charsetOf(file, content.toString("latin1"));
  for (const table of [read(12), read(16)]) {
    if (table + count * 8 > content.length) throw broken("a table of the .mo file reaches beyond its end");
    for (let i = 0; i < count; i++) {
      const length = read(table + i * 8);
      const start = read(table + i * 8 + 4);
      // Beyond the end there is no byte at all.
      if (content[start + length] !== 0)
        throw broken(`text ${i} of the .mo file reaches beyond its end, or is not terminated`);
      decodeCatalogue(file, content.subarray(start, start + length), charset ?? "latin1");
    }
  }
}

/** Reads the content of a `.po` file. Like `msgfmt`, it leaves out fuzzy and untranslated entries. */
export function readPo(file: string, content: Buffer, parser: GettextParser): GettextCatalogue {
  const charset = charsetOf(file, content.toString("latin1"));
  const text = decodeCatalogue(file, content, charset);
  text.split(/\r\n?|\n/).forEach((line, index) => {
    if (!PO_LINE.test(line))
      throw new CatalogueError(file, `invalid line in a .po file: ${JSON.stringify(line.slice(0, 80))}`, {
        line: index + 1,
      });
  });
  return toCatalogue(
    file,
    parsed(file, () => parser.po.parse(text)),
    false,
  );
}

/** Converts what the parser throws, which does not name the file and may be a plain TypeError. */
function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CatalogueError(file, `the parser failed: ${why}`, { cause });
  }
}

function toCatalogue(file: string, table: GettextTable | false, compiled: boolean): GettextCatalogue {
  if (table === false) throw new CatalogueError(file, "this is not a .mo file");
  const entries = new Map<string, GettextEntry>();
  let pluralForms: PluralForms | undefined;
  for (const [context, messages] of Object.entries(table.translations)) {
    for (const [message, { msgstr: forms = [], msgid_plural: plural, comments }] of Object.entries(
      messages,
    )) {
      if (context === "" && message === "") {
        pluralForms = pluralFormsOf(file, forms[0] ?? "");
        continue;
      }
      if (!compiled && (forms.every((form) => form === "") || isFuzzy(comments?.flag))) continue;
      const key = context === "" ? message : context + CONTEXT_SEPARATOR + message;
      entries.set(key, { forms, plural: plural !== undefined });
    }
  }
  return new GettextCatalogue(entries, pluralForms);
}

function isFuzzy(flags = ""): boolean {
  return flags.split(/[\s,]+/).includes("fuzzy");
}

function pluralFormsOf(file: string, header: string): PluralForms | undefined {
  const value = /^Plural-Forms:(.*)$/im.exec(header)?.[1];
  if (value === undefined) return undefined;
  try {
    return parsePluralForms(value);
  } catch (error) {
    if (!(error instanceof PluralFormsError)) throw error;
    throw new CatalogueError(file, error.message, { cause: error });
  }
}
