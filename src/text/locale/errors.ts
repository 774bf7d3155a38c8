/**
 * What can go wrong with translations: a broken catalogue, an invalid rule for plural forms, and a parser
 * that is not installed. All of these errors occur while catalogues are loaded, never while a page is
 * rendered.
 */
import { SquallError, type SquallErrorOptions } from "../../base/errors.js";

/** Where in a catalogue the fault lies. */
export interface CatalogueErrorOptions extends SquallErrorOptions {
  /** The line, from 1. Default undefined: the format has no lines, or the fault is not in a single one. */
  readonly line?: number | undefined;
}

/**
 * A catalogue is broken (`ERR_SQUALL_LOCALE_CATALOGUE`). The message begins with the file and, if known, the
 * line.
 */
export class CatalogueError extends SquallError {
  static {
    this.prototype.name = "CatalogueError";
  }

  /** The path of the catalogue. */
  readonly file: string;
  /** The line, from 1; undefined where the format has no lines. */
  readonly line: number | undefined;

  constructor(file: string, what: string, options: CatalogueErrorOptions = {}) {
    super(
      "ERR_SQUALL_LOCALE_CATALOGUE",
      `${file}${options.line === undefined ? "" : `:${options.line}`}: ${what}`,
      options,
    );
    this.file = file;
    this.line = options.line;
  }
}

/** A `Plural-Forms` header is invalid, or its rule is faulty (`ERR_SQUALL_LOCALE_PLURAL_FORMS`). */
export class PluralFormsError extends SquallError {
  static {
    this.prototype.name = "PluralFormsError";
  }

  constructor(message: string) {
    super("ERR_SQUALL_LOCALE_PLURAL_FORMS", message);
  }
}

/** The optional package `gettext-parser` is needed and not installed (`ERR_SQUALL_LOCALE_PARSER_MISSING`). */
export class GettextParserMissingError extends SquallError {
  static {
    this.prototype.name = "GettextParserMissingError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_LOCALE_PARSER_MISSING", message, options);
  }
}
