/** The scripted operations that the vectors' description names are known, whether a folder of vectors uses them or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPHeaders } from "squall/httputil";
import { family as httputil } from "./families/httputil.js";
import { family as options } from "./families/options.js";
import { family as util } from "./families/util.js";
import type { Family, VectorCase } from "./types.js";
import { equivalent, Thrown } from "./values.js";

const context = { vector: {} as VectorCase, file: { family: "", source: "", cases: [], more: {} } };

function run(family: Family, name: string, args: readonly unknown[]): unknown {
  return family.functions[name]!(args, {}, context);
}

test("a script on an ObjectDict may set, get and ask, by item and by attribute", () => {
  const script = [
    ["setattr", "a", 1],
    ["getitem", "a"],
    ["hasattr", "a"],
    ["hasattr", "b"],
    ["hasattr", "get"],
    ["contains", "a"],
    ["contains", "get"],
    ["getattr", "b"],
    ["setitem", "b", 2],
    ["getattr", "b"],
    ["delitem", "a"],
    ["delitem", "a"],
    ["keys"],
    ["len"],
  ];
  const { results } = run(util, "util.ObjectDict", [{}, script]) as { results: unknown[] };
  const errors = results.flatMap((result, i) => (result instanceof Thrown ? [i] : []));
  assert.deepEqual(errors, [7, 11]);
  const values = results.filter((result) => !(result instanceof Thrown));
  assert.deepEqual(values, [undefined, 1, true, false, true, true, false, undefined, 2, undefined, ["b"], 1]);
});

test("a script on options may define further ones, in either form, and a name that is taken is an error", () => {
  const script = [
    ["define", "port", { default: 80, type: "int" }],
    ["define", { name: "host", default: "a" }],
    ["define", "bare"],
    ["define", "port", { default: 1 }],
    ["getattr", "port"],
    ["getitem", "host"],
    ["contains", "bare"],
  ];
  const results = run(options, "options.ops", [[], script]) as unknown[];
  assert.ok(results[3] instanceof Thrown);
  assert.deepEqual(results.slice(4), [80, "a", true]);
});

test("a script on header fields may delete: an absent field is an error, as it is in Tornado", () => {
  const script = [
    ["add", "a", "1"],
    ["delete", "A"],
    ["delete", "A"],
  ];
  const { results, headers } = run(httputil, "httputil.HTTPHeaders.ops", [script]) as {
    results: unknown[];
    headers: HTTPHeaders;
  };
  assert.deepEqual(results.slice(0, 2), [undefined, undefined]);
  assert.ok(results[2] instanceof Thrown);
  assert.ok(equivalent(headers.size, 0));
  assert.ok(headers instanceof HTTPHeaders);
});
