/** Where our `routing` answers differently from Tornado's, and what it answers instead. */
import { InvalidArgumentError } from "#room/base/errors";
import type { Rule } from "../types.js";

export const rules: readonly Rule[] = [
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
