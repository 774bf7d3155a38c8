/**
 * Random templates are rendered twice: by the compiled function, and by a plain model that walks the same
 * structure with a map of variables. What the compiler does to save tests of names, to keep variables of an
 * `apply` apart and to join neighbouring pieces must not be seen from outside.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileTemplates, DictLoader, Template, TemplateNameError } from "squall/template";

/** The model's variables; a name that is absent is not set. */
type Variables = Map<string, unknown>;

class Missing extends Error {}
class Jump extends Error {
  readonly word: string;
  constructor(word: string) {
    super(word);
    this.word = word;
  }
}

interface ModelExpression {
  readonly text: string;
  readonly evaluate: (variables: Variables) => unknown;
}

/** A piece of a template; `render` answers by adding to `out.text`, which keeps what came before an error. */
interface ModelNode {
  readonly text: string;
  readonly render: (variables: Variables, out: { text: string }) => void;
}

const read = (variables: Variables, name: string): unknown => {
  if (!variables.has(name)) throw new Missing();
  return variables.get(name);
};

const add = (a: unknown, b: unknown): unknown => (a as string) + (b as string);
const escaped = (value: unknown): string =>
  String(value ?? "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;");
const write = (out: { text: string }, text: string): void => {
  out.text += text;
};
const brackets = (text: string): string => `[${text}]`;

const name = fc.constantFrom("a", "b", "c", "unset");
const text = fc.constantFrom("", " ", "x", "<p>", "}", "{ ");

const { expression } = fc.letrec<{ expression: ModelExpression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("1", "'<'", "''").map((code) => ({
      text: code,
      evaluate: () => (code === "1" ? 1 : code.slice(1, -1)),
    })),
    name.map((one) => ({ text: one, evaluate: (variables: Variables) => read(variables, one) })),
    name.map((one) => ({
      text: `typeof ${one}`,
      evaluate: (variables: Variables) => (variables.has(one) ? typeof variables.get(one) : "undefined"),
    })),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => ({
      text: `(${a.text} + ${b.text})`,
      evaluate: (variables: Variables) => add(a.evaluate(variables), b.evaluate(variables)),
    })),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => ({
      text: `(${a.text} || ${b.text})`,
      evaluate: (variables: Variables) => a.evaluate(variables) || b.evaluate(variables),
    })),
    fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => ({
      text: `(${a.text} ? ${b.text} : ${c.text})`,
      evaluate: (variables: Variables) =>
        a.evaluate(variables) ? b.evaluate(variables) : c.evaluate(variables),
    })),
    // A parameter hides the name, and nothing that is set inside is set outside.
    fc.tuple(name, tie("expression"), tie("expression")).map(([one, a, b]) => ({
      text: `[${a.text}].map((${one}) => ${b.text})[0]`,
      evaluate: (variables: Variables) => {
        const inner = new Map(variables).set(one, a.evaluate(variables));
        return b.evaluate(inner);
      },
    })),
    fc.tuple(name, tie("expression")).map(([one, a]) => ({
      text: `({ ${one}, other: ${a.text} }).${one}`,
      evaluate: (variables: Variables) => {
        const value = read(variables, one);
        a.evaluate(variables);
        return value;
      },
    })),
  ),
}));

/** Statements of `set`, with what they do. */
const assignment: fc.Arbitrary<ModelNode> = fc
  .tuple(fc.constantFrom("=", "+=", "??=", "||=", "closure"), name, expression)
  .map(([operator, one, { text: code, evaluate }]) => ({
    text:
      operator === "closure"
        ? `{% set [1].map(() => ${one} = ${code}) %}`
        : `{% set ${one} ${operator} ${code} %}`,
    render: (variables) => {
      if (operator === "=" || operator === "closure") {
        variables.set(one, evaluate(variables));
        return;
      }
      if (operator === "+=") {
        const before = read(variables, one);
        variables.set(one, add(before, evaluate(variables)));
        return;
      }
      const before = variables.get(one);
      if (!variables.has(one)) variables.set(one, undefined);
      if (operator === "??=" ? before === undefined || before === null : !before)
        variables.set(one, evaluate(variables));
    },
  }));

const renderAll = (nodes: readonly ModelNode[], variables: Variables, out: { text: string }): void => {
  for (const node of nodes) node.render(variables, out);
};
const textOf = (nodes: readonly ModelNode[]): string => nodes.map((node) => node.text).join("");

let blocks = 0;

/** A body; `inLoop` says whether it may jump. */
function body(inLoop: boolean, depth: number): fc.Arbitrary<readonly ModelNode[]> {
  return fc.array(node(inLoop, depth), { maxLength: 4 });
}

function node(inLoop: boolean, depth: number): fc.Arbitrary<ModelNode> {
  const simple: fc.Arbitrary<ModelNode>[] = [
    text.map((one) => ({ text: one, render: (_, out) => write(out, one) })),
    fc.tuple(fc.boolean(), expression).map(
      ([raw, { text: code, evaluate }]): ModelNode => ({
        text: raw ? `{% raw ${code} %}` : `{{ ${code} }}`,
        render: (variables, out) => {
          const value = evaluate(variables);
          write(out, raw ? String(value ?? "") : escaped(value));
        },
      }),
    ),
    assignment,
  ];
  if (inLoop) {
    simple.push(
      fc.tuple(expression, fc.constantFrom("break", "continue")).map(
        ([{ text: code, evaluate }, word]): ModelNode => ({
          text: `{% if ${code} %}{% ${word} %}{% end %}`,
          render: (variables) => {
            if (evaluate(variables)) throw new Jump(word);
          },
        }),
      ),
    );
  }
  if (depth === 0) return fc.oneof(...simple);
  const inner = body(inLoop, depth - 1);
  return fc.oneof(
    ...simple,
    fc.tuple(expression, inner, expression, inner, inner).map(
      ([a, one, b, two, three]): ModelNode => ({
        text: `{% if ${a.text} %}${textOf(one)}{% elif ${b.text} %}${textOf(two)}{% else %}${textOf(three)}{% end %}`,
        render: (variables, out) =>
          renderAll(a.evaluate(variables) ? one : b.evaluate(variables) ? two : three, variables, out),
      }),
    ),
    fc.tuple(name, fc.integer({ min: 0, max: 3 }), body(true, depth - 1), inner).map(
      ([one, count, turns, otherwise]): ModelNode => ({
        text: `{% for ${one} of [1, 2, 3].slice(0, ${count}) %}${textOf(turns)}{% else %}${textOf(otherwise)}{% end %}`,
        render: (variables, out) => {
          for (let i = 1; i <= count; i++) {
            variables.set(one, i);
            try {
              renderAll(turns, variables, out);
            } catch (error) {
              if (!(error instanceof Jump)) throw error;
              if (error.word === "break") return;
            }
          }
          renderAll(otherwise, variables, out);
        },
      }),
    ),
    body(false, depth - 1).map(
      (nodes): ModelNode => ({
        text: `{% apply brackets %}${textOf(nodes)}{% end %}`,
        render: (variables, out) => {
          const inside = { text: "" };
          renderAll(nodes, new Map(variables), inside);
          out.text += brackets(inside.text);
        },
      }),
    ),
    fc.tuple(inner, name, inner, inner, body(false, depth - 1)).map(
      ([tried, one, caught, otherwise, last]): ModelNode => ({
        text: `{% try %}${textOf(tried)}{% except Error as ${one} %}{% set ${one} = 'e' %}${textOf(caught)}{% else %}${textOf(otherwise)}{% finally %}${textOf(last)}{% end %}`,
        render: (variables, out) => {
          try {
            let failed = false;
            try {
              renderAll(tried, variables, out);
            } catch (error) {
              if (!(error instanceof Missing)) throw error;
              failed = true;
            }
            if (failed) variables.set(one, "e");
            renderAll(failed ? caught : otherwise, variables, out);
          } finally {
            renderAll(last, variables, out);
          }
        },
      }),
    ),
    inner.map(
      (nodes): ModelNode => ({
        text: `{% block b${++blocks} %}${textOf(nodes)}{% end %}`,
        render: (variables, out) => renderAll(nodes, variables, out),
      }),
    ),
  );
}

function modelResult(nodes: readonly ModelNode[], namespace: object): string {
  const out = { text: "" };
  try {
    renderAll(nodes, new Map(Object.entries(namespace)), out);
  } catch (error) {
    if (error instanceof Missing) return "a name is missing";
    throw error;
  }
  return out.text;
}

function compiledResult(template: Template, namespace: object): string {
  try {
    return template.generate(namespace);
  } catch (error) {
    if (error instanceof TemplateNameError) return "a name is missing";
    throw error;
  }
}

test("compiled templates do what a plain walk over the same structure does", () => {
  fc.assert(
    fc.property(
      body(false, 3),
      fc.record({ a: fc.constantFrom(0, 1, "<"), b: fc.constant("") }),
      (nodes, given) => {
        const source = textOf(nodes);
        const template = new Template(source);
        assert.equal(
          compiledResult(template, { ...given, brackets }),
          modelResult(nodes, given),
          template.code,
        );
      },
    ),
    { numRuns: 400 },
  );
});

test("random templates can be precompiled, and a line of the code has a place at most", () => {
  fc.assert(
    fc.property(body(false, 2), (nodes) => {
      const source = compileTemplates(new DictLoader({ page: textOf(nodes) }), ["page"]);
      const [, listed = "", code = ""] =
        /lines: \[(.*)\],\n.* return \(\n(.*)\n\); \} \},\n/s.exec(source) ?? [];
      assert.equal(code.split(/\r\n|[\n\r\u2028\u2029]/).length, listed.split(",").length);
    }),
    { numRuns: 100 },
  );
});
