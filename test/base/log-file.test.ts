import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import {
  defineLoggingOptions,
  enablePrettyLogging,
  FileHandler,
  getLogger,
  LogLevel,
  LogRecord,
  RotatingFileHandler,
  StreamHandler,
  setLogClock,
  TimedRotatingFileHandler,
} from "squall/log";
import { OptionParser } from "squall/options";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-log-"));
  path = join(folder, "app.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plain = { format: (record: LogRecord) => record.getMessage() };

function recordAt(time: Date | number, text: string): LogRecord {
  const previous = setLogClock(() => Number(time));
  try {
    return new LogRecord("x", LogLevel.INFO, text, []);
  } finally {
    setLogClock(previous);
  }
}

const files = () => readdirSync(folder).sort();
const read = (name: string) => readFileSync(join(folder, name), "utf8");

describe("FileHandler", () => {
  it("appends UTF-8 lines at once, and opens the file with the first", () => {
    writeFileSync(path, "before\n");
    const handler = new FileHandler({ path, formatter: plain });
    handler.handle(recordAt(0, "é☃"));
    assert.equal(read("app.log"), "before\né☃\n");
    handler.close();
    handler.close();
    handler.handle(recordAt(0, "again"));
    handler.close();
    assert.equal(read("app.log"), "before\né☃\nagain\n");
  });

  it("loses lines when the disk is full, tells it once, and counts them when there is room again (security case 119)", {
    skip: !existsSync("/dev/full"),
  }, () => {
    const logger = getLogger("full");
    logger.propagate = false;
    const handler = new FileHandler({ path: "/dev/full", formatter: plain });
    logger.addHandler(handler);
    let told = "";
    const write = mock.method(process.stderr, "write", (text: string) => {
      told += text;
      return true;
    });
    try {
      for (let i = 0; i < 5; i++) logger.warning("lost");
    } finally {
      write.mock.restore();
      logger.removeHandler(handler);
      handler.close();
    }
    assert.equal(handler.lost, 5);
    // Deno's error has the system's text instead of the code.
    assert.equal(told.match(/a log handler failed: Error: (ENOSPC|No space left)/g)?.length, 1);
  });
});

describe("RotatingFileHandler", () => {
  it("sets the file aside before it grows beyond the size, and keeps so many", () => {
    const handler = new RotatingFileHandler({ path, formatter: plain, maxSize: 10, backups: 2 });
    for (const text of ["1111", "2222", "3333", "4444", "55555555555555", "6666", "7777"])
      handler.handle(recordAt(0, text));
    handler.close();
    assert.deepEqual(files(), ["app.log", "app.log.1", "app.log.2"]);
    assert.equal(read("app.log"), "6666\n7777\n");
    assert.equal(read("app.log.1"), "55555555555555\n");
    assert.equal(read("app.log.2"), "3333\n4444\n");
  });

  it("goes on in a file from an earlier run, counting what it has", () => {
    writeFileSync(path, "123456789\n");
    const handler = new RotatingFileHandler({ path, formatter: plain, maxSize: 12 });
    handler.handle(recordAt(0, "abc"));
    handler.close();
    assert.equal(read("app.log.1"), "123456789\n");
  });
});

describe("a rotation that meets an obstacle", () => {
  it("loses no line when another program has moved the file", () => {
    const handler = new RotatingFileHandler({ path, formatter: plain, maxSize: 10 });
    handler.handle(recordAt(0, "1111"));
    handler.handle(recordAt(0, "2222"));
    renameSync(path, `${path}.moved`);
    for (const text of ["3333", "4444", "5555"]) handler.handle(recordAt(0, text));
    handler.close();
    assert.equal(handler.lost, 0);
    assert.equal(
      read("app.log.moved") + read("app.log.1") + read("app.log"),
      "1111\n2222\n3333\n4444\n5555\n",
    );
  });

  it("leaves a file alone that has taken the name meanwhile, and goes on in it", () => {
    const handler = new RotatingFileHandler({ path, formatter: plain, maxSize: 10 });
    handler.handle(recordAt(0, "1111"));
    handler.handle(recordAt(0, "2222"));
    renameSync(path, `${path}.moved`);
    writeFileSync(path, "theirs\n");
    handler.handle(recordAt(0, "3"));
    handler.close();
    assert.deepEqual(files(), ["app.log", "app.log.moved"]);
    assert.equal(read("app.log"), "theirs\n3\n");
  });

  it("goes on in the old file when the backup's name is taken by a folder", () => {
    mkdirSync(join(folder, "app.log.1"));
    writeFileSync(join(folder, "app.log.1", "x"), "");
    const handler = new RotatingFileHandler({ path, formatter: plain, maxSize: 10, backups: 1 });
    const told = captureStderr(() => {
      for (const text of ["1111", "2222", "3333", "4444", "5555"]) handler.handle(recordAt(0, text));
    });
    handler.close();
    assert.equal(told.match(/a log rotation of /g)?.length, 1);
    assert.equal(handler.lost, 0);
    assert.equal(read("app.log"), "1111\n2222\n3333\n4444\n5555\n");
  });

  it("moves backups no further than the first free name", () => {
    writeFileSync(`${path}.1`, "one");
    writeFileSync(`${path}.3`, "three");
    const handler = new RotatingFileHandler({ path, formatter: plain, maxSize: 4 });
    handler.handle(recordAt(0, "a"));
    handler.handle(recordAt(0, "bbbb"));
    handler.close();
    assert.deepEqual(files(), ["app.log", "app.log.1", "app.log.2", "app.log.3"]);
    assert.deepEqual([read("app.log.1"), read("app.log.2"), read("app.log.3")], ["a\n", "one", "three"]);
  });
});

describe("TimedRotatingFileHandler", () => {
  it("sets the file aside at midnight, under the day's name, and keeps so many", () => {
    const handler = new TimedRotatingFileHandler({ path, formatter: plain, backups: 2 });
    for (let day = 28; day <= 32; day++) {
      handler.handle(recordAt(new Date(2026, 0, day, 23, 59), `late ${day}`));
      handler.handle(recordAt(new Date(2026, 0, day + 1, 0, 0), `early ${day + 1}`));
    }
    handler.close();
    assert.deepEqual(files(), ["app.log", "app.log.2026-01-31", "app.log.2026-02-01"]);
    assert.equal(read("app.log.2026-01-31"), "early 31\nlate 31\n");
  });

  it("knows seconds, minutes, hours, days and days of the week", () => {
    const begin = new Date(2026, 0, 31, 12, 34, 56); // a Saturday
    for (const [when, interval, before, after, name] of [
      ["s", 2, 1999, 2000, "2026-01-31_12-34-56"],
      ["M", 1, 59_999, 60_000, "2026-01-31_12-34"],
      ["H", 1, 3_599_999, 3_600_000, "2026-01-31_12"],
      ["D", 1, 86_399_999, 86_400_000, "2026-01-31"],
      // W6 is Sunday: its midnight begins Monday, the second of February.
      [
        "W6",
        1,
        new Date(2026, 1, 1, 23).getTime() - begin.getTime(),
        new Date(2026, 1, 2).getTime() - begin.getTime(),
        "2026-01-31",
      ],
    ] as const) {
      const file = join(folder, when);
      const handler = new TimedRotatingFileHandler({ path: file, formatter: plain, when, interval });
      handler.handle(recordAt(begin, "a"));
      handler.handle(recordAt(begin.getTime() + before, "b"));
      handler.handle(recordAt(begin.getTime() + after, "c"));
      handler.close();
      assert.equal(read(when), "c\n", when);
      assert.equal(read(`${when}.${name}`), "a\nb\n", when);
    }
  });

  it("takes a file from an earlier run for as old as its beginning, and overwrites no other", () => {
    const yesterday = new Date(2026, 0, 30, 12);
    writeFileSync(path, "old\n");
    utimesSync(path, yesterday, yesterday);
    writeFileSync(`${path}.2026-01-30`, "older\n");
    const handler = new TimedRotatingFileHandler({ path, formatter: plain });
    handler.handle(recordAt(new Date(2026, 0, 31, 12), "new"));
    handler.close();
    assert.deepEqual(files(), ["app.log", "app.log.2026-01-30", "app.log.2026-01-30.1"]);
    assert.equal(read("app.log.2026-01-30.1"), "old\n");
  });

  it("counts from the beginning of the file, so a program that restarts often rotates as well", () => {
    writeFileSync(path, "");
    const begun = statSync(path).birthtimeMs || Date.now();
    for (const [life, after] of [0, 900, 1800, 2700].entries()) {
      const handler = new TimedRotatingFileHandler({ path, formatter: plain, when: "S", interval: 2 });
      handler.handle(recordAt(begun + after, `life ${life}`));
      handler.close();
      // As if the line had been written just then.
      utimesSync(path, new Date(begun + after), new Date(begun + after));
    }
    assert.equal(files().length, 2);
    assert.equal(read("app.log"), "life 3\n");
  });

  it("goes on in the old file when it cannot be set aside, reports that once, and tries again later", () => {
    const begin = new Date(2026, 0, 31, 12).getTime();
    const handler = new TimedRotatingFileHandler({ path, formatter: plain, when: "H" });
    handler.handle(recordAt(begin, "a"));
    const told = captureStderr(() => {
      // A file system on which nothing can be renamed, for a while.
      const rename = mock.method(
        TimedRotatingFileHandler.prototype as never as { setAside(): boolean },
        "setAside",
        function (this: FileHandler) {
          const { setAside } = FileHandler.prototype as never as { setAside(move: () => void): boolean };
          return setAside.call(this, () => {
            throw new Error("EXDEV");
          });
        },
      );
      handler.handle(recordAt(begin + 3_600_000, "b"));
      handler.handle(recordAt(begin + 3_601_000, "c"));
      rename.mock.restore();
    });
    assert.match(told, /^a log rotation of .*app\.log failed: Error: EXDEV[^\n]*\n/);
    assert.equal(told.match(/a log rotation/g)?.length, 1);
    handler.handle(recordAt(begin + 3_700_000, "d"));
    handler.close();
    assert.equal(handler.lost, 0);
    assert.equal(read("app.log"), "d\n");
    assert.equal(read("app.log.2026-01-31_12"), "a\nb\nc\n");
  });

  it("refuses a unit that it does not know", () => {
    for (const when of ["W7", "", "noon", "__proto__"]) {
      assert.throws(() => new TimedRotatingFileHandler({ path, when }), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }
  });
});

describe("the options of logging", () => {
  it("--logging sets the level, info unless told otherwise, and adds stderr when there is no other handler", () => {
    const logger = getLogger("pretty.info");
    enablePrettyLogging({ options: parserWith(), logger });
    assert.equal(logger.level, LogLevel.INFO);
    assert.equal(logger.handlers.length, 1);
    assert.ok(logger.handlers[0] instanceof StreamHandler);
    enablePrettyLogging({ options: parserWith("--logging=debug"), logger });
    assert.equal(logger.level, LogLevel.DEBUG);
    assert.equal(logger.handlers.length, 1);
  });

  it("--logging=none leaves logging as it is", () => {
    const logger = getLogger("pretty.none");
    enablePrettyLogging({ options: parserWith("--logging=none"), logger });
    assert.equal(logger.level, LogLevel.NOTSET);
    assert.equal(logger.handlers.length, 0);
  });

  it("--log-file-prefix writes to a file, without colours, and not to stderr", () => {
    const logger = getLogger("pretty.file");
    logger.propagate = false;
    enablePrettyLogging({ options: parserWith(`--log-file-prefix=${path}`), logger });
    assert.ok(logger.handlers.length === 1 && logger.handlers[0] instanceof RotatingFileHandler);
    logger.info("to the file");
    logger.handlers[0]?.close();
    assert.match(read("app.log"), /^\[I \d{6} \d\d:\d\d:\d\d log-file\.test:\d+\] to the file\n$/);
  });

  it("--log-to-stderr forces or forbids stderr", () => {
    const both = getLogger("pretty.both");
    enablePrettyLogging({
      options: parserWith(`--log-file-prefix=${path}`, "--log-to-stderr"),
      logger: both,
    });
    assert.equal(both.handlers.length, 2);
    const none = getLogger("pretty.forbidden");
    enablePrettyLogging({ options: parserWith("--log-to-stderr=false"), logger: none });
    assert.equal(none.handlers.length, 0);
  });

  it("--log-file-max-size and --log-file-num-backups steer rotation by size", () => {
    const logger = getLogger("pretty.size");
    logger.propagate = false;
    enablePrettyLogging({
      options: parserWith(`--log-file-prefix=${path}`, "--log-file-max-size=1", "--log-file-num-backups=1"),
      logger,
    });
    for (const text of ["a", "b", "c"]) logger.info(text);
    logger.handlers[0]?.close();
    assert.deepEqual(files(), ["app.log", "app.log.1"]);
  });

  it("--log-rotate-mode=time rotates by --log-rotate-when and --log-rotate-interval", () => {
    const logger = getLogger("pretty.time");
    logger.propagate = false;
    const options = parserWith(
      `--log-file-prefix=${path}`,
      "--log-rotate-mode=time",
      "--log-rotate-when=H",
      "--log-rotate-interval=2",
    );
    enablePrettyLogging({ options, logger });
    const begin = new Date(2026, 0, 31, 12).getTime();
    logger.handle(recordAt(begin, "a"));
    logger.handle(recordAt(begin + 7_199_999, "b"));
    logger.handle(recordAt(begin + 7_200_000, "c"));
    logger.handlers[0]?.close();
    assert.deepEqual(files(), ["app.log", "app.log.2026-01-31_12"]);
  });

  it("applying options again replaces what they did before, and leaves other handlers alone", () => {
    const logger = getLogger("pretty.again");
    logger.propagate = false;
    const options = parserWith(`--log-file-prefix=${path}`, "--log-to-stderr");
    enablePrettyLogging({ options, logger });
    const own = new StreamHandler({ stream: { write: () => true } });
    logger.addHandler(own);
    enablePrettyLogging({ options: parserWith(`--log-file-prefix=${path}`), logger });
    assert.equal(logger.handlers.length, 2);
    assert.equal(logger.handlers[0], own);
    logger.info("once");
    logger.handlers[1]?.close();
    assert.equal(read("app.log").match(/once/g)?.length, 1);
  });

  it("another --log-rotate-mode is refused", () => {
    const options = parserWith(`--log-file-prefix=${path}`, "--log-rotate-mode=size");
    options.set("log_rotate_mode", "moon");
    assert.throws(() => enablePrettyLogging({ options, logger: getLogger("pretty.moon") }), {
      code: "ERR_SQUALL_OPTION",
    });
  });

  it("a level that does not exist is refused", () => {
    const options = parserWith("--logging=none");
    options.set("logging", "loud");
    assert.throws(() => enablePrettyLogging({ options, logger: getLogger("pretty.loud") }), {
      code: "ERR_SQUALL_OPTION",
      message: /^option logging: a level must be debug, info/,
    });
  });

  it("a value that does not exist is a mistake of the command line, with the nearest one", () => {
    for (const [arg, said] of [
      [
        "--logging=debugg",
        /^option logging: expected debug, .* or none, got 'debugg'; did you mean "debug"\?$/,
      ],
      [
        "--log-rotate-mode=tim",
        /^option log_rotate_mode: expected size or time, got 'tim'; did you mean "time"\?$/,
      ],
      [
        "--log-rotate-when=Q",
        /^option log_rotate_when: expected S, M, H, D, W0 to W6, or midnight, got 'Q'$/,
      ],
    ] as const) {
      assert.throws(() => parserWith(arg), { code: "ERR_SQUALL_OPTION", message: said });
    }
    for (const level of ["DEBUG", "critical", "None"]) parserWith(`--logging=${level}`);
    for (const when of ["s", "W6", "Midnight"]) parserWith(`--log-rotate-when=${when}`);
    const options = parserWith(
      `--log-file-prefix=${path}`,
      "--log-rotate-mode=time",
      "--log-rotate-interval=0",
    );
    assert.throws(() => enablePrettyLogging({ options, logger: getLogger("pretty.size") }), {
      code: "ERR_SQUALL_OPTION",
      message: /^options of logging: .*got 0$/,
    });
  });
});

/** A parser with the options of logging that has read `args` without applying them. */
function parserWith(...args: string[]): OptionParser {
  const options = new OptionParser();
  defineLoggingOptions(options);
  options.parseCommandLine(["prog", ...args], { final: false });
  return options;
}

/** What `run` makes the process write to stderr. */
function captureStderr(run: () => void): string {
  let told = "";
  const write = mock.method(process.stderr, "write", (text: string) => {
    told += text;
    return true;
  });
  try {
    run();
  } finally {
    write.mock.restore();
  }
  return told;
}
