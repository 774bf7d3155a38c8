/** The signal handlers of one loop: each signal of the process has one callback at most. */

/** See `IOLoop.addSignalHandler`. */
export class SignalHandlers {
  readonly #listeners: Map<NodeJS.Signals, () => void> = new Map();

  /** Replaces the listener of `signal`. */
  set(signal: NodeJS.Signals, listener: () => void): void {
    this.remove(signal);
    process.on(signal, listener);
    this.#listeners.set(signal, listener);
  }

  /** Gives the signal its usual effect again; true if there was a listener. */
  remove(signal: NodeJS.Signals): boolean {
    const listener = this.#listeners.get(signal);
    if (listener === undefined) return false;
    process.removeListener(signal, listener);
    return this.#listeners.delete(signal);
  }

  /** Removes all listeners. */
  clear(): void {
    for (const signal of [...this.#listeners.keys()]) this.remove(signal);
  }
}
