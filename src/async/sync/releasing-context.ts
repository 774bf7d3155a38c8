/** A place held in a lock or semaphore. */

/** What `acquire` resolves with: the duty to release, as an object. */
export class ReleasingContext implements Disposable, AsyncDisposable {
  #owner: { release(): void } | undefined;

  constructor(owner: { release(): void }) {
    this.#owner = owner;
  }

  /**
   * Gives the place back. Only the first call does; so an early release may be followed by the end of a
   * `using`.
   */
  release(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.release();
  }

  /** At the end of a `using` block. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** At the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
