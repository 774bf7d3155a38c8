import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { appLog, getLogger, LogHandler, LogLevel, type LogRecord } from "squall/log";
import { ExpectedLogError, ExpectLog } from "squall/testing";
import "../support/guard.js";

class Kept extends LogHandler {
  readonly records: LogRecord[] = [];
  override emit(record: LogRecord): void {
    this.records.push(record);
  }
}

/** A logger of its own whose records go nowhere else. */
function quietLogger(name: string): { logger: ReturnType<typeof getLogger>; kept: Kept } {
  const logger = getLogger(`expect-log.${name}`);
  logger.propagate = false;
  const kept = new Kept();
  logger.addHandler(kept);
  return { logger, kept };
}

describe("ExpectLog", () => {
  test("swallows what matches, counts it and lets the rest through", async () => {
    const { logger, kept } = quietLogger("count");
    const expected = new ExpectLog(logger, /disk \d+ is full/);
    const result = await expected.run(async () => {
      logger.warning("disk %d is full", 1);
      logger.warning("disk %d is full", 2);
      logger.warning("disk is empty");
      return "body";
    });
    assert.equal(result, "body");
    assert.equal(expected.matched, 2);
    assert.deepEqual(
      kept.records.map((record) => record.getMessage()),
      ["disk is empty"],
    );
    logger.warning("disk 3 is full");
    assert.equal(expected.matched, 2, "it stops watching at the end");
  });

  test("fails when no record matched, unless required is false", async () => {
    await assert.rejects(
      new ExpectLog("squall.general", "never").run(() => 1),
      ExpectedLogError,
    );
    assert.equal(await new ExpectLog("squall.general", "never", { required: false }).run(() => 1), 1);
  });

  test("lets an error of the body come before its own complaint", async () => {
    await assert.rejects(
      new ExpectLog(appLog, "never").run(() => {
        throw new RangeError("body");
      }),
      RangeError,
    );
    await assert.rejects(
      new ExpectLog(appLog, "never").run(function* () {
        yield null;
        throw new RangeError("generator");
      }),
      RangeError,
    );
  });

  test("opens the logger to its level, checks the level and puts the logger back", async () => {
    const { logger, kept } = quietLogger("level");
    logger.setLevel("error");
    const expected = new ExpectLog(logger, "hello", { level: "info" });
    await expected.run(() => logger.info("hello"));
    assert.equal(expected.level, LogLevel.INFO);
    assert.equal(logger.level, LogLevel.ERROR);
    await assert.rejects(
      new ExpectLog(logger, "hello", { level: "info" }).run(() => logger.warning("hello")),
      /level WARNING instead of INFO: hello/,
    );
    assert.equal(kept.records.length, 0);
  });

  test("tells whether a stack was logged", async () => {
    const plain = new ExpectLog(appLog, "failed");
    await plain.run(() => appLog.error("failed"));
    assert.equal(plain.loggedStack, false);
    const stack = new ExpectLog(appLog, "failed");
    await stack.run(() => appLog.exception("failed", new Error("why")));
    assert.equal(stack.loggedStack, true);
  });

  test("ends with its block when declared by using, and checks only once", () => {
    const { logger } = quietLogger("using");
    assert.throws(() => {
      using expected = new ExpectLog(logger, "missing");
      assert.equal(expected.required, true);
    }, ExpectedLogError);
    const expected = new ExpectLog(logger, /x/g);
    logger.error("x");
    logger.error("x");
    assert.equal(expected.matched, 2);
    expected[Symbol.dispose]();
    expected[Symbol.dispose]();
  });

  test("refuses to run when it is over", async () => {
    const expected = new ExpectLog(appLog, "x", { required: false });
    expected[Symbol.dispose]();
    await assert.rejects(
      expected.run(() => 1),
      { code: "ERR_SQUALL_INVALID_STATE" },
    );
  });
});
