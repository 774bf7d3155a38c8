/**
 * Mistakes in a template are reported with their place: at compile time by ParseError, at run time by the
 * stack.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DictLoader, ParseError, Template, TemplateError, templateErrorLocation } from "squall/template";

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

const compileError = (source: string): ParseError => {
  const error = errorOf(() => new Template(source, { name: "page.html" }));
  assert.ok(error instanceof ParseError, `${source}: ${String(error)}`);
  return error;
};

describe("a ParseError", () => {
  test("shows the beginning of a long line, and no carriage return", () => {
    const error = compileError(`{{ }}${"x".repeat(600)}\r\n`);
    assert.equal(error.message, `Empty expression at page.html:1: {{ }}${"x".repeat(115)}…`);
    assert.equal(compileError("{{ }}\r\n").sourceLine, "{{ }}");
    assert.equal(error.sourceLine?.length, 500);
  });
  test("has file, line and source line, and its message ends with them", () => {
    const error = compileError("a\n  {% bogus x %}\nb");
    assert.deepEqual(
      [error.filename, error.lineno, error.sourceLine, error.code],
      ["page.html", 2, "  {% bogus x %}", "ERR_SQUALL_TEMPLATE_PARSE"],
    );
    assert.equal(error.message, "unknown operator: bogus at page.html:2: {% bogus x %}");
    assert.equal(String(error), `ParseError: ${error.message}`);
  });
  test("can be made with a message, file and line, as in Tornado", () => {
    const error = new ParseError("bad", "a.html", 3);
    assert.deepEqual([error.message, error.filename, error.lineno], ["bad at a.html:3", "a.html", 3]);
    assert.deepEqual([new ParseError("bad").message, new ParseError("bad").lineno], ["bad", 0]);
  });
  for (const [source, lineno, message] of [
    ["\n{{ x", 2, /Missing end expression/],
    ["\n{% if x", 2, /Missing end block/],
    ["\n{# x\n\n", 2, /Missing end comment/],
    ["{{ }}", 1, /Empty expression/],
    ["{%  %}", 1, /Empty block tag/],
    ["a\n{% if x %}\n\n", 2, /Missing \{% end %\} block for if/],
    ["a\n{% end %}", 2, /Extra \{% end %\} block/],
    ["{% endif %}", 1, /unknown operator: endif; every block ends with \{% end %\}/],
    ["{% else %}", 1, /else outside of a block of if, for, while, try/],
    ["{% block a %}{% else %}{% end %}", 1, /else block cannot be attached to block block/],
    ["{% if x %}{% else %}{% else %}{% end %}", 1, /cannot be attached/],
    ["{% if x %}{% else %}{% elif y %}{% end %}", 1, /cannot be attached/],
    ["{% for x of y %}{% else %}{% else %}{% end %}", 1, /cannot be attached/],
    ["{% if x %}{% else nonsense %}{% end %}", 1, /else takes nothing, got nonsense/],
    ["{% try %}{% end %}", 1, /needs an except, catch or finally/],
    ["{% try x %}{% finally %}{% end %}", 1, /try takes nothing/],
    ["{% try %}{% except %}{% except A %}{% end %}", 1, /cannot be attached/],
    ["{% try %}{% else %}{% finally %}{% end %}", 1, /cannot be attached/],
    ["{% try %}{% finally %}{% except %}{% end %}", 1, /cannot be attached/],
    ["{% try %}{% catch %}{% else %}{% except %}{% end %}", 1, /cannot be attached/],
    ["{% break %}", 1, /break outside of a for or while block/],
    ["{% for x of y %}{% apply f %}{% continue %}{% end %}{% end %}", 1, /continue outside/],
    ["{% for x of y %}{% else %}{% break %}{% end %}", 1, /break outside/],
    ["{% for x of y %}{% break 2 %}{% end %}", 1, /break takes nothing/],
    ["{% for x %}{% end %}", 1, /ends too early/],
    ["{% for x of %}{% end %}", 1, /ends too early/],
    ["{% for 1 of y %}{% end %}", 1, /unexpected 1/],
    ["{% for x of y z %}{% end %}", 1, /unexpected z/],
    ["{% if x %}{% extends 'a' %}{% end %}", 1, /extends cannot stand inside a block/],
    ["{% extends 'a' %}", 1, /no template loader/],
    ["\n{% include 'a' %}", 2, /no template loader/],
    ["{% autoescape f( %}", 1, /takes the name of a function/],
    ["{% autoescape class.f %}", 1, /takes the name of a function/],
    ["{% autoescape a._tt_b..c %}", 1, /takes the name of a function/],
    ["\n{% whitespace none %}", 2, /must be one of all, single, oneline, got 'none'/],
    ["{% extends %}", 1, /extends missing file path/],
    ["{% include '' %}", 1, /include missing file path/],
    ["{% import %}", 1, /import missing statement/],
    ["{% from %}", 1, /from missing statement/],
    ["{% apply %}{% end %}", 1, /apply missing method name/],
    ["{% apply f %}{% else %}{% end %}", 1, /else block cannot be attached to apply block/],
    ["{% block %}{% end %}", 1, /block missing name/],
    ["{% set %}", 1, /an expression is missing/],
    ["{% try %}{% except as e %}{% end %}", 1, /unexpected e/],
    ["{{ import.meta.url }}", 1, /import\.meta/],
    ["{% module X %}", 1, /takes a call/],
    ["{% module a.b() %}", 1, /takes a call/],
    ["{% module (0, X)() %}", 1, /takes a call/],
    ["{% import a.b %}", 1, /import takes a name/],
    ["{% import a as 1 %}", 1, /import takes a name/],
    ["{% from a %}", 1, /from takes a name and what to import/],
    ["{% from a import * %}", 1, /\* is not a name/],
    ["{% from a import b c %}", 1, /is not a name/],
    ["{% import x as await %}", 1, /cannot be the name of a variable/],
    ["{% for await of [] %}{% end %}", 1, /unexpected/],
    ["{% from a import class %}", 1, /cannot be the name of a variable/],
    ["{{ a, b }}", 1, /unexpected ,/],
    ["{{ a\n b }}", 2, /unexpected b/],
    ["{{ a; b }}", 1, /unexpected ;/],
    ["{{ 'abc }}", 1, /Unterminated string/],
    ["{{ x = }}", 1, /ends too early|missing/],
    ["{{ a and b }}", 1, /"and" is written &&/],
    ["{{ not a }}", 1, /"not" is written !/],
    ["{{ 'a' if c else 'b' }}", 1, /written c \? x : y/],
    ["{{ x <!-- y\n }}", 1, /HTML comments cannot be used/],
    ["{{ eval('1') }}", 1, /eval cannot be used/],
    ["{{ arguments[0] }}", 1, /arguments cannot be used/],
    ["{{ import('fs') }}", 1, /import\(\) cannot be used/],
    ["{{ _tt_out }}", 1, /names that begin with _tt_ are reserved/],
    ["{% set _tt_scope = 1 %}", 1, /reserved/],
    ["{{ [1].map((_tt_missing) => x) }}", 1, /reserved/],
    ["{{ (() => { let _tt_missing = x; return x })() }}", 1, /reserved/],
    ["{{ class _tt_text {} }}", 1, /reserved/],
    ["{{ \\u005ftt_out }}", 1, /reserved/],
    ["{% for _tt_out of [] %}{% end %}", 1, /reserved/],
    ["{% from a import b as _tt_out %}", 1, /_tt_out cannot be the name of a variable/],
    ["{{ x }\n}", 1, /Missing end expression/],
    ["{% set with_ = 1; with (x) y %}", 1, /unexpected ;/],
  ] as const) {
    test(`is thrown for ${JSON.stringify(source)}`, () => {
      const error = compileError(source);
      assert.match(error.message, message);
      assert.equal(error.lineno, lineno);
    });
  }
  test("is thrown for a break whose block ends up outside of the loop round it", () => {
    const loader = new DictLoader({
      "base.html": "{% block a %}{% end %}",
      "page.html": "{% extends base.html %}\n{% for x of y %}{% block a %}{% break %}{% end %}{% end %}",
    });
    const error = errorOf(() => loader.load("page.html"));
    assert.ok(error instanceof ParseError);
    assert.deepEqual([error.filename, error.lineno], ["page.html", 2]);
  });
});

test("options that cannot be are refused", () => {
  for (const options of [
    { whitespace: "none" },
    { whitespace: "all", compressWhitespace: true },
    { autoescape: "f()" },
    { autoescape: "_tt_text" },
    { autoescape: "" },
    { autoescape: "a.b()" },
    { autoescape: "this.f" },
  ])
    assert.throws(() => new Template("", options as object), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
});

describe("an error while a template is rendered", () => {
  const loader = new DictLoader({
    "base.html": "<html>\n{% block body %}{% end %}",
    "page.html":
      "{% extends base.html %}\n{% block body %}\n{% for row of rows %}{% include 'row.html' %}{% end %}{% end %}",
    "row.html": "<td>\n{{ row.name }}\n{{\n  row.address.city }}</td>",
  });
  const rows = [{ name: "a", address: { city: "b" } }, { name: "c" }];

  test("names file and line of the template in its stack, and by which way it came there", () => {
    const error = errorOf(() => loader.load("page.html").generate({ rows })) as Error;
    assert.ok(error instanceof TypeError);
    assert.equal(error.stack?.split("\n")[1], "    at row.html:4 (via page.html:3, base.html:2)");
  });
  test("has its place beside it, with the source line, for error pages", () => {
    const error = errorOf(() => loader.load("page.html").generate({ rows }));
    const location = templateErrorLocation(error);
    assert.deepEqual(
      [location?.filename, location?.lineno, location?.sourceLine],
      ["row.html", 4, "  row.address.city }}</td>"],
    );
    assert.equal(location?.includedFrom?.filename, "page.html");
    assert.equal(templateErrorLocation(new Error()), undefined);
    assert.equal(templateErrorLocation("text"), undefined);
  });
  test("is found on each line of each kind of tag", () => {
    const fail = (): never => {
      throw new Error("here");
    };
    for (const tag of [
      "{{ fail() }}",
      "{% raw fail() %}",
      "{% set x = fail() %}",
      "{% if fail() %}{% end %}",
      "{% if 0 %}{% elif fail() %}{% end %}",
      "{% for x of fail() %}{% end %}",
      "{% while fail() %}{% end %}",
      "{% apply fail %}{% end %}",
      "{% apply id %}{{ fail() }}{% end %}",
      "{% try %}{{ fail() }}{% finally %}{% end %}",
      "{% module Fail() %}",
      "{% import nothing %}",
      "{{ 1 }}{{\n`\r\u2028`,fail() }}".replace(",", "+"),
    ]) {
      const template = new Template(`{{ 1 }}\n{{ 2 }}\n${tag}\n{{ 3 }}`, { name: "x.txt" });
      const error = errorOf(() =>
        template.generate({ fail, id: (text: string) => text, _tt_modules: { Fail: fail } }),
      );
      const found = templateErrorLocation(error)?.lineno;
      assert.equal(found, tag.includes("\n") ? 4 : 3, tag);
    }
  });
  test("is found in what waits, and in a template that another one renders", async () => {
    const waits = new Template("\n{{ await x.y.z }}", { name: "waits.html" });
    const error = await waits.generateAsync({ x: {} }).catch((reason: unknown) => reason);
    assert.equal(templateErrorLocation(error)?.lineno, 2);
    const inner = new Template("\n\n{{ x.y.z }}", { name: "inner.html" });
    const outer = new Template("{% raw inner.generate({ x }) %}", { name: "outer.html" });
    const nested = errorOf(() => outer.generate({ inner, x: {} })) as Error;
    assert.equal(templateErrorLocation(nested)?.filename, "inner.html");
    assert.match(nested.stack ?? "", /at inner\.html:3\n.*at outer\.html:1\n/s);
  });
  test("is passed on unchanged when it is not an Error, or is frozen", () => {
    const template = new Template("{{ f() }}");
    for (const thrown of [1, null, { message: "x" }])
      assert.equal(
        errorOf(() =>
          template.generate({
            f: () => {
              throw thrown;
            },
          }),
        ),
        thrown,
      );
    let frozen: Error | undefined;
    const f = (): never => {
      frozen = Object.freeze(new Error("frozen"));
      throw frozen;
    };
    assert.equal(
      errorOf(() => template.generate({ f })),
      frozen,
    );
    assert.equal(templateErrorLocation(frozen)?.lineno, 1);
  });
});

test("every error of templates is a TemplateError", () => {
  for (const action of [
    () => new Template("{{ }}"),
    () => new Template("{{ x }}").generate(),
    () => new DictLoader({}).load("x"),
    () => new Template("{% autoescape x %}{{ 1 }}").generate({ x: 1 }),
    () => new Template("{% autoescape x %}{{ 1 }}").generate(),
  ])
    assert.ok(errorOf(action) instanceof TemplateError);
});
