/**
 * Reads the text of one template into a tree.
 *
 * The tags are Tornado's: `{{ }}` writes, `{% %}` directs, `{# #}` is a comment. `{{!`, `{%!` and `{#!` stand
 * for the two characters themselves; of three braces in a row the first is text. What a tag holds is
 * JavaScript (javascript-reader.ts). A tag's word ends at its first space.
 *
 * The text is read once, from left to right; open blocks are kept on a stack.
 */
import type { ParseErrorOptions } from "./errors.js";
import type { Expression } from "./expression.js";
import { JavaScriptReader } from "./javascript-reader.js";
import type { BlockNode, Branch, Catcher, ImportedName, TemplateFile, TemplateNode } from "./nodes.js";
import { SourceText } from "./source-text.js";
import { isFunctionName, isIdentifier, isVariableName } from "./variable-name.js";
import { checkWhitespaceMode, filterTextNode, type WhitespaceMode } from "./whitespace.js";

/** What holds for a file until its own tags say something else. */
export interface ParseSettings {
  readonly autoescape: string | null;
  readonly whitespace: WhitespaceMode;
}

/**
 * A file while it is read. The last `{% autoescape %}` and the last `{% extends %}` count, wherever they
 * stand.
 */
interface OpenFile extends TemplateFile {
  autoescape: string | null;
  parent: { readonly name: string; readonly line: number } | undefined;
}

/** A block whose `{% end %}` has not come yet. */
interface OpenBlock {
  readonly word: "if" | "for" | "while" | "try" | "apply" | "block";
  readonly line: number;
  /** Whether `break` and `continue` may stand inside. */
  readonly inLoop: boolean;
  /** Where nodes go at present: the body of the part that was opened last. */
  body: TemplateNode[];
  /** Handles `else` and its kin; false for a word that does not belong here. */
  part(word: string, tag: Tag): boolean;
  /** The node, when the block ends. */
  finish(): TemplateNode;
}

/** A `{% … %}` whose word has been read. */
interface Tag {
  readonly word: string;
  /** Where the tag begins. */
  readonly start: number;
  readonly line: number;
  /** What follows the word, without the spaces round it, up to the first `%}`. */
  readonly rest: string;
  /** Where that begins. */
  readonly restStart: number;
}

/** Which blocks the words of parts belong to. */
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["else", ["if", "for", "while", "try"]],
  ["elif", ["if"]],
  ["except", ["try"]],
  ["catch", ["try"]],
  ["finally", ["try"]],
]);

const OPENERS: ReadonlySet<string> = new Set(["if", "for", "while", "try", "apply", "block"]);
const MODULE_CALL = /^((?:await\s+)?)([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*\(/u;
const BRACE = 0x7b;
const HASH = 0x23;
const PERCENT = 0x25;

/**
 * Reads a template.
 *
 * @throws ParseError (`ERR_SQUALL_TEMPLATE_PARSE`) with name, line and the source line if the text is
 * invalid.
 */
export function parseTemplate(text: string, name: string, settings: ParseSettings): TemplateFile {
  return new TemplateParser(text, name, settings).parse();
}

class TemplateParser {
  readonly #source: SourceText;
  readonly #text: string;
  readonly #file: OpenFile;
  readonly #body: TemplateNode[] = [];
  readonly #open: OpenBlock[] = [];
  #whitespace: WhitespaceMode;
  /** Everything before it has been read. */
  #at = 0;

  constructor(text: string, name: string, { autoescape, whitespace }: ParseSettings) {
    this.#source = new SourceText(name, text);
    this.#text = text;
    this.#whitespace = whitespace;
    this.#file = { name, source: this.#source, autoescape, parent: undefined, body: this.#body };
  }

  parse(): TemplateFile {
    for (let start = this.#nextTag(); start >= 0; start = this.#nextTag()) {
      this.#takeText(start);
      this.#at = start + 2;
      const kind = this.#text.charCodeAt(start + 1);
      if (this.#text.charAt(this.#at) === "!") {
        this.#addText(this.#text.slice(start, start + 2));
        this.#at++;
      } else if (kind === HASH) {
        this.#at = this.#find("#}", start, "Missing end comment #}") + 2;
      } else if (kind === BRACE) {
        this.#output(start);
      } else {
        this.#tag(start);
      }
    }
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined)
      throw this.#source.errorOn(unclosed.line, `Missing {% end %} block for ${unclosed.word}`);
    this.#takeText(this.#text.length);
    return this.#file;
  }

  /** Where the next tag begins; -1 if there is none. */
  #nextTag(): number {
    const text = this.#text;
    for (let at = text.indexOf("{", this.#at); at >= 0; at = text.indexOf("{", at + 1)) {
      const next = text.charCodeAt(at + 1);
      if (next === PERCENT || next === HASH) return at;
      // Of several braces the innermost two are the tag.
      if (next === BRACE && text.charCodeAt(at + 2) !== BRACE) return at;
    }
    return -1;
  }

  #takeText(end: number): void {
    if (end > this.#at) this.#addText(this.#text.slice(this.#at, end));
    this.#at = end;
  }

  #addText(text: string): void {
    this.#add({ kind: "text", text: filterTextNode(this.#whitespace, text) });
  }

  #add(node: TemplateNode): void {
    (this.#open.at(-1)?.body ?? this.#body).push(node);
  }

  /** Where the closing mark of a tag stands first. */
  #find(closer: string, start: number, complaint: string): number {
    const at = this.#text.indexOf(closer, this.#at);
    if (at < 0) throw this.#error(start, complaint);
    return at;
  }

  #error(offset: number, message: string, options?: ParseErrorOptions): Error {
    return this.#source.errorAt(offset, message, options);
  }

  #output(start: number): void {
    const end = this.#find("}}", start, "Missing end expression }}");
    if (isBlank(this.#text, this.#at, end)) throw this.#error(end, "Empty expression");
    this.#add({ kind: "output", expression: this.#wholeExpression(this.#at, "}}"), raw: false });
  }

  /** The one expression that a tag holds from an offset to its end. */
  #wholeExpression(offset: number, closer: "}}" | "%}"): Expression {
    const reader = new JavaScriptReader(this.#source, offset, closer);
    const expression = reader.expression();
    this.#at = reader.end();
    return expression;
  }

  #tag(start: number): void {
    const end = this.#find("%}", start, "Missing end block %}");
    const content = this.#text.slice(this.#at, end);
    const trimmed = content.trim();
    if (trimmed === "") throw this.#error(end, "Empty block tag ({% %})");
    const wordStart = this.#at + content.length - content.trimStart().length;
    const space = trimmed.indexOf(" ");
    const word = space < 0 ? trimmed : trimmed.slice(0, space);
    const tag: Tag = {
      word,
      start,
      line: this.#source.lineAt(start),
      rest: trimmed.slice(word.length).trim(),
      restStart: wordStart + word.length,
    };
    // Tags that hold JavaScript move this to their own end.
    this.#at = end + 2;
    if (PARTS.has(word)) this.#part(tag);
    else if (OPENERS.has(word)) this.#openBlock(tag);
    else this.#statement(tag);
  }

  #part(tag: Tag): void {
    const parents = PARTS.get(tag.word) as readonly string[];
    const block = this.#open.at(-1);
    if (block === undefined)
      throw this.#error(tag.start, `${tag.word} outside of a block of ${parents.join(", ")}`);
    if (!parents.includes(block.word) || !block.part(tag.word, tag))
      throw this.#error(tag.start, `${tag.word} block cannot be attached to ${block.word} block here`);
  }

  #statement(tag: Tag): void {
    const { word, rest, line } = tag;
    switch (word) {
      case "end": {
        const block = this.#open.pop();
        if (block === undefined) throw this.#error(tag.start, "Extra {% end %} block");
        this.#add(block.finish());
        return;
      }
      case "comment":
        return;
      case "extends":
        if (this.#open.length > 0) throw this.#error(tag.start, "extends cannot stand inside a block");
        this.#file.parent = { name: this.#path(tag), line };
        return;
      case "include":
        this.#add({ kind: "include", name: this.#path(tag), line });
        return;
      case "autoescape":
        this.#file.autoescape = rest === "None" || rest === "null" ? null : rest;
        if (this.#file.autoescape !== null && !isFunctionName(rest))
          throw this.#error(tag.start, "autoescape takes the name of a function, or None");
        return;
      case "whitespace":
        this.#whitespace = this.#mode(tag);
        return;
      case "set":
        this.#add({ kind: "set", expression: this.#wholeExpression(tag.restStart, "%}") });
        return;
      case "raw":
        this.#add({ kind: "output", expression: this.#wholeExpression(tag.restStart, "%}"), raw: true });
        return;
      case "module": {
        const call = this.#wholeExpression(tag.restStart, "%}");
        this.#add({ kind: "output", expression: this.#moduleCall(tag, call), raw: true });
        return;
      }
      case "import":
      case "from":
        this.#add({ kind: "import", ...this.#imports(tag), line });
        return;
      case "break":
      case "continue":
        if (rest !== "") throw this.#error(tag.start, `${word} takes nothing`);
        if (this.#open.at(-1)?.inLoop !== true)
          throw this.#error(tag.start, `${word} outside of a for or while block`);
        this.#add({ kind: "jump", word, line });
        return;
      default:
        throw this.#error(
          tag.start,
          `unknown operator: ${word.slice(0, 40)}${/^end\w/.test(word) ? "; every block ends with {% end %}" : ""}`,
        );
    }
  }

  #mode({ rest, start }: Tag): WhitespaceMode {
    try {
      return checkWhitespaceMode(rest);
    } catch (cause) {
      throw this.#error(start, (cause as Error).message, { cause });
    }
  }

  /** The file in `extends` or `include`, quoted or not. */
  #path(tag: Tag): string {
    const path = withoutQuotes(withoutQuotes(tag.rest, '"'), "'");
    if (path === "") throw this.#error(tag.start, `${tag.word} missing file path`);
    return path;
  }

  /** The call of a module, whose name is looked up among the modules and not in the namespace. */
  #moduleCall(tag: Tag, { code, uses, ...rest }: Expression): Expression {
    const [first, ...others] = uses;
    const [, before = "", name] = MODULE_CALL.exec(code) ?? [];
    if (first === undefined || first.name !== name || first.start !== before.length)
      throw this.#error(tag.start, "module takes a call: {% module Name(arguments) %}");
    const inserted = `_tt_modules("${name}").`;
    return {
      ...rest,
      code: before + inserted + code.slice(before.length),
      uses: others.map((use) => ({
        ...use,
        start: use.start + inserted.length,
        end: use.end + inserted.length,
      })),
    };
  }

  #imports(tag: Tag): { source: string; names: ImportedName[] } {
    if (tag.rest === "") throw this.#error(tag.start, `${tag.word} missing statement`);
    const [, double, single, bare = "", more] =
      /^(?:"([^"]*)"|'([^']*)'|([^\s"',]+))(?:\s+(.*))?$/s.exec(tag.rest) ?? [];
    const source = double ?? single ?? bare;
    const words = more?.trim() ?? "";
    const local = /^as\s+(\S+)$/.exec(words)?.[1] ?? (words === "" ? source : "");
    if (tag.word === "import") {
      if (source === "" || !isIdentifier(local))
        throw this.#error(tag.start, "import takes a name, or a name and another: {% import a.b as c %}");
      return { source, names: [this.#imported(tag, undefined, local)] };
    }
    const list = /^import\s+(.+)$/s.exec(words)?.[1];
    if (source === "" || list === undefined)
      throw this.#error(tag.start, "from takes a name and what to import: {% from a import b, c as d %}");
    const names = list.split(",").map((part) => {
      const [, member = "", , renamed = member] = /^(\S+)(\s+as\s+(\S+))?$/.exec(part.trim()) ?? [];
      return this.#imported(tag, member, renamed);
    });
    return { source, names };
  }

  #imported(tag: Tag, member: string | undefined, local: string): ImportedName {
    if (member !== undefined && !isIdentifier(member))
      throw this.#error(tag.start, `${tag.word}: ${member} is not a name`);
    if (!isVariableName(local))
      throw this.#error(tag.start, `${tag.word}: ${local} cannot be the name of a variable`);
    return { member, local };
  }

  #openBlock(tag: Tag): void {
    const around = this.#open.at(-1)?.inLoop ?? false;
    switch (tag.word) {
      case "if":
        this.#open.push(this.#if(tag, around));
        return;
      case "for":
        this.#open.push(this.#for(tag));
        return;
      case "while":
        this.#open.push(this.#while(tag));
        return;
      case "try":
        this.#open.push(this.#try(tag, around));
        return;
      case "apply":
        this.#open.push(this.#apply(tag));
        return;
      default:
        this.#open.push(this.#block(tag, around));
    }
  }

  #if(tag: Tag, inLoop: boolean): OpenBlock {
    const body: TemplateNode[] = [];
    const branches: Branch[] = [{ test: this.#wholeExpression(tag.restStart, "%}"), body, line: tag.line }];
    let otherwise: TemplateNode[] | undefined;
    return {
      word: "if",
      line: tag.line,
      inLoop,
      body,
      part: this.#partsOf((block, word, part) => {
        if (otherwise !== undefined) return false;
        // `else if` is how JavaScript spells `elif`.
        const condition = word === "elif" ? part.restStart : this.#elseIf(part);
        block.body = [];
        if (condition === undefined) otherwise = this.#plain(part, block.body);
        else
          branches.push({
            test: this.#wholeExpression(condition, "%}"),
            body: block.body,
            line: part.line,
          });
        return true;
      }),
      finish: () => ({ kind: "if", branches, otherwise, line: tag.line }),
    };
  }

  /** Where the condition of `{% else if … %}` begins; undefined for a plain `else`. */
  #elseIf(part: Tag): number | undefined {
    const found = /^if\s/.exec(part.rest);
    return found === null ? undefined : this.#text.indexOf("if", part.restStart) + 2;
  }

  /** The body, provided that nothing stands behind the word of its tag. */
  #plain<T>({ word, rest, start }: Tag, body: T): T {
    if (rest !== "") throw this.#error(start, `${word} takes nothing, got ${rest.slice(0, 40)}`);
    return body;
  }

  /** Gives a function for the parts of a block the block itself, which cannot be named before it is made. */
  #partsOf(handle: (block: OpenBlock, word: string, tag: Tag) => boolean): OpenBlock["part"] {
    return (word, tag) => handle(this.#open.at(-1) as OpenBlock, word, tag);
  }

  #for(tag: Tag): OpenBlock {
    const reader = new JavaScriptReader(this.#source, tag.restStart, "%}");
    const awaits = reader.take("await");
    const targets = [reader.pattern()];
    while (reader.take(",")) targets.push(reader.pattern());
    if (!reader.take("of") && !reader.take("in")) throw reader.unexpected();
    const iterable = reader.expression();
    this.#at = reader.end();
    const body: TemplateNode[] = [];
    const { part, otherwise } = this.#loopElse();
    return {
      word: "for",
      line: tag.line,
      inLoop: true,
      body,
      part,
      finish: () => ({
        kind: "for",
        targets,
        iterable,
        awaits,
        body,
        otherwise: otherwise(),
        line: tag.line,
      }),
    };
  }

  #while(tag: Tag): OpenBlock {
    const test = this.#wholeExpression(tag.restStart, "%}");
    const body: TemplateNode[] = [];
    const { part, otherwise } = this.#loopElse();
    return {
      word: "while",
      line: tag.line,
      inLoop: true,
      body,
      part,
      finish: () => ({ kind: "while", test, body, otherwise: otherwise(), line: tag.line }),
    };
  }

  /** The `else` of a loop. */
  #loopElse(): { part: OpenBlock["part"]; otherwise: () => TemplateNode[] | undefined } {
    let otherwise: TemplateNode[] | undefined;
    const part = this.#partsOf((block, _word, tag) => {
      if (otherwise !== undefined) return false;
      block.body = otherwise = this.#plain(tag, []);
      return true;
    });
    return { part, otherwise: () => otherwise };
  }

  #try(tag: Tag, inLoop: boolean): OpenBlock {
    const body: TemplateNode[] = [];
    const catchers: Catcher[] = [];
    let otherwise: TemplateNode[] | undefined;
    let last: TemplateNode[] | undefined;
    this.#plain(tag, body);
    return {
      word: "try",
      line: tag.line,
      inLoop,
      body,
      part: this.#partsOf((block, word, part) => {
        if (last !== undefined) return false;
        block.body = [];
        if (word === "finally") last = this.#plain(part, block.body);
        else if (otherwise !== undefined) return false;
        else if (word === "else") {
          if (catchers.length === 0) return false;
          otherwise = this.#plain(part, block.body);
        } else {
          const previous = catchers.at(-1);
          // After a bare `except` no other can be reached.
          if (previous !== undefined && previous.classes.length === 0) return false;
          catchers.push({ ...this.#caught(part), body: block.body, line: part.line });
        }
        return true;
      }),
      finish: () => {
        if (catchers.length === 0 && last === undefined)
          throw this.#source.errorOn(tag.line, "try needs an except, catch or finally");
        return { kind: "try", body, catchers, otherwise, last, line: tag.line };
      },
    };
  }

  /** What stands behind `except` (classes, `as`, a name) or `catch` (a name or pattern). */
  #caught(part: Tag): Pick<Catcher, "classes" | "target"> {
    if (part.rest === "") return { classes: [], target: undefined };
    const reader = new JavaScriptReader(this.#source, part.restStart, "%}");
    const classes: Expression[] = [];
    let target: Catcher["target"];
    if (part.word === "catch") {
      target = reader.pattern();
    } else {
      classes.push(...reader.expressionOrList());
      if (reader.take("as")) target = reader.pattern();
    }
    this.#at = reader.end();
    return { classes, target };
  }

  #apply(tag: Tag): OpenBlock {
    if (tag.rest === "") throw this.#error(tag.start, "apply missing method name");
    const reader = new JavaScriptReader(this.#source, tag.restStart, "%}");
    const awaits = reader.take("await");
    const expression = reader.expression();
    this.#at = reader.end();
    const body: TemplateNode[] = [];
    return {
      word: "apply",
      line: tag.line,
      // The body is rendered into a string of its own, so `break` cannot leave a loop outside.
      inLoop: false,
      body,
      part: () => false,
      finish: () => ({ kind: "apply", expression, awaits, body, line: tag.line }),
    };
  }

  #block(tag: Tag, inLoop: boolean): OpenBlock {
    if (tag.rest === "") throw this.#error(tag.start, "block missing name");
    const body: TemplateNode[] = [];
    const node: BlockNode = { kind: "block", name: tag.rest, body, file: this.#file, line: tag.line };
    return { word: "block", line: tag.line, inLoop, body, part: () => false, finish: () => node };
  }
}

function isBlank(text: string, start: number, end: number): boolean {
  return text.slice(start, end).trim() === "";
}

/** The text without the quotes at both ends. */
function withoutQuotes(text: string, quote: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === quote) start++;
  while (end > start && text[end - 1] === quote) end--;
  return text.slice(start, end);
}
