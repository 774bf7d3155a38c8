/**
 * Turns a page into the JavaScript of one function.
 *
 * The function builds the page in one string. Neighbouring pieces are added in one statement, and adjacent
 * text becomes one literal, also across files. The names of a page are local variables, shared by all its
 * files as in Tornado; a variable that may not have been set is tested where it is used (expression.ts).
 * Loops and conditions become JavaScript loops and conditions, so a turn of a loop calls nothing but what the
 * template calls.
 *
 * Only the source text of templates becomes code. Values enter through `_tt_scope` when the function runs.
 * The names of the engine begin with `_tt_`, which no template may use:
 *
 *     _tt_scope        the names of this rendering (render-scope.ts)
 *     _tt_out…         the text so far; each `apply` has its own
 *     _tt_escape…      how expressions of a file are made text
 *     _tt_text         a value as text, not escaped
 *     _tt_missing      what a variable holds before it is set; _tt_undefined(name) throws
 *     _tt_modules, _tt_import, _tt_member, _tt_error…, _tt_ok…, _tt_loop…
 */
import { BUILT_IN_NAMES } from "./built-in-names.js";
import { CodeWriter, literalOf, type TemplatePlace } from "./code-writer.js";
import { type Expression, guardedCode } from "./expression.js";
import type {
  ApplyNode,
  BlockNode,
  ForNode,
  IfNode,
  ImportNode,
  IncludeNode,
  JumpNode,
  OutputNode,
  SetNode,
  TemplateFile,
  TemplateNode,
  TryNode,
  WhileNode,
} from "./nodes.js";
import type { Page } from "./page.js";

/** The helpers that a generated function takes from the parameter `_tt` of the code round it. */
const HELPER_NAMES: readonly string[] = ["missing", "undefined", "text", "member"];

/** The line that makes the helpers known to the functions behind it. */
export const HELPER_LINE: string = `const { ${HELPER_NAMES.map((name) => `${name}: _tt_${name}`).join(", ")} } = _tt;`;

/** A function's code. */
export interface GeneratedCode {
  /** A function expression. */
  readonly code: string;
  /** Whether it is an `async` function. */
  readonly isAsync: boolean;
  /** For each line of the code, counted from 0, where it comes from. */
  readonly places: readonly (TemplatePlace | undefined)[];
}

/** Makes the code of a page. */
export function generateCode(page: Page): GeneratedCode {
  return new CodeGenerator(page).generate();
}

/** Code that adds to the text, waiting for its neighbours. */
type Piece = { text: string } | { readonly code: string; readonly place: TemplatePlace };

/** A loop round the present place. */
interface Loop {
  /** The block round the loop that `break` leaves, if the loop has an `else`. */
  readonly label: string | undefined;
}

class CodeGenerator {
  readonly #page: Page;
  #writer = new CodeWriter("  ");
  /** All names that the function has as variables; true for those that are assigned somewhere. */
  readonly #names = new Map<string, boolean>();
  /** The names that are certainly set at the present place. */
  #known: Set<string> = new Set();
  /** The names that something in the present `apply` assigns. */
  #assigned: Set<string> = new Set();
  /** The escaping functions that are looked up once, by name. */
  readonly #escapers = new Map<string, string>();
  #pieces: Piece[] = [];
  #out = "_tt_out";
  #numbers = 0;
  #usesModules = false;
  #isAsync = false;
  /**
   * The number of `try` blocks around the present place. Inside one, text is added before the next expression
   * can throw.
   */
  #tries = 0;
  #loops: Loop[] = [];
  // Where the walk is.
  #file: TemplateFile;
  #includes = 0;
  #includedFrom: TemplatePlace | undefined;

  constructor(page: Page) {
    this.#page = page;
    this.#file = page.root;
  }

  generate(): GeneratedCode {
    this.#nodes(this.#page.root.body);
    this.#flush();
    const whole = new CodeWriter();
    whole.open(`${this.#isAsync ? "async function" : "function"} render(_tt_scope) {`);
    if (this.#usesModules) whole.line("const _tt_modules = (name) => _tt_scope.modules(name);");
    for (const [name, assigned] of this.#names)
      whole.line(`${assigned ? "let" : "const"} ${name} = _tt_scope.get(${literalOf(name)});`);
    for (const [name, variable] of this.#escapers)
      whole.line(`const ${variable} = _tt_scope.escaper(${literalOf(name)});`);
    whole.line('let _tt_out = "";');
    whole.append(this.#writer);
    whole.line("return _tt_out;");
    whole.close("}");
    return { code: whole.toString(), isAsync: this.#isAsync, places: whole.places };
  }

  #nodes(nodes: readonly TemplateNode[]): void {
    for (const node of nodes) this.#node(node);
  }

  #node(node: TemplateNode): void {
    switch (node.kind) {
      case "text":
        if (node.text !== "") this.#add({ text: node.text });
        return;
      case "output":
        this.#output(node);
        return;
      case "set":
        this.#set(node);
        return;
      case "import":
        this.#import(node);
        return;
      case "if":
        this.#if(node);
        return;
      case "for":
        this.#for(node);
        return;
      case "while":
        this.#while(node);
        return;
      case "try":
        this.#try(node);
        return;
      case "apply":
        this.#apply(node);
        return;
      case "block":
        this.#block(node);
        return;
      case "include":
        this.#include(node);
        return;
      case "jump":
        this.#jump(node);
        return;
    }
  }

  #place(line: number): TemplatePlace {
    return { filename: this.#file.name, lineno: line, includedFrom: this.#includedFrom };
  }

  #unique(prefix: string): string {
    return `_tt_${prefix}${++this.#numbers}`;
  }

  // Text.

  #add(piece: Piece): void {
    const last = this.#pieces.at(-1);
    if ("text" in piece && last !== undefined && "text" in last) last.text += piece.text;
    else this.#pieces.push(piece);
    if (this.#tries > 0) this.#flush();
  }

  /** Writes the statement that adds the waiting pieces. A line has one expression, and so one place. */
  #flush(): void {
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    let line = `${this.#out} += `;
    let place: TemplatePlace | undefined;
    for (const [i, piece] of pieces.entries()) {
      if (place !== undefined) {
        this.#writer.line(line, place);
        line = " ";
        place = undefined;
      }
      if (i > 0) line += " + ";
      if ("text" in piece) {
        line += literalOf(piece.text);
      } else {
        line += piece.code;
        place = piece.place;
      }
    }
    this.#writer.line(`${line};`, place);
  }

  #output({ expression, raw }: OutputNode): void {
    if (expression.code.includes("_tt_modules(")) this.#usesModules = true;
    const code = this.#code(expression);
    const place = this.#place(expression.line);
    this.#add({ code: raw ? `_tt_text(${code})` : this.#escaped(code), place });
  }

  /** An expression as text that the file's function has escaped. */
  #escaped(code: string): string {
    const { autoescape } = this.#file;
    if (autoescape === null) return `_tt_text(${code})`;
    if (autoescape.includes(".") || this.#names.get(autoescape) === true) {
      // What may change while the page is rendered is looked up each time.
      const [root = ""] = autoescape.split(".");
      return `_tt_text(${this.#nameCode(root)}${autoescape.slice(root.length)}(_tt_text(${code})))`;
    }
    let variable = this.#escapers.get(autoescape);
    if (variable === undefined) {
      variable = this.#unique("escape");
      this.#escapers.set(autoescape, variable);
    }
    return `${variable}(${code})`;
  }

  // Expressions and names.

  /**
   * The code of an expression; its names become variables, and those that are certainly set from here on are
   * noted.
   */
  #code(expression: Expression): string {
    if (expression.awaits) this.#isAsync = true;
    const code = guardedCode(expression, (name) => this.#known.has(name) || BUILT_IN_NAMES.has(name));
    this.#noteNames(expression);
    return code;
  }

  #noteNames({ uses }: Expression): void {
    for (const { name, kind, certain } of uses) {
      const assigns = kind === "assign";
      this.#names.set(name, assigns || this.#names.get(name) === true);
      if (assigns) this.#assigned.add(name);
      if (certain && kind !== "typeof") this.#known.add(name);
    }
  }

  /** The code of a single name. */
  #nameCode(name: string): string {
    const use = { name, kind: "read", start: 0, end: name.length, certain: true } as const;
    return this.#code({ code: name, line: 0, uses: [use], awaits: false });
  }

  /** Runs something that may be skipped: what it finds to be set is not known afterwards. */
  #maybe(write: () => void): void {
    const known = this.#known;
    this.#known = new Set(known);
    write();
    this.#flush();
    this.#known = known;
  }

  #set({ expression }: SetNode): void {
    this.#flush();
    this.#writer.line(`(${this.#code(expression)});`, this.#place(expression.line));
  }

  #import({ source, names, line }: ImportNode): void {
    this.#flush();
    const place = this.#place(line);
    const from = `_tt_scope.imported(${literalOf(source)})`;
    for (const { member, local } of names) {
      this.#names.set(local, true);
      this.#assigned.add(local);
      this.#known.add(local);
      const value = member === undefined ? from : `_tt_member(${from}, ${literalOf(member)})`;
      this.#writer.line(`${local} = ${value};`, place);
    }
  }

  // Conditions and loops.

  #if({ branches, otherwise }: IfNode): void {
    this.#flush();
    let first = true;
    for (const { test, body, line } of branches) {
      // A later condition may not be evaluated, so names found by it are not known after the block.
      const head = `if (${first ? this.#code(test) : this.#guess(test)}) {`;
      if (first) this.#writer.open(head, this.#place(line));
      else this.#writer.between(`} else ${head}`, this.#place(line));
      first = false;
      this.#maybe(() => this.#nodes(body));
    }
    if (otherwise !== undefined) {
      this.#writer.between("} else {");
      this.#maybe(() => this.#nodes(otherwise));
    }
    this.#writer.close("}");
  }

  /** The code of an expression that may not be evaluated. */
  #guess(expression: Expression): string {
    const known = this.#known;
    this.#known = new Set(known);
    const code = this.#code(expression);
    this.#known = known;
    return code;
  }

  #for(node: ForNode): void {
    this.#flush();
    const iterable = this.#code(node.iterable);
    if (node.awaits) this.#isAsync = true;
    this.#loop(node, () => {
      const targets = node.targets.map((target) => this.#guess(target));
      const target = targets.length === 1 ? (targets[0] as string) : `[${targets.join(", ")}]`;
      // `for (async of …` is not JavaScript (ECMA-262 §14.7.5).
      const shown = target === "async" ? "(async)" : target;
      return `for ${node.awaits ? "await " : ""}(${shown} of (${iterable})) {`;
    });
  }

  #while(node: WhileNode): void {
    this.#flush();
    // The condition is evaluated at least once, so the names it finds are known after the loop.
    this.#loop(node, () => `while (${this.#code(node.test)}) {`);
  }

  #loop(node: ForNode | WhileNode, head: () => string): void {
    const place = this.#place(node.line);
    const label = node.otherwise === undefined ? undefined : this.#unique("loop");
    if (label !== undefined) this.#writer.open(`${label}: {`);
    this.#writer.open(head(), place);
    this.#loops.push({ label });
    this.#maybe(() => {
      if (node.kind === "for") for (const target of node.targets) this.#noteNames(target);
      this.#nodes(node.body);
    });
    this.#loops.pop();
    this.#writer.close("}");
    const { otherwise } = node;
    if (label === undefined || otherwise === undefined) return;
    // `break` leaves the labelled block around the loop and its `else`.
    this.#maybe(() => this.#nodes(otherwise));
    this.#writer.close("}");
  }

  #jump({ word, line }: JumpNode): void {
    this.#flush();
    const loop = this.#loops.at(-1);
    if (loop === undefined) throw this.#file.source.errorOn(line, `${word} outside of a for or while block`);
    const label = word === "break" && loop.label !== undefined ? ` ${loop.label}` : "";
    this.#writer.line(`${word}${label};`, this.#place(line));
  }

  // Errors.

  #try(node: TryNode): void {
    this.#flush();
    this.#tries++;
    const { otherwise, last } = node;
    const ok = otherwise === undefined ? undefined : this.#unique("ok");
    // An `else` is outside of what its `except` watches, and inside of what its `finally` ends.
    if (ok !== undefined && last !== undefined) this.#writer.open("try {", this.#place(node.line));
    if (ok !== undefined) this.#writer.line(`let ${ok} = false;`);
    this.#writer.open("try {", this.#place(node.line));
    this.#maybe(() => this.#nodes(node.body));
    if (ok !== undefined) this.#writer.line(`${ok} = true;`);
    if (node.catchers.length > 0) this.#catchers(node);
    if (otherwise !== undefined && ok !== undefined) {
      this.#writer.close("}");
      this.#writer.open(`if (${ok}) {`);
      this.#maybe(() => this.#nodes(otherwise));
      if (last !== undefined) this.#writer.close("}");
    }
    if (last !== undefined) {
      this.#writer.between("} finally {");
      this.#maybe(() => this.#nodes(last));
    }
    this.#writer.close("}");
    this.#tries--;
  }

  /** `} catch (error) { if (error instanceof A) … else if … else throw error;`, left open. */
  #catchers({ catchers, line }: TryNode): void {
    const error = this.#unique("error");
    this.#writer.between(`} catch (${error}) {`, this.#place(line));
    let first = true;
    let all = false;
    for (const { classes, target, body, line } of catchers) {
      const place = this.#place(line);
      const tests = classes.map((one) => `${error} instanceof (${this.#guess(one)})`);
      all = tests.length === 0;
      const head = all ? (first ? "{" : "else {") : `${first ? "" : "else "}if (${tests.join(" || ")}) {`;
      if (first) this.#writer.open(head, place);
      else this.#writer.between(`} ${head}`, place);
      first = false;
      this.#maybe(() => {
        if (target !== undefined) this.#writer.line(`(${this.#code(target)} = ${error});`, place);
        this.#nodes(body);
      });
    }
    if (!all) this.#writer.between("} else {");
    if (!all) this.#writer.line(`throw ${error};`);
    this.#writer.close("}");
  }

  // Other files and other texts.

  #apply({ expression, awaits, body, line }: ApplyNode): void {
    this.#flush();
    const place = this.#place(line);
    const inner = this.#unique("out");
    this.#writer.line(`let ${inner} = "";`, place);
    this.#apart(inner, body);
    if (awaits) this.#isAsync = true;
    const call = `(${this.#code(expression)})(${inner})`;
    this.#add({ code: `_tt_text(${awaits ? `await ${call}` : call})`, place });
    // The next piece may not be added in the same statement, since an `apply` there declares its variable
    // first.
    this.#flush();
  }

  /** Writes a body that adds to a text of its own. As in Tornado, what it sets is as before when it ends. */
  #apart(out: string, body: readonly TemplateNode[]): void {
    const before = { writer: this.#writer, loops: this.#loops, out: this.#out, assigned: this.#assigned };
    const watched = this.#tries > 0;
    this.#writer = new CodeWriter(before.writer.indent);
    this.#loops = [];
    this.#out = out;
    this.#assigned = new Set();
    this.#maybe(() => this.#nodes(body));
    const { writer, assigned } = { writer: this.#writer, assigned: this.#assigned };
    this.#writer = before.writer;
    this.#loops = before.loops;
    this.#out = before.out;
    this.#assigned = before.assigned;
    const names = [...assigned];
    for (const name of names) this.#assigned.add(name);
    const saved = names.map((name) => [name, this.#unique("saved")] as const);
    for (const [name, kept] of saved) this.#writer.line(`const ${kept} = ${name};`);
    // Without a `try` around it, an error ends the rendering, and the variables with it.
    const guarded = watched && names.length > 0;
    if (guarded) this.#writer.line("try {");
    this.#writer.append(writer);
    if (guarded) this.#writer.line("} finally {");
    for (const [name, kept] of saved) this.#writer.line(`${name} = ${kept};`);
    if (guarded) this.#writer.line("}");
  }

  #block({ name, line }: BlockNode): void {
    const block = this.#page.blocks.get(name) as BlockNode;
    this.#inside(block.file, line, this.#includes, () => this.#nodes(block.body));
  }

  #include({ name, line }: IncludeNode): void {
    const depth = this.#includes + 1;
    const file = this.#page.include(name, line, this.#file, depth);
    this.#inside(file, line, depth, () => this.#nodes(file.body));
  }

  /** Writes something that stands in another file, or in this one. */
  #inside(file: TemplateFile, line: number, includes: number, write: () => void): void {
    const before = { file: this.#file, from: this.#includedFrom, includes: this.#includes };
    if (file !== this.#file) this.#includedFrom = this.#place(line);
    this.#file = file;
    this.#includes = includes;
    write();
    this.#file = before.file;
    this.#includedFrom = before.from;
    this.#includes = before.includes;
  }
}
