/** Where our `options` answer differently from Tornado's, and what they answer instead. */
import type { Outcome, Rule } from "../types.js";
import { equivalent } from "../values.js";

interface Definition {
  readonly name: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly multiple?: boolean;
}

const definitionsOf = (args: readonly unknown[]): readonly Definition[] => args[0] as Definition[];

function given(outcome: Outcome): unknown {
  return "value" in outcome ? outcome.value : undefined;
}

/** The last two arguments, if they are an option that takes a value, and its value: `--port 443`. */
function detached(args: readonly unknown[]): [name: string, text: string] | undefined {
  const [option = "", text = "-"] = (args[1] as string[]).slice(-2);
  const definition = definitionsOf(args).find(({ name }) => option === `--${name}`);
  const takesValue = definition !== undefined && definition.type !== "bool" && !text.startsWith("-");
  return takesValue ? [definition.name, text] : undefined;
}

export const rules: readonly Rule[] = [
  {
    name: "options/list-of-booleans",
    functions: ["options.parse_command_line"],
    covers: (vector) =>
      vector.error === undefined &&
      definitionsOf(vector.args).some(
        ({ name, type, multiple }) =>
          type === "bool" &&
          multiple === true &&
          (vector.args[1] as string[]).some((arg) => arg.startsWith(`--${name}=`)),
      ),
    holds(outcome, vector) {
      const { values, ...rest } = vector.result as { values: Record<string, unknown> };
      const names = new Set(
        definitionsOf(vector.args)
          .filter(({ type, multiple }) => type === "bool" && multiple === true)
          .map(({ name }) => name),
      );
      const booleans = Object.entries(values).map(([name, value]) => [
        name,
        names.has(name) ? (value as number[]).map(Boolean) : value,
      ]);
      return equivalent(given(outcome), { ...rest, values: Object.fromEntries(booleans) });
    },
  },
  {
    name: "options/value-behind-its-option",
    functions: ["options.parse_command_line"],
    covers: (vector) => vector.error !== undefined && detached(vector.args) !== undefined,
    holds(outcome, { args }) {
      const [name, text] = detached(args) ?? [];
      const { values } = given(outcome) as { values: Record<string, unknown> };
      return String(values[name ?? ""]) === text;
    },
  },
  {
    name: "options/integer-for-a-number",
    functions: ["options.parse_config"],
    covers: ({ args, portable }) =>
      portable === false &&
      definitionsOf(args).some(
        ({ name, type }) => type === "float" && Number.isInteger((args[1] as Record<string, unknown>)[name]),
      ),
    holds(outcome, { args }) {
      const { values } = given(outcome) as { values: Record<string, unknown> };
      return Object.entries(args[1] as Record<string, unknown>).every(
        ([name, value]) => values[name] === value,
      );
    },
  },
  {
    name: "options/duration-is-a-number",
    functions: ["options.ops"],
    covers: ({ args }) =>
      (args[1] as [string, string, unknown?][]).some(
        ([operation, option, value]) =>
          operation === "setattr" &&
          typeof value === "number" &&
          definitionsOf(args).some(({ name, type }) => name === option && type === "timedelta"),
      ),
    holds(outcome, { args, result }) {
      const results = given(outcome) as unknown[];
      const script = args[1] as [string, string, unknown?][];
      const expected = (result as unknown[]).map((item, i) =>
        script[i]![0] === "setattr" && typeof script[i]![2] === "number" ? undefined : item,
      );
      return equivalent(results, expected);
    },
  },
  {
    name: "options/help-shows-our-values",
    functions: ["options.print_help"],
    covers: ({ args, portable }) =>
      portable === false &&
      definitionsOf(args).some(
        ({ default: preset }) => typeof preset === "boolean" || (Array.isArray(preset) && preset.length > 0),
      ),
    holds(outcome, { args, result }) {
      let text = result as string;
      for (const { default: preset } of definitionsOf(args)) {
        if (preset === false) text = text.replace("(default False)", "(default false)");
        if (Array.isArray(preset) && preset.length > 0) {
          text = text.replace(
            `(default [${preset.map((item) => `'${item}'`).join(", ")}])`,
            `(default ${preset.join(",")})`,
          );
        }
      }
      return given(outcome) === text;
    },
  },
];
