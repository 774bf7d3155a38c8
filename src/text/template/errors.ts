/**
 * The errors of templates.
 *
 *     TemplateError                   something went wrong while a template was loaded or rendered
 *     ├── ParseError                  the source of a template is wrong; knows file, line and the source line
 *     ├── TemplateNotFoundError       a loader has no template of that name, or refuses the name
 *     └── TemplateNameError           a template uses a name that nothing defines
 *
 * An error thrown by an expression of a template is passed on; only its stack is changed, to name the
 * template (stack-trace.ts).
 */
import { SquallError, type SquallErrorCode, type SquallErrorOptions } from "../../base/errors.js";

/**
 * The base class of the errors of templates. The class itself has the codes `ERR_SQUALL_TEMPLATE_ASYNC` (the
 * template contains `await` and needs `generateAsync()`), `ERR_SQUALL_TEMPLATE_VALUE` (a value cannot be
 * written, called or loaded from) and `ERR_SQUALL_TEMPLATE_EVAL` (the process forbids generating code from
 * strings: precompile the templates).
 */
export class TemplateError extends SquallError {
  static {
    this.prototype.name = "TemplateError";
  }
}

/** What the constructor of {@link ParseError} takes besides message and place. */
export interface ParseErrorOptions extends SquallErrorOptions {
  /** The line of the source on which the error was found; default none. */
  readonly sourceLine?: string | undefined;
  /** The stable name of the kind; default `ERR_SQUALL_TEMPLATE_PARSE`. */
  readonly code?: SquallErrorCode | undefined;
}

const LONGEST_LINE = 120;

function place(filename: string | undefined, lineno: number, sourceLine: string | undefined): string {
  if (filename === undefined) return "";
  const line = sourceLine?.trim() ?? "";
  const shown = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
  return ` at ${filename}:${lineno}${shown === "" ? "" : `: ${shown}`}`;
}

/**
 * The source of a template is invalid (`ERR_SQUALL_TEMPLATE_PARSE`), or files include or extend one another
 * too deeply (`ERR_SQUALL_TEMPLATE_DEPTH`). The message ends with the file, the line and the text of that
 * line. Tornado `ParseError`.
 */
export class ParseError extends TemplateError {
  static {
    this.prototype.name = "ParseError";
  }

  /** The name of the template; undefined if the error has no place. */
  readonly filename: string | undefined;

  /** The line in the template, counted from 1; 0 if the error has no place. */
  readonly lineno: number;

  /** The text of that line; undefined if it is unknown. */
  readonly sourceLine: string | undefined;

  constructor(message: string, filename?: string, lineno = 0, options: ParseErrorOptions = {}) {
    const code = options.code ?? "ERR_SQUALL_TEMPLATE_PARSE";
    super(code, message + place(filename, lineno, options.sourceLine), options);
    this.filename = filename;
    this.lineno = lineno;
    this.sourceLine = options.sourceLine;
  }
}

/**
 * A loader has no template of that name, or the name leads out of the loader's folder
 * (`ERR_SQUALL_TEMPLATE_NOT_FOUND`). The `cause` is the error of the file system, if there was one.
 */
export class TemplateNotFoundError extends TemplateError {
  static {
    this.prototype.name = "TemplateNotFoundError";
  }

  /** The name that was asked for. */
  readonly templateName: string;

  constructor(templateName: string, message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_TEMPLATE_NOT_FOUND", message, options);
    this.templateName = templateName;
  }
}

/**
 * An expression uses a name, a module or an import that neither the template nor its namespace defines
 * (`ERR_SQUALL_TEMPLATE_NAME`). Python's counterpart is `NameError`.
 */
export class TemplateNameError extends TemplateError {
  static {
    this.prototype.name = "TemplateNameError";
  }

  constructor(message: string, options?: SquallErrorOptions) {
    super("ERR_SQUALL_TEMPLATE_NAME", message, options);
  }
}
