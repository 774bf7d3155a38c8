/**
 * Templates for places that forbid code made from text (`--disallow-code-generation-from-strings`, a Content
 * Security Policy, many edge platforms): they are compiled to an ES module beforehand, and loaded from it.
 *
 *     // when the program is built
 *     writeFileSync("templates.js", compileTemplates(new Loader("templates"), ["index.html"]));
 *     // when it runs
 *     const loader = new PrecompiledLoader((await import("./templates.js")).templates);
 *
 * The module imports nothing, neither this package nor acorn: the loader passes it what it calls.
 */
import type { Chunk } from "../../base/bytes.js";
import { BaseLoader, type LoaderOptions } from "./base-loader.js";
import { literalOf } from "./code-writer.js";
import { TemplateError, TemplateNotFoundError } from "./errors.js";
import { generateCode, HELPER_LINE } from "./generate-code.js";
import { assemblePage } from "./page.js";
import {
  listPlaces,
  PRECOMPILED_FORMAT,
  type PrecompiledTemplate,
  type PrecompiledTemplates,
} from "./precompiled-format.js";
import { resolveName } from "./relative-name.js";
import { Template } from "./template.js";

const HEAD = [
  "// Templates compiled by compileTemplates() of squall/template. Do not edit: compile them again.",
  `export const templates = { format: ${PRECOMPILED_FORMAT}, url: import.meta.url, entries: [`,
];

/**
 * The source of an ES module that holds the named templates, with all that they extend and include. A
 * template that is only included or extended need not be named. Escaping and white space are those of
 * `loader`; namespace and imports are given to the {@link PrecompiledLoader} that loads the module. The same
 * templates give the same text.
 *
 * @throws ParseError and TemplateNotFoundError, as loading the templates would.
 */
export function compileTemplates(loader: BaseLoader, names: Iterable<string>): string {
  const parts = [...HEAD];
  let lines = HEAD.length;
  for (const name of new Set([...names].map((one) => loader.resolvePath(one)))) {
    const file = loader.loadFile(name, undefined);
    const { code, isAsync, places } = generateCode(assemblePage(file, loader));
    const listed = listPlaces(places);
    const before = [
      `{ name: ${literalOf(name)}, autoescape: ${literalOf(file.autoescape)}, isAsync: ${isAsync},`,
      `places: ${literalOf(listed.places)}, lines: ${literalOf(listed.lines)},`,
      `firstLine: ${lines + 4}, make(_tt) { ${HELPER_LINE} return (`,
    ];
    parts.push(...before, code, "); } },");
    lines += before.length + places.length + 1;
  }
  parts.push("] };", "");
  return parts.join("\n");
}

/** Loads templates from modules made by {@link compileTemplates}. Nothing is parsed and no code is made. */
export class PrecompiledLoader extends BaseLoader {
  readonly #entries = new Map<string, PrecompiledTemplate>();

  /**
   * Takes what a module exports as `templates`, or several such; of templates with the same name the last one
   * counts. Of the options `namespace` and `imports` matter: the others were decided when the module was
   * made.
   *
   * @throws TemplateError (`ERR_SQUALL_TEMPLATE_VALUE`) for a module of another version.
   */
  constructor(modules: PrecompiledTemplates | readonly PrecompiledTemplates[], options?: LoaderOptions) {
    super(options);
    for (const { format, url, entries } of [modules].flat()) {
      if (format !== PRECOMPILED_FORMAT) {
        const message = `${url} was made by another version of squall: compile the templates again`;
        throw new TemplateError("ERR_SQUALL_TEMPLATE_VALUE", message);
      }
      for (const entry of entries) this.#entries.set(entry.name, { ...entry, url });
    }
  }

  /**
   * A relative name is read as seen from the folder of the template that holds it; an absolute one is kept.
   */
  override resolvePath(name: string, parentPath?: string): string {
    return resolveName(name, parentPath);
  }

  protected override createTemplate(name: string): Template {
    const found = this.#entries.get(name);
    if (found === undefined)
      throw new TemplateNotFoundError(name, `no template named ${name} has been precompiled`);
    return new Template(found, { loader: this });
  }

  protected override readSource(name: string): Chunk {
    throw new TemplateNotFoundError(name, `a precompiled template has no source: ${name}`);
  }
}
