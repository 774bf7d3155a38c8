/**
 * The public surface as its declaration files tell it: what each door exports, with doc comments and members. The
 * compiler writes these files in one regular shape (declarations at the margin, members four spaces in), so lines are
 * enough to read them by.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { root } from "./root.js";
import { resolveInside } from "./source-tree.js";

/** A member of a class or an interface. */
export interface Member {
  readonly name: string;
  /** The doc comment; empty without one. */
  readonly doc: string;
  /** The declaration without comments. */
  readonly text: string;
  readonly optional: boolean;
}

/** One declaration. Overloads are one, with the comment of the first that has any. */
export interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly kind: "class" | "interface" | "type" | "function" | "const";
  readonly exported: boolean;
  doc: string;
  /** Everything but comments and private members. */
  text: string;
  /** The names after `extends` and `implements`. */
  readonly bases: readonly string[];
  readonly members: readonly Member[];
}

/** What one declaration file holds and what it takes from others. */
export interface DeclarationFile {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Local name → where it comes from: a path like `net/listen.ts`, or undefined outside of the project. */
  readonly imports: ReadonlyMap<string, { readonly file: string | undefined; readonly name: string }>;
  /** What is exported again: public name → file and name there. */
  readonly reexports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

const BEGINNING =
  /^(export )?(?:declare )?(?:abstract )?(class|interface|type|function|const|let) ([\w$]+)(.*)$/;

/** The names of a list `A, type B as C` by what they are called here and there. */
function namesOf(list: string): { local: string; name: string }[] {
  return list
    .split(",")
    .map((one) => one.trim().replace(/^type /, ""))
    .filter((one) => one !== "")
    .map((one) => {
      const [name = "", local = name] = one.split(" as ");
      return { local, name };
    });
}

/** Takes a declaration file apart; `file` is the path of its source below src/. */
export function parseDeclarations(file: string, source: string): DeclarationFile {
  const declarations = new Map<string, Declaration>();
  const imports = new Map<string, { file: string | undefined; name: string }>();
  const reexports = new Map<string, { file: string; name: string }>();
  for (const [, verb, list = "", from = ""] of source.matchAll(
    /^(import|export) (?:type )?\{([^}]*)\} from "([^"]+)";$/gm,
  )) {
    const target = from.startsWith(".") ? resolveInside(file, from) : undefined;
    for (const { local, name } of namesOf(list)) {
      if (verb === "import") imports.set(local, { file: target, name });
      else if (target !== undefined) reexports.set(local, { file: target, name });
    }
  }
  const lines = source.split("\n");
  let doc = "";
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.startsWith("/**")) {
      const end = endOfComment(lines, i);
      doc = lines.slice(i, end + 1).join("\n");
      i = end;
      continue;
    }
    const begin = BEGINNING.exec(line);
    if (begin === null) {
      if (line.trim() !== "") doc = "";
      continue;
    }
    const end = endOfDeclaration(lines, i);
    addDeclaration(declarations, file, begin, lines.slice(i, end + 1), doc);
    doc = "";
    i = end;
  }
  return { declarations, imports, reexports };
}

function endOfComment(lines: readonly string[], from: number): number {
  let i = from;
  while (i < lines.length - 1 && !(lines[i] as string).endsWith("*/")) i++;
  return i;
}

/** The last line before the next thing at the margin. */
function endOfDeclaration(lines: readonly string[], from: number): number {
  let i = from;
  while (i < lines.length - 1 && (/^(\s|\})/.test(lines[i + 1] as string) || lines[i + 1] === "")) i++;
  return i;
}

function addDeclaration(
  into: Map<string, Declaration>,
  file: string,
  begin: RegExpExecArray,
  lines: readonly string[],
  doc: string,
): void {
  const [, isExported, keyword = "", name = "", rest = ""] = begin;
  const members = keyword === "class" || keyword === "interface" ? membersOf(lines) : [];
  const text = members.length > 0 || lines.length < 2 ? lines[0] : withoutComments(lines.join("\n"));
  const before = into.get(name);
  if (before !== undefined) {
    if (before.doc === "") before.doc = doc;
    before.text += `\n${text}`;
    // An interface that joins a class of its name.
    (before.members as Member[]).push(...members);
    return;
  }
  into.set(name, {
    file,
    name,
    kind: keyword === "let" ? "const" : (keyword as Declaration["kind"]),
    exported: isExported !== undefined,
    doc,
    text: text as string,
    bases: keyword === "class" || keyword === "interface" ? basesOf(rest) : [],
    members,
  });
}

/** The names behind `extends` and `implements`, also inside of `Omit<…>`. */
function basesOf(header: string): string[] {
  const start = header.search(/\b(extends|implements) /);
  // Bounds of type parameters stand in front.
  const heritage =
    /(?:^|> |^ )((?:extends|implements) .*)\{/.exec(header)?.[1] ?? (start < 0 ? "" : header.slice(start));
  return [...heritage.matchAll(/[A-Z]\w+/g)].map(([name]) => name);
}

function membersOf(lines: readonly string[]): Member[] {
  const found: Member[] = [];
  let doc = "";
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.startsWith("    /**")) {
      const end = endOfComment(lines, i);
      doc = lines.slice(i, end + 1).join("\n");
      i = end;
      continue;
    }
    if (!/^ {4}[^\s}]/.test(line)) continue;
    let end = i;
    while (end < lines.length - 1 && /^( {5}| {4}\})/.test(lines[end + 1] as string)) end++;
    const text = withoutComments(lines.slice(i, end + 1).join("\n")).trim();
    i = end;
    const named =
      /^(?:(?:private|protected|static|readonly|abstract|declare|get|set|accessor) )*(?:(\[[^\]]+\]|[#\w$]+)(\?)?|(?=\())/.exec(
        text,
      );
    const name = named?.[1] ?? "()";
    if (/^private /.test(text) || name === "#private") {
      doc = "";
      continue;
    }
    const before = found.find((member) => member.name === name);
    if (before !== undefined) {
      const merged = {
        ...before,
        doc: before.doc === "" ? doc : before.doc,
        text: `${before.text}\n${text}`,
      };
      found[found.indexOf(before)] = merged;
    } else found.push({ name, doc, text, optional: named?.[2] === "?" });
    doc = "";
  }
  return found;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "");
}

/** All declaration files of the package by the path of their source below src/. */
export function readDeclarations(): ReadonlyMap<string, DeclarationFile> {
  const base = join(root, "dist");
  return new Map(
    readdirSync(base, { recursive: true })
      .map((path) => String(path).split(sep).join("/"))
      .filter((path) => path.endsWith(".d.ts"))
      .sort()
      .map((path) => {
        const file = path.replace(/\.d\.ts$/, ".ts");
        return [file, parseDeclarations(file, readFileSync(join(base, path), "utf8"))];
      }),
  );
}

/** Finds a declaration by the file in which it is known under a name, through re-exports. */
export function lookUp(
  files: ReadonlyMap<string, DeclarationFile>,
  file: string,
  name: string,
): Declaration | undefined {
  const here = files.get(file);
  const declared = here?.declarations.get(name);
  if (declared !== undefined) return declared;
  const away = here?.reexports.get(name) ?? here?.imports.get(name);
  return away?.file === undefined || away.file === file ? undefined : lookUp(files, away.file, away.name);
}
