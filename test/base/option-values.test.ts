import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Duration,
  datetimeFormats,
  formatDuration,
  Integer,
  OptionParser,
  type OptionType,
} from "squall/options";
import { strftime } from "#room/base/strftime";

function parse(type: OptionType, text: string): unknown {
  const parser = new OptionParser();
  const option = parser.define("o", { type });
  parser.parseCommandLine(["prog", `--o=${text}`]);
  return option.value;
}

const optionError = { name: "OptionError", code: "ERR_SQUALL_OPTION" };

describe("values of options", () => {
  it("a date may be written in each of the ten formats, in local time", () => {
    assert.equal(datetimeFormats.length, 10);
    const date = new Date(2026, 0, 31, 12, 34, 56);
    for (const format of datetimeFormats) {
      const text = strftime(format, date);
      assert.equal(strftime(format, parse(Date, text) as Date), text);
    }
    assert.deepEqual(parse(Date, "2026-01-31 12:34"), new Date(2026, 0, 31, 12, 34));
    assert.deepEqual(parse(Date, "Sat Jan 31 12:34:56 2026"), date);
  });

  it("a date that does not exist, or is written otherwise, is refused", () => {
    for (const text of [
      "2026-02-29",
      "2026-13-01",
      "2026-01-31 24:00",
      "31.1.2026",
      "2026-01-31Z",
      "tomorrow",
      "",
    ]) {
      assert.throws(() => parse(Date, text), optionError, text);
    }
  });

  it("a length of time is numbers with units, separated by spaces and summed up; without a unit it is seconds", () => {
    for (const [text, milliseconds] of [
      ["30", 30_000],
      ["1h 30m", 5_400_000],
      ["1w 1d 1h 1m 1s 1ms 1us", 694_861_001.001],
      ["2 weeks 2 days 2 hours 2 minutes 2 seconds 2 milliseconds 2 microseconds", 1_389_722_002.002],
      ["-1.5 min", -90_000],
      ["1e3 ms", 1000],
      ["5 sec", 5000],
    ] as const) {
      assert.equal(parse(Duration, text), milliseconds, text);
    }
    for (const text of ["1h30m", "1 fortnight", "h", "", "1:30", "1H", "1e999"]) {
      assert.throws(() => parse(Duration, text), optionError, text);
    }
  });

  it("formatDuration() writes what Duration reads", () => {
    assert.equal(formatDuration(93_784_005.5), "1d 2h 3m 4s 5.5ms");
    assert.equal(formatDuration(-90_000), "-1m -30s");
    assert.equal(formatDuration(0), "0s");
    assert.equal(formatDuration(Number.POSITIVE_INFINITY), "Infinity");
  });

  it("a boolean is false for false, 0 and f in any case, and true for any other text", () => {
    for (const text of ["false", "FALSE", "False", "0", "f", "F"])
      assert.equal(parse(Boolean, text), false, text);
    for (const text of ["true", "1", "t", "no", "00", ""]) assert.equal(parse(Boolean, text), true, text);
  });

  it("numbers are read strictly: no hexadecimal, no rest, no silent rounding", () => {
    assert.equal(parse(Integer, " +1_000 "), 1000);
    assert.equal(parse(Number, "-1.5e-3"), -0.0015);
    assert.equal(parse(Number, "-inf"), Number.NEGATIVE_INFINITY);
    assert.equal(parse(BigInt, "-9007199254740993"), -9007199254740993n);
    for (const text of ["0x10", "1.0", "1e3", "", " ", "1 2", "9007199254740993"]) {
      assert.throws(() => parse(Integer, text), optionError, text);
    }
    for (const text of ["0x10", "1.5.1", "", "1e", "infinite"])
      assert.throws(() => parse(Number, text), optionError, text);
    assert.throws(() => parse(BigInt, "1.5"), optionError);
  });

  it("a function of one's own reads the text, and what it throws names the option", () => {
    assert.deepEqual(
      parse((text) => text.split("x").map(Number), "3x4"),
      [3, 4],
    );
    assert.throws(() => parse((text) => new URL(text), "no url"), { ...optionError, message: /option o: / });
  });
});
