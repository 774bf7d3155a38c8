/**
 * JavaScript that stands in a template, as the code generator needs it: the text, and where it uses names
 * that are the template's own and not those of a function inside the expression.
 *
 * Names become local variables of the generated function. A variable that nothing has set yet holds a mark,
 * so each use which may come too early is wrapped in a test; the wrapping is done here, on the text, and
 * never by value.
 */

/** How a name is used, which decides what has to be tested before. */
export type UseKind =
  /** Its value is needed. */
  | "read"
  /** The same in `{ name }`, where the text has to name the member too. */
  | "shorthand"
  /** `typeof name`, which is "undefined" for a name that nothing has set. */
  | "typeof"
  /** It is set. */
  | "assign"
  /** `name += 1`, `name++`: its value is needed, but no other text can stand in its place. */
  | "update"
  /** `name ??= 1`, `name ||= 1`: a name that nothing has set counts as undefined. */
  | "default";

/** One use of a name. */
export interface NameUse {
  readonly name: string;
  readonly kind: UseKind;
  /** What is wrapped: the name, or for `typeof`, `update` and `default` the whole operation. */
  readonly start: number;
  readonly end: number;
  /** Whether it is evaluated whenever the expression is. */
  readonly certain: boolean;
}

/** An expression. */
export interface Expression {
  readonly code: string;
  /** The line in the template on which it begins. */
  readonly line: number;
  readonly uses: readonly NameUse[];
  /** Whether it waits, outside of functions of its own. */
  readonly awaits: boolean;
}

/**
 * The target of a loop or the name of a caught error: an identifier or a pattern, all of whose names are
 * assigned.
 */
export type Pattern = Expression;

/**
 * Prefixes of the tests, as functions of the name. `MISSING` and `fail` are how generated code calls mark and
 * error.
 */
const PREFIX: Readonly<Record<Exclude<UseKind, "assign">, (name: string) => string>> = {
  read: (name) => `(${name} === _tt_missing ? _tt_undefined("${name}") : `,
  shorthand: (name) => `${name}: (${name} === _tt_missing ? _tt_undefined("${name}") : `,
  typeof: (name) => `(${name} === _tt_missing ? "undefined" : `,
  update: (name) => `(${name} === _tt_missing && _tt_undefined("${name}"), `,
  default: (name) => `(${name} === _tt_missing && (${name} = undefined), `,
};

interface Insertion {
  readonly at: number;
  readonly text: string;
  /**
   * Of insertions at one place, ends come before beginnings, inner ends before outer ones, outer beginnings
   * first.
   */
  readonly order: number;
}

/** The expression's text, with a test around each use of a name that is not known to be set. */
export function guardedCode({ code, uses }: Expression, isSet: (name: string) => boolean): string {
  const insertions: Insertion[] = [];
  for (const { name, kind, start, end } of uses) {
    if (kind === "assign" || isSet(name)) continue;
    insertions.push({ at: start, text: PREFIX[kind](name), order: code.length * 2 - end });
    insertions.push({ at: end, text: ")", order: -start - 1 });
  }
  if (insertions.length === 0) return code;
  insertions.sort((a, b) => a.at - b.at || a.order - b.order);
  let text = "";
  let done = 0;
  for (const insertion of insertions) {
    text += code.slice(done, insertion.at) + insertion.text;
    done = insertion.at;
  }
  return text + code.slice(done);
}
