/**
 * Rules for plural forms, as gettext catalogues have them in their header (GNU gettext manual, section
 * "Plural forms"):
 *
 *     Plural-Forms: nplurals=3; plural=n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2;
 *
 * The rule is a C expression over the number `n`. It is parsed here into a tree of functions; no text of a
 * catalogue is ever run as code. The grammar, weakest binding first; all levels but the first associate to
 * the left:
 *
 *     choice = or [ "?" choice ":" choice ]      equal   = compare { ("==" | "!=") compare }
 *     or     = and { "||" and }                  compare = sum { ("<" | "<=" | ">" | ">=") sum }
 *     and    = equal { "&&" equal }              sum     = product { ("+" | "-") product }
 *     unary  = "!" unary | "(" choice ")" | "n" | digits      product = unary { ("*" | "/" | "%") unary }
 *
 * Length and depth are bounded. Each rule is tried for the numbers 0 to 1000 when it is read; `msgfmt
 * --check` does the same.
 */
import { PluralFormsError } from "./errors.js";

/** The number of plural forms of a language, and which of them goes with a number. */
export interface PluralForms {
  /** How many forms there are. */
  readonly count: number;
  /**
   * The index of the form for `n` things; 0 if the rule gives a form that does not exist, as in GNU gettext.
   */
  indexOf(n: number): number;
}

/** What Python and GNU gettext assume for a catalogue without a rule: two forms, as in English. */
export const GERMANIC: PluralForms = { count: 2, indexOf: (n) => (n === 1 ? 0 : 1) };

type Evaluate = (n: number) => number;

const MAX_LENGTH = 1000;
const MAX_DEPTH = 50;
const MAX_FORMS = 100;
const TRIED_UP_TO = 1000;

/** How an operator with two operands is evaluated; true is 1, false is 0. */
const OPERATORS: Readonly<Record<string, (a: Evaluate, b: Evaluate) => Evaluate>> = {
  "||": (a, b) => (n) => Number(a(n) !== 0 || b(n) !== 0),
  "&&": (a, b) => (n) => Number(a(n) !== 0 && b(n) !== 0),
  "==": (a, b) => (n) => Number(a(n) === b(n)),
  "!=": (a, b) => (n) => Number(a(n) !== b(n)),
  "<": (a, b) => (n) => Number(a(n) < b(n)),
  "<=": (a, b) => (n) => Number(a(n) <= b(n)),
  ">": (a, b) => (n) => Number(a(n) > b(n)),
  ">=": (a, b) => (n) => Number(a(n) >= b(n)),
  "+": (a, b) => (n) => a(n) + b(n),
  "-": (a, b) => (n) => a(n) - b(n),
  "*": (a, b) => (n) => a(n) * b(n),
  "/": (a, b) => (n) => Math.trunc(a(n) / divisor(b(n))),
  "%": (a, b) => (n) => a(n) % divisor(b(n)),
};

/** A division by zero would be hidden by a comparison with its result, so it ends the evaluation. */
function divisor(value: number): number {
  if (value === 0) throw new PluralFormsError("the plural rule divides by zero");
  return value;
}

/** The operators of each level, weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Recursive descent over the tokens of one expression. */
class ExpressionParser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = text.match(/\d+|[a-zA-Z_]\w*|[=!<>]=|&&|\|\||\S/g) ?? [];
  }

  /** The whole text as one expression. */
  parse(): Evaluate {
    const evaluate = this.#choice();
    if (this.#next < this.#tokens.length) throw this.#unexpected();
    return evaluate;
  }

  #choice(): Evaluate {
    if (++this.#depth > MAX_DEPTH)
      throw new PluralFormsError(`the plural rule is nested deeper than ${MAX_DEPTH} levels`);
    const condition = this.#binary(0);
    let result = condition;
    if (this.#take("?")) {
      const yes = this.#choice();
      if (!this.#take(":")) throw this.#unexpected();
      const no = this.#choice();
      result = (n) => (condition(n) !== 0 ? yes(n) : no(n));
    }
    this.#depth--;
    return result;
  }

  #binary(level: number): Evaluate {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = this.#tokens[this.#next];
      if (operator === undefined || !operators.includes(operator)) return left;
      this.#next++;
      left = (OPERATORS[operator] as (a: Evaluate, b: Evaluate) => Evaluate)(left, this.#binary(level + 1));
    }
  }

  #unary(): Evaluate {
    let negations = 0;
    while (this.#take("!")) negations++;
    const operand = this.#operand();
    if (negations === 0) return operand;
    const even = negations % 2 === 0;
    return (n) => Number((operand(n) !== 0) === even);
  }

  #operand(): Evaluate {
    if (this.#take("(")) {
      const inner = this.#choice();
      if (!this.#take(")")) throw this.#unexpected();
      return inner;
    }
    if (this.#take("n")) return (n) => n;
    const token = this.#tokens[this.#next] ?? "";
    const value = Number(token);
    if (!/^\d/.test(token) || !Number.isSafeInteger(value)) throw this.#unexpected();
    this.#next++;
    return () => value;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false;
    this.#next++;
    return true;
  }

  #unexpected(): PluralFormsError {
    const token = this.#tokens[this.#next];
    const what = token === undefined ? "it ends too early" : `${JSON.stringify(token)} is not expected there`;
    return new PluralFormsError(`the plural rule ${JSON.stringify(this.#text)} cannot be parsed: ${what}`);
  }
}

/**
 * Reads the value of a `Plural-Forms` header.
 *
 * @throws PluralFormsError (`ERR_SQUALL_LOCALE_PLURAL_FORMS`) when the value does not have the form
 * `nplurals=N; plural=EXPRESSION;`, when the expression is invalid, longer than 1000 characters or nested
 * deeper than 50 levels, and when it divides by zero or gives a form that does not exist for one of the
 * numbers 0 to 1000
 */
export function parsePluralForms(header: string): PluralForms {
  const [, digits, expression] =
    /^\s*nplurals\s*=\s*(\d{1,9})\s*;\s*plural\s*=([^;]*);?\s*$/.exec(header) ?? [];
  if (digits === undefined || expression === undefined) {
    const shown = JSON.stringify(header.slice(0, 80));
    throw new PluralFormsError(`Plural-Forms must be "nplurals=N; plural=EXPRESSION;", got ${shown}`);
  }
  const count = Number(digits);
  if (count < 1 || count > MAX_FORMS)
    throw new PluralFormsError(`nplurals must be from 1 to ${MAX_FORMS}, got ${count}`);
  if (expression.length > MAX_LENGTH)
    throw new PluralFormsError(`the plural rule is longer than ${MAX_LENGTH} characters`);
  const evaluate = new ExpressionParser(expression.trim()).parse();
  const exists = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < count;
  for (let n = 0; n <= TRIED_UP_TO; n++) {
    const index = evaluate(n);
    if (!exists(index))
      throw new PluralFormsError(`the plural rule gives form ${index} for ${n}, and there are ${count}`);
  }
  return {
    count,
    indexOf(n) {
      try {
        const index = evaluate(n);
        return exists(index) ? index : 0;
      } catch {
        return 0;
      }
    },
  };
}
