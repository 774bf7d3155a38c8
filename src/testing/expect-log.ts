/**
 * Log lines as part of a test: the ones that are expected are swallowed and counted, and their absence is a
 * failure.
 */

import { pendingResult } from "../async/coroutine/yieldable.js";
import { InvalidStateError, SquallError } from "../base/errors.js";
import { getLogger, type Logger, levelNumber } from "../base/log.js";
import { type LogLevelName, type LogRecord, levelName } from "../base/log-record.js";

/** Options of {@link ExpectLog}. */
export interface ExpectLogOptions {
  /** Whether it is a failure if no record matched; default true. */
  readonly required?: boolean | undefined;
  /** The level that matching records must have; the logger is opened up to it meanwhile. Default: any. */
  readonly level?: LogLevelName | number | undefined;
}

/** An expected log line did not come, or came with another level (`ERR_SQUALL_EXPECTED_LOG`). */
export class ExpectedLogError extends SquallError {
  static {
    this.prototype.name = "ExpectedLogError";
  }

  constructor(message: string) {
    super("ERR_SQUALL_EXPECTED_LOG", message);
  }
}

/**
 * Swallows the records of a logger whose message matches, and fails if there were none.
 *
 *     await new ExpectLog(appLog, /Uncaught exception/).run(() => fetch("/error"));
 *
 *     using expected = new ExpectLog("squall.general", /Malformed/);     // from here to the end of the block
 *
 * It watches the records that are logged by that very logger, not by its children. Tornado:
 * `testing.ExpectLog`.
 */
export class ExpectLog implements Disposable {
  /** The logger that is watched. */
  readonly logger: Logger;
  /** What the message must contain. */
  readonly regex: RegExp;
  /** Whether a match is required. */
  readonly required: boolean;
  /** The level that matches must have, as a number; undefined for any. */
  readonly level: number | undefined;
  /** How many records have matched. */
  matched = 0;
  /** Whether one of the matching records carried an error with its stack. */
  loggedStack = false;
  #watching = false;
  #levelBefore: number | undefined = undefined;
  #wrongLevel: LogRecord | undefined = undefined;

  /**
   * Begins to watch at once, so that `using` works. `logger` is a logger or the name of one (the empty string
   * for the root); a string as `pattern` is the source of a regular expression.
   */
  constructor(logger: Logger | string, pattern: RegExp | string, options: ExpectLogOptions = {}) {
    this.logger = typeof logger === "string" ? getLogger(logger) : logger;
    this.regex = typeof pattern === "string" ? new RegExp(pattern) : pattern;
    this.required = options.required ?? true;
    this.level = options.level === undefined ? undefined : levelNumber(options.level);
    this.#watch();
  }

  /**
   * Runs `body` (which may be async or a generator function), stops watching and checks. An error of `body`
   * comes before the complaint about a missing line. Resolves with what `body` gives; may be used once.
   */
  async run<R>(body: () => R): Promise<Awaited<R>> {
    if (!this.#watching) throw new InvalidStateError("this ExpectLog is over; make a new one");
    try {
      const result = body();
      const value = (await (pendingResult(result) ?? result)) as Awaited<R>;
      this[Symbol.dispose]();
      return value;
    } finally {
      this.#unwatch();
    }
  }

  /**
   * Whether the record goes on; false swallows it. The logger asks this; override it to match by more than
   * text.
   */
  filter(record: LogRecord): boolean {
    this.regex.lastIndex = 0;
    if (!this.regex.test(record.getMessage())) return true;
    if (this.level !== undefined && record.level !== this.level) {
      this.#wrongLevel = record;
      return false;
    }
    this.matched++;
    if (record.error instanceof Error) this.loggedStack = true;
    return false;
  }

  /**
   * Stops watching and throws {@link ExpectedLogError} if nothing matched that should have. Twice is fine.
   */
  [Symbol.dispose](): void {
    if (!this.#watching) return;
    this.#unwatch();
    if (this.#wrongLevel !== undefined) {
      throw new ExpectedLogError(
        `the expected line came with level ${this.#wrongLevel.levelName} instead of ${levelName(this.level ?? 0)}: ` +
          this.#wrongLevel.getMessage(),
      );
    }
    if (this.required && this.matched === 0) {
      throw new ExpectedLogError(
        `the logger ${this.logger.name || "(root)"} was expected to log ${this.regex}, but it did not`,
      );
    }
  }

  #watch(): void {
    this.#watching = true;
    if (this.level !== undefined && !this.logger.isEnabledFor(this.level)) {
      this.#levelBefore = this.logger.level;
      this.logger.setLevel(this.level);
    }
    this.logger.addFilter(this);
  }

  #unwatch(): void {
    this.#watching = false;
    this.logger.removeFilter(this);
    if (this.#levelBefore !== undefined) this.logger.setLevel(this.#levelBefore);
    this.#levelBefore = undefined;
  }
}
