/** Who wants to know when an exchange ends early: the callbacks of `HTTPConnection.onAbort`. */
import { appLog } from "../../base/log.js";
import type { ExchangeAbortedError } from "../errors.js";

type AbortCallback = (reason: ExchangeAbortedError) => void;

/** Callbacks for one event that happens at most once. */
export class AbortWatchers {
  /** What Tornado's `setCloseCallback` set; there is one, which can be replaced. */
  closeCallback: AbortCallback | undefined = undefined;
  #callbacks: AbortCallback[] | undefined = undefined;
  /** The reason once it has happened; null once it cannot happen any more. */
  #outcome: ExchangeAbortedError | null | undefined = undefined;

  /**
   * Registers a callback; calls it at once if the exchange was aborted before, and never after another end.
   */
  add(callback: AbortCallback): void {
    if (this.#outcome === undefined) {
      this.#callbacks ??= [];
      this.#callbacks.push(callback);
    } else if (this.#outcome !== null) {
      call(callback, this.#outcome);
    }
  }

  /** The exchange ended early; only the first call counts. */
  abort(reason: ExchangeAbortedError): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = reason;
    const callbacks = this.#callbacks;
    const last = this.closeCallback;
    this.#callbacks = undefined;
    this.closeCallback = undefined;
    for (const callback of callbacks ?? []) call(callback, reason);
    if (last !== undefined) call(last, reason);
  }

  /** The exchange has ended otherwise: nothing is called any more. */
  drop(): void {
    this.#outcome ??= null;
    this.#callbacks = undefined;
    this.closeCallback = undefined;
  }
}

function call(callback: AbortCallback, reason: ExchangeAbortedError): void {
  try {
    callback(reason);
  } catch (error) {
    appLog.exception("Uncaught exception in the close callback of an HTTP connection", error);
  }
}
