/**
 * Puts the files of one page together: the template, those that it extends, and the blocks of all of them.
 *
 * The topmost parent is rendered. Each `{% block %}` in it, and in the files that it includes, is replaced by
 * the last definition of that name, in the order from the topmost parent down to the template itself.
 */
import { type ParseError, TemplateNotFoundError } from "./errors.js";
import { type BlockNode, bodiesOf, type TemplateFile, type TemplateNode } from "./nodes.js";

/** Where a page finds the files that it extends and includes. */
export interface FileSource {
  /** How many files may be nested by `extends`, or by `include`. */
  readonly maxIncludeDepth: number;
  /** The parsed file of a name, as the template `parentName` means it. */
  loadFile(name: string, parentName: string | undefined): TemplateFile;
}

/** A page that is ready to become code. */
export interface Page {
  /** The topmost parent. */
  readonly root: TemplateFile;
  /** The definition that holds for each block. */
  readonly blocks: ReadonlyMap<string, BlockNode>;
  /** The file that an include names. `depth` is 1 for an include of the page itself, 2 for one in there, … */
  include(name: string, line: number, file: TemplateFile, depth: number): TemplateFile;
}

/**
 * Puts a page together; `files` is undefined for a template without a loader, which can neither extend nor
 * include. Every file that takes part is put into `found` by its name.
 */
export function assemblePage(
  file: TemplateFile,
  files: FileSource | undefined,
  found: Map<string, TemplateFile> = new Map(),
): Page {
  found.set(file.name, file);
  const load = (
    word: string,
    name: string,
    line: number,
    from: TemplateFile,
    depth: number,
  ): TemplateFile => {
    if (files === undefined)
      throw from.source.errorOn(line, `{% ${word} %} block found, but no template loader`);
    if (depth > files.maxIncludeDepth) throw tooDeep(word, line, from, files.maxIncludeDepth);
    try {
      const loaded = files.loadFile(name, from.name);
      found.set(loaded.name, loaded);
      return loaded;
    } catch (error) {
      if (!(error instanceof TemplateNotFoundError)) throw error;
      const message = `${error.message}, which is wanted by {% ${word} %} at ${from.name}:${line}`;
      throw new TemplateNotFoundError(error.templateName, message, { cause: error.cause });
    }
  };
  const include: Page["include"] = (name, line, from, depth) => load("include", name, line, from, depth);

  const lineage = [file];
  for (let child = file; child.parent !== undefined; child = lineage[0] as TemplateFile) {
    lineage.unshift(load("extends", child.parent.name, child.parent.line, child, lineage.length));
  }

  const blocks = new Map<string, BlockNode>();
  const findBlocks = (nodes: readonly TemplateNode[], from: TemplateFile, depth: number): void => {
    for (const node of nodes) {
      if (node.kind === "block") blocks.set(node.name, node);
      if (node.kind === "include") {
        const included = include(node.name, node.line, from, depth + 1);
        findBlocks(included.body, included, depth + 1);
      }
      for (const body of bodiesOf(node)) findBlocks(body, from, depth);
    }
  };
  for (const one of lineage) findBlocks(one.body, one, 0);
  return { root: lineage[0] as TemplateFile, blocks, include };
}

function tooDeep(word: string, line: number, file: TemplateFile, limit: number): ParseError {
  const message = `{% ${word} %} is nested more than ${limit} deep: does a file name itself?`;
  return file.source.errorOn(line, message, { code: "ERR_SQUALL_TEMPLATE_DEPTH" });
}
