/**
 * Reads what a TypeScript source file leans on, from its text: which modules it names in imports, re-exports,
 * `import()` (of values and of types) and `getBuiltinModule()`, and which free identifiers it uses. A small
 * scanner, because a regular expression would also find imports in comments and strings.
 */

/** A piece of source text that is neither space nor comment. */
export interface Token {
  readonly kind: "word" | "string" | "template" | "punctuation" | "other";
  /** The text; for strings and the texts of templates, what is between the quotes. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** One module that a file names. */
export interface ImportedModule {
  readonly specifier: string;
  readonly line: number;
  /** What an `import { a, b as c } from` takes, by the module's own names; undefined for every other form. */
  readonly names: readonly string[] | undefined;
}

const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
/** After these words a slash begins a regular expression; after any other word it divides. */
const BEFORE_REGEX = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "new",
  "else",
  "do",
]);

/** The tokens of `source`, without comments. Template literals come in pieces; their `${…}` parts are scanned too. */
export function tokens(source: string): Token[] {
  const found: Token[] = [];
  // For each open `${`: how many braces are open inside it.
  const templates: number[] = [];
  let line = 1;
  let i = 0;
  const push = (kind: Token["kind"], text: string): void => {
    found.push({ kind, text, line });
  };
  const countLines = (text: string): void => {
    for (const c of text) if (c === "\n") line++;
  };
  const templateText = (): void => {
    const start = i;
    while (i < source.length && source[i] !== "`" && !source.startsWith("${", i))
      i += source[i] === "\\" ? 2 : 1;
    const text = source.slice(start, i);
    push("template", text);
    countLines(text);
    if (source[i] === "`") i++;
    else {
      templates.push(0);
      i += 2;
    }
  };
  while (i < source.length) {
    const c = source[i] as string;
    if (c === "\n") line++;
    if (/\s/.test(c)) {
      i++;
    } else if (source.startsWith("//", i)) {
      const end = source.indexOf("\n", i);
      i = end < 0 ? source.length : end;
    } else if (source.startsWith("/*", i)) {
      const end = source.indexOf("*/", i + 2);
      countLines(source.slice(i, end < 0 ? undefined : end));
      i = end < 0 ? source.length : end + 2;
    } else if (c === '"' || c === "'") {
      const start = ++i;
      while (i < source.length && source[i] !== c && source[i] !== "\n") i += source[i] === "\\" ? 2 : 1;
      push("string", source.slice(start, i++));
    } else if (c === "`") {
      i++;
      templateText();
    } else if (c === "}" && templates.at(-1) === 0) {
      templates.pop();
      i++;
      templateText();
    } else if (c === "/" && regexMayStart(found.at(-1))) {
      i = endOfRegex(source, i);
      push("other", "/…/");
    } else {
      WORD.lastIndex = i;
      NUMBER.lastIndex = i;
      const word = WORD.exec(source)?.[0];
      const number = word === undefined ? NUMBER.exec(source)?.[0] : undefined;
      const text = word ?? number ?? c;
      if (templates.length > 0 && (c === "{" || c === "}")) {
        templates[templates.length - 1] = (templates.at(-1) ?? 0) + (c === "{" ? 1 : -1);
      }
      push(word !== undefined ? "word" : number !== undefined ? "other" : "punctuation", text);
      i += text.length;
    }
  }
  return found;
}

function regexMayStart(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === "word") return BEFORE_REGEX.has(before.text);
  return before.kind === "punctuation" && !")]}".includes(before.text);
}

function endOfRegex(source: string, start: number): number {
  let inClass = false;
  for (let i = start + 1; i < source.length; i++) {
    const c = source[i];
    if (c === "\\") i++;
    else if (c === "[") inClass = true;
    else if (c === "]") inClass = false;
    else if (c === "\n") return i;
    else if (c === "/" && !inClass) return i + 1;
  }
  return source.length;
}

/** Every module that the file names, `import type` and `export … from` included, in order. */
export function importedModules(source: string): ImportedModule[] {
  const all = tokens(source);
  const found: ImportedModule[] = [];
  for (let i = 1; i < all.length; i++) {
    const token = all[i] as Token;
    if (token.kind !== "string") continue;
    const [before, first] = [all[i - 1] as Token, all[i - 2]];
    const named = before.kind === "word" && (before.text === "from" || before.text === "import");
    const called =
      before.text === "(" && first?.kind === "word" && /^(import|require|getBuiltinModule)$/.test(first.text);
    if (named || called)
      found.push({ specifier: token.text, line: token.line, names: namesBefore(all, i - 1) });
  }
  return found;
}

/** The names between braces in front of the `from` at `end`, if that is all that stands after `import`. */
function namesBefore(all: readonly Token[], end: number): string[] | undefined {
  if (all[end]?.text !== "from" || all[end - 1]?.text !== "}") return undefined;
  let begin = end - 1;
  while (begin > 0 && all[begin]?.text !== "{") begin--;
  if (all[begin - 1]?.text !== "import") return undefined;
  return all
    .slice(begin + 1, end - 1)
    .filter(
      (token, i, inside) => token.kind === "word" && token.text !== "as" && inside[i - 1]?.text !== "as",
    )
    .map((token) => token.text);
}

/** The lines on which one of `names` is used as a free identifier, or as a member of `globalThis`. */
export function usesOf(source: string, names: ReadonlySet<string>): { name: string; line: number }[] {
  const all = tokens(source);
  return all
    .filter((token, i) => {
      if (token.kind !== "word" || !names.has(token.text)) return false;
      const member = all[i - 1]?.text === ".";
      return !member || all[i - 2]?.text === "globalThis" || all[i - 2]?.text === "AbortSignal";
    })
    .map(({ text, line }) => ({ name: text, line }));
}
