/** How often and how soon processes are replaced. */
import "../../support/guard.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartBudget } from "#room/net/process/restart-budget";

test("a process that fails as soon as it has begun is replaced after a pause that doubles, up to 5 s", () => {
  const budget = new RestartBudget(Number.POSITIVE_INFINITY);
  const pauses: number[] = [];
  for (let failures = 0; failures < 12; ) {
    const restart = budget.next(10, failures)!;
    pauses.push(restart.pause);
    failures = restart.failures;
  }
  assert.deepEqual(pauses, [0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
});

test("one that has lived for a second is replaced at once, and its predecessors are forgotten", () => {
  assert.deepEqual(new RestartBudget(1).next(1000, 9), { failures: 0, pause: 0 });
});

test("there are as many replacements as it was given", () => {
  const budget = new RestartBudget(2);
  assert.ok(budget.next(0, 0) !== undefined && budget.next(5000, 0) !== undefined);
  assert.equal(budget.next(5000, 0), undefined);
  assert.equal(new RestartBudget(0).next(5000, 0), undefined);
});
