/** Where our `locale` answers differently from Tornado's, and what it answers instead. */
import type { Outcome, Rule, VectorCase } from "../types.js";
import { equivalent, VectorDate } from "../values.js";

const DAY = 86_400;
/** The present of the cases that name no other. */
const CLOCK = 1_700_000_000;

function given(outcome: Outcome): unknown {
  return "value" in outcome ? outcome.value : undefined;
}

const seconds = (value: unknown): number =>
  value instanceof Date ? value.getTime() / 1000 : (value as number);

/** The time of day as Tornado shows it to a reader of `code`. */
function clock(code: string, date: Date): string {
  const hours = date.getUTCHours();
  const minutes = String(date.getUTCMinutes()).padStart(2, "0");
  const twelve = `${hours % 12 || 12}:${minutes}`;
  if (code === "zh_CN") return `${hours < 12 ? "上" : "下"}午${twelve}`;
  if (code === "en" || code === "en_US") return `${twelve} ${hours < 12 ? "am" : "pm"}`;
  return `${hours}:${minutes}`;
}

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);

/** The whole date in a language without translations. */
function wholeDate(code: string, when: Date, shorter: boolean): string {
  const day = `${MONTHS[when.getUTCMonth()]} ${when.getUTCDate()}, ${when.getUTCFullYear()}`;
  return shorter ? day : `${day} at ${clock(code, when)}`;
}

/** The name of the language in itself, as Intl spells it; undefined for a code that is no language's. */
function intlName(code: string): string | undefined {
  try {
    const names = new Intl.DisplayNames([code.replaceAll("_", "-"), "en"], {
      type: "language",
      fallback: "none",
    });
    return names.of(code.replaceAll("_", "-"));
  } catch {
    return undefined;
  }
}

const contents = ({ args }: VectorCase): Uint8Array[] => Object.values(args[0] as Record<string, Uint8Array>);

const isMo = (content: Uint8Array): boolean =>
  ["de120495", "950412de"].includes(Buffer.from(content).toString("hex", 0, 4));

const asksForNothing = (query: unknown): boolean =>
  (query as unknown[])[1] === "translate" && (query as unknown[])[2] === "";

export const rules: readonly Rule[] = [
  {
    name: "locale/future-is-future",
    functions: ["locale.format_date"],
    covers: ({ args: [, when], kwargs }) => {
      const ahead = seconds(when) - ((kwargs.now as number | undefined) ?? CLOCK);
      return kwargs.relative !== false && ahead >= DAY && Math.floor(ahead) % DAY < 60;
    },
    holds: (outcome, { args: [code, when], kwargs }) => {
      const local = new Date((seconds(when) - ((kwargs.gmt_offset as number | undefined) ?? 0) * 60) * 1000);
      return given(outcome) === wholeDate(code as string, local, kwargs.shorter === true);
    },
  },
  {
    name: "locale/date-has-no-zone",
    functions: ["locale.format_date"],
    covers: ({ args: [code, when], kwargs, result }) =>
      when instanceof VectorDate &&
      !when.naive &&
      kwargs.gmt_offset === undefined &&
      / at \S*\d:\d\d( [ap]m)?$/.test(result as string) &&
      !(result as string).endsWith(` at ${clock(code as string, when)}`),
    holds: (outcome, { args: [code, when], result }) =>
      given(outcome) === (result as string).replace(/ at .*$/, ` at ${clock(code as string, when as Date)}`),
  },
  {
    name: "locale/digits-are-grouped",
    functions: ["locale.friendly_number"],
    covers: ({ args: [code, value], result }) =>
      (code === "en" || code === "en_US") &&
      (typeof value === "number" || typeof value === "bigint") &&
      !/^-?\d{1,3}(,\d{3})*(\.\d+)?$/.test(result as string),
    holds: (outcome, { args: [, value] }) =>
      given(outcome) ===
      new Intl.NumberFormat("en-US", { maximumFractionDigits: 20 }).format(value as number | bigint),
  },
  {
    name: "locale/number-is-a-number",
    functions: ["locale.friendly_number"],
    covers: ({ args: [, value] }) => typeof value !== "number" && typeof value !== "bigint",
    holds: (outcome) => "error" in outcome && (outcome.error as Error).name === "InvalidArgumentError",
  },
  {
    name: "locale/languages-have-names",
    functions: ["locale.info"],
    covers: ({ args: [code], result }) =>
      (result as { name: string }).name === "Unknown" && intlName(code as string) !== undefined,
    holds: (outcome, { args: [code], result }) => {
      const name = intlName(code as string) as string;
      return equivalent(given(outcome), {
        ...(result as object),
        name: name[0]?.toUpperCase() + name.slice(1),
      });
    },
  },
  {
    name: "locale/empty-message",
    functions: ["locale.load_gettext_translations"],
    covers: ({ args: [, , queries] }) => (queries as unknown[]).some(asksForNothing),
    holds: (outcome, { args: [, , queries], result }) => {
      const { results, ...rest } = result as { results: unknown[] };
      const wanted = results.map((one, i) => (asksForNothing((queries as unknown[])[i]) ? "" : one));
      return equivalent(given(outcome), { ...rest, results: wanted });
    },
  },
  {
    name: "locale/broken-catalogue",
    functions: ["locale.load_gettext_translations"],
    covers: (vector) => !contents(vector).every(isMo),
    holds: (outcome) => "error" in outcome && (outcome.error as Error).name === "CatalogueError",
  },
];
