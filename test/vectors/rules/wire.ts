/**
 * Where our server answers differently from Tornado's on the wire.
 *
 * `wire-reading/` reads the bytes of a case anew, without our server, and says what is owed for them and, for each
 * thing owed, in which ways Tornado departs from it ("themes"). A rule covers a case when the first difference
 * between Tornado's answer and what is owed has the rule's theme, and it holds when our answer, all of it, is what
 * is owed. So a rule cannot excuse another fault of ours that happens to be in the same case.
 */
import type { Rule, VectorCase } from "../types.js";
import type { VectorAnswer, WireAnswer } from "../wire-compare.js";
import { difference, isPaid } from "../wire-reading/debt.js";
import { debtOf } from "../wire-reading/exchange.js";

/** Rule → its themes. Where a difference has several, the first that has a rule decides. */
const THEMES: Readonly<Record<string, readonly string[]>> = {
  // request lines
  allow: ["allow"],
  "unknown-method": ["unknown-method"],
  "method-too-long": ["method-too-long"],
  "target-characters": ["target-characters"],
  "target-form": ["target-form"],
  "absolute-form": ["absolute-form"],
  "minor-version": ["minor-version"],
  "major-version": ["version-not-supported", "version"],
  "blank-lines": ["blank-lines-skipped", "blank-lines"],
  // lines and fields
  "line-feed-alone": ["line-feed-alone"],
  "carriage-return-alone": ["carriage-return-alone"],
  "folded-field": ["folded-field"],
  "refused-at-once": ["refused-at-once", "content-length"],
  "head-too-large": ["head-too-large", "target-too-long"],
  "too-many-fields": ["too-many-fields"],
  "host-grammar": ["host"],
  "cookie-lines": ["cookie-lines"],
  // bodies
  "body-too-large": ["body-too-large"],
  "transfer-coding-unknown": ["transfer-coding-unknown", "transfer-encoding"],
  "chunk-extensions": ["chunk-extensions", "chunk-extension-grammar"],
  "chunk-size": ["chunk-size"],
  "chunk-data-end": ["chunk-data-end"],
  trailers: ["trailers"],
  "gzip-corrupt": ["gzip-corrupt"],
  "gzip-to-its-end": ["gzip-trailing-bytes"],
  "gzip-alias": ["x-gzip"],
  forms: ["form-content-encoding", "form-type"],
  timeout: ["timeout"],
  // connections and answers
  "connection-options": ["connection-options"],
  "announced-close": ["announced-close"],
  "http10-keep-alive": ["http10-keep-alive"],
  "expect-case": ["expect-case"],
  "expect-http10": ["expect-http10"],
  "early-answer": ["early-answer"],
  "error-without-body": ["error-without-body"],
  "unsendable-answer": ["length-does-not-fit", "unsendable-status"],
  "error-after-flush": ["error-after-flush"],
};

const RULE_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(THEMES).flatMap(([rule, themes]) => themes.map((theme) => [theme, rule] as const)),
);

/** The rule that accounts for a case; undefined when Tornado's answer is the one owed, or nothing explains it. */
function ruleOf(vector: VectorCase): string | undefined {
  const themes = difference(debtOf(vector), vector.result as VectorAnswer);
  return themes?.map((theme) => RULE_OF.get(theme)).find((rule) => rule !== undefined);
}

export const rules: readonly Rule[] = Object.keys(THEMES).map((name) => ({
  name: `wire/${name}`,
  functions: ["wire.exchange"],
  covers: (vector) => ruleOf(vector) === name,
  holds: (outcome, vector) => "value" in outcome && isPaid(debtOf(vector), outcome.value as WireAnswer),
}));
