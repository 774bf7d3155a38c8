/**
 * Reads the JavaScript in a tag, from its first character to the `}}` or `%}` that closes the tag.
 *
 * The parser is acorn. It reads an expression from a place in the template and stops at the first token that
 * does not belong to it, so that a `}}` in a string or behind an object literal ends nothing; `%}`, which no
 * expression can contain outside of a literal, is made the end of the input. Each tag is read once and each
 * character a constant number of times.
 *
 * acorn is loaded when the first template is compiled, so importing the module costs nothing of it, and a
 * program with precompiled templates never loads it.
 */
import { createRequire } from "node:module";
import type { Expression, Pattern } from "./expression.js";
import { findNameUses, type SyntaxNode } from "./name-uses.js";
import type { SourceText } from "./source-text.js";

/** What is used of acorn's parser, most of which its types leave to plugins. */
interface AcornParser {
  readonly input: string;
  readonly type: unknown;
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
  pos: number;
  nextToken(): void;
  next(): void;
  isContextual(name: string): boolean;
  getTokenFromCode(code: number): unknown;
  finishToken(type: unknown, value?: unknown): unknown;
  parseMaybeAssign(): SyntaxNode;
  parseBindingAtom(): SyntaxNode;
}

type AcornClass = new (options: object, input: string) => AcornParser;

interface Acorn {
  readonly Parser: AcornClass;
  readonly tokTypes: Readonly<Record<"eof" | "comma" | "braceR" | "_in", unknown>>;
}

let loaded: Acorn | undefined;

/** acorn, with a parser for which a tag's `%}` is the end of the input. */
function loadAcorn(): Acorn {
  if (loaded !== undefined) return loaded;
  const { Parser, tokTypes } = createRequire(import.meta.url)("acorn") as Acorn;
  class TagParser extends Parser {
    override getTokenFromCode(code: number): unknown {
      const closes = code === PERCENT && this.input.charCodeAt(this.pos + 1) === RIGHT_BRACE;
      return closes ? this.finishToken(tokTypes.eof) : super.getTokenFromCode(code);
    }
  }
  loaded = { Parser: TagParser, tokTypes };
  return loaded;
}

const PERCENT = 0x25;
const RIGHT_BRACE = 0x7d;

/** How Python's words are written in JavaScript, for error messages. */
const PYTHON: ReadonlyMap<string, string> = new Map([
  ["and", '"and" is written &&'],
  ["or", '"or" is written ||'],
  ["is", '"is" is written ==='],
  ["not", '"not" is written !'],
  ["if", '"x if c else y" is written c ? x : y'],
]);

/** The JavaScript of one tag. */
export class JavaScriptReader {
  readonly #source: SourceText;
  /** Where the parser's text begins in the template. */
  readonly #base: number;
  readonly #parser: AcornParser;
  readonly #closer: "}}" | "%}";
  #lastEnd = 0;

  /** Begins at an offset of the template; throws a `ParseError` if there is no token of JavaScript. */
  constructor(source: SourceText, offset: number, closer: "}}" | "%}") {
    const { Parser } = loadAcorn();
    this.#source = source;
    this.#base = offset;
    this.#closer = closer;
    const onComment = (block: boolean, _text: string, start: number): void => {
      // `<!--` is a comment in scripts and an operator in modules; generated code must mean the same in both.
      if (!block && source.text.charAt(offset + start) !== "/")
        throw this.#error(start, "HTML comments cannot be used in an expression");
    };
    // A part of the text, since acorn counts the lines before the place where it begins.
    this.#parser = new Parser(
      {
        ecmaVersion: 2023,
        sourceType: "script",
        strict: true,
        allowAwaitOutsideFunction: true,
        allowHashBang: false,
        preserveParens: true,
        onComment,
      },
      source.text.slice(offset),
    );
    this.#guard(() => this.#parser.nextToken());
  }

  /** Whether the tag ends here. */
  get atEnd(): boolean {
    const { type, start, input } = this.#parser;
    const { tokTypes } = loadAcorn();
    const ends = this.#closer === "}}" ? type === tokTypes.braceR : type === tokTypes.eof;
    return ends && input.startsWith(this.#closer, start);
  }

  /** Reads one expression; a comma ends it. */
  expression(): Expression {
    return this.#read(() => this.#parser.parseMaybeAssign(), false);
  }

  /** Reads one expression, or several between parentheses with commas between them. */
  expressionOrList(): Expression[] {
    if (this.atEnd) throw this.unexpected();
    const node = this.#guard(() => this.#parser.parseMaybeAssign());
    const inner = node.type === "ParenthesizedExpression" ? (node.expression as SyntaxNode) : node;
    const nodes = inner.type === "SequenceExpression" ? (inner.expressions as SyntaxNode[]) : [node];
    return nodes.map((one) => this.#expressionOf(one, false));
  }

  /** Reads a name or a pattern that takes a value apart. */
  pattern(): Pattern {
    return this.#read(() => this.#parser.parseBindingAtom(), true);
  }

  /** Takes a comma or one of the words if it comes next. */
  take(token: "," | "of" | "in" | "as" | "await"): boolean {
    const { tokTypes } = loadAcorn();
    const parser = this.#parser;
    const there =
      token === ","
        ? parser.type === tokTypes.comma
        : token === "in"
          ? parser.type === tokTypes._in
          : parser.isContextual(token);
    if (there) this.#guard(() => parser.next());
    return there;
  }

  /**
   * Ends the tag; answers the offset behind the closer. Throws a `ParseError` if something else comes first.
   */
  end(): number {
    if (!this.atEnd) throw this.unexpected();
    return this.#base + this.#parser.start + this.#closer.length;
  }

  /** The error for the token that comes next. */
  unexpected(): Error {
    const { start, end, input } = this.#parser;
    const token = input.slice(start, Math.max(end, start + 1));
    if (token === "" || this.atEnd)
      return this.#error(
        start,
        this.#lastEnd === 0 ? "an expression is missing" : "the expression ends too early",
      );
    const before = /[\w$]+\s*$/.exec(input.slice(Math.max(0, this.#lastEnd - 20), this.#lastEnd))?.[0].trim();
    const hint = PYTHON.get(token) ?? PYTHON.get(before ?? "");
    const advice = hint === undefined ? "" : `; expressions are JavaScript, where ${hint}`;
    return this.#error(start, `unexpected ${token.slice(0, 40)}${advice}`);
  }

  #read(parse: () => SyntaxNode, isPattern: boolean): Expression {
    if (this.atEnd) throw this.unexpected();
    return this.#expressionOf(this.#guard(parse), isPattern);
  }

  #expressionOf(node: SyntaxNode, isPattern: boolean): Expression {
    this.#lastEnd = node.end;
    const complain = (offset: number, message: string): never => {
      throw this.#error(offset, message);
    };
    const { uses, awaits } = findNameUses(node, isPattern, complain);
    return {
      code: this.#parser.input.slice(node.start, node.end),
      line: this.#source.lineAt(this.#base + node.start),
      uses: uses.map((use) => ({ ...use, start: use.start - node.start, end: use.end - node.start })),
      awaits,
    };
  }

  /** Runs a step of the parser; its complaints become errors of the template. */
  #guard<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      const { pos, message } = error as { pos?: unknown; message: string };
      if (typeof pos !== "number") throw error;
      const what = message.replace(/ \(\d+:\d+\)$/, "");
      throw what === "Unexpected token"
        ? this.unexpected()
        : this.#error(pos, `invalid JavaScript: ${what}`, error);
    }
  }

  #error(start: number, message: string, cause?: unknown): Error {
    return this.#source.errorAt(this.#base + start, message, { cause });
  }
}
