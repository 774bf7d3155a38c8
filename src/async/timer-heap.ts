/**
 * The exact timers: a binary heap ordered by deadline and, where deadlines are equal, by age. Every timer knows
 * its place in the heap, so it can be taken out without a search: adding and removing cost O(log n), and a
 * hundred thousand pending timers are no burden.
 */

/** Anything that can be called later. */
export type AnyCallback = (...args: never[]) => unknown;

/** The place of a timer that is not in the heap. */
const NOWHERE = -1;

/**
 * A pending timer, as `callLater()`, `callAt()` and `addTimeout()` return it: the handle for `removeTimeout()`.
 * It keeps the process alive until it has fired or was removed, unless {@link Timeout.unref} is called.
 */
export class Timeout {
  /** When it is due, in milliseconds of the loop's clock. */
  readonly deadline: number;
  /** Orders timers of equal deadlines: the count of timers made before this one. */
  readonly sequence: number;
  /** What to call; `undefined` once it has been called or removed. */
  callback: AnyCallback | undefined;
  readonly args: readonly unknown[];
  /** Where the heap keeps it; -1 when it is not there. */
  index: number;
  #owner: TimeoutOwner;
  #ref: boolean;

  /** @internal Timers are made by the loop. */
  constructor(
    owner: TimeoutOwner,
    deadline: number,
    sequence: number,
    callback: AnyCallback,
    args: readonly unknown[],
  ) {
    this.deadline = deadline;
    this.sequence = sequence;
    this.callback = callback;
    this.args = args;
    this.index = NOWHERE;
    this.#owner = owner;
    this.#ref = true;
  }

  /** True while it is going to fire. */
  get pending(): boolean {
    return this.callback !== undefined;
  }

  /** Keeps the process alive until the timer has fired: the state that it is made in. Calling twice is fine. */
  ref(): this {
    if (!this.#ref) {
      this.#ref = true;
      if (this.index !== NOWHERE) this.#owner.countReferences(1);
    }
    return this;
  }

  /** Lets the process end although the timer is pending. Calling twice is fine. */
  unref(): this {
    if (this.#ref) {
      this.#ref = false;
      if (this.index !== NOWHERE) this.#owner.countReferences(-1);
    }
    return this;
  }

  hasRef(): boolean {
    return this.#ref;
  }

  /** The same as `loop.removeTimeout(this)`. */
  [Symbol.dispose](): void {
    this.#owner.remove(this);
  }
}

/** What a timer tells the queue that it belongs to. */
export interface TimeoutOwner {
  /** The number of pending timers which keep the process alive has changed by `change`. */
  countReferences(change: 1 | -1): void;
  remove(timeout: Timeout): void;
}

function before(a: Timeout, b: Timeout): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.sequence < b.sequence);
}

/** A binary heap of timers, the earliest first. */
export class TimerHeap {
  readonly #items: Timeout[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The earliest timer. */
  get first(): Timeout | undefined {
    return this.#items[0];
  }

  add(timeout: Timeout): void {
    this.#items.push(timeout);
    this.#rise(timeout, this.#items.length - 1);
  }

  /** Takes a timer out. It must be in this heap. */
  remove(timeout: Timeout): void {
    const items = this.#items;
    const index = timeout.index;
    const last = items.pop()!;
    timeout.index = NOWHERE;
    if (last === timeout) return;
    // The last one fills the gap; it may belong above it or below.
    if (index > 0 && before(last, items[(index - 1) >> 1]!)) this.#rise(last, index);
    else this.#sink(last, index);
  }

  /** Empties the heap and returns what was in it, in no particular order. */
  clear(): Timeout[] {
    const timeouts = this.#items.splice(0);
    for (const timeout of timeouts) timeout.index = NOWHERE;
    return timeouts;
  }

  #rise(timeout: Timeout, start: number): void {
    const items = this.#items;
    let index = start;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = items[above]!;
      if (!before(timeout, parent)) break;
      items[index] = parent;
      parent.index = index;
      index = above;
    }
    items[index] = timeout;
    timeout.index = index;
  }

  #sink(timeout: Timeout, start: number): void {
    const items = this.#items;
    const size = items.length;
    let index = start;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= size) break;
      if (below + 1 < size && before(items[below + 1]!, items[below]!)) below += 1;
      const child = items[below]!;
      if (!before(child, timeout)) break;
      items[index] = child;
      child.index = index;
      index = below;
    }
    items[index] = timeout;
    timeout.index = index;
  }
}
