/** Where our `httputil` answers differently from Tornado's, and what it answers instead. */
import { HTTPInputError } from "squall/httputil";
import type { Outcome, Rule, VectorCase } from "../types.js";
import { Thrown } from "../values.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** True when the outcome is an {@link HTTPInputError}. */
function isRefused(outcome: Outcome): boolean {
  return "error" in outcome && outcome.error instanceof HTTPInputError;
}

/** A line of nothing but spaces and tabs that continues the field before it. */
function blankContinuation(vector: VectorCase): boolean {
  const [input] = vector.args as [string | string[]];
  const lines = typeof input === "string" ? input.split(/\r?\n/) : input;
  return vector.error === undefined && lines.some((line, i) => i > 0 && /^[ \t]+$/.test(line));
}

export const rules: readonly Rule[] = [
  {
    name: "httputil/blank-continuation",
    functions: ["httputil.HTTPHeaders.parse_line", "httputil.HTTPHeaders.parse"],
    covers: blankContinuation,
    holds(outcome, vector) {
      if (!("value" in outcome)) return false;
      const ours = outcome.value as { str: string };
      const theirs = vector.result as { str: string };
      return ours.str === theirs.str.replace(/^([^:]*:) (.*?)[ \t]*$/gm, "$1 $2");
    },
  },
  {
    name: "httputil/one-line-end",
    functions: ["httputil.HTTPHeaders.parse_line"],
    covers: (vector) =>
      vector.error === undefined && (vector.args[0] as string[]).some((line) => /\n\r?\n$/.test(line)),
    holds: isRefused,
  },
  {
    name: "httputil/set-is-checked",
    functions: ["httputil.HTTPHeaders.ops"],
    covers: (vector) => (vector.args[0] as string[][]).some(isUnsendableSet),
    holds(outcome, vector) {
      const script = vector.args[0] as string[][];
      const { results } = (outcome as { value: { results: unknown[] } }).value;
      return script.every((operation, i) => {
        const result = results[i];
        return (
          !isUnsendableSet(operation) || (result instanceof Thrown && isRefused({ error: result.error }))
        );
      });
    },
  },
];

function isUnsendableSet([operation, name, value]: readonly string[]): boolean {
  return operation === "set" && (!TOKEN.test(name!) || /[^\t\x20-\x7e\x80-\xff]/.test(value!));
}
