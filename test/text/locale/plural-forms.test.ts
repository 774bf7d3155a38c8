import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PluralFormsError, parsePluralForms } from "squall/locale";

/** Rules as catalogues have them, and some numbers with their forms. */
const RULES: readonly (readonly [
  language: string,
  header: string,
  forms: Readonly<Record<number, number>>,
])[] = [
  ["Japanese", "nplurals=1; plural=0;", { 0: 0, 1: 0, 1000000: 0 }],
  ["English", "nplurals=2; plural=n != 1;", { 0: 1, 1: 0, 2: 1 }],
  ["French", "nplurals=2; plural=n>1;", { 0: 0, 1: 0, 2: 1 }],
  [
    "Latvian",
    "nplurals=3; plural=n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2;",
    { 0: 2, 1: 0, 11: 1, 21: 0, 111: 1 },
  ],
  ["Irish", "nplurals=3; plural=n==1 ? 0 : n==2 ? 1 : 2;", { 1: 0, 2: 1, 3: 2 }],
  [
    "Russian",
    "nplurals=3; plural=n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;",
    { 0: 2, 1: 0, 2: 1, 5: 2, 11: 2, 12: 2, 21: 0, 22: 1, 112: 2, 122: 1 },
  ],
  [
    "Slovenian",
    "nplurals=4; plural=n%100==1 ? 0 : n%100==2 ? 1 : n%100==3 || n%100==4 ? 2 : 3;",
    { 0: 3, 101: 0, 102: 1, 104: 2, 105: 3 },
  ],
  [
    "Arabic",
    "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;",
    { 0: 0, 1: 1, 2: 2, 3: 3, 11: 4, 100: 5, 103: 3 },
  ],
];

/** Expressions of the grammar but for division, whose meaning differs between C and JavaScript. */
const expressions = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.constant("n"),
    fc.nat(200).map(String),
    fc
      .tuple(
        tie("any"),
        fc.constantFrom("||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*"),
        tie("any"),
      )
      .map(([a, operator, b]) => `${a} ${operator} ${b}`),
    fc.tuple(tie("any"), fc.integer({ min: 1, max: 9 })).map(([a, b]) => `(${a})%${b}`),
    tie("any").map((inner) => `(${inner})`),
    tie("any").map((inner) => `!(${inner})`),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([a, b, c]) => `(${a}?${b}:${c})`),
  ),
})).any;

describe("parsePluralForms()", () => {
  for (const [language, header, forms] of RULES) {
    it(`understands the rule of ${language}`, () => {
      const rule = parsePluralForms(header);
      assert.equal(rule.count, Number(/\d+/.exec(header)?.[0]));
      for (const [n, form] of Object.entries(forms)) assert.equal(rule.indexOf(Number(n)), form, `n = ${n}`);
    });
  }

  it("binds and associates operators as C does, compared with the same expression as JavaScript", () => {
    fc.assert(
      fc.property(expressions, fc.nat(1000), (expression, n) => {
        const whole = `((${expression}) % 7 + 7) % 7`;
        const twin = new Function("n", `"use strict"; return Number(${whole});`) as (n: number) => number;
        fc.pre(whole.length <= 900 && Number.isSafeInteger(twin(1000)));
        // Comparisons convert to 0 and 1 in JavaScript, as in C; && and || give one of their operands.
        fc.pre(!/&&|\|\|/.test(expression));
        let rule: ReturnType<typeof parsePluralForms>;
        try {
          rule = parsePluralForms(`nplurals=7; plural=${whole};`);
        } catch (error) {
          // Numbers above 2^53 have no remainder; the rule says so for one of the numbers that it tries.
          assert.ok(error instanceof PluralFormsError);
          assert.match(error.message, /gives form|deeper/);
          return;
        }
        assert.equal(rule.indexOf(n), twin(n));
      }),
    );
  });

  it("gives 1 and 0 for && and ||, as C does", () => {
    const value = (expression: string, n: number): number =>
      parsePluralForms(`nplurals=9; plural=${expression};`).indexOf(n);
    assert.equal(value("5 && n", 3), 1);
    assert.equal(value("0 || n*4", 3), 1);
    assert.equal(value("n && 0", 3), 0);
    assert.equal(value("(n > 1) + (n > 2) + (n || 4)", 3), 3);
    assert.equal(value("!n + !!n + !!!n", 3), 1);
  });

  it("divides integers, towards zero", () => {
    assert.equal(parsePluralForms("nplurals=3; plural=n/400;").indexOf(999), 2);
    assert.equal(parsePluralForms("nplurals=2; plural=(1-4)/2 == 0-1;").indexOf(0), 1);
  });

  it("takes white space anywhere, and a missing last semicolon", () => {
    assert.equal(parsePluralForms(" nplurals = 2 ;\tplural = ( n\t!= 1 ) ").indexOf(5), 1);
  });

  it("gives the first form for a number beyond those that were tried, when the rule has none for it", () => {
    const rule = parsePluralForms("nplurals=2; plural=n > 2000 ? 5 : n == 1 ? 0 : 1;");
    assert.equal(rule.indexOf(3), 1);
    assert.equal(rule.indexOf(3000), 0);
    assert.equal(parsePluralForms("nplurals=2; plural=n > 1000 ? n / 0 : 1;").indexOf(1001), 0);
  });

  it("takes a number with a fraction for some", () => {
    assert.equal(parsePluralForms("nplurals=2; plural=n != 1;").indexOf(1.5), 1);
    assert.equal(parsePluralForms("nplurals=2; plural=n%2;").indexOf(0.5), 0);
  });

  for (const [what, header] of [
    ["an empty header", ""],
    ["the template of a new catalogue", "nplurals=INTEGER; plural=EXPRESSION;"],
    ["no rule", "nplurals=2;"],
    ["an empty rule", "nplurals=2; plural=;"],
    ["no forms", "nplurals=0; plural=0;"],
    ["too many forms", "nplurals=101; plural=0;"],
    ["another variable", "nplurals=2; plural=m != 1;"],
    ["a function call", "nplurals=2; plural=process.exit(1);"],
    ["an assignment", "nplurals=2; plural=n=1;"],
    ["a second statement", "nplurals=2; plural=n; n"],
    ["a missing operand", "nplurals=2; plural=n ==;"],
    ["a missing parenthesis", "nplurals=2; plural=(n != 1;"],
    ["a parenthesis too many", "nplurals=2; plural=n != 1);"],
    ["half a choice", "nplurals=2; plural=n ? 1;"],
    ["a number that is too large", "nplurals=2; plural=n == 9007199254740993;"],
    ["an operator that C has and gettext has not", "nplurals=2; plural=n & 1;"],
    ["a form that does not exist", "nplurals=2; plural=n > 999 ? 2 : 0;"],
    ["a negative form", "nplurals=2; plural=0-n;"],
    ["a division by zero", "nplurals=2; plural=5/n > 1;"],
    ["a remainder by zero", "nplurals=2; plural=n%0;"],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parsePluralForms(header), { code: "ERR_SQUALL_LOCALE_PLURAL_FORMS" });
    });
  }

  it("refuses what is too long or nested too deep, and does not overflow the stack", () => {
    for (const expression of [`${"n+".repeat(600)}n`, `${"(".repeat(400)}n${")".repeat(400)}`]) {
      assert.throws(() => parsePluralForms(`nplurals=2; plural=${expression};`), PluralFormsError);
    }
    assert.throws(() => parsePluralForms(`nplurals=2; plural=${"n?0:".repeat(240)}0;`), /deeper than 50/);
    assert.equal(parsePluralForms(`nplurals=2; plural=${"(n)*".repeat(90)}0;`).indexOf(7), 0);
    const chain = `nplurals=2; plural=(${"0+".repeat(480)}n) != 1;`;
    assert.equal(parsePluralForms(chain).indexOf(7), 1);
    assert.equal(parsePluralForms(`nplurals=2; plural=${"!".repeat(990)}n;`).indexOf(7), 1);
  });

  it("throws nothing but a PluralFormsError, whatever it is given", () => {
    const noise = fc
      .array(
        fc.constantFrom(
          "n",
          "0",
          "1",
          "12",
          "(",
          ")",
          "?",
          ":",
          "!",
          "&&",
          "||",
          "==",
          "%",
          "/",
          "-",
          " ",
          "x",
          "é",
        ),
        {
          maxLength: 40,
        },
      )
      .map((tokens) => tokens.join(""));
    fc.assert(
      fc.property(noise, (expression) => {
        try {
          const rule = parsePluralForms(`nplurals=3; plural=${expression};`);
          for (const n of [0, 1, 2, 5000]) assert.ok([0, 1, 2].includes(rule.indexOf(n)));
        } catch (error) {
          assert.ok(error instanceof PluralFormsError, String(error));
        }
      }),
    );
  });
});
