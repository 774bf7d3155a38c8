import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { testRules } from "../rule-examples.js";
import { VectorDate } from "../values.js";
import { rules } from "./locale.js";

const NOW = 1_700_000_000;
const MO = Buffer.from("de120495", "hex");

testRules("locale", rules, {
  "locale/future-is-future": {
    covers: [
      { args: ["en_US", NOW + 86_400], result: "0 seconds ago" },
      { args: ["en_US", new VectorDate(NOW + 3 * 86_400 + 59, true)], result: "0 seconds ago" },
      { args: ["fr", NOW + 86_410], kwargs: { now: NOW + 10, full_format: true }, result: "…" },
    ],
    leaves: [
      { args: ["en_US", NOW + 59], result: "0 seconds ago" },
      { args: ["en_US", NOW + 86_400 + 60], result: "November 15, 2023 at 10:14 pm" },
      { args: ["en_US", NOW - 1], result: "1 second ago" },
      { args: ["en_US", NOW + 86_400], kwargs: { now: NOW + 86_400 }, result: "0 seconds ago" },
      { args: ["en_US", NOW + 86_400], kwargs: { relative: false }, result: "…" },
    ],
  },
  "locale/date-has-no-zone": {
    covers: [{ args: ["en_US", new VectorDate(0, false)], result: "January 1, 1970 at 5:30 am" }],
    leaves: [
      { args: ["en_US", new VectorDate(0, false)], result: "January 1, 1970 at 12:00 am" },
      { args: ["en_US", new VectorDate(0, true)], result: "January 1, 1970 at 5:30 am" },
      { args: ["en_US", 0], result: "January 1, 1970 at 5:30 am" },
      {
        args: ["en_US", new VectorDate(0, false)],
        kwargs: { gmt_offset: -330 },
        result: "January 1, 1970 at 5:30 am",
      },
      { args: ["en_US", new VectorDate(0, false)], result: "January 1, 1970" },
    ],
  },
  "locale/digits-are-grouped": {
    covers: [
      { args: ["en", -123], result: "-,123" },
      { args: ["en_US", -123456n], result: "-,123,456" },
      { args: ["en_US", 1234.5], result: "123,4.5" },
    ],
    leaves: [
      { args: ["en", 1234567], result: "1,234,567" },
      { args: ["en", -1234], result: "-1,234" },
      { args: ["en", 1.5], result: "1.5" },
      { args: ["fr", -123], result: "-123" },
      { args: ["en", true], result: "T,rue" },
    ],
  },
  "locale/number-is-a-number": {
    covers: [{ args: ["en", true] }, { args: ["fr", "5"] }],
    leaves: [{ args: ["en", 1] }, { args: ["en", 12n] }],
  },
  "locale/languages-have-names": {
    covers: [{ args: ["he"], result: { name: "Unknown" } }],
    leaves: [
      { args: ["harp"], result: { name: "Unknown" } },
      { args: ["de_DE"], result: { name: "Deutsch" } },
    ],
  },
  "locale/empty-message": {
    covers: [{ args: [{ fr: MO }, "d", [["fr", "translate", ""]]] }],
    leaves: [
      {
        args: [
          { fr: MO },
          "d",
          [
            ["fr", "translate", "a"],
            ["fr", "code"],
          ],
        ],
      },
      { args: [{}, "d", []] },
    ],
  },
  "locale/broken-catalogue": {
    covers: [{ args: [{ fr: MO, de: Buffer.from("no") }, "d", []] }],
    leaves: [{ args: [{ fr: MO }, "d", []] }, { args: [{}, "d", []] }],
  },
});

describe("what the rules of locale promise instead", () => {
  const cases: readonly [rule: string, args: unknown[], result: unknown, good: unknown, bad: unknown][] = [
    ["future-is-future", ["en_US", NOW + 86_400], "", "November 15, 2023 at 10:13 pm", "0 seconds ago"],
    ["future-is-future", ["fr", NOW + 86_400], "", "November 15, 2023 at 22:13", "0 seconds ago"],
    ["future-is-future", ["zh_CN", NOW + 86_400], "", "November 15, 2023 at 下午10:13", "0 seconds ago"],
    [
      "date-has-no-zone",
      ["en_US", new VectorDate(0, false)],
      "January 1, 1970 at 5:30 am",
      "January 1, 1970 at 12:00 am",
      "January 1, 1970 at 5:30 am",
    ],
    ["digits-are-grouped", ["en", -123456], "", "-123,456", "-,123,456"],
    ["digits-are-grouped", ["en", 1234.5], "", "1,234.5", "123,4.5"],
    [
      "languages-have-names",
      ["fr"],
      { code: "fr" },
      { code: "fr", name: "Français" },
      { code: "fr", name: "fr" },
    ],
    [
      "empty-message",
      [
        {},
        "d",
        [
          ["fr", "translate", ""],
          ["fr", "code"],
        ],
      ],
      { results: ["Content-Type: …", "fr"] },
      { results: ["", "fr"] },
      { results: ["", "de"] },
    ],
  ];
  for (const [name, args, result, good, bad] of cases) {
    it(`${name}: ${inspect(good, { breakLength: Infinity })}`, () => {
      const rule = rules.find((each) => each.name === `locale/${name}`)!;
      const vector = { id: "test", fn: rule.functions[0]!, args, kwargs: {}, result, more: {} };
      assert.equal(rule.holds({ value: good }, vector), true);
      assert.equal(rule.holds({ value: bad }, vector), false);
      assert.equal(rule.holds({ error: new Error("no") }, vector), false);
    });
  }
});
