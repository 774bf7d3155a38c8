/** Where our `routing` answers differently from Tornado's, and what it answers instead. */
import { InvalidArgumentError } from "#room/base/errors";
import type { Rule, VectorCase } from "../types.js";

/** The pattern that a case of a `reverse` function fills. */
function reversedPattern({ fn, args }: VectorCase): string {
  if (fn === "routing.PathMatches.reverse") return args[0] as string;
  const { handlers } = args[0] as { readonly handlers: readonly (readonly unknown[])[] };
  const flat = handlers.flatMap((rule) => (Array.isArray(rule[1]) ? (rule[1] as unknown[][]) : [rule]));
  return (flat.find((rule) => rule[3] === args[1])?.[0] ?? "") as string;
}

/** For each argument of a `reverse` case, whether it has a slash and its group takes none. */
function slashesInSegments(vector: VectorCase): boolean[] {
  const values = (vector.fn === "routing.PathMatches.reverse" ? vector.args[1] : vector.args[2]) as unknown[];
  const groups = [...reversedPattern(vector).matchAll(/\((?:\?P?<\w+>)?([^()]*)\)/g)];
  return values.map(
    (value, at) =>
      typeof value === "string" && value.includes("/") && /^\[\^\/\][*+]$/.test(groups[at]?.[1] ?? ""),
  );
}

export const rules: readonly Rule[] = [
  {
    name: "routing/slash-in-segment",
    functions: ["routing.PathMatches.reverse", "web.Application.reverse_url"],
    covers: (vector) => vector.error === undefined && slashesInSegments(vector).includes(true),
    holds: (outcome, vector) =>
      "value" in outcome &&
      typeof outcome.value === "string" &&
      new RegExp(`^(?:${reversedPattern(vector).replaceAll("(?P<", "(?<")})$`).test(outcome.value) &&
      outcome.value.replaceAll("%2F", "/") === vector.result,
  },
  {
    name: "routing/ascii-classes",
    functions: ["routing.PathMatches.match"],
    covers: ({ args, result }) => {
      const [pattern, path] = args as [string, string];
      return result !== null && /\\[wds]/i.test(pattern) && /[^\0-\x7f]/.test(path);
    },
    holds: (outcome) => "value" in outcome && outcome.value === undefined,
  },
  {
    name: "routing/nested-groups",
    functions: ["routing.PathMatches._find_groups"],
    covers: ({ args, result }) =>
      /\((?!\?)[^)]*\(/.test(args[0] as string) && (result as unknown[])[0] !== null,
    holds: (outcome) => "value" in outcome && (outcome.value as unknown[])[0] === null,
  },
  {
    name: "routing/escaped-dollar",
    functions: ["routing.PathMatches._find_groups"],
    covers: ({ args }) => (args[0] as string).endsWith("\\$"),
    holds: (outcome, { args }) =>
      "value" in outcome && (outcome.value as unknown[])[0] === (args[0] as string).replace("\\$", "$"),
  },
  {
    name: "routing/no-none",
    functions: ["routing.PathMatches.reverse"],
    covers: ({ args, error }) => error === undefined && (args[1] as unknown[]).includes(null),
    holds: (outcome) => "error" in outcome && outcome.error instanceof InvalidArgumentError,
  },
  {
    name: "routing/percent-in-pattern",
    functions: ["routing.PathMatches.reverse"],
    covers: ({ args, error }) =>
      error !== undefined && /%/.test(args[0] as string) && /\(/.test(args[0] as string),
    holds: (outcome, { args }) =>
      "value" in outcome &&
      outcome.value === (args[0] as string).replace("(.*)", (args[1] as string[])[0] as string),
  },
];
