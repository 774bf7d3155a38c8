/**
 * A brake on floods: lines that any client can cause (one for each malformed request) must not fill the disk
 * or drown everything else. Records with the same level and message format count together. Beyond a number in
 * an interval they are dropped, and the next that passes says how many there were.
 */
import type { LogRecord } from "./log-record.js";
import { checkInteger, checkMilliseconds } from "./validate.js";

/** Options of {@link LogRateLimit}. */
export interface LogRateLimitOptions {
  /** Records of one kind that pass in an interval; default 100. */
  readonly records?: number | undefined;
  /** Milliseconds; default 10,000. */
  readonly interval?: number | undefined;
  /** The levels whose records are counted; others pass. Default: all. */
  readonly levels?: readonly number[] | undefined;
}

interface Count {
  began: number;
  passed: number;
  dropped: number;
}

/** Kinds that are remembered; messages that were put together from data could be any number. */
const MOST_KINDS = 1000;

/** A filter for loggers and handlers that lets so many records of a kind pass in each interval. */
export class LogRateLimit {
  readonly #records: number;
  readonly #interval: number;
  readonly #levels: readonly number[] | undefined;
  readonly #counts = new Map<string, Count>();

  constructor(options: LogRateLimitOptions = {}) {
    this.#records = checkInteger("records", options.records ?? 100, { min: 1 });
    this.#interval = checkMilliseconds("interval", options.interval ?? 10_000);
    this.#levels = options.levels;
  }

  /** Whether the record passes. Sets its `suppressed` to the number of those before it that did not. */
  filter(record: LogRecord): boolean {
    if (this.#levels?.includes(record.level) === false) return true;
    const kind = `${record.level} ${record.format}`;
    const now = record.created;
    let count = this.#counts.get(kind);
    if (count === undefined) {
      if (this.#counts.size >= MOST_KINDS) this.#counts.clear();
      count = { began: now, passed: 0, dropped: 0 };
      this.#counts.set(kind, count);
    } else if (now - count.began >= this.#interval || now < count.began) {
      record.suppressed = count.dropped;
      count.began = now;
      count.passed = 0;
      count.dropped = 0;
    }
    if (count.passed >= this.#records) {
      count.dropped++;
      return false;
    }
    count.passed++;
    return true;
  }
}
