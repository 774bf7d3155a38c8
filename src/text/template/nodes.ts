/**
 * The tree that a template's text is parsed into: one file, its blocks of nodes, and in them expressions
 * whose JavaScript has been read already. Code is made from the tree of one page and all files it extends and
 * includes (generate-code.ts).
 */
import type { Expression, Pattern } from "./expression.js";
import type { SourceText } from "./source-text.js";

/** Literal text, its white space filtered. */
export interface TextNode {
  readonly kind: "text";
  readonly text: string;
}

/** `{{ expression }}`; without escaping `{% raw expression %}` and `{% module Name(arguments) %}`. */
export interface OutputNode {
  readonly kind: "output";
  readonly expression: Expression;
  readonly raw: boolean;
}

/** `{% set expression %}`. */
export interface SetNode {
  readonly kind: "set";
  readonly expression: Expression;
}

/** One name that `import` or `from` defines. */
export interface ImportedName {
  /** The member of the imported thing; undefined for the thing itself. */
  readonly member: string | undefined;
  readonly local: string;
}

/** `{% import source %}` and `{% from source import names %}`. */
export interface ImportNode {
  readonly kind: "import";
  readonly source: string;
  readonly names: readonly ImportedName[];
  readonly line: number;
}

/** A condition with what it guards. */
export interface Branch {
  readonly test: Expression;
  readonly body: readonly TemplateNode[];
  readonly line: number;
}

/** `{% if %} … {% elif %} … {% else %} … {% end %}`. */
export interface IfNode {
  readonly kind: "if";
  readonly branches: readonly Branch[];
  readonly otherwise: readonly TemplateNode[] | undefined;
  readonly line: number;
}

/** `{% for target of iterable %} … {% else %} … {% end %}`; several targets take an item apart. */
export interface ForNode {
  readonly kind: "for";
  readonly targets: readonly Pattern[];
  readonly iterable: Expression;
  readonly awaits: boolean;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[] | undefined;
  readonly line: number;
}

/** `{% while test %} … {% else %} … {% end %}`. */
export interface WhileNode {
  readonly kind: "while";
  readonly test: Expression;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[] | undefined;
  readonly line: number;
}

/** One `{% except Class as name %}` or `{% catch name %}` of a try. */
export interface Catcher {
  /** The classes that are caught; empty for all errors. */
  readonly classes: readonly Expression[];
  readonly target: Pattern | undefined;
  readonly body: readonly TemplateNode[];
  readonly line: number;
}

/** `{% try %} … {% except %} … {% else %} … {% finally %} … {% end %}`. */
export interface TryNode {
  readonly kind: "try";
  readonly body: readonly TemplateNode[];
  readonly catchers: readonly Catcher[];
  readonly otherwise: readonly TemplateNode[] | undefined;
  readonly last: readonly TemplateNode[] | undefined;
  readonly line: number;
}

/** `{% apply function %} … {% end %}`; with `await` before the function, its result is waited for. */
export interface ApplyNode {
  readonly kind: "apply";
  readonly expression: Expression;
  readonly awaits: boolean;
  readonly body: readonly TemplateNode[];
  readonly line: number;
}

/** `{% block name %} … {% end %}`. */
export interface BlockNode {
  readonly kind: "block";
  readonly name: string;
  readonly body: readonly TemplateNode[];
  /** The file that the block stands in, which decides how it is escaped. */
  readonly file: TemplateFile;
  readonly line: number;
}

/** `{% include name %}`. */
export interface IncludeNode {
  readonly kind: "include";
  readonly name: string;
  readonly line: number;
}

/** `{% break %}` or `{% continue %}`. */
export interface JumpNode {
  readonly kind: "jump";
  readonly word: "break" | "continue";
  readonly line: number;
}

/** Any node of a template. */
export type TemplateNode =
  | TextNode
  | OutputNode
  | SetNode
  | ImportNode
  | IfNode
  | ForNode
  | WhileNode
  | TryNode
  | ApplyNode
  | BlockNode
  | IncludeNode
  | JumpNode;

/** The parsed form of a template, to be looked at; what its nodes look like may change in any release. */
export interface TemplateTree {
  /** The name of the template. */
  readonly name: string;
  /** How the template's expressions are escaped: the name of a function, or null for not at all. */
  readonly autoescape: string | null;
  /** The nodes of the template. */
  readonly body: readonly object[];
}

/** The parsed form of one file. */
export interface TemplateFile extends TemplateTree {
  readonly body: readonly TemplateNode[];
  /** The text, for error messages. */
  readonly source: SourceText;
  /** The name in the last `{% extends %}`, and its line; undefined if the file extends none. */
  readonly parent: { readonly name: string; readonly line: number } | undefined;
}

/** The bodies directly inside a node. */
export function bodiesOf(node: TemplateNode): readonly (readonly TemplateNode[])[] {
  switch (node.kind) {
    case "if":
      return [...node.branches.map(({ body }) => body), node.otherwise ?? []];
    case "for":
    case "while":
      return [node.body, node.otherwise ?? []];
    case "try":
      return [node.body, ...node.catchers.map(({ body }) => body), node.otherwise ?? [], node.last ?? []];
    case "apply":
    case "block":
      return [node.body];
    default:
      return [];
  }
}
