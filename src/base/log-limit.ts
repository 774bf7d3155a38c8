/**
 * A brake on floods: what a stranger can make a server say (a line for each malformed request, say) must not fill the disk
 * or drown everything else. Records with the same level and message format count together; beyond a number in an
 * interval they are dropped, and the next that passes tells how many there were.
 */
import type { LogRecord } from "./log-record.js";
import { checkInteger, checkMilliseconds } from "./validate.js";

/** What {@link LogRateLimit} can be told. */
export interface LogRateLimitOptions {
  /** Records of one kind that pass in an interval; default 100. */
  readonly records?: number | undefined;
  /** Milliseconds; default 10,000. */
  readonly interval?: number | undefined;
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
  readonly #counts = new Map<string, Count>();

  constructor(options: LogRateLimitOptions = {}) {
    this.#records = checkInteger("records", options.records ?? 100, { min: 1 });
    this.#interval = checkMilliseconds("interval", options.interval ?? 10_000);
  }

  /** Whether the record passes; tells it how many before it did not. */
  filter(record: LogRecord): boolean {
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
