/**
 * A queue between coroutines: producers wait in line while it is full, consumers while it is empty.
 *
 *     put ──▶ [ line of putters ] ──▶ [ items, at most maxsize ] ──▶ [ line of getters ] ──▶ get
 *
 * Two invariants make the rest simple: getters wait only while there are no items, and putters only while the
 * queue is full. An item that goes to a waiting getter passes through `putItem` and `getItem` all the same,
 * so the order of a subclass holds even there.
 *
 * Besides its items the queue counts *unfinished* work: a put adds one, `taskDone` takes one away, and `join`
 * waits for none. So a producer learns that all was processed, not only that all was fetched.
 */
import { inspect } from "node:util";
import { Deque } from "../../base/deque.js";
import { InvalidArgumentError, InvalidStateError, SquallError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { showAsText } from "../../base/show-as-text.js";
import { checkLimit } from "../../base/validate.js";
import { RESOLVED } from "../deferred.js";
import { refusal, type WaitOptions } from "../wait-options.js";
import { WaiterList } from "../waiting/waiter-list.js";

/** `getNowait` found nothing (`ERR_SQUALL_QUEUE_EMPTY`). */
export class QueueEmpty extends SquallError {
  static {
    this.prototype.name = "QueueEmpty";
  }

  constructor(message = "the queue is empty; get() waits for an item") {
    super("ERR_SQUALL_QUEUE_EMPTY", message);
  }
}

/** `putNowait` found no room (`ERR_SQUALL_QUEUE_FULL`). */
export class QueueFull extends SquallError {
  static {
    this.prototype.name = "QueueFull";
  }

  constructor(message = "the queue is full; put() waits for room") {
    super("ERR_SQUALL_QUEUE_FULL", message);
  }
}

/** Options of {@link Queue}. */
export interface QueueOptions {
  /** How many items it holds at most. Default and off: 0 or `Infinity`. */
  readonly maxsize?: number | undefined;
}

const QUEUE_OPTIONS = optionNames<QueueOptions>({ maxsize: 1 });

function resolveMaxsize(options: unknown): number {
  if (typeof options === "number") return checkLimit("maxsize", options);
  if (typeof options === "object" && options !== null) {
    const { maxsize } = options as QueueOptions;
    return maxsize === undefined ? 0 : checkLimit("maxsize", maxsize);
  }
  throw new InvalidArgumentError(
    `a queue takes its maxsize as a number or an option, got ${inspect(options)}`,
  );
}

/**
 * First in, first out. Tornado: `queues.Queue`.
 *
 *     const queue = new Queue<string>({ maxsize: 100 });
 *     await queue.put("https://…");
 *     for await (const url of queue) { await visit(url); queue.taskDone(); }
 */
export class Queue<T> implements AsyncIterable<T> {
  static {
    showAsText(this.prototype);
  }

  readonly #maxsize: number;
  readonly #getters = new WaiterList<T>("waiting for an item of a queue");
  readonly #putters = new WaiterList<void, T>("waiting for room in a queue");
  readonly #joiners = new WaiterList<void>("waiting for the work of a queue to be done");
  #items: Deque<T> | undefined = undefined;
  #started = false;
  #size = 0;
  #unfinished = 0;

  /** Throws an {@link InvalidArgumentError} for a maxsize that is negative, null or no integer. */
  constructor(options: number | QueueOptions = {}) {
    checkNames("option of a queue", options, QUEUE_OPTIONS, true);
    this.#maxsize = resolveMaxsize(options);
  }

  // --- what a subclass changes to keep its items in another order -------------------------------

  /** Called once, before the first {@link Queue.putItem}, with everything constructed. Tornado: `_init`. */
  protected init(): void {
    this.#items = new Deque();
  }

  /** Stores an item. If it throws, the item counts as not put. Tornado: `_put`. */
  protected putItem(item: T): void {
    this.#items?.push(item);
  }

  /** Takes the next item out; called only when there is one. Tornado: `_get`. */
  protected getItem(): T {
    return this.#items?.shift() as T;
  }

  // --- asking -----------------------------------------------------------------------------------

  /** How many items it holds at most; 0 or `Infinity` for no limit. */
  get maxsize(): number {
    return this.#maxsize;
  }

  /** How many items are in it. */
  qsize(): number {
    return this.#size;
  }

  /** Whether there are no items. */
  empty(): boolean {
    return this.#size === 0;
  }

  /** Whether there is no room; never true without a limit. */
  full(): boolean {
    return this.#maxsize !== 0 && this.#size >= this.#maxsize;
  }

  // --- putting and getting ----------------------------------------------------------------------

  /**
   * Adds an item, waiting in line while the queue is full. Rejects with a `TimeoutError` or the signal's
   * reason; then the item is not in the queue and never will be.
   */
  put(item: T, options?: WaitOptions): Promise<void> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (this.full()) return this.#putters.wait(item, options);
    try {
      this.#add(item);
    } catch (error) {
      return Promise.reject(error);
    }
    return RESOLVED;
  }

  /** Adds an item at once; throws {@link QueueFull} when there is no room. */
  putNowait(item: T): void {
    if (this.full())
      throw new QueueFull(`the queue is full (maxsize ${this.#maxsize}); put() waits for room`);
    this.#add(item);
  }

  /**
   * Takes the next item, waiting in line while there is none. Rejects with a `TimeoutError` or the signal's
   * reason; then no item is lost. An item that was handed over in the tick in which the signal aborted is
   * delivered.
   */
  get(options?: WaitOptions): Promise<T> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (this.#size === 0) return this.#getters.wait(undefined, options);
    try {
      return Promise.resolve(this.#take());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes the next item at once; throws {@link QueueEmpty} when there is none. */
  getNowait(): T {
    if (this.#size === 0) throw new QueueEmpty();
    return this.#take();
  }

  /** Iterates over the items as they come. It ends when the loop is left, never by itself. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return new QueueIterator(this);
  }

  // --- finishing --------------------------------------------------------------------------------

  /**
   * Says that an item which was put has been processed. Throws an {@link InvalidStateError} when called more
   * often than items were put.
   */
  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new InvalidStateError("taskDone() was called more often than items were put into the queue");
    }
    this.#unfinished--;
    if (this.#unfinished === 0) this.#joiners.settleAll();
  }

  /**
   * Resolves when every item that was put has been marked with {@link Queue.taskDone}; at once if that is so
   * now. Rejects with a `TimeoutError` or the signal's reason, which changes nothing.
   */
  join(options?: WaitOptions): Promise<void> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return this.#unfinished === 0 ? RESOLVED : this.#joiners.wait(undefined, options);
  }

  /** For debugging: `<Queue maxsize:2 items:2 putters:1 unfinished:3>`. */
  toString(): string {
    const facts = [`maxsize:${this.#maxsize}`];
    const note = (name: string, count: number): void => {
      if (count > 0) facts.push(`${name}:${count}`);
    };
    note("items", this.#size);
    note("getters", this.#getters.length);
    note("putters", this.#putters.length);
    note("unfinished", this.#unfinished);
    return `<${this.constructor.name} ${facts.join(" ")}>`;
  }

  /** Stores an item for which there is room, and passes the next one to the first getter that waits. */
  #add(item: T): void {
    if (!this.#started) {
      this.#started = true;
      this.init();
    }
    this.putItem(item);
    this.#size++;
    this.#unfinished++;
    if (this.#getters.length > 0) {
      const next = this.getItem();
      this.#size--;
      this.#getters.settleFirst(next);
    }
  }

  /**
   * Takes the next item. The first of the waiting putters comes in before, so that its item takes part in the
   * order of a subclass.
   */
  #take(): T {
    if (this.#size <= this.#maxsize) this.#admitPutter();
    const item = this.getItem();
    this.#size--;
    return item;
  }

  /**
   * Stores the item of the first putter; one that the subclass refuses fails its putter, and the next is
   * asked.
   */
  #admitPutter(): void {
    for (let putter = this.#putters.first(); putter !== undefined; putter = this.#putters.first()) {
      try {
        this.#add(putter.payload);
      } catch (error) {
        putter.fail(error);
        continue;
      }
      putter.settle();
      return;
    }
  }
}

/** The iterator of a queue. Leaving the loop keeps all items that were not delivered. */
class QueueIterator<T> implements AsyncIterableIterator<T> {
  readonly #queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.#queue = queue;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    return { done: false, value: await this.#queue.get() };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    return { done: true, value: undefined };
  }
}
