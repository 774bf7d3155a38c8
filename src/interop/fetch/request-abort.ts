/** The end of an exchange, as the signal of its request tells it. */

/** The signal of a request and of its clones. */
export class RequestAbort {
  #controller: AbortController | undefined = undefined;
  #reason: unknown = undefined;
  #aborted = false;

  /** Aborted when the client leaves before the response is complete. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Whether the client has left, or has ended its side. */
  get isAborted(): boolean {
    return this.#aborted;
  }

  /** The client has left. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
