/**
 * Runs vectors: data made by the real Tornado which our functions must reproduce.
 *
 * A family is a file of cases `<family>.json` and a module `families/<family>.ts` that runs them. Where Tornado
 * departs from an RFC or from plain sense we follow the RFC: such a case is covered by a rule of
 * `rules/<family>.ts`, and the rule has to be as good as a test. It states what we answer instead and that is
 * checked; it must not cover a case that we reproduce, nor one that another rule covers; a rule that covers
 * nothing is dead, and one that covers more than ten cases or 3 % of its family must cite a MUST.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { root } from "../support/root.js";
import type { Family, Outcome, Rule, VectorCase, VectorFile, VectorFunction } from "./types.js";
import { decode, equivalent, isExpectedError } from "./values.js";

/** The folder with the project's own vectors. */
export const OWN_VECTORS: string = join(root, "test", "vectors");

/** A line of `exceptions.tsv`. */
export interface ExceptionLine {
  readonly rule: string;
  readonly instead: string;
  readonly section: string;
}

/** What became of one family. */
export interface FamilyReport {
  readonly family: string;
  readonly cases: number;
  readonly reproduced: number;
  readonly excepted: number;
  /** One text for each case that failed. */
  readonly failures: readonly string[];
  /** What is wrong with the family, a rule or the table of exceptions. */
  readonly faults: readonly string[];
  /** Rule → how many cases it covered. */
  readonly rules: ReadonlyMap<string, number>;
  readonly ignores: string | undefined;
}

/** Where families, rules and vectors come from; tests put their own in place. */
export interface VectorSources {
  /** The folder of the JSON files. */
  readonly folder: string;
  /** False for somebody else's vectors, which need not contain a case for each of our rules. */
  readonly own: boolean;
  loadFamily(family: string): Promise<Family | undefined>;
  loadRules(family: string): Promise<readonly Rule[]>;
  readonly exceptions: readonly ExceptionLine[];
}

/** The families and rules of this folder, with the vectors of `SQUALL_VECTORS` if that is set. */
export function defaultSources(folder: string | undefined = process.env.SQUALL_VECTORS): VectorSources {
  return {
    folder: folder ?? OWN_VECTORS,
    own: folder === undefined,
    loadFamily: async (family) =>
      (await importIfThere(`./families/${family}.js`))?.family as Family | undefined,
    loadRules: async (family) =>
      ((await importIfThere(`./rules/${family}.js`))?.rules as readonly Rule[] | undefined) ?? [],
    exceptions: readExceptions(readFileSync(join(OWN_VECTORS, "exceptions.tsv"), "utf8")),
  };
}

async function importIfThere(specifier: string): Promise<Record<string, unknown> | undefined> {
  try {
    return (await import(new URL(specifier, import.meta.url).href)) as Record<string, unknown>;
  } catch (error) {
    const { code, url } = error as { code?: string; url?: string };
    if (code === "ERR_MODULE_NOT_FOUND" && url === new URL(specifier, import.meta.url).href) return undefined;
    throw error;
  }
}

/** Parses `exceptions.tsv`: rule, what we answer instead, section; lines with `#` are comments. */
export function readExceptions(text: string): ExceptionLine[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const cells = line.split("\t");
    const [rule, instead, section] = cells;
    if (cells.length !== 3 || !rule || !instead || !section) {
      throw new Error(`exceptions.tsv: expected rule, answer and section between tabs, got ${inspect(line)}`);
    }
    return { rule, instead, section };
  });
}

/** The families for which the folder has vectors, sorted. */
export function listFamilies(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

/** Reads `<family>.json` of a folder. */
export function readFamily(folder: string, family: string): VectorFile {
  const {
    cases,
    module: _,
    source,
    ...more
  } = JSON.parse(readFileSync(join(folder, `${family}.json`), "utf8"));
  return {
    family,
    source,
    more: decode(more) as Record<string, unknown>,
    cases: (cases as Record<string, unknown>[]).map((raw) => {
      const { id, fn, args, kwargs, error, portable, json, result, ...rest } = raw;
      return {
        id: id as string,
        fn: fn as string,
        args: decode(args ?? []) as unknown[],
        kwargs: decode(kwargs ?? {}) as Record<string, unknown>,
        ...("result" in raw ? { result: decode(result) } : {}),
        error: error as VectorCase["error"],
        portable: portable as boolean | undefined,
        json: json as boolean | undefined,
        more: decode(rest) as Record<string, unknown>,
      };
    }),
  };
}

/** Runs one family. Never rejects because of a case: what goes wrong is in the report. */
export async function runFamily(name: string, sources: VectorSources): Promise<FamilyReport> {
  const family = await sources.loadFamily(name);
  if (family === undefined || !listFamilies(sources.folder).includes(name)) {
    const what = family === undefined ? `module families/${name}.ts` : `file ${name}.json`;
    return emptyReport(name, `the family ${name} is not known: it has no ${what}`);
  }
  const file = readFamily(sources.folder, name);
  const rules = await sources.loadRules(name);
  const counts = new Map(rules.map((rule) => [rule.name, 0]));
  const portableOnly = new Set(rules.map((rule) => rule.name));
  const failures: string[] = [];
  const faults = new Set<string>();
  let reproduced = 0;
  let excepted = 0;

  for (const vector of file.cases) {
    const run = Object.hasOwn(family.functions, vector.fn) ? family.functions[vector.fn] : undefined;
    if (run === undefined) {
      faults.add(`the function ${vector.fn} is not known to the family ${name}`);
      continue;
    }
    const outcome = await runCase(run, vector, file);
    const same = isReproduced(outcome, vector, family, file);
    const covering = rules.filter((rule) => rule.functions.includes(vector.fn) && rule.covers(vector));
    for (const rule of covering) {
      counts.set(rule.name, counts.get(rule.name)! + 1);
      if (vector.portable !== false) portableOnly.delete(rule.name);
    }
    if (covering.length > 1) {
      faults.add(`${vector.id} is covered by two rules: ${covering.map((rule) => rule.name).join(", ")}`);
    } else if (covering.length === 1) {
      const rule = covering[0]!;
      if (same) faults.add(`the rule ${rule.name} covers too much: ${vector.id} is reproduced`);
      else if (rule.holds(outcome, vector)) excepted++;
      else failures.push(describe(vector, outcome, `not what the rule ${rule.name} promises`));
    } else if (same) {
      reproduced++;
    } else {
      failures.push(describe(vector, outcome, "not reproduced"));
    }
  }

  for (const fault of checkRules(name, rules, counts, portableOnly, file.cases.length, sources))
    faults.add(fault);
  return {
    family: name,
    cases: file.cases.length,
    reproduced,
    excepted,
    failures,
    faults: [...faults],
    rules: counts,
    ignores: family.ignores,
  };
}

/** What is wrong with the rules of a family, seen as a whole. */
function* checkRules(
  family: string,
  rules: readonly Rule[],
  counts: ReadonlyMap<string, number>,
  portableOnly: ReadonlySet<string>,
  cases: number,
  sources: VectorSources,
): Generator<string> {
  const lines = new Map(sources.exceptions.map((line) => [line.rule, line]));
  for (const { rule } of sources.exceptions) {
    if (rule.startsWith(`${family}/`) && !counts.has(rule)) {
      yield `exceptions.tsv has a line for ${rule}, which is no rule of rules/${family}.ts`;
    }
  }
  if (counts.size !== rules.length) yield `two rules of rules/${family}.ts have the same name`;
  for (const rule of rules) {
    const count = counts.get(rule.name)!;
    const line = lines.get(rule.name);
    if (!rule.name.startsWith(`${family}/`)) yield `the rule ${rule.name} must be named ${family}/…`;
    if (line === undefined) {
      yield `the rule ${rule.name} has no line in exceptions.tsv`;
      continue;
    }
    if (count === 0 && sources.own) yield `the rule ${rule.name} covers nothing`;
    // What only Python has cannot be a MUST of an RFC; the flag in the vectors is the reason there.
    const many = count > 10 || count > cases * 0.03;
    if (many && !portableOnly.has(rule.name) && !/\bMUST\b/.test(line.section)) {
      yield `the rule ${rule.name} covers ${count} of ${cases} cases: more than ten or 3 % need a MUST, and it cites "${line.section}"`;
    }
  }
}

async function runCase(run: VectorFunction, vector: VectorCase, file: VectorFile): Promise<Outcome> {
  try {
    return {
      value: await run(vector.args, vector.kwargs, {
        vector,
        file,
      }),
    };
  } catch (error) {
    return { error };
  }
}

function isReproduced(outcome: Outcome, vector: VectorCase, family: Family, file: VectorFile): boolean {
  if ("error" in outcome) {
    return vector.error !== undefined && isExpectedError(outcome.error, vector.error, family.errorNames);
  }
  if (vector.error !== undefined) return false;
  if (family.same !== undefined) return family.same(outcome.value, vector, file);
  if (vector.json === true) return sameJson(outcome.value, vector.result);
  return equivalent(outcome.value, vector.result, family.errorNames);
}

function sameJson(actual: unknown, expected: unknown): boolean {
  if (typeof actual !== "string" || typeof expected !== "string" || actual.includes("</")) return false;
  return equivalent(JSON.parse(actual), JSON.parse(expected));
}

function emptyReport(family: string, fault: string): FamilyReport {
  const nothing = {
    cases: 0,
    reproduced: 0,
    excepted: 0,
    failures: [],
    rules: new Map(),
    ignores: undefined,
  };
  return { family, faults: [fault], ...nothing };
}

function describe(vector: VectorCase, outcome: Outcome, verdict: string): string {
  const show = (value: unknown) => inspect(value, { depth: 6, breakLength: 160, maxStringLength: 600 });
  const wanted =
    vector.error === undefined ? show(vector.result) : `${vector.error.type}: ${vector.error.contains}`;
  const got = "error" in outcome ? `thrown ${show(outcome.error)}` : show(outcome.value);
  return `${vector.id}: ${verdict}\n    given    ${show(vector.args)} ${show(vector.kwargs)}\n    expected ${wanted}\n    got      ${got}`;
}
