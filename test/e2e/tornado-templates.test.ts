/**
 * The same pages, rendered by squall and by Tornado: random ones, made of what Python and JavaScript read
 * alike.
 */
import "../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DictLoader } from "squall/template";
import { Child } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";

/** Reads a list of [files, options] from stdin, and prints what Tornado makes of their pages. */
const PYTHON = `
import json, sys
from tornado.escape import to_unicode
from tornado.template import DictLoader
from tornado.util import ObjectDict
def fail():
    raise ValueError("fails on purpose")
values = dict(a="<A>", b="b&", n=3, items=["x", "<y>", "z"], obj=ObjectDict(k="K"), fail=fail,
    up=lambda v: to_unicode(v).upper(), br=lambda v: "[" + to_unicode(v) + "]",
    _tt_modules=ObjectDict(Mark=lambda v: "<m>" + v + "</m>"))
json.dump([to_unicode(DictLoader(files, **options).load("dir/page.html").generate(**values))
    for files, options in json.load(sys.stdin)], sys.stdout)
print()
print("done")
`;

const VALUES = {
  a: "<A>",
  b: "b&",
  n: 3,
  items: ["x", "<y>", "z"],
  obj: { k: "K" },
  fail(): never {
    throw new Error("fails on purpose");
  },
  up: (text: string) => text.toUpperCase(),
  br: (text: string) => `[${text}]`,
  _tt_modules: { Mark: (text: string) => `<m>${text}</m>` },
};

/**
 * Variables get a name of their own each: Python's scopes refuse a name that an `apply` reads and sets later.
 */
let variables = 0;

const text = fc.constantFrom(
  "text",
  " ",
  "\n\n  x\n",
  " a\tb ",
  "<p>",
  "<pre>  y </pre>",
  "{ ",
  "}",
  "{{!",
  "{%!",
  "{#!",
  "\\",
  "'\"",
  "é☃",
);
const value = fc.constantFrom("a", "b", "n", "obj.k", "items[1]", "up(a)", "a + b", "n + 1", "'%'");
const condition = fc.constantFrom("a", "n == 3", "n > 5", "a != b", "n < 2");

function nodes(depth: number, variable: string | undefined): fc.Arbitrary<string> {
  return fc.array(node(depth, variable), { maxLength: 4 }).map((list) => list.join(""));
}

function node(depth: number, variable: string | undefined): fc.Arbitrary<string> {
  const leaves = [
    text,
    value.map((code) => `{{ ${code} }}`),
    value.map((code) => `{% raw ${code} %}`),
    fc.constantFrom("{# c #}", "{% comment c %}", "{% module Mark(a) %}", "{% include part.html %}"),
    fc.constantFrom("{% autoescape br %}", "{% autoescape None %}", "{% autoescape xhtml_escape %}"),
    fc.constantFrom("all", "single", "oneline").map((mode) => `{% whitespace ${mode} %}`),
    value.map((code) => {
      const name = `v${++variables}`;
      return `{% set ${name} = ${code} %}{{ ${name} }}`;
    }),
    ...(variable === undefined
      ? []
      : [
          fc.constant(`{{ ${variable} }}`),
          fc
            .constantFrom("break", "continue")
            .map((word) => `{% if ${variable} == 'x' %}{% ${word} %}{% end %}`),
        ]),
  ];
  if (depth === 0) return fc.oneof(...leaves);
  const inner = nodes(depth - 1, variable);
  const loopVariable = `i${depth}_${++variables}`;
  return fc.oneof(
    ...leaves,
    fc
      .tuple(condition, inner, condition, inner, inner)
      .map(
        ([a, one, b, two, three]) => `{% if ${a} %}${one}{% elif ${b} %}${two}{% else %}${three}{% end %}`,
      ),
    fc
      .tuple(nodes(depth - 1, loopVariable), inner)
      .map(([turns, last]) => `{% for ${loopVariable} in items %}${turns}{% else %}${last}{% end %}`),
    nodes(depth - 1, undefined).map((code) => `{% apply up %}${code}{% end %}`),
    fc
      .tuple(inner, fc.boolean(), inner, inner)
      .map(
        ([tried, fails, caught, last]) =>
          `{% try %}${tried}${fails ? "{{ fail() }}" : ""}{% except %}${caught}{% else %}ok{% finally %}${last.replaceAll(/\{% (break|continue) %\}/g, "")}{% end %}`,
      ),
    inner.map(
      (code) =>
        `{% set w = 0 %}{% while w < 2 %}{% set w = w + 1 %}${code.replaceAll(/\{% (break|continue) %\}/g, "")}{% end %}`,
    ),
    fc
      .tuple(fc.constantFrom("head", "body", "foot"), nodes(depth - 1, undefined))
      .map(
        ([name, code]) =>
          `{% block ${name} %}${code.replaceAll(/\{% block \w+ %\}/g, "{% if 1 %}")}{% end %}`,
      ),
  );
}

const site = fc
  .record({
    base: nodes(2, undefined),
    page: nodes(2, undefined),
    part: nodes(0, undefined),
    extend: fc.boolean(),
    whitespace: fc.constantFrom(undefined, "all", "single", "oneline"),
  })
  .map(({ base, page, part, extend, whitespace }) => ({
    files: {
      "base.html": `${base}{% block body %}base{% end %}`,
      "dir/page.html": (extend ? "{% extends '../base.html' %}" : "") + page,
      "dir/part.html": part.replaceAll("{% include part.html %}", "part"),
      "part.html": "top part {{ a }}",
    },
    options: whitespace === undefined ? {} : { whitespace },
  }));

test("Tornado renders the same text from the same templates", needs("python3-tornado"), async (context) => {
  const seed = Date.now() & 0x7fffffff;
  const sites = fc.sample(site, { numRuns: 400, seed });
  const child = Child.start(context, pathOf("python3-tornado"), ["-c", PYTHON]);
  child.input(JSON.stringify(sites.map(({ files, options }) => [files, options])));
  await child.prints(/\ndone\n$/);
  const expected = JSON.parse(child.output.slice(0, child.output.lastIndexOf("\ndone"))) as string[];
  for (const [i, { files, options }] of sites.entries()) {
    const ours = new DictLoader(files, options).load("dir/page.html").generate(VALUES);
    assert.equal(ours, expected[i], `seed ${seed}, page ${i}: ${JSON.stringify(files, null, 1)}`);
  }
});
