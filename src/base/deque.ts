/**
 * A queue with two ends in a ring that grows: `push` and `shift` in constant time, where an array's `shift`
 * moves all elements. The capacity is a power of two, so that positions wrap by a mask.
 */

const LEAST = 16;

/** A double-ended queue. */
export class Deque<T> implements Iterable<T> {
  #ring: (T | undefined)[] = [];
  #mask = -1;
  #head = 0;
  #length = 0;

  constructor(items?: Iterable<T>) {
    if (items !== undefined) for (const item of items) this.push(item);
  }

  /** How many items there are. */
  get length(): number {
    return this.#length;
  }

  /** The first item, or undefined. */
  get first(): T | undefined {
    return this.at(0);
  }

  /** The last item, or undefined. */
  get last(): T | undefined {
    return this.at(this.#length - 1);
  }

  /** The item at `index` from the front, or undefined beyond the ends. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.#length ? undefined : this.#ring[(this.#head + index) & this.#mask];
  }

  /** Adds at the end. */
  push(item: T): void {
    if (this.#length > this.#mask) this.#resize(Math.max(LEAST, this.#length * 2));
    this.#ring[(this.#head + this.#length++) & this.#mask] = item;
  }

  /** Adds at the front. */
  unshift(item: T): void {
    if (this.#length > this.#mask) this.#resize(Math.max(LEAST, this.#length * 2));
    this.#head = (this.#head - 1) & this.#mask;
    this.#ring[this.#head] = item;
    this.#length++;
  }

  /** Takes the first item; undefined if there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length--;
    this.#shrink();
    return item;
  }

  /** Takes the last item; undefined if there is none. */
  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    const index = (this.#head + --this.#length) & this.#mask;
    const item = this.#ring[index];
    this.#ring[index] = undefined;
    this.#shrink();
    return item;
  }

  /** Takes the first item that equals `item`, in linear time; false if there is none. Order stays. */
  remove(item: T): boolean {
    for (let i = 0; i < this.#length; i++) {
      if (this.at(i) !== item) continue;
      for (let k = i; k + 1 < this.#length; k++) this.#ring[(this.#head + k) & this.#mask] = this.at(k + 1);
      this.#ring[(this.#head + --this.#length) & this.#mask] = undefined;
      return true;
    }
    return false;
  }

  /** Forgets all items. */
  clear(): void {
    this.#ring = [];
    this.#mask = -1;
    this.#head = 0;
    this.#length = 0;
  }

  /** From first to last. Items that are added while iterating are visited too. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.at(i) as T;
  }

  /**
   * Gives memory back when a quarter of a large ring is enough: a burst long ago should not cost memory from
   * then on.
   */
  #shrink(): void {
    if (this.#mask >= 1024 && this.#length * 4 <= this.#mask) this.#resize((this.#mask + 1) / 2);
  }

  #resize(capacity: number): void {
    const ring = new Array<T | undefined>(capacity);
    for (let i = 0; i < this.#length; i++) ring[i] = this.at(i);
    this.#ring = ring;
    this.#mask = capacity - 1;
    this.#head = 0;
  }
}
