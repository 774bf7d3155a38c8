/**
 * Importing this file makes tests strict: a warning or an error that nobody expected (see `ExpectLog`), or a rejection
 * that nobody handled, fails the test during which it came up. What comes up between tests fails the run.
 *
 *     import "../support/guard.js";
 */
import { after, afterEach } from "node:test";
import { LogHandler, LogLevel, type LogRecord, rootLogger } from "squall/log";

const strays: string[] = [];

class StrayHandler extends LogHandler {
  override emit(record: LogRecord): void {
    strays.push(`a stray log line: ${this.formatter.format(record)}`);
  }
}

// npm test -- --fail-if-logs=false
if (process.env.SQUALL_TEST_FAIL_IF_LOGS !== "false") {
  rootLogger.addHandler(new StrayHandler({ level: LogLevel.WARNING }));
}

process.on("unhandledRejection", (reason) => {
  const text = reason instanceof Error ? (reason.stack ?? String(reason)) : String(reason);
  strays.push(`an unhandled rejection: ${text}`);
});

async function check(): Promise<void> {
  // Node tells of unhandled rejections after the microtasks, so they get one turn to come forward.
  await new Promise(setImmediate);
  if (strays.length > 0) throw new Error(strays.splice(0).join("\n"));
}

afterEach(check);
after(check);

process.on("exit", () => {
  if (strays.length === 0) return;
  console.error(strays.join("\n"));
  process.exitCode = 1;
});
