/**
 * The line of waiters under every lock and every queue: first come, first served.
 *
 * Each waiter is a node of a doubly linked ring that is closed by the list itself, so that one whose timeout
 * passes or whose signal aborts leaves in constant time from wherever it stands. Nothing is swept up later: a
 * list whose waiters have all gone is as empty as a new one, be it after ten or after a hundred thousand.
 *
 *     list ⇄ oldest ⇄ … ⇄ youngest ⇄ list
 *
 * A waiter is settled once: the owner, the timer or the signal takes it from the ring, disarms the other two
 * and settles it in the same step. So what is handed to a waiter arrives, even if its signal aborts in the
 * same tick.
 */
import { TimeoutError } from "../../base/errors.js";
import { type Abortable, unwatchAbort, watchAbort } from "../abort-hub.js";
import { IOLoop } from "../ioloop.js";
import type { Timeout } from "../timers/timeout.js";
import { boundsOf, type WaitBounds, type WaitOptions } from "../wait-options.js";

/** A node of the ring. */
class Link {
  next: Link = this;
  previous: Link = this;
}

/** A waiter as the owner of a list sees it. */
export interface Waiting<T, Payload> {
  /** What the wait is for: the item of a putter. */
  readonly payload: Payload;
  /** Ends the wait with a value. */
  settle(value: T): void;
  /** Ends the wait with an error. */
  fail(error: unknown): void;
}

/** A waiter for a value of type `T`, with its payload. */
class Waiter<T, Payload> extends Link implements Abortable, Waiting<T, Payload> {
  readonly payload: Payload;
  readonly #list: WaiterList<T, Payload>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #loop: IOLoop | undefined = undefined;
  #timer: Timeout | undefined = undefined;
  #signal: AbortSignal | undefined = undefined;

  constructor(
    list: WaiterList<T, Payload>,
    payload: Payload,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.#list = list;
    this.payload = payload;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  arm({ timeout, signal }: WaitBounds): void {
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#loop = IOLoop.current();
      this.#timer = this.#loop.callLater(timeout, expire, this, timeout);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      watchAbort(signal, this);
    }
  }

  settle(value: T): void {
    this.#leave();
    this.#resolve(value);
  }

  fail(error: unknown): void {
    this.#leave();
    this.#reject(error);
  }

  onAbort(reason: unknown): void {
    this.fail(reason);
  }

  onTimeout(timeout: number): void {
    this.#timer = undefined;
    this.#list.giveUp(this, timeout);
  }

  #leave(): void {
    this.#list.remove(this);
    if (this.#timer !== undefined) this.#loop?.removeTimeout(this.#timer);
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
  }
}

function expire(waiter: { onTimeout(timeout: number): void }, timeout: number): void {
  waiter.onTimeout(timeout);
}

/**
 * A list of waiters for values of type `T`.
 *
 * `what` completes the sentence "timed out after 5 ms while …". With `late`, a waiter whose time is over
 * resolves with that value instead of rejecting with a {@link TimeoutError}.
 */
export class WaiterList<T, Payload = undefined> {
  readonly #ring = new Link();
  readonly #what: string;
  readonly #late: { readonly value: T } | undefined;
  #length = 0;

  constructor(what: string, late?: { readonly value: T }) {
    this.#what = what;
    this.#late = late;
  }

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds a waiter at the end. The caller has asked `refusal()` before. */
  wait(payload: Payload, options: WaitOptions | null | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const bounds = options === undefined || options === null ? undefined : boundsOf(options);
      const waiter = new Waiter<T, Payload>(this, payload, resolve, reject);
      const ring = this.#ring;
      waiter.next = ring;
      waiter.previous = ring.previous;
      ring.previous.next = waiter;
      ring.previous = waiter;
      this.#length++;
      if (bounds !== undefined) waiter.arm(bounds);
    });
  }

  /** The oldest waiter, which leaves the list when it is settled; undefined if the list is empty. */
  first(): Waiting<T, Payload> | undefined {
    return this.#length === 0 ? undefined : (this.#ring.next as Waiter<T, Payload>);
  }

  /** Gives `value` to the oldest waiter; false if the list is empty. */
  settleFirst(value: T): boolean {
    if (this.#length === 0) return false;
    (this.#ring.next as Waiter<T, Payload>).settle(value);
    return true;
  }

  /** Gives `value` to all that wait now. */
  settleAll(value: T): void {
    for (let left = this.#length; left > 0; left--) this.settleFirst(value);
  }

  /** @internal A waiter's time is over. */
  giveUp(waiter: Waiter<T, Payload>, timeout: number): void {
    if (this.#late !== undefined) waiter.settle(this.#late.value);
    else waiter.fail(new TimeoutError(`timed out after ${timeout} ms while ${this.#what}`));
  }

  /** @internal Closes the ring behind a waiter that leaves. */
  remove(waiter: Waiter<T, Payload>): void {
    waiter.previous.next = waiter.next;
    waiter.next.previous = waiter.previous;
    waiter.next = waiter;
    waiter.previous = waiter;
    this.#length--;
  }
}
