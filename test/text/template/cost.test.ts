/** What compiling costs grows with the size of a template. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DictLoader, Template } from "squall/template";

/** Time, in milliseconds of this process's CPU. */
function cost(work: () => void): number {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

for (const [what, source] of [
  ["expressions", (n: number) => "{{ x }} ".repeat(n)],
  [
    "expressions with braces and quotes",
    (n: number) => "{{ '}}' + /'/.source + {a: {b: x}} }}".repeat(n / 4),
  ],
  ["names", (n: number) => Array.from({ length: n / 4 }, (_, i) => `{{ x${i} }}`).join("\n")],
  ["conditions", (n: number) => "{% if x %}a{% else %}b{% end %}\n".repeat(n / 4)],
  ["comments", (n: number) => "{# {{ #}".repeat(n)],
  ["braces", (n: number) => "{ {{{!".repeat(n / 4)],
  ["quotes", (n: number) => `{% set x = 1 %}{% include ${'"'.repeat(n)}x %}`],
  ["text", (n: number) => "\v \n".repeat(n)],
  ["assignments", (n: number) => "{% set x = 1 %}".repeat(n / 2)],
] as const) {
  test(`compiling takes time in proportion: ${what}`, () => {
    const compile = (n: number) => () => {
      new Template(source(n), { whitespace: "single", loader: new DictLoader({ x: "" }) });
    };
    compile(1_000)();
    const small = cost(compile(2_000));
    const large = cost(compile(16_000));
    // Eight times the size: a quadratic step would make it 64 times.
    assert.ok(large < 30 * small + 200, `${small.toFixed(1)} ms, then ${large.toFixed(1)} ms`);
  });
}
