/**
 * The package `gettext-parser` reads the two file formats of gettext. It is an optional peer, since programs
 * without gettext catalogues do not need it. squall uses only the members below, and accepts any object that
 * has them.
 */
import { GettextParserMissingError } from "./errors.js";

/** A catalogue as `gettext-parser` returns it. */
export interface GettextTable {
  /** Entries by context and message; messages without a context are under the empty one. */
  readonly translations: Readonly<Record<string, Readonly<Record<string, GettextTableEntry>>>>;
}

/** One message of a {@link GettextTable}. */
export interface GettextTableEntry {
  /** The plural of the message, if it has one. */
  readonly msgid_plural?: string | undefined;
  /** The translation, one for each form. */
  readonly msgstr?: readonly string[] | undefined;
  /** The comments of a `.po` file, if there are any. */
  readonly comments?: { readonly flag?: string | undefined } | undefined;
}

/** What squall needs of `gettext-parser`. */
export interface GettextParser {
  /** The compiled format. */
  readonly mo: {
    /** Reads a `.mo` file; false if it does not begin as one. */
    parse(content: Buffer): GettextTable | false;
  };
  /** The text format. */
  readonly po: {
    /** Reads the text of a `.po` file. */
    parse(content: string): GettextTable;
  };
}

/**
 * Imports the package.
 *
 * @throws GettextParserMissingError (`ERR_SQUALL_LOCALE_PARSER_MISSING`) when it is not installed
 */
export async function importGettextParser(): Promise<GettextParser> {
  try {
    // @ts-expect-error The package has no types; GettextParser describes the part that is used.
    const parser: unknown = await import("gettext-parser");
    return parser as GettextParser;
  } catch (cause) {
    throw new GettextParserMissingError(
      'gettext catalogues need the optional package "gettext-parser": npm install gettext-parser',
      { cause },
    );
  }
}
