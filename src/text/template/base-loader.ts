/**
 * Loaders resolve names of templates, read their sources, and cache what they have compiled. Tornado
 * `BaseLoader`.
 *
 * A custom loader extends {@link BaseLoader} and implements two methods: `resolvePath()` turns a name into
 * the key of the cache, and `readSource()` returns the source for that key.
 */
import type { Chunk } from "../../base/bytes.js";
import { toUnicode } from "../../base/escape.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
import type { TemplateFile } from "./nodes.js";
import { parseTemplate } from "./parse.js";
import type { TemplateNamespace } from "./render-scope.js";
import { checkAutoescape, Template, type TemplateLoader } from "./template.js";
import { checkWhitespaceMode, defaultWhitespaceMode, type WhitespaceMode } from "./whitespace.js";

/** Options of every loader. */
export interface LoaderOptions {
  /** The name of the function that escapes expressions; null for no escaping. Default `xhtmlEscape`. */
  readonly autoescape?: string | null | undefined;
  /** Names for all templates of the loader, besides the built-in ones. Default none. */
  readonly namespace?: TemplateNamespace | undefined;
  /** The mode of white space; default `single` for names that end in `.html` or `.js`, else `all`. */
  readonly whitespace?: WhitespaceMode | undefined;
  /** What `{% import %}` and `{% from %}` find, by name. Default nothing. */
  readonly imports?: object | undefined;
  /** How many templates may be nested by `include`, or by `extends`. Default 64, `Infinity` for no limit. */
  readonly maxIncludeDepth?: number | undefined;
}

const LOADER_OPTIONS = optionNames<LoaderOptions>({
  autoescape: 1,
  namespace: 1,
  whitespace: 1,
  imports: 1,
  maxIncludeDepth: 1,
});

/** Compiles templates by name, each once. */
export abstract class BaseLoader implements TemplateLoader {
  /** The name of the function that escapes expressions, or null. */
  readonly autoescape: string | null;
  /** Names for all templates. */
  readonly namespace: TemplateNamespace;
  /** The mode of white space; undefined for the default by name. */
  readonly whitespace: WhitespaceMode | undefined;
  /** What `{% import %}` and `{% from %}` find. */
  readonly imports: object;
  /** How many templates may be nested. */
  readonly maxIncludeDepth: number;
  /** The templates that have been compiled, by name. */
  readonly templates: Map<string, Template> = new Map();
  /** What has been parsed because something extends or includes it. */
  readonly #files = new Map<string, TemplateFile>();

  constructor(options: LoaderOptions = {}) {
    checkNames("option of a loader", options, LOADER_OPTIONS, true);
    const { autoescape, whitespace } = options;
    this.autoescape = checkAutoescape(autoescape === undefined ? "xhtmlEscape" : autoescape);
    this.whitespace = whitespace === undefined ? undefined : checkWhitespaceMode(whitespace);
    this.namespace = options.namespace ?? {};
    this.imports = options.imports ?? {};
    this.maxIncludeDepth = checkLimit("maxIncludeDepth", options.maxIncludeDepth ?? 64);
  }

  /**
   * Resolves a name to the key under which the template is cached. `parentPath` is the name of the template
   * that extends or includes it. Does not check that the template exists.
   */
  abstract resolvePath(name: string, parentPath?: string): string;

  /** The source of a template by its resolved name; throws a `TemplateNotFoundError` if there is none. */
  protected abstract readSource(name: string): Chunk;

  /**
   * The template of a name, compiled on the first call. A template that fails to compile is not cached.
   *
   * @throws TemplateNotFoundError (`ERR_SQUALL_TEMPLATE_NOT_FOUND`), and what the constructor of `Template`
   * throws.
   */
  load(name: string, parentPath?: string): Template {
    const resolved = this.resolvePath(name, parentPath);
    let template = this.templates.get(resolved);
    if (template === undefined) {
      template = this.createTemplate(resolved);
      this.templates.set(resolved, template);
    }
    return template;
  }

  /**
   * Empties the cache, so that the next `load()` reads the sources again. Templates that were loaded before
   * do not change.
   */
  reset(): void {
    this.templates.clear();
    this.#files.clear();
  }

  /** Makes the template of a resolved name. */
  protected createTemplate(name: string): Template {
    return new Template(this.readSource(name), { name, loader: this });
  }

  /** @internal */
  loadFile(name: string, parentName: string | undefined): TemplateFile {
    const resolved = this.resolvePath(name, parentName);
    let file = this.#files.get(resolved);
    if (file === undefined) {
      file = parseTemplate(toUnicode(this.readSource(resolved)), resolved, {
        autoescape: this.autoescape,
        whitespace: this.whitespace ?? defaultWhitespaceMode(resolved),
      });
      this.#files.set(resolved, file);
    }
    return file;
  }
}
