import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { interpolate } from "squall/locale";

describe("interpolate()", () => {
  it("fills text and integers by their names, in the order of the translation", () => {
    const values = { name: "Ann", count: 3.9 };
    assert.equal(interpolate("%(name)s has %(count)d", values), "Ann has 3");
    assert.equal(interpolate("%(count)i: %(name)s, %(name)s", values), "3: Ann, Ann");
  });

  it("pads to a width, with spaces or zeros", () => {
    assert.equal(interpolate("%(n)02d|%(n)4s|%(n)-4s|", { n: 7 }), "07|   7|7   |");
  });

  it("makes one percent sign of two, and leaves others alone", () => {
    assert.equal(interpolate("100%% of %(x)s, 50% off", { x: "it" }), "100% of it, 50% off");
  });

  it("leaves a place without a value as it is", () => {
    assert.equal(interpolate("%(nmae)s and %(x)f", { name: "Ann", x: 1 }), "%(nmae)s and %(x)f");
    assert.equal(interpolate("%(toString)s %(__proto__)s", {}), "%(toString)s %(__proto__)s");
  });

  it("does not look for places in values", () => {
    assert.equal(interpolate("%(a)s", { a: "%(b)s", b: "no" }), "%(b)s");
    assert.equal(interpolate("%(a)s", { a: "$& $1" }), "$& $1");
  });

  it("takes a name like any other for a name", () => {
    const values = Object.fromEntries([["__proto__", "p"]]);
    assert.equal(interpolate("%(__proto__)s", values), "p");
  });
});
