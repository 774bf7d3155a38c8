/**
 * Finding a long delimiter in bytes that come in pieces, with each byte looked at once: the algorithm of
 * Knuth, Morris and Pratt (1977).
 *
 * `Buffer.indexOf` is quicker on ordinary text, but for a delimiter that repeats itself it compares again and
 * again: 4 MB against 5,000 times the same octet take it 13 seconds. The table says, for each length of a
 * partial match, where the match goes on after a mismatch, so that the search never goes back. Building it
 * costs one pass over the delimiter.
 */

export class DelimiterSearch {
  /** What is looked for. */
  readonly delimiter: Uint8Array;
  /** For each partial match: the length of its longest proper prefix that is also its suffix. */
  readonly #table: Int32Array;
  /** How much of the delimiter ends at the place that was reached. */
  #matched = 0;

  constructor(delimiter: Uint8Array) {
    this.delimiter = delimiter;
    const table = new Int32Array(delimiter.length);
    for (let at = 1, length = 0; at < delimiter.length; at++) {
      while (length > 0 && delimiter[at] !== delimiter[length]) length = table[length - 1] as number;
      if (delimiter[at] === delimiter[length]) length++;
      table[at] = length;
    }
    this.#table = table;
  }

  /** How many of the bytes that were looked at last may be the beginning of a match. */
  get matched(): number {
    return this.#matched;
  }

  /** Begins again in front of all bytes. */
  reset(): void {
    this.#matched = 0;
  }

  /**
   * Looks at the bytes of `chunk` from `start` on, which follow on those of the call before. Returns the
   * place behind the match, after which the search has begun again; -1 if there is none yet.
   */
  feed(chunk: Uint8Array, start: number): number {
    const { delimiter } = this;
    const table = this.#table;
    let matched = this.#matched;
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at];
      while (matched > 0 && byte !== delimiter[matched]) matched = table[matched - 1] as number;
      if (byte === delimiter[matched]) matched++;
      if (matched === delimiter.length) {
        this.#matched = 0;
        return at + 1;
      }
    }
    this.#matched = matched;
    return -1;
  }
}
