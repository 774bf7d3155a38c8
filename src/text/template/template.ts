/**
 * A compiled template: source text in, a function that renders out. Tornado `Template`.
 *
 * Compiling means reading the text (parse.ts), putting the page together with what it extends and includes
 * (page.ts), and making one JavaScript function of it (generate-code.ts). Rendering is a call of that
 * function.
 */
import type { Chunk } from "../../base/bytes.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { toUnicode } from "../../base/escape.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import type { TemplatePlace } from "./code-writer.js";
import { ParseError, TemplateError } from "./errors.js";
import { type GeneratedCode, generateCode, HELPER_LINE } from "./generate-code.js";
import type { TemplateFile, TemplateTree } from "./nodes.js";
import { assemblePage } from "./page.js";
import { parseTemplate } from "./parse.js";
import { linesOfPrecompiled, type PrecompiledTemplate } from "./precompiled-format.js";
import { HELPERS, RenderScope, type TemplateNamespace } from "./render-scope.js";
import { locateError, type ScriptLines } from "./stack-trace.js";
import { isFunctionName } from "./variable-name.js";
import { checkWhitespaceMode, defaultWhitespaceMode, type WhitespaceMode } from "./whitespace.js";

/** What a template asks of its loader. {@link BaseLoader} implements it. */
export interface TemplateLoader {
  /** The name of the function that escapes expressions, or null. */
  readonly autoescape: string | null;
  /** Names for all templates. */
  readonly namespace: TemplateNamespace;
  /** What `{% import %}` finds. */
  readonly imports: object;
  /** The mode of white space; undefined for the default by name. */
  readonly whitespace: WhitespaceMode | undefined;
  /** How many templates may be nested by `include`, or by `extends`. */
  readonly maxIncludeDepth: number;
  /** @internal */
  loadFile(name: string, parentName: string | undefined): TemplateFile;
}

/** Options of {@link Template}. */
export interface TemplateOptions {
  /** The name that errors show and that the default mode of white space depends on; default `<string>`. */
  readonly name?: string | undefined;
  /** Where `extends` and `include` find files; also gives the defaults of the options below. Default none. */
  readonly loader?: TemplateLoader | undefined;
  /**
   * The name of the function that escapes expressions, found in the namespace; null for no escaping. Default
   * the loader's, without a loader `xhtmlEscape`. `{% autoescape %}` in the template wins.
   */
  readonly autoescape?: string | null | undefined;
  /**
   * The mode of white space; default the loader's, then `single` for names that end in `.html` or `.js`, else
   * `all`.
   */
  readonly whitespace?: WhitespaceMode | undefined;
  /**
   * Tornado's older option: true is `single`, false `all`; not together with `whitespace`. Default not given.
   */
  readonly compressWhitespace?: boolean | undefined;
  /** What `{% import %}` and `{% from %}` find, by name; default the loader's, without a loader nothing. */
  readonly imports?: object | undefined;
}

const TEMPLATE_OPTIONS = optionNames<TemplateOptions>({
  name: 1,
  loader: 1,
  autoescape: 1,
  whitespace: 1,
  compressWhitespace: 1,
  imports: 1,
});

type RenderFunction = (scope: RenderScope) => string | Promise<string>;

/**
 * Returns `name` if it can name an escaping function, or is null; otherwise throws an {@link
 * InvalidArgumentError}.
 */
export function checkAutoescape(name: string | null): string | null {
  if (name === null || (typeof name === "string" && isFunctionName(name))) return name;
  throw new InvalidArgumentError(`autoescape must be the name of a function or null, got ${name}`);
}

function whitespaceOf(options: TemplateOptions, name: string): WhitespaceMode {
  const { whitespace, compressWhitespace, loader } = options;
  if (whitespace !== undefined && compressWhitespace !== undefined)
    throw new InvalidArgumentError("whitespace and compressWhitespace cannot both be given");
  if (compressWhitespace !== undefined) return compressWhitespace ? "single" : "all";
  return checkWhitespaceMode(whitespace ?? loader?.whitespace ?? defaultWhitespaceMode(name));
}

/**
 * Lines before the function's code in a script made by `new Function`: two of ECMA-262 §20.2.1.1.1, then our
 * own.
 */
const LINES_BEFORE = 4;

let scripts = 0;

/** Makes the function from its code. */
function evaluate(code: string, name: string, script: string): RenderFunction {
  const body = `"use strict";\n${HELPER_LINE}\nreturn ${code}\n//# sourceURL=${script}`;
  try {
    return (new Function("_tt", body) as (helpers: typeof HELPERS) => RenderFunction)(HELPERS);
  } catch (cause) {
    if (cause instanceof EvalError) {
      const message = `this process forbids code made from text, so ${name} must be precompiled: see compileTemplates()`;
      throw new TemplateError("ERR_SQUALL_TEMPLATE_EVAL", message, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ParseError(`the code of the template does not compile: ${why}`, name, 0, { cause });
  }
}

/**
 * A template, ready to be rendered any number of times. It is compiled by the constructor, and never changes.
 *
 *     new Template("<b>{{ name }}</b>").generate({ name: "<you>" })   →   <b>&lt;you&gt;</b>
 *
 * The source of a template is trusted: its expressions are JavaScript and can do what the program can. Values
 * are not trusted: no value becomes code, and every value is escaped unless the template says otherwise.
 */
export class Template {
  /** The name. */
  readonly name: string;
  /** The name of the function that escapes this template's expressions; null for none. */
  readonly autoescape: string | null;
  /** The names that the loader gives to all its templates. */
  readonly namespace: TemplateNamespace;
  /** The loader; undefined if there is none. */
  readonly loader: TemplateLoader | undefined;
  /** The parsed template; undefined if it was precompiled. */
  readonly file: TemplateTree | undefined;
  /** The generated JavaScript. */
  readonly code: string;
  /**
   * Whether the template, or something that it extends or includes, waits: then only `generateAsync()`
   * renders it.
   */
  readonly isAsync: boolean;
  /** The function made of the code; `generate()` calls it with the names of one rendering. */
  readonly compiled: (scope: never) => string | Promise<string>;
  readonly #imports: object;
  readonly #lines: ScriptLines;

  /**
   * Compiles a template from its text, or from UTF-8 bytes; or takes one that was compiled before ({@link
   * PrecompiledLoader}).
   *
   * @throws ParseError (`ERR_SQUALL_TEMPLATE_PARSE`, `ERR_SQUALL_TEMPLATE_DEPTH`) when the text is wrong.
   * @throws TemplateNotFoundError (`ERR_SQUALL_TEMPLATE_NOT_FOUND`) when it extends or includes something
   * that is not there.
   * @throws TemplateError (`ERR_SQUALL_TEMPLATE_EVAL`) when the process forbids code made from text.
   */
  constructor(source: Chunk | PrecompiledTemplate, options: TemplateOptions = {}) {
    checkNames("option of a template", options, TEMPLATE_OPTIONS);
    const { loader } = options;
    this.loader = loader;
    this.namespace = loader?.namespace ?? {};
    this.#imports = options.imports ?? loader?.imports ?? {};
    if (typeof source !== "string" && !(source instanceof Uint8Array)) {
      this.name = source.name;
      this.autoescape = source.autoescape;
      this.file = undefined;
      this.isAsync = source.isAsync;
      this.compiled = source.make(HELPERS);
      this.code = String(this.compiled);
      this.#lines = linesOfPrecompiled(source);
      return;
    }
    this.name = options.name ?? "<string>";
    const autoescape = options.autoescape === undefined ? loader?.autoescape : options.autoescape;
    const file = parseTemplate(toUnicode(source), this.name, {
      autoescape: checkAutoescape(autoescape === undefined ? "xhtmlEscape" : autoescape),
      whitespace: whitespaceOf(options, this.name),
    });
    this.autoescape = file.autoescape;
    this.file = file;
    const files = new Map<string, TemplateFile>();
    const generated = generateCode(assemblePage(file, loader, files));
    this.isAsync = generated.isAsync;
    this.code = generated.code;
    const script = `squall-template:${++scripts}/${this.name.replace(/[^\w./-]/g, "_")}`;
    this.compiled = evaluate(this.code, this.name, script);
    this.#lines = linesOf(generated, script, files);
  }

  /**
   * Renders: the names are those of `namespace`, then the loader's, then the built-in ones. Returns a string,
   * where Tornado returns bytes: a handler sends a string and its head in one write. `utf8()` makes bytes of
   * it.
   *
   * @throws TemplateError (`ERR_SQUALL_TEMPLATE_ASYNC`) if the template holds `await`.
   * @throws TemplateError (`ERR_SQUALL_TEMPLATE_VALUE`) for a promise in an expression, and for an escaping
   * function that is not a function.
   * @throws TemplateNameError (`ERR_SQUALL_TEMPLATE_NAME`) for a name that is used and not defined.
   *
   * What the template's own expressions throw passes through; its stack names file and line of the template.
   */
  generate(namespace: TemplateNamespace = {}): string {
    if (this.isAsync) {
      const message = `${this.name} holds await: render it with generateAsync()`;
      throw new TemplateError("ERR_SQUALL_TEMPLATE_ASYNC", message);
    }
    try {
      return this.#render(namespace) as string;
    } catch (error) {
      throw locateError(error, this.#lines);
    }
  }

  /**
   * Renders a template that may hold `await`; otherwise like {@link generate}, whose errors reject the
   * promise.
   */
  async generateAsync(namespace: TemplateNamespace = {}): Promise<string> {
    try {
      return await this.#render(namespace);
    } catch (error) {
      throw locateError(error, this.#lines);
    }
  }

  #render(namespace: TemplateNamespace): string | Promise<string> {
    const scope = new RenderScope(namespace, this.namespace, this.#imports);
    return (this.compiled as RenderFunction)(scope);
  }
}

function linesOf(
  { places }: GeneratedCode,
  script: string,
  files: ReadonlyMap<string, TemplateFile>,
): ScriptLines {
  return {
    script,
    placeOf: (line) => places[line - LINES_BEFORE - 1],
    sourceLine: ({ filename, lineno }: TemplatePlace) => files.get(filename)?.source.line(lineno),
  };
}
