/**
 * A JavaScript expression of a template, as the code generator needs it: its text, and each use of a name of
 * the template. Names that a function inside the expression declares are not uses.
 *
 * Names become local variables of the generated function. A variable that has not been set holds a marker,
 * and a use that may find the marker is wrapped in a test. The wrapping works on the text of the expression
 * and involves no values.
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
 * The text in front of a wrapped use. `_tt_missing` is the marker, `_tt_undefined()` throws.
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
   * At one place ends come before beginnings, inner ends before outer ends, and outer beginnings before inner
   * ones.
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
