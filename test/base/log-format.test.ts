import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { LogFormatter, LogLevel, LogRecord, setLogClock } from "squall/log";
import { strftime } from "#room/base/strftime";

function record(message: unknown, ...args: unknown[]): LogRecord {
  const previous = setLogClock(() => new Date(2026, 0, 31, 12, 34, 56, 789).getTime());
  try {
    return new LogRecord("some.logger", LogLevel.WARNING, message, args);
  } finally {
    setLogClock(previous);
  }
}

/** A formatter that finds a terminal at stderr. */
function onTerminal(make: () => LogFormatter): LogFormatter {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = true;
  const hasColors = process.stderr.hasColors;
  process.stderr.hasColors = () => true;
  try {
    return make();
  } finally {
    process.stderr.isTTY = isTTY;
    process.stderr.hasColors = hasColors;
  }
}

describe("LogFormatter", () => {
  it("puts level, time and place in brackets before the message", () => {
    assert.equal(new LogFormatter().format(record("hello %s", "you")), "[W 260131 12:34:56] hello you");
  });

  it("indents further lines of the message and the stack of an error by four", () => {
    const error = new TypeError("first\nsecond", { cause: new Error("deeper") });
    const [first, ...rest] = new LogFormatter().format(record("it\nfailed", error)).split("\n");
    assert.match(first ?? "", /^\[W .*\] it$/);
    assert.equal(rest[0], "    failed");
    assert.equal(rest[1], "    TypeError: first");
    assert.ok(rest.every((line) => line.startsWith("    ")));
    assert.ok(rest.some((line) => line.includes("log-format.test")));
    assert.ok(rest.some((line) => line.includes("[cause]: Error: deeper")));
  });

  it("lets no control character but the line feeds of message and stack through (security case 112)", () => {
    const error = new Error("\x1b[2J\r\n[E 260131 12:34:56 x:1] forged");
    const text = new LogFormatter().format(record("a\rb\x1b[31m\x9b", error));
    assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    assert.doesNotMatch(text, /^\[E/m);
  });

  it("colours the bracket alone, on terminals alone", () => {
    const text = onTerminal(() => new LogFormatter()).format(record("m"));
    assert.equal(text, "\x1b[33m[W 260131 12:34:56]\x1b[0m m");
    assert.equal(
      onTerminal(() => new LogFormatter({ color: false })).format(record("m")),
      "[W 260131 12:34:56] m",
    );
    const colors = onTerminal(() => new LogFormatter({ colors: { [LogLevel.WARNING]: 208 } }));
    assert.ok(colors.format(record("m")).startsWith("\x1b[38;5;208m["));
    assert.equal(onTerminal(() => new LogFormatter({ colors: {} })).format(record("m"))[0], "[");
  });

  it("takes another format and date format, and shows a field that it does not know as it is written", () => {
    const formatter = new LogFormatter({
      fmt: "%(levelname)-8s|%(name)s|%(asctime)s|%(msecs)d|%(nonsense)s|100%%|%(message).3s",
      datefmt: "%Y-%m-%d %H:%M:%S.%f",
      style: "%",
    });
    assert.equal(
      formatter.format(record("abcdef")),
      "WARNING |some.logger|2026-01-31 12:34:56.789000|789|%(nonsense)s|100%|abc",
    );
  });

  it("survives errors that cannot be shown", () => {
    const hostile = {
      [Symbol.for("nodejs.util.inspect.custom")](): string {
        throw new Error("no");
      },
    };
    const bad = new LogRecord("x", LogLevel.ERROR, "m", [hostile], undefined, true);
    assert.match(new LogFormatter().format(bad), /cannot be shown/);
  });

  it("makes the text of a second once", () => {
    const getFullYear = mock.method(Date.prototype, "getFullYear");
    try {
      const formatter = new LogFormatter();
      for (let i = 0; i < 10; i++) formatter.format(record("m"));
      assert.ok(getFullYear.mock.callCount() <= 1);
    } finally {
      getFullYear.mock.restore();
    }
  });
});

describe("strftime()", () => {
  it("knows the usual letters and leaves others alone", () => {
    const date = new Date(2026, 1, 3, 15, 4, 5, 6);
    assert.equal(
      strftime("%y %m %d %e %H %I %M %S %f %p %a %A %b %B %j %F %T %% %Q", date),
      "26 02 03  3 15 03 04 05 006000 PM Tue Tuesday Feb February 034 2026-02-03 15:04:05 % %Q",
    );
    assert.match(strftime("%z %s", date), /^[+-]\d{4} \d+$/);
  });
});
