/**
 * A binary heap whose order is stable (what was added first comes first among equals) and from which items
 * can be removed by the handle that adding them gave. Adding, taking and removing cost a logarithm.
 */

/** An item in a {@link Heap}. */
export class HeapEntry<T> {
  /** What was added. */
  readonly value: T;
  /** @internal Breaks ties. */
  readonly order: number;
  /** @internal Where in the heap; -1 when it is not in there any more. */
  index: number;

  /** @internal */
  constructor(value: T, order: number, index: number) {
    this.value = value;
    this.order = order;
    this.index = index;
  }
}

/** A priority queue: the least item, by `compare`, comes first. */
export class Heap<T> implements Iterable<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #entries: HeapEntry<T>[] = [];
  #added = 0;

  /** `compare` answers as for `Array.sort`: negative if `a` comes before `b`. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  /** How many items there are. */
  get length(): number {
    return this.#entries.length;
  }

  /** The first item, or undefined. */
  peek(): T | undefined {
    return this.#entries[0]?.value;
  }

  /** Adds an item; the answer can be given to {@link Heap.remove}. */
  push(value: T): HeapEntry<T> {
    const entry = new HeapEntry(value, this.#added++, this.#entries.length);
    this.#entries.push(entry);
    this.#up(entry);
    return entry;
  }

  /** Takes the first item; undefined if there is none. */
  pop(): T | undefined {
    const first = this.#entries[0];
    if (first === undefined) return undefined;
    this.remove(first);
    return first.value;
  }

  /** Takes an item out; false if it was out already. */
  remove(entry: HeapEntry<T>): boolean {
    const { index } = entry;
    if (this.#entries[index] !== entry) return false;
    entry.index = -1;
    const last = this.#entries.pop() as HeapEntry<T>;
    if (last !== entry) {
      last.index = index;
      this.#entries[index] = last;
      this.#up(last);
      this.#down(last);
    }
    return true;
  }

  /** Forgets all items. */
  clear(): void {
    for (const entry of this.#entries) entry.index = -1;
    this.#entries.length = 0;
  }

  /** All items, in no order. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const entry of this.#entries) yield entry.value;
  }

  #before(a: HeapEntry<T>, b: HeapEntry<T>): boolean {
    return (this.#compare(a.value, b.value) || a.order - b.order) < 0;
  }

  #put(entry: HeapEntry<T>, index: number): void {
    this.#entries[index] = entry;
    entry.index = index;
  }

  #up(entry: HeapEntry<T>): void {
    let { index } = entry;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#entries[above] as HeapEntry<T>;
      if (!this.#before(entry, parent)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(entry, index);
  }

  #down(entry: HeapEntry<T>): void {
    const { length } = this.#entries;
    let { index } = entry;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= length) break;
      let child = this.#entries[below] as HeapEntry<T>;
      const right = this.#entries[below + 1];
      if (right !== undefined && this.#before(right, child)) {
        child = right;
        below++;
      }
      if (!this.#before(child, entry)) break;
      this.#put(child, index);
      index = below;
    }
    this.#put(entry, index);
  }
}
