/**
 * Where our templates answer differently from Tornado's, nearly always because their expressions are
 * JavaScript.
 */
import { ParseError, TemplateNameError } from "squall/template";
import type { Outcome, Rule, VectorCase } from "../types.js";

const TEMPLATE = ["template.Template"];
const ONE_EXPRESSION = /^\{\{ ([^{}()]*) \}\}$/;

const textOf = ({ args }: VectorCase): string => String(args[0]);
const namespaceOf = ({ args }: VectorCase): Record<string, unknown> => args[1] as Record<string, unknown>;
const gives = (outcome: Outcome, text: string): boolean => "value" in outcome && outcome.value === text;
const throws = (outcome: Outcome, type: new (...args: never[]) => Error): boolean =>
  "error" in outcome && outcome.error instanceof type;

/** Python's way to write booleans, lists and floats without fraction, as `xhtml_escape` leaves it. */
const PYTHON_VALUE = /^(?:True|False|\d+\.0|\[.*\])$/;

/** Such a text in JavaScript's way. */
function inJavaScript(text: string): string {
  const json = text.replace("True", "true").replace("False", "false").replaceAll("&#x27;", '"');
  return String(JSON.parse(json));
}

/** What the template's only expression is to JavaScript itself. */
function evaluated(vector: VectorCase): string {
  const namespace = namespaceOf(vector);
  const [, expression = ""] = ONE_EXPRESSION.exec(textOf(vector)) ?? [];
  const value: unknown = new Function(...Object.keys(namespace), `return ${expression};`)(
    ...Object.values(namespace),
  );
  return value === undefined ? "" : String(value);
}

export const rules: readonly Rule[] = [
  {
    name: "template/values-as-text",
    functions: TEMPLATE,
    covers: (vector) =>
      ONE_EXPRESSION.test(textOf(vector)) &&
      vector.kwargs.autoescape === undefined &&
      PYTHON_VALUE.test(String(vector.result)),
    holds: (outcome, { result }) => gives(outcome, inJavaScript(String(result))),
  },
  {
    name: "template/python-syntax",
    functions: TEMPLATE,
    covers: (vector) =>
      vector.error === undefined &&
      /\{[{%][^{}]* (?:and|or|not|is|if \w+ else) |\{% set \w+, /.test(textOf(vector)),
    holds: (outcome) => throws(outcome, ParseError),
  },
  {
    name: "template/operators",
    functions: TEMPLATE,
    covers: (vector) =>
      /^(?:ZeroDivisionError|TypeError|AttributeError)$/.test(vector.error?.type ?? "") &&
      ONE_EXPRESSION.test(textOf(vector)),
    holds: (outcome, vector) => gives(outcome, evaluated(vector)),
  },
  {
    name: "template/empty-objects-are-true",
    functions: TEMPLATE,
    covers(vector) {
      const name = /^\{% if (\w+) %\}yes\{% else %\}no\{% end %\}$/.exec(textOf(vector))?.[1];
      const value = name === undefined ? undefined : namespaceOf(vector)[name];
      return typeof value === "object" && value !== null && Object.keys(value).length === 0;
    },
    holds: (outcome) => gives(outcome, "yes"),
  },
  {
    name: "template/set-updates",
    functions: TEMPLATE,
    covers: ({ error }) => error?.type === "UnboundLocalError",
    holds: (outcome) => gives(outcome, ""),
  },
  {
    name: "template/no-module-name",
    functions: TEMPLATE,
    covers: (vector) => /\{\{ __name__ \}\}/.test(textOf(vector)),
    holds: (outcome) => throws(outcome, TemplateNameError),
  },
  {
    name: "template/apply-gives-text",
    functions: TEMPLATE,
    covers: (vector) => vector.error?.type === "TypeError" && /\{% apply squeeze %\}/.test(textOf(vector)),
    holds: (outcome) => gives(outcome, "a b"),
  },
  {
    name: "template/autoescape-is-named",
    functions: TEMPLATE,
    covers: (vector) => /\{% *autoescape *%\}/.test(textOf(vector)),
    holds: (outcome) => throws(outcome, ParseError),
  },
  {
    name: "template/no-loader-has-a-place",
    functions: TEMPLATE,
    covers: ({ error }) => error?.type === "ParseError" && error.lineno === 0,
    holds: (outcome) =>
      "error" in outcome &&
      outcome.error instanceof ParseError &&
      outcome.error.filename === "<string>" &&
      outcome.error.lineno === 1,
  },
];
