/**
 * How often, and how soon, processes that failed are replaced.
 *
 * The first failure of a process costs nothing: it is replaced at once. One that fails as soon as it has
 * begun is replaced after a pause that doubles each time, so that a program which cannot start does not keep
 * the machine busy.
 */
import { SquallError } from "../../base/errors.js";

/** A process that lived shorter than this is not replaced at once, in milliseconds. */
const SHORT_LIFE = 1000;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

/** Workers failed too often (`ERR_SQUALL_TOO_MANY_RESTARTS`). */
export class TooManyRestartsError extends SquallError {
  static {
    this.prototype.name = "TooManyRestartsError";
  }

  constructor(maxRestarts: number) {
    super(
      "ERR_SQUALL_TOO_MANY_RESTARTS",
      `workers had to be replaced more than ${maxRestarts} times, giving up`,
    );
  }
}

/** How a process that failed is replaced. */
export interface Restart {
  /** How many processes in its place have lived shortly, one after the other. */
  readonly failures: number;
  /** How long to wait, in milliseconds; 0 for at once. */
  readonly pause: number;
}

/** The replacements that are left for a group of processes. */
export class RestartBudget {
  /** How many there are in all; `Infinity` for no limit. */
  readonly maxRestarts: number;
  #restarts = 0;

  constructor(maxRestarts: number) {
    this.maxRestarts = maxRestarts;
  }

  /**
   * Takes one replacement, for a process that lived for `life` milliseconds and had `failures` predecessors
   * that lived shortly. Returns undefined when none is left.
   */
  next(life: number, failures: number): Restart | undefined {
    if (++this.#restarts > this.maxRestarts) return undefined;
    const now = life < SHORT_LIFE ? failures + 1 : 0;
    const pause = now <= 1 ? 0 : Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(now - 2, 16));
    return { failures: now, pause };
  }
}
