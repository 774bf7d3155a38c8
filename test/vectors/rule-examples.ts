/** For the tests of the exception rules: examples of what a rule covers, and of what it leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import type { Rule, VectorCase } from "./types.js";

/** A case written down in short. */
export type ShortCase = Pick<VectorCase, "args"> & Partial<VectorCase>;

/** Cases that a rule must cover, and near misses that it must not. */
export interface RuleExamples {
  readonly covers: readonly ShortCase[];
  readonly leaves: readonly ShortCase[];
}

/** Checks each rule against its examples, and that there are some for each rule. */
export function testRules(
  family: string,
  rules: readonly Rule[],
  examples: Readonly<Record<string, RuleExamples>>,
): void {
  test(`each rule of ${family} has examples, and there are none of other rules`, () => {
    assert.deepEqual(Object.keys(examples).sort(), rules.map((rule) => rule.name).sort());
  });
  for (const rule of rules) {
    test(`the rule ${rule.name} covers what it says and no more`, () => {
      const { covers, leaves } = examples[rule.name]!;
      assert.ok(covers.length > 0 && leaves.length > 0, "a rule needs examples of both kinds");
      for (const short of covers) assert.equal(rule.covers(complete(rule, short)), true, inspect(short));
      for (const short of leaves) assert.equal(rule.covers(complete(rule, short)), false, inspect(short));
    });
  }
}

function complete(rule: Rule, short: ShortCase): VectorCase {
  return { id: "example", fn: rule.functions[0]!, kwargs: {}, more: {}, ...short };
}
