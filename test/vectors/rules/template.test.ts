import { testRules } from "../rule-examples.js";
import { rules } from "./template.js";

testRules("template", rules, {
  "template/values-as-text": {
    covers: [
      { args: ["{{ n }}", { n: true }], result: "True" },
      { args: ["{{ n }}", { n: [1] }], result: "[1]" },
      { args: ["{{ 6 / 2 }}", {}], result: "3.0" },
    ],
    leaves: [
      { args: ["{{ n }}", { n: 1.5 }], result: "1.5" },
      { args: ["{{ n }}", { n: "x" }], result: "True story" },
      { args: ["{{ n }}", { n: 5 }], kwargs: { autoescape: "brackets" }, result: "[5]" },
    ],
  },
  "template/python-syntax": {
    covers: [
      { args: ["{% if a and b %}{% end %}", {}], result: "" },
      { args: ["{% if a is None %}{% end %}", {}], result: "" },
      { args: ["{{ 'a' if c else 'b' }}", {}], result: "a" },
      { args: ["{% set a, b = 1, 2 %}", {}], result: "" },
    ],
    leaves: [
      { args: ["{% if a %} and {% end %}", {}], result: " and " },
      { args: ["{% set a = f(1, 2) %}", {}], result: "" },
      { args: ["{% if a and %}{% end %}", {}], error: { type: "SyntaxError" } },
    ],
  },
  "template/operators": {
    covers: [
      { args: ["{{ 1 / 0 }}", {}], error: { type: "ZeroDivisionError" } },
      { args: ["{{ obj.nope }}", { obj: {} }], error: { type: "AttributeError" } },
    ],
    leaves: [
      { args: ["{{ f() }}", {}], error: { type: "ZeroDivisionError" } },
      { args: ["{{ missing }}", {}], error: { type: "NameError" } },
      { args: ["{{ 1 / 2 }}", {}], result: "0.5" },
    ],
  },
  "template/empty-objects-are-true": {
    covers: [{ args: ["{% if x %}yes{% else %}no{% end %}", { x: {} }], result: "no" }],
    leaves: [
      { args: ["{% if x %}yes{% else %}no{% end %}", { x: { a: 1 } }], result: "yes" },
      { args: ["{% if x %}yes{% else %}no{% end %}", { x: 0 }], result: "no" },
    ],
  },
  "template/set-updates": {
    covers: [{ args: ["{% set x += 1 %}", { x: 1 }], error: { type: "UnboundLocalError" } }],
    leaves: [{ args: ["{% set x = 1 %}", { x: 1 }], result: "" }],
  },
  "template/no-module-name": {
    covers: [{ args: ["{{ __name__ }}", {}], result: "&lt;string&gt;" }],
    leaves: [{ args: ["{{ name }}", { name: "x" }], result: "x" }],
  },
  "template/apply-gives-text": {
    covers: [{ args: ["{% apply squeeze %} a {% end %}", {}], error: { type: "TypeError" } }],
    leaves: [
      { args: ["{% apply upper %} a {% end %}", {}], error: { type: "TypeError" } },
      { args: ["{{ squeeze(' a ') }}", {}], result: "a" },
    ],
  },
  "template/autoescape-is-named": {
    covers: [{ args: ["{% autoescape %}{{ 1 }}", {}], result: "1" }],
    leaves: [{ args: ["{% autoescape None %}{{ 1 }}", {}], result: "1" }],
  },
  "template/no-loader-has-a-place": {
    covers: [{ args: ["{% extends 'x' %}", {}], error: { type: "ParseError", filename: null, lineno: 0 } }],
    leaves: [{ args: ["{{ }}", {}], error: { type: "ParseError", filename: "<string>", lineno: 1 } }],
  },
});
