import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IOLoop } from "squall/ioloop";
import { RESOLVED } from "#room/async/deferred";
import { TurnBudget } from "#room/async/turn-budget";
import "../support/guard.js";

function budget(): TurnBudget {
  return new TurnBudget(new IOLoop({ makeCurrent: false }));
}

describe("TurnBudget", () => {
  test("128 small writes are free; the next one waits for a turn, which fills the budget again", async () => {
    const turns = budget();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 128; i++) assert.equal(turns.spend(0), RESOLVED);
      assert.equal(turns.turn, undefined);
      const turn = turns.spend(0);
      assert.notEqual(turn, RESOLVED);
      assert.equal(turns.turn, turn);
      assert.equal(turns.spend(1_000_000), turn, "all who write meanwhile wait for the same turn");
      await turn;
      assert.equal(turns.turn, undefined);
    }
  });

  test("half a megabyte is spent at once", () => {
    const turns = budget();
    assert.equal(turns.spend(500_000), RESOLVED);
    assert.notEqual(turns.spend(20_000), RESOLVED);
    assert.notEqual(budget().spend(600_000), RESOLVED);
  });

  test("one budget for all who write on a loop", () => {
    const loop = new IOLoop({ makeCurrent: false });
    assert.equal(TurnBudget.of(loop), TurnBudget.of(loop));
    assert.notEqual(TurnBudget.of(loop), TurnBudget.of(new IOLoop({ makeCurrent: false })));
  });
});
