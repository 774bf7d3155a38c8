/** Waiting for a notification. */

import { showAsText } from "../../base/show-as-text.js";
import { checkLimit } from "../../base/validate.js";
import { refusal, type WaitOptions } from "../wait-options.js";
import { WaiterList } from "../waiting/waiter-list.js";

/**
 * A place to wait for a notification. It has no memory: `notify` wakes those that wait now, and is lost if
 * none does. Tornado: `locks.Condition`.
 */
export class Condition {
  static {
    showAsText(this.prototype);
  }

  readonly #waiters = new WaiterList<boolean>("waiting for a Condition", { value: false });

  /**
   * Resolves with true when notified, and with **false** when the timeout passes first; rejects only with the
   * reason of an aborted signal. A wait that is given up leaves no trace and uses no notification.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return refusal(options) ?? this.#waiters.wait(undefined, options);
  }

  /** Wakes the `n` (default 1) that have waited longest, or as many as there are. */
  notify(n = 1): void {
    checkLimit("n", n);
    for (let left = Math.min(n, this.#waiters.length); left > 0; left--) this.#waiters.settleFirst(true);
  }

  /** Wakes all that wait now. */
  notifyAll(): void {
    this.#waiters.settleAll(true);
  }

  /** For debugging: `<Condition waiters:2>`. */
  toString(): string {
    const { length } = this.#waiters;
    return length === 0 ? "<Condition>" : `<Condition waiters:${length}>`;
  }
}
