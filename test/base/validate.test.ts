/** Checks of arguments that more than one layer makes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { survivesJson } from "#room/base/validate";

test("JSON holds plain objects and those with a toJSON(), and parameters of a URL nowhere", () => {
  class Money {
    readonly cents = 5;
  }
  class Euro extends Money {
    toJSON(): string {
      return `${this.cents} ct`;
    }
  }
  assert.equal(survivesJson({ a: 1 }), true);
  assert.equal(survivesJson(Object.create(null) as object), true);
  assert.equal(survivesJson(new Date()), true);
  assert.equal(survivesJson(new Euro()), true);
  assert.equal(survivesJson(new Money()), false);
  assert.equal(survivesJson(new Map()), false);
  // As Bun has it.
  const parameters = Object.assign(new URLSearchParams("a=1"), { toJSON: () => ({ a: "1" }) });
  assert.equal(survivesJson(parameters), false);
});
