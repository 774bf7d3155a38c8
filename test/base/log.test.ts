import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import {
  accessLog,
  accessLogLimit,
  appLog,
  genLog,
  genLogLimit,
  getLogger,
  type LogFilter,
  LogHandler,
  LogLevel,
  LogRateLimit,
  LogRecord,
  rootLogger,
  StreamHandler,
  setLogClock,
  shorten,
} from "squall/log";

const NOON = new Date(2026, 0, 31, 12, 34, 56).getTime();

/** Keeps what it gets. */
class Recorder extends LogHandler {
  readonly records: LogRecord[] = [];
  override emit(record: LogRecord): void {
    this.records.push(record);
  }
  get messages(): string[] {
    return this.records.map((record) => record.getMessage());
  }
}

function recording(name: string): { logger: ReturnType<typeof getLogger>; recorder: Recorder } {
  const logger = getLogger(name);
  const recorder = new Recorder();
  logger.propagate = false;
  logger.addHandler(recorder);
  return { logger, recorder };
}

/** What is written to stderr meanwhile. */
function stderrOf(action: () => void): string {
  let text = "";
  const write = mock.method(process.stderr, "write", (part: string) => {
    text += part;
    return true;
  });
  try {
    action();
  } finally {
    write.mock.restore();
  }
  return text;
}

describe("loggers", () => {
  it("form a tree by the dots of their names, and are the same for the same name", () => {
    const leaf = getLogger("tree.branch.leaf");
    assert.equal(leaf, getLogger("tree").getChild("branch").getChild("leaf"));
    assert.equal(leaf.parent?.name, "tree.branch");
    assert.equal(getLogger(), rootLogger);
    assert.equal(rootLogger.getChild("tree"), getLogger("tree"));
    assert.deepEqual(
      [accessLog.name, appLog.name, genLog.name],
      ["squall.access", "squall.application", "squall.general"],
    );
  });

  it("are silent at info and below out of the box", () => {
    assert.equal(accessLog.isEnabledFor(LogLevel.INFO), false);
    assert.equal(accessLog.isEnabledFor(LogLevel.WARNING), true);
  });

  it("take the level of the nearest ancestor that has one, also when that changes later", () => {
    const parent = getLogger("levels");
    const child = getLogger("levels.child");
    assert.equal(child.effectiveLevel, LogLevel.WARNING);
    parent.setLevel("debug");
    assert.ok(child.isEnabledFor(LogLevel.DEBUG));
    child.setLevel("ERROR" as "error");
    assert.ok(!child.isEnabledFor(LogLevel.WARNING));
    child.setLevel(LogLevel.NOTSET);
    assert.ok(child.isEnabledFor(LogLevel.DEBUG));
    assert.equal(child.level, 0);
    for (const level of ["loud", "__proto__", -1, Number.NaN]) {
      assert.throws(() => parent.setLevel(level as "debug"), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
    }
  });

  it("hand records to the handlers of all ancestors, until one does not propagate", () => {
    const { logger: top, recorder } = recording("handed");
    const inner = getLogger("handed.inner");
    inner.warning("one");
    inner.propagate = false;
    inner.addHandler(new Recorder());
    inner.warning("two");
    assert.deepEqual(recorder.messages, ["one"]);
    assert.ok(inner.hasHandlers() && top.hasHandlers() && !rootLogger.hasHandlers());
  });

  it("have filters for what is logged there, and handlers have filters and a level of their own", () => {
    const { logger, recorder } = recording("filtered");
    const filter: LogFilter = (record) => !record.getMessage().includes("noise");
    logger.addFilter(filter);
    logger.warning("noise");
    logger.warning("signal");
    logger.removeFilter(filter);
    recorder.addFilter({ filter: (record) => record.level < LogLevel.CRITICAL });
    recorder.level = LogLevel.ERROR;
    logger.warning("too low");
    logger.error("right");
    logger.critical("too high");
    assert.deepEqual(recorder.messages, ["signal", "right"]);
  });

  it("log at any level by log(), by name or number", () => {
    const { logger, recorder } = recording("any");
    logger.setLevel(1);
    logger.log("info", "%s", "a");
    logger.log(35, "b");
    assert.deepEqual(
      recorder.records.map((record) => [record.levelName, record.getMessage()]),
      [
        ["INFO", "a"],
        ["LEVEL 35", "b"],
      ],
    );
  });

  it("do not format what nobody wants", () => {
    const logger = getLogger("lazy");
    const hostile = {
      toString(): string {
        throw new Error("formatted");
      },
    };
    logger.info("%s", hostile);
    const record = new LogRecord("lazy", LogLevel.INFO, "%s", [hostile]);
    assert.equal(record.format, "%s");
  });

  it("survive handlers and filters that throw, and tell on stderr", () => {
    const { logger, recorder } = recording("broken");
    const broken = new Recorder();
    broken.emit = () => {
      throw new Error("cannot emit");
    };
    logger.addHandler(broken);
    logger.addFilter(() => {
      throw new Error("cannot filter");
    });
    const told = stderrOf(() => logger.warning("still here"));
    assert.deepEqual(recorder.messages, ["still here"]);
    assert.match(told, /cannot emit/);
    assert.match(told, /cannot filter/);
  });

  it("write warnings and errors to stderr when there is no handler at all, and nothing below", () => {
    const logger = getLogger("orphan");
    logger.setLevel("debug");
    const told = stderrOf(() => {
      logger.info("not this");
      logger.warning("but this");
    });
    assert.match(told, /^\[W \d{6} \d\d:\d\d:\d\d log\.test:\d+\] but this\n$/);
  });
});

describe("records", () => {
  const message = (format: unknown, ...args: unknown[]) =>
    new LogRecord("x", LogLevel.INFO, format, args).getMessage();

  it("take a message without arguments as it is, whatever percent signs it has", () => {
    assert.equal(message("100% %s %d"), "100% %s %d");
  });

  it("fill in arguments in the manner of printf", () => {
    assert.equal(
      message("%s %d %i %.2f %5d|%-5s|%05d %x %+d %%", "a", 3.7, 4n, 1.005, 42, "b", 7, 255, 3),
      "a 3 4 1.00    42|b    |00007 ff +3 %",
    );
    assert.equal(message("%r %j", "it's", { a: [1] }), `"it's" {"a":[1]}`);
    assert.equal(message("%s %s %s", Buffer.from("é"), null, undefined), "é null undefined");
    assert.equal(message("%.3s|%g|%e", "abcdef", 0.5, 1), "abc|0.5|1.000000e+0");
    assert.equal(message("100% of %s", "it"), "100% of it");
  });

  it("append arguments for which the format has no place", () => {
    assert.equal(message("state:", { a: 1 }, "b"), "state: { a: 1 } 'b'");
  });

  it("are not lost when the arguments do not fit: the message shows both", () => {
    assert.equal(message("%s and %s", 1), 'Bad message (not enough arguments for %s): "%s and %s" with [1]');
    assert.match(message("%d", "abc"), /^Bad message \(%d needs a number, got 'abc'\)/);
    assert.match(
      message("%s", {
        toString() {
          throw new Error("no text");
        },
      }),
      /^Bad message \(no text\)/,
    );
    assert.match(message("%d", Symbol("s")), /^Bad message/);
    assert.match(
      message({
        [Symbol.for("nodejs.util.inspect.custom")]() {
          throw new Error("x");
        },
      }),
      /cannot be shown/,
    );
  });

  it("escape control characters in arguments, so that no line can be forged (security case 112)", () => {
    const forged = "/\r\n[E 260131 12:34:56 x:1] all is lost\x1b[2J\u2028\u009b\u202e\x00";
    assert.equal(
      message("GET %s", forged),
      "GET /\\r\\n[E 260131 12:34:56 x:1] all is lost\\x1b[2J\\u2028\\x9b\\u202e\\x00",
    );
    assert.doesNotMatch(message("%s %s", forged), /[\0-\x1f\u2028]/);
    assert.doesNotMatch(message("GET", { path: forged }), /[\0-\x1f\u2028]/);
  });

  it("take a last argument that is an Error and has no place in the format as the error to show", () => {
    const error = new Error("inner");
    assert.equal(new LogRecord("x", 40, "failed", [error]).error, error);
    assert.equal(new LogRecord("x", 40, "failed: %s", [error]).error, undefined);
    const alone = new LogRecord("x", 40, error, []);
    assert.equal(alone.error, error);
    assert.equal(alone.getMessage(), "inner");
  });

  it("exception() takes what was thrown as its last argument, whatever it is", () => {
    const { logger, recorder } = recording("exceptional");
    logger.exception("failed %s", "here", "a thrown text");
    logger.exception("failed: %s", new Error("used twice"));
    logger.exception(new Error("alone"));
    assert.deepEqual(recorder.messages, ["failed here", "failed: Error: used twice", "alone"]);
    assert.deepEqual(
      recorder.records.map(({ error }) => (error instanceof Error ? error.message : error)),
      ["a thrown text", "used twice", "alone"],
    );
  });

  it("know where they were logged, also behind every method, and take their time from the clock", () => {
    const { logger, recorder } = recording("placed");
    logger.setLevel("debug");
    const sites: string[] = [];
    recorder.addFilter((record) => sites.push(`${record.site.module} ${record.site.functionName}`) > 0);
    const previous = setLogClock(() => NOON);
    function caller(): void {
      logger.debug("");
      logger.info("");
      logger.warning("");
      logger.error("");
      logger.critical("");
      logger.exception("", 1);
      logger.log(20, "");
    }
    try {
      caller();
    } finally {
      assert.notEqual(setLogClock(previous), previous);
    }
    assert.deepEqual(new Set(sites), new Set(["log.test caller"]));
    assert.equal(sites.length, 7);
    assert.equal(recorder.records[0]?.created, NOON);
  });

  it("do not know their place when asked too late, and say so", () => {
    const { logger, recorder } = recording("late");
    recorder.formatter = { format: (record) => record.getMessage() };
    logger.warning("x");
    assert.deepEqual(recorder.records[0]?.site, { path: "", module: "unknown", line: 0, functionName: "" });
  });
});

describe("StreamHandler", () => {
  const logger = getLogger("streamed");
  let handler: StreamHandler;
  beforeEach(() => {
    logger.propagate = false;
  });
  afterEach(() => logger.removeHandler(handler));

  it("does not bring the program down when the stream fails (security case 119)", async () => {
    const { Writable } = await import("node:stream");
    const failing = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error("full"), { code: "ENOSPC" })),
    });
    const destroyed = new Writable();
    destroyed.destroy();
    for (const stream of [
      failing,
      destroyed,
      {
        write: () => {
          throw new Error("EPIPE");
        },
      },
    ]) {
      handler = new StreamHandler({ stream });
      logger.addHandler(handler);
      logger.warning("lost");
      logger.warning("lost too");
      logger.removeHandler(handler);
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failing.listenerCount("error"), 0);
  });
});

describe("a logger", () => {
  it("never throws, whatever is wrong with a handler, a formatter or a filter", () => {
    const { logger, recorder } = recording("broken-everything");
    const fail = (): never => {
      throw new Error("broken");
    };
    const handlers = [
      { level: 0, handle: fail },
      new StreamHandler({ formatter: { format: fail } }),
      new StreamHandler({
        formatter: {
          format: () => "x",
          get usesSite(): boolean {
            return fail();
          },
        },
      }),
    ] as LogHandler[];
    handlers.push(new StreamHandler());
    handlers[3]!.addFilter(fail);
    for (const handler of handlers) logger.addHandler(handler);
    const told = stderrOf(() => logger.warning("said"));
    assert.deepEqual(recorder.messages, ["said"]);
    assert.equal(told.match(/a log handler failed: Error: broken/g)?.length, 4, told);
  });

  it("shows no line end behind an argument", () => {
    const { logger, recorder } = recording("line-ends");
    logger.warning("TLS failed: %s", new Error("bad record mac\n"));
    logger.warning("and %s in between", "one\ntwo\r\n");
    assert.deepEqual(recorder.messages, ["TLS failed: Error: bad record mac", "and one\\ntwo in between"]);
  });
});

describe("shorten()", () => {
  it("cuts a long text and says how long it was, and leaves others as they are", () => {
    assert.equal(shorten("/short"), "/short");
    assert.equal(shorten("a".repeat(256)), "a".repeat(256));
    assert.equal(shorten("a".repeat(8000)), `${"a".repeat(256)}… (8000 characters)`);
    assert.equal(shorten("abcdef", 3), "abc… (6 characters)");
  });

  it("cuts no surrogate pair in two", () => {
    assert.equal(shorten("ab\u{1f600}cd", 3), "ab… (6 characters)");
    assert.equal(shorten("ab\u{1f600}cd", 4), "ab\u{1f600}… (6 characters)");
  });
});

describe("LogRateLimit", () => {
  it("drops what comes too often, kind by kind, and tells how many when it is over (security case 112)", () => {
    const { logger, recorder } = recording("limited");
    logger.addFilter(new LogRateLimit({ records: 2, interval: 1000 }));
    let now = NOON;
    const previous = setLogClock(() => now);
    try {
      for (let i = 0; i < 5; i++) logger.warning("bad request from %s", i);
      logger.warning("something else");
      now += 1000;
      logger.warning("bad request from %s", "z");
    } finally {
      setLogClock(previous);
    }
    assert.deepEqual(recorder.messages, [
      "bad request from 0",
      "bad request from 1",
      "something else",
      "bad request from z",
    ]);
    assert.equal(recorder.records[3]?.suppressed, 3);
    assert.match(
      recorder.formatter.format(recorder.records[3] as LogRecord),
      /\(and 3 more like this, left out\)$/,
    );
  });

  it("remembers a bounded number of kinds", () => {
    const limit = new LogRateLimit({ records: 1 });
    for (let i = 0; i < 5000; i++) assert.ok(limit.filter(new LogRecord("x", 30, `message ${i}`, [])));
  });

  it("with levels, counts the records of those levels alone", () => {
    const limit = new LogRateLimit({ records: 1, levels: [LogLevel.WARNING] });
    const passes = (level: number): boolean => limit.filter(new LogRecord("x", level, "line", []));
    assert.deepEqual(
      [passes(30), passes(30), passes(20), passes(20), passes(40), passes(40)],
      [true, false, true, true, true, true],
    );
  });

  it("brakes the warnings of the access log, and no other line of it", () => {
    const recorder = new Recorder();
    accessLog.propagate = false;
    accessLog.addHandler(recorder);
    accessLog.setLevel("info");
    const flood = (level: "info" | "warning" | "error"): number => {
      const before = recorder.records.length;
      for (let i = 0; i < 300; i++) accessLog.log(level, "%d GET %s", 404, "/x");
      return recorder.records.length - before;
    };
    try {
      assert.deepEqual([flood("info"), flood("warning"), flood("error")], [300, 100, 300]);
      accessLog.removeFilter(accessLogLimit);
      assert.equal(flood("warning"), 300);
    } finally {
      accessLog.addFilter(accessLogLimit);
      accessLog.removeHandler(recorder);
      accessLog.setLevel(0);
      accessLog.propagate = true;
    }
  });

  it("guards the general log from the beginning, and can be taken away", () => {
    const recorder = new Recorder();
    genLog.propagate = false;
    genLog.addHandler(recorder);
    try {
      for (let i = 0; i < 300; i++) genLog.warning("flood");
      assert.equal(recorder.records.length, 100);
      genLog.removeFilter(genLogLimit);
      genLog.warning("flood");
      assert.equal(recorder.records.length, 101);
    } finally {
      genLog.addFilter(genLogLimit);
      genLog.removeHandler(recorder);
      genLog.propagate = true;
    }
  });
});
