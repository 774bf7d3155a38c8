import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VectorCase } from "../types.js";
import { VectorTimedelta } from "../values.js";
import { rules } from "./options.js";

const rule = (name: string) => rules.find((each) => each.name === `options/${name}`)!;

function vector(fn: string, args: unknown[], result: unknown, more: Partial<VectorCase> = {}): VectorCase {
  return { id: "test", fn: `options.${fn}`, args, kwargs: {}, result, more: {}, ...more };
}

describe("the rules of options", () => {
  it("list-of-booleans: a list of booleans that is given on the command line holds booleans", () => {
    const bools = [{ name: "o", multiple: true, type: "bool" }];
    const given = vector("parse_command_line", [bools, ["p", "--o=x,0"]], {
      remaining: [],
      values: { o: [1, 0] },
    });
    assert.ok(rule("list-of-booleans").covers(given));
    assert.ok(
      rule("list-of-booleans").holds({ value: { remaining: [], values: { o: [true, false] } } }, given),
    );
    assert.ok(
      !rule("list-of-booleans").holds({ value: { remaining: [], values: { o: [true, true] } } }, given),
    );
    assert.ok(!rule("list-of-booleans").covers(vector("parse_command_line", [bools, ["p"]], {})));
  });

  it("value-behind-its-option: --port 443 is --port=443", () => {
    const definitions = [
      { name: "port", default: 80, type: "int" },
      { name: "debug", type: "bool" },
    ];
    const error = { type: "Error" };
    const given = vector("parse_command_line", [definitions, ["p", "--port", "443"]], undefined, { error });
    const covers = (...args: string[]): boolean =>
      rule("value-behind-its-option").covers({ ...given, args: [definitions, ["p", ...args]] });
    assert.ok(rule("value-behind-its-option").covers(given));
    assert.ok(rule("value-behind-its-option").holds({ value: { values: { port: 443 } } }, given));
    assert.ok(!rule("value-behind-its-option").holds({ value: { values: { port: 80 } } }, given));
    assert.ok(!covers("--port"));
    assert.ok(!covers("--port", "--debug"));
    assert.ok(!covers("--debug", "443"));
  });

  it("integer-for-a-number: 1 is a number like 1.5", () => {
    const given = vector("parse_config", [[{ name: "r", type: "float" }], { r: 1 }], undefined, {
      error: { type: "Error" },
      portable: false,
    });
    assert.ok(rule("integer-for-a-number").covers(given));
    assert.ok(rule("integer-for-a-number").holds({ value: { values: { r: 1 } } }, given));
    assert.ok(!rule("integer-for-a-number").covers({ ...given, args: [given.args[0], { r: 1.5 }] }));
  });

  it("duration-is-a-number: a number is a length of time in milliseconds", () => {
    const script = [
      ["setattr", "d", 5],
      ["getattr", "d"],
    ];
    const refused = { error: { type: "Error" } };
    const given = vector(
      "ops",
      [[{ name: "d", type: "timedelta" }], script],
      [refused, new VectorTimedelta(1)],
    );
    assert.ok(rule("duration-is-a-number").covers(given));
    assert.ok(rule("duration-is-a-number").holds({ value: [undefined, new VectorTimedelta(1)] }, given));
    assert.ok(
      !rule("duration-is-a-number").covers({ ...given, args: [[{ name: "d", type: "int" }], script] }),
    );
  });

  it("help-shows-our-values: defaults are shown as they would be written on the command line", () => {
    const given = vector("print_help", [[{ name: "b", default: false }]], "x (default False)\n", {
      portable: false,
    });
    assert.ok(rule("help-shows-our-values").covers(given));
    assert.ok(rule("help-shows-our-values").holds({ value: "x (default false)\n" }, given));
    assert.ok(!rule("help-shows-our-values").covers({ ...given, args: [[{ name: "b", default: 1 }]] }));
  });
});
