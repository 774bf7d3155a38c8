import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { HTTPInputError } from "squall/httputil";
import {
  defaultSources,
  type ExceptionLine,
  type FamilyReport,
  readExceptions,
  runFamily,
} from "./runner.js";
import type { Family, Rule } from "./types.js";
import { decode, equivalent, isExpectedError, PythonError, type VectorHeaders } from "./values.js";

const folder = mkdtempSync(join(tmpdir(), "vectors-"));
after(() => rmSync(folder, { recursive: true }));

/** A family `sums` with the function `sums.add`, which refuses negative numbers. */
const sums: Family = {
  functions: {
    "sums.add"([a, b]: readonly [number, number]) {
      if (a < 0) throw new HTTPInputError("negative");
      return a + b;
    },
  },
};

interface Setting {
  readonly cases: readonly object[];
  readonly rules?: readonly Rule[];
  readonly exceptions?: readonly ExceptionLine[];
  readonly own?: boolean;
}

function run({ cases, rules = [], exceptions = [], own = true }: Setting): Promise<FamilyReport> {
  const named = cases.map((each, i) => ({ id: `case-${i}`, fn: "sums.add", kwargs: {}, ...each }));
  writeFileSync(join(folder, "sums.json"), JSON.stringify({ module: "sums", source: "test", cases: named }));
  return runFamily("sums", {
    folder,
    own,
    exceptions,
    loadFamily: async (name) => (name === "sums" ? sums : undefined),
    loadRules: async () => rules,
  });
}

/** Covers sums of `a`, which Tornado is said to get wrong by one. */
function rule(name: string, a: number, answer: (a: number) => number = (n) => n + 1): Rule {
  return {
    name,
    functions: ["sums.add"],
    covers: ({ args }) => args[0] === a,
    holds: (outcome) => "value" in outcome && outcome.value === answer(a),
  };
}

const line = (name: string, section = "plain sense"): ExceptionLine => ({
  rule: name,
  instead: "the sum",
  section,
});

describe("runFamily()", () => {
  test("counts what is reproduced, errors included", async () => {
    const report = await run({
      cases: [
        { args: [1, 2], result: 3 },
        { args: [-1, 2], error: { type: "HTTPInputError", contains: "" } },
      ],
    });
    assert.deepEqual([report.reproduced, report.failures.length, report.faults], [2, 0, []]);
  });

  test("a wrong value, a missing error and an error where there should be none are failures", async () => {
    const report = await run({
      cases: [
        { args: [1, 2], result: 4 },
        { args: [1, 2], error: { type: "HTTPInputError" } },
        { args: [-1, 2], result: 1 },
        { args: [-1, 2], error: { type: "HTTPOutputError" } },
      ],
    });
    assert.equal(report.failures.length, 4);
    assert.match(report.failures[0]!, /case-0: not reproduced/);
  });

  test("a function or family that is not known is a fault", async () => {
    const report = await run({ cases: [{ fn: "sums.subtract", args: [1, 2], result: -1 }] });
    assert.match(report.faults.join(), /sums\.subtract is not known/);
    const prototype = await run({ cases: [{ fn: "constructor", args: [], result: {} }] });
    assert.match(prototype.faults.join(), /constructor is not known/);
    const other = await runFamily("other", { ...defaultSources(folder), folder });
    assert.match(other.faults.join(), /family other is not known/);
  });

  test("a covered case is excepted when our answer is the promised one, else it fails", async () => {
    const cases = [
      { args: [1, 1], result: 3 },
      ...Array.from({ length: 40 }, (_, i) => ({ args: [5, i], result: 5 + i })),
    ];
    const exceptions = [line("sums/one")];
    const good = await run({ cases, rules: [rule("sums/one", 1)], exceptions });
    assert.deepEqual([good.excepted, good.reproduced, good.failures.length, good.faults], [1, 40, 0, []]);
    assert.equal(good.rules.get("sums/one"), 1);
    const bad = await run({ cases, rules: [rule("sums/one", 1, () => 7)], exceptions });
    assert.match(bad.failures.join(), /not what the rule sums\/one promises/);
  });

  test("a rule that covers nothing is a fault with our own vectors only", async () => {
    const setting = {
      cases: [{ args: [1, 2], result: 3 }],
      rules: [rule("sums/nine", 9)],
      exceptions: [line("sums/nine")],
    };
    assert.match((await run(setting)).faults.join(), /sums\/nine covers nothing/);
    assert.deepEqual((await run({ ...setting, own: false })).faults, []);
  });

  test("a rule that covers what we reproduce, or what another rule covers, is a fault", async () => {
    const exceptions = [line("sums/one"), line("sums/uno")];
    const reproduced = await run({
      cases: [{ args: [1, 1], result: 2 }],
      rules: [rule("sums/one", 1)],
      exceptions: [exceptions[0]!],
    });
    assert.match(reproduced.faults.join(), /covers too much: case-0 is reproduced/);
    const twice = await run({
      cases: [{ args: [1, 1], result: 3 }],
      rules: [rule("sums/one", 1), rule("sums/uno", 1)],
      exceptions,
    });
    assert.match(twice.faults.join(), /covered by two rules/);
  });

  test("a rule over ten cases or 3 % must cite a MUST, unless all of them lean on Python alone", async () => {
    const cases = Array.from({ length: 11 }, () => ({ args: [1, 1], result: 3 }));
    const rules = [rule("sums/one", 1)];
    const many = await run({ cases, rules, exceptions: [line("sums/one")] });
    assert.match(many.faults.join(), /covers 11 of 11 cases/);
    assert.deepEqual(
      (await run({ cases, rules, exceptions: [line("sums/one", "RFC 1 §2: servers MUST add")] })).faults,
      [],
    );
    const share = await run({
      cases: [...cases.slice(0, 1), { args: [2, 2], result: 4 }],
      rules,
      exceptions: [line("sums/one")],
    });
    assert.match(share.faults.join(), /covers 1 of 2 cases/);
    const flagged = cases.map((each) => ({ ...each, portable: false }));
    assert.deepEqual((await run({ cases: flagged, rules, exceptions: [line("sums/one")] })).faults, []);
  });

  test("rules and lines of exceptions.tsv belong together, by names of the family", async () => {
    const cases = [{ args: [1, 1], result: 3 }];
    assert.match(
      (await run({ cases, rules: [rule("sums/one", 1)] })).faults.join(),
      /no line in exceptions\.tsv/,
    );
    assert.match(
      (await run({ cases: [], exceptions: [line("sums/gone")] })).faults.join(),
      /line for sums\/gone/,
    );
    assert.match(
      (await run({ cases, rules: [rule("one", 1)], exceptions: [line("one")] })).faults.join(),
      /must be named sums\//,
    );
  });
});

test("readExceptions() wants three columns and skips comments", () => {
  assert.deepEqual(readExceptions("# x\n\na\tb\tc\n"), [{ rule: "a", instead: "b", section: "c" }]);
  for (const text of ["a\tb", "a\tb\t", "a b c", "a\tb\tc\td"])
    assert.throws(() => readExceptions(text), /exceptions\.tsv/);
});

describe("values of vectors", () => {
  test("decode() knows bytes, dictionaries, big numbers, dates and named functions", () => {
    assert.deepEqual(decode({ $bytes: "6Q==" }), Buffer.from([0xe9]));
    assert.deepEqual(
      decode({ $dict: [["__proto__", { $int: "99999999999999999999" }]] }),
      new Map([["__proto__", 99999999999999999999n]]),
    );
    assert.equal((decode({ $epoch: 1.5 }) as Date).getTime(), 1500);
    assert.ok(Number.isNaN(decode({ $float: "nan" })));
    assert.equal((decode({ $fn: "brackets" }) as (text: string) => string)("x"), "[x]");
    assert.throws(() => decode({ $fn: "no-such" }), /no-such/);
    assert.deepEqual((decode({ $headers: [["A", "1"]] }) as VectorHeaders).toHeaders().toRaw(), ["A", "1"]);
  });

  test("equivalent() compares bytes by content, dictionaries without order unless they came as $dict", () => {
    assert.equal(equivalent(Buffer.from("a"), new Uint8Array([0x61])), true);
    assert.equal(equivalent("a", Buffer.from("a")), false);
    assert.equal(equivalent({ a: 1, b: undefined }, decode({ b: null, a: 1 })), true);
    assert.equal(equivalent({ a: 1 }, decode({ a: 1, b: 2 })), false);
    assert.equal(
      equivalent(
        { b: 1, a: 2 },
        decode({
          $dict: [
            ["a", 2],
            ["b", 1],
          ],
        }),
      ),
      false,
    );
    assert.equal(
      equivalent(
        { a: 2, b: 1 },
        decode({
          $dict: [
            ["a", 2],
            ["b", 1],
          ],
        }),
      ),
      true,
    );
    assert.equal(
      equivalent(
        { 1: "x", 0: "y" },
        decode({
          $dict: [
            ["1", "x"],
            ["0", "y"],
          ],
        }),
      ),
      true,
    );
    assert.equal(equivalent([1, [2]], [1, [2]]), true);
    assert.equal(equivalent([1], [1, 2]), false);
    assert.equal(equivalent(1n, 1), false);
    assert.equal(equivalent(undefined, null), true);
    assert.equal(equivalent("", null), false);
  });

  test("an error of Python's own is matched by what is thrown on purpose, not by an accident", () => {
    const expected = { type: "ValueError" };
    assert.equal(isExpectedError(new HTTPInputError("x"), expected), true);
    assert.equal(isExpectedError(new PythonError("x"), expected), true);
    assert.equal(isExpectedError(new TypeError("undefined is not a function"), expected), false);
    assert.equal(isExpectedError("text", expected), false);
    assert.equal(isExpectedError(new HTTPInputError("x"), { type: "HTTPError" }), false);
    assert.equal(
      isExpectedError(new HTTPInputError("x"), { type: "Error" }, { Error: "HTTPInputError" }),
      true,
    );
  });
});
