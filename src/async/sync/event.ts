/** A flag that one can wait for. */
import { showAsText } from "../../base/show-as-text.js";
import { RESOLVED } from "../deferred.js";
import { refusal, type WaitOptions } from "../wait-options.js";
import { WaiterList } from "../waiting/waiter-list.js";

/**
 * A flag, cleared at first. Waiting ends when it is set, and does not begin when it is set already.
 * Tornado: `locks.Event`.
 */
export class Event {
  static {
    showAsText(this.prototype);
  }

  readonly #waiters = new WaiterList<void>("waiting for an Event");
  #flag = false;

  /** The flag. */
  isSet(): boolean {
    return this.#flag;
  }

  /**
   * Sets the flag and wakes all that wait, even if it is cleared again at once. Setting it twice changes
   * nothing.
   */
  set(): void {
    if (this.#flag) return;
    this.#flag = true;
    this.#waiters.settleAll();
  }

  /** Clears the flag: later waits end with the next {@link Event.set}. */
  clear(): void {
    this.#flag = false;
  }

  /**
   * Resolves when the flag is set. Rejects with a `TimeoutError` or the signal's reason; that leaves no
   * trace.
   */
  wait(options?: WaitOptions): Promise<void> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return this.#flag ? RESOLVED : this.#waiters.wait(undefined, options);
  }

  /** For debugging: `<Event set>` or `<Event clear waiters:2>`. */
  toString(): string {
    if (this.#flag) return "<Event set>";
    const { length } = this.#waiters;
    return length === 0 ? "<Event clear>" : `<Event clear waiters:${length}>`;
  }
}
