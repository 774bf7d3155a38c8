/** Queues that hand their items out in another order. */
import { Heap } from "../../base/heap.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkFunction } from "../../base/validate.js";
import { compareNaturally } from "./natural-order.js";
import { Queue, type QueueOptions } from "./queue.js";

/** Answers as for `Array.sort`: negative if `a` comes before `b`. */
export type Compare<T> = (a: T, b: T) => number;

/** Options of {@link PriorityQueue}. */
export interface PriorityQueueOptions<T> extends QueueOptions {
  /**
   * Which of two items comes first. Default: the natural order of numbers, strings, bigints and dates, and of
   * arrays element by element, as in `[priority, data]`; items without such an order are refused when put.
   */
  readonly compare?: Compare<T> | undefined;
}

const PRIORITY_QUEUE_OPTIONS = optionNames<PriorityQueueOptions<never>>({ maxsize: 1, compare: 1 });

/**
 * Smallest first; among equals, first in, first out. Tornado: `queues.PriorityQueue`.
 *
 *     const queue = new PriorityQueue<Job>({ compare: (a, b) => a.priority - b.priority });
 */
export class PriorityQueue<T> extends Queue<T> {
  readonly #heap: Heap<T>;
  readonly #compare: Compare<T>;

  /** As {@link Queue}, with a `compare` option. */
  constructor(options: number | PriorityQueueOptions<T> = {}) {
    super(options);
    checkNames("option of a queue", options, PRIORITY_QUEUE_OPTIONS, true);
    const compare = typeof options === "object" ? options.compare : undefined;
    this.#compare = compare === undefined ? compareNaturally : checkFunction("compare", compare);
    this.#heap = new Heap(this.#compare);
  }

  protected override init(): void {
    // The heap is there already.
  }

  protected override putItem(item: T): void {
    // An item that cannot be compared is refused before it is in the heap and harms the others.
    this.#compare(item, this.#heap.length === 0 ? item : (this.#heap.peek() as T));
    this.#heap.push(item);
  }

  protected override getItem(): T {
    return this.#heap.pop() as T;
  }
}

/** Last in, first out: a stack. Tornado: `queues.LifoQueue`. */
export class LifoQueue<T> extends Queue<T> {
  readonly #stack: T[] = [];

  protected override init(): void {
    // The stack is there already.
  }

  protected override putItem(item: T): void {
    this.#stack.push(item);
  }

  protected override getItem(): T {
    return this.#stack.pop() as T;
  }
}
