/** The language of templates: what each tag does. What fails, and how, is in errors.test.ts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Template, TemplateNameError } from "squall/template";

const render = (source: string, namespace: object = {}): string => new Template(source).generate(namespace);

describe("an expression", () => {
  test("is JavaScript, and its value is escaped", () => {
    assert.equal(
      render("{{ items.map((x) => '<' + x + '>').join(sep) }}", { items: [1, 2], sep: "&" }),
      "&lt;1&gt;&amp;&lt;2&gt;",
    );
  });
  test("may hold the marks that end tags, in literals and behind objects", () => {
    assert.equal(render("{{ '}}' + `%}` }}|{{ {a: {b: 1}}.a.b }}|{{ /}}/.test('}}') }}"), "}}%}|1|true");
    assert.equal(render("{% set x = '%}' %}{{ x }}|{% if /%}/.test(x) %}yes{% end %}"), "%}|yes");
    assert.equal(render("{{ (() => { return { a: 5 % 3 } })().a }}"), "2");
  });
  test("may be written over several lines, with comments", () => {
    assert.equal(render("{{\n  a // one\n  + /* two */ b\n}}", { a: 1, b: 2 }), "3");
  });
  test("writes nothing for null and undefined, and UTF-8 for bytes", () => {
    assert.equal(render("[{{ a }}{{ b }}{{ c.d }}]", { a: null, b: undefined, c: {} }), "[]");
    assert.equal(render("{{ bytes }}", { bytes: Buffer.from("é<") }), "é&lt;");
    assert.equal(render("{{ 0 }}{{ false }}{{ NaN }}{{ 10n }}"), "0falseNaN10");
  });
  test("is not evaluated as text that a value holds", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is meant to look like code
    const evil = "{{ x }}{% raw y %}${z}`\"'\\\n;throw 1//";
    assert.equal(render("{% raw value %}", { value: evil }), evil);
  });
  test("is written as it is by raw, and with autoescape None", () => {
    assert.equal(render("{% raw x %}{{ x }}", { x: "<" }), "<&lt;");
    assert.equal(render("{{ x }}{% autoescape None %}", { x: "<" }), "<");
    assert.equal(new Template("{{ x }}", { autoescape: null }).generate({ x: "<" }), "<");
  });
});

describe("escaping", () => {
  test("uses the named function for every expression of the file, wherever autoescape stands", () => {
    const star = (text: string): string => `*${text}*`;
    assert.equal(render("{{ x }}{% autoescape star %}{{ 1 }}", { x: "<", star }), "*<**1*");
    assert.equal(render("{% autoescape t.star %}{{ x }}", { x: "<", t: { star } }), "*<*");
    assert.equal(render("{% set star = (t) => t + '!' %}{% autoescape star %}{{ 1 }}"), "1!");
  });
  test("can be replaced under its own name by the namespace", () => {
    assert.equal(render("{{ x }}", { x: "<", xhtmlEscape: (text: string) => `(${text})` }), "(<)");
  });
  test("knows the helpers of squall/escape by Tornado's names and by ours", () => {
    const source =
      "{{ urlEscape('a b') }} {{ url_escape('a b') }} {% raw jsonEncode({a: '</'}) %} {% raw json_encode(1) %}";
    assert.equal(render(source), 'a+b a+b {"a":"<\\/"} 1');
    assert.equal(render("{% raw escape('<') + xhtmlEscape('<') + xhtml_escape('<') %}"), "&lt;&lt;&lt;");
    assert.equal(
      render("[{{ squeeze('  a  b ') }}]{% raw linkify('www.a.b') %}"),
      '[a b]<a href="http://www.a.b">www.a.b</a>',
    );
  });
});

describe("names", () => {
  test("are those of generate(), before the loader's and the built-in ones", () => {
    assert.equal(render("{{ Math.max(1, 2) }} {{ Math2 }}", { Math2: "own" }), "2 own");
    assert.equal(render("{{ escape }}", { escape: "mine" }), "mine");
  });
  test("of Date and Intl are there, in place of Python's datetime", () => {
    const source = "{{ new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(new Date(0)) }}";
    assert.equal(render(source), "1/1/1970");
  });
  test("that nothing defines are an error when they are used, and only then", () => {
    for (const source of [
      "{{ no }}",
      "{{ no() }}",
      "{{ [1].map((x) => x + no) }}",
      "{{ { no } }}",
      "{% set no += 1 %}",
      "{% set no++ %}",
    ])
      assert.throws(() => render(source), TemplateNameError, source);
    assert.equal(render("{% if false %}{{ no }}{% end %}{{ true || no }}{{ (() => no) && 1 }}"), "true1");
  });
  test("that may be missing can be asked for with typeof, and get a default with ??=", () => {
    assert.equal(render("{% if typeof no === 'undefined' %}none{% end %}"), "none");
    const source = "{% set title ??= 'Home' %}{{ title }}";
    assert.equal(render(source), "Home");
    assert.equal(render(source, { title: "Here" }), "Here");
    assert.equal(render("{% set n ||= 2 %}{{ n }}", { n: 0 }), "2");
  });
  test("of what objects inherit are not defined, unless the namespace has them", () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      assert.throws(() => render(`{{ ${name} }}`), TemplateNameError, name);
      assert.equal(render(`{{ ${name} }}`, JSON.parse(`{"${name}": "own"}`)), "own");
    }
    assert.equal(render("{{ a }}{{ b }}", Object.create({ a: 1, b: 2 }, { b: { value: 3 } })), "13");
  });
  test("of a namespace are found in objects without prototype, and through getters of classes", () => {
    class Page {
      get title(): string {
        return "from a getter";
      }
    }
    assert.equal(render("{{ title }}", new Page()), "from a getter");
    assert.equal(render("{{ a }}", Object.assign(Object.create(null), { a: 1 })), "1");
  });
  test("of functions inside an expression stay inside", () => {
    const source = `{{ [1, 2].map((x, i) => { let y = x; { let z = i; y += z } try { throw y } catch (e) { return e } }).join() }}
{{ (({ a, b: [c = d], ...rest }) => a + c + rest.e)({ a: 1, b: [], e: 3 }) }}
{{ (function f(n) { return n ? n * f(n - 1) : arguments.length })(3) }}
{{ new (class A { static b = 1; c = A.b; get d() { return this.c } })().d }}
{{ (() => { var s = 0; for (const v of [1, 2]) s += v; for (let i = 0; i < 2; i++) s += i; label: for (;;) break label; return s })() }}`;
    assert.equal(render(source, { d: 2 }), "1,3\n6\n6\n1\n4");
  });
  test("are found wherever an expression may hold one", () => {
    const source = `{{ (() => { switch (a) { case b: { let c = 5; return c } default: return c } })() }}
{{ (() => { function f() { return g() } function g() { return a } class C extends f { static [b] = c } return C[2] })() }}
{{ (() => { let x; for (x of [a]); for (x in { [b]: 1 }); ({ [b]: x = c } = {}); return x })() }}
{{ (({ [b]: x }) => x)({ 2: 7 }) }}{{ !a }}{{ typeof a.b }}{{ -b }}{{ a?.b?.[c] }}{{ \`\${a}\${b}\` }}
{{ (() => { const { a: [d = b] } = { a: [] }; let e = 0; do { e++ } while (e < c); return [d, e, ...[a]] })() }}
{{ (function () { return new.target === undefined && typeof this })() }}{{ [a].map(async (x) => await x).length }}`;
    assert.equal(render(source, { a: 1, b: 2, c: 3 }), "3\n3\n3\n7falseundefined-212\n2,3,1\nundefined1");
  });
  test("can be any that JavaScript has, also those that generated code might use", () => {
    for (const name of ["render", "async", "of", "let_", "$", "ünïcode", "get", "name", "scope"])
      assert.equal(render(`{% for ${name} of [1] %}{{ ${name} }}{% end %}`), "1", name);
  });
});

describe("set", () => {
  test("assigns names, several by a pattern, members, and updates", () => {
    assert.equal(render("{% set x = 1 %}{% set x += 1 %}{% set x++ %}{{ x }}"), "3");
    assert.equal(
      render("{% set [a, {b}] = [1, {b: 2}] %}{% set {c, d = 4} = {c: 3} %}{{ a }}{{ b }}{{ c }}{{ d }}"),
      "1234",
    );
    assert.equal(render("{% set o.p = 1 %}{{ o.p }}", { o: {} }), "1");
    assert.equal(render("{% set x = x + 1 %}{{ x }}", { x: 1 }), "2");
  });
  test("does not change the namespace, and is not seen by the next rendering", () => {
    const namespace = { x: 1 };
    const template = new Template("{{ x }}{% set x = 2 %}{{ x }}");
    assert.equal(template.generate(namespace) + template.generate(namespace), "1212");
    assert.deepEqual(namespace, { x: 1 });
  });
});

describe("if", () => {
  test("takes the first branch that is true; else if is elif", () => {
    const source = "{% if n == 0 %}zero{% elif n == 1 %}one{% else if n == 2 %}two{% else %}many{% end %}";
    assert.deepEqual(
      [0, 1, 2, 3].map((n) => render(source, { n })),
      ["zero", "one", "two", "many"],
    );
  });
  test("tests a name again behind a branch that was not taken", () => {
    assert.throws(() => render("{% if false %}{% set x = 1 %}{% end %}{{ x }}"), TemplateNameError);
    assert.throws(() => render("{% if a && x %}{% end %}{{ x }}", { a: false }), TemplateNameError);
  });
});

describe("for", () => {
  test("goes over the values of whatever can be iterated, with of or in", () => {
    const source = "{% for x of xs %}{{ x }},{% end %}";
    assert.equal(render(source, { xs: [1, 2] }), "1,2,");
    assert.equal(render(source, { xs: new Set(["a"]) }), "a,");
    assert.equal(render("{% for x in 'ab' %}{{ x }},{% end %}"), "a,b,");
    assert.equal(render("{% for x in (1 in { 1: 2 }) ? [1] : [] %}{{ x }}{% end %}"), "1");
  });
  test("takes items apart by patterns, or by several names", () => {
    const source = "{% for TARGET of new Map([['a', 1], ['b', 2]]) %}{{ k }}={{ v }};{% end %}";
    assert.equal(render(source.replace("TARGET", "[k, v]")), "a=1;b=2;");
    assert.equal(render(source.replace("TARGET", "k, v")), "a=1;b=2;");
    assert.equal(
      render("{% for {a, b: [c], d = x} of [{a: 1, b: [2]}] %}{{ a }}{{ c }}{{ d }}{% end %}", { x: 3 }),
      "123",
    );
  });
  test("has an else that break skips, and continue", () => {
    const source =
      "{% for x of xs %}{% if x == 2 %}{% continue %}{% end %}{% if x == 9 %}{% break %}{% end %}{{ x }}{% else %}.{% end %}";
    assert.equal(render(source, { xs: [1, 2, 3] }), "13.");
    assert.equal(render(source, { xs: [1, 9, 3] }), "1");
    assert.equal(render(source, { xs: [] }), ".");
  });
  test("leaves the last item in its name", () => {
    assert.equal(render("{% for x of [1, 2] %}{% end %}{{ x }}"), "2");
  });
  test("breaks out of the inner loop only, and its else may break out of the outer one", () => {
    const source = "{% for a of [1, 2] %}{% for b of [1] %}{% break %}{% else %}{% end %}{{ a }}{% end %}";
    assert.equal(render(source), "12");
    assert.equal(
      render("{% for a of [1, 2] %}{{ a }}{% for b of [] %}{% else %}{% break %}{% end %}{% end %}"),
      "1",
    );
  });
});

test("while goes on as long as its condition holds, and has an else", () => {
  const source =
    "{% set i = 0 %}{% while i < n %}{% set i += 1 %}{% if i == 3 %}{% break %}{% end %}{{ i }}{% else %}.{% end %}";
  assert.equal(render(source, { n: 2 }), "12.");
  assert.equal(render(source, { n: 9 }), "12");
});

describe("try", () => {
  const fail = (error: unknown) => (): never => {
    throw error;
  };
  test("keeps the text in front of an error, and gives the error to catch or except", () => {
    assert.equal(
      render("{% try %}a{{ f() }}b{% catch e %}{{ e.message }}{% end %}", { f: fail(new Error("c")) }),
      "ac",
    );
    assert.equal(
      render("{% try %}{{ f() }}{% catch { code } %}{{ code }}{% end %}", { f: fail({ code: 7 }) }),
      "7",
    );
    assert.equal(render("{% try %}{{ no }}{% except %}none{% end %}"), "none");
  });
  test("chooses by class, one or several, and throws what no class fits", () => {
    const source =
      "{% try %}{{ f() }}{% except TypeError as e %}type {{ e.message }}{% except (RangeError, SyntaxError) %}other{% end %}";
    assert.equal(render(source, { f: fail(new TypeError("x")) }), "type x");
    assert.equal(render(source, { f: fail(new SyntaxError("x")) }), "other");
    assert.throws(() => render(source, { f: fail(new Error("y")) }), /^Error: y$/);
  });
  test("runs else without an error, whose own errors are not caught, and finally always", () => {
    const source =
      "{% try %}{% try %}{{ f() }}{% except %}b{% else %}c{{ g() }}{% finally %}d{% end %}{% except %}!{% end %}";
    const nothing = (): string => "";
    assert.equal(render(source, { f: nothing, g: nothing }), "cd");
    assert.equal(render(source, { f: fail(1), g: nothing }), "bd");
    assert.equal(render(source, { f: nothing, g: fail(1) }), "cd!");
  });
  test("can be left by break and continue, which skip else and not finally", () => {
    const source =
      "{% for x of [1, 2] %}{% try %}{{ x }}{% continue %}{% except %}{% else %}!{% finally %};{% end %}{% end %}";
    assert.equal(render(source), "1;2;");
  });
});

describe("apply", () => {
  const up = (text: string): string => text.toUpperCase();
  test("gives the rendered text to a function, whose result is not escaped", () => {
    assert.equal(
      render("{% apply f %}a{{ x }}{% end %}", { x: "<", f: (text: string) => `<b>${text}</b>` }),
      "<b>a&lt;</b>",
    );
    assert.equal(render("{% apply (t) => t + t %}{% apply up %}a{% end %}b{% end %}", { up }), "AbAb");
    assert.equal(
      render("{% apply o.f %}a{% end %}", {
        o: {
          x: "!",
          f(t: string) {
            return t + this.x;
          },
        },
      }),
      "a!",
    );
  });
  test("keeps what is set inside to itself, as Tornado does, also when it fails", () => {
    assert.equal(
      render("{% set x = 1 %}{% apply up %}{{ x }}{% set x = 2 %}{{ x }}{% end %}{{ x }}", { up }),
      "121",
    );
    assert.throws(() => render("{% apply up %}{% set y = 2 %}{% end %}{{ y }}", { up }), TemplateNameError);
    const source =
      "{% set x = 1 %}{% try %}{% apply up %}{% set x = 2 %}{{ no }}{% end %}{% except %}{{ x }}{% end %}";
    assert.equal(render(source, { up }), "1");
  });
  test("loses what was rendered inside when it fails, and nothing that was in front", () => {
    assert.equal(render("{% try %}a{% apply up %}b{{ no }}{% end %}{% except %}c{% end %}", { up }), "ac");
  });
});

describe("module", () => {
  test("calls a function of _tt_modules with the modules as this, and does not escape", () => {
    const _tt_modules = {
      mark: "!",
      Entry(this: { mark: string }, text: string) {
        return `<p>${text}${this.mark}</p>`;
      },
    };
    assert.equal(render("{% module Entry(x) %}", { _tt_modules, x: "<" }), "<p><!</p>");
  });
  test("finds nothing that all objects have", () => {
    for (const source of ["{% module Entry() %}", "{% module constructor() %}", "{% module toString() %}"])
      assert.throws(() => render(source, { _tt_modules: {} }), TemplateNameError, source);
    assert.throws(() => render("{% module Entry() %}"), TemplateNameError);
  });
});

describe("import and from", () => {
  const imports = { util: { a: 1, b: 2, default: 3 }, "./x.js": { c: 4 }, "os.path": { join: 5 } };
  const importing = (source: string): string => new Template(source, { imports }).generate();
  test("take values of the option imports", () => {
    assert.equal(importing("{% import util %}{{ util.a }}{% import util as u %}{{ u.b }}"), "12");
    assert.equal(importing("{% from util import a, b as other %}{{ a }}{{ other }}"), "12");
    assert.equal(
      importing("{% from './x.js' import c %}{{ c }}{% from \"./x.js\" import c as d %}{{ d }}"),
      "44",
    );
    assert.equal(importing("{% import os.path as p %}{{ p.join }}"), "5");
  });
  test("take values of the namespace where the option has none", () => {
    assert.equal(
      render("{% from fmt import money %}{{ money(2) }}", { fmt: { money: (n: number) => `${n} €` } }),
      "2 €",
    );
  });
  test("fail for what is not there, and load nothing", () => {
    for (const source of [
      "{% import fs %}",
      "{% from 'node:fs' import readFileSync %}",
      "{% from util import no %}",
      "{% from util import constructor %}",
    ])
      assert.throws(() => importing(source), TemplateNameError, source);
  });
});

test("comments are left out, and {{! {%! {#! give the marks themselves", () => {
  assert.equal(render("a{# {{ no }} #}b{% comment {{ no }} %}c"), "abc");
  assert.equal(render("{{!x}} {%!x%} {#!x#} {{{ 1 }}} {{{!x}}}"), "{{x}} {%x%} {#x#} {1} {{{x}}}");
});

test("text comes out as it is, whatever a string literal would make of it", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is meant to look like code
  const text = "\\n ' \" ` ${x} \u2028\u2029\0\ud800 </script> */ // \r\n\t";
  assert.equal(render(text), text);
});

describe("await", () => {
  const later = async (value: unknown): Promise<unknown> => value;
  test("makes a template that only generateAsync() renders", async () => {
    const template = new Template("{{ await later('<') }}{% if await later(1) %}y{% end %}");
    assert.equal(template.isAsync, true);
    assert.equal(await template.generateAsync({ later }), "&lt;y");
    assert.throws(() => template.generate({ later }), { code: "ERR_SQUALL_TEMPLATE_ASYNC" });
  });
  test("goes everywhere: loops over async iterables, apply, modules, set", async () => {
    async function* count(): AsyncGenerator<number> {
      yield* [1, 2];
    }
    const source =
      "{% for await x of count() %}{{ x }}{% end %}{% apply await later %}a{% end %}{% module await M(3) %}{% set y = await later(4) %}{{ y }}";
    assert.equal(
      await new Template(source).generateAsync({ count, later, _tt_modules: { M: later } }),
      "12a34",
    );
  });
  test("may stand in the computed key of a class, which is evaluated outside of it", async () => {
    const source = "{{ new (class { [await later('k')] = 5 })().k }}";
    assert.equal(await new Template(source).generateAsync({ later }), "5");
  });
  test("in a function of an expression is that function's own", () => {
    assert.equal(new Template("{{ typeof (async () => await 1) }}").isAsync, false);
  });
  test("that was forgotten is an error, and no [object Promise]", () => {
    assert.throws(() => render("{{ later(1) }}", { later }), { code: "ERR_SQUALL_TEMPLATE_VALUE" });
    assert.throws(() => render("{% raw later(1) %}", { later }), { code: "ERR_SQUALL_TEMPLATE_VALUE" });
  });
  test("generateAsync() renders templates without it too, and rejects with their errors", async () => {
    assert.equal(await new Template("{{ 1 }}").generateAsync(), "1");
    await assert.rejects(new Template("{{ no }}").generateAsync(), TemplateNameError);
  });
});
