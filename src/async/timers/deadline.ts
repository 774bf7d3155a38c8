/**
 * Coarse deadlines: "close this connection unless something happens within about a minute".
 *
 * A server has one or two of them for each connection and moves them with every request, tens of thousands of
 * times a second; almost none ever expires. So the work is turned round: moving a deadline later writes a number,
 * and the one alarm of the timer queue looks now and then whether a deadline that it was told about is still due.
 *
 * Deadlines wait in *buckets*, one for each moment at which somebody has to look. A deadline of `ms`
 * milliseconds is filed under the first multiple of its grain after its due time, and the grain is the largest
 * power of two within `max(500, ms / 8)`. So at most seventeen buckets exist for each grain, whatever the number of
 * deadlines, and no deadline is more than its grain late. When a bucket's moment comes, each deadline in it is
 * either expired (its callback runs), or was moved later (it is filed again), or was cleared (it is dropped).
 */
import { InvalidArgumentError } from "../../base/errors.js";
import type { Clock } from "./clock.js";

const NEVER: number = Number.POSITIVE_INFINITY;
/** `filedAt` of a deadline that was disposed of: earlier than anything, so that `set` never files it again. */
const DISPOSED: number = Number.NEGATIVE_INFINITY;

const FINEST_GRAIN = 256;
const COARSEST_GRAIN = 2 ** 20;

/** The largest power of two within max(500, ms / 8), but no more than 17 minutes. */
function grainOf(ms: number): number {
  const eighth = ms / 8;
  if (eighth < 512) return FINEST_GRAIN;
  return eighth >= COARSEST_GRAIN ? COARSEST_GRAIN : 1 << (31 - Math.clz32(eighth));
}

/** What a deadline needs of a loop. */
export interface DeadlineHost {
  readonly timers: { readonly coarse: CoarseLane };
}

/**
 * One deadline that can be moved any number of times, for a connection or another long-lived object.
 *
 * When it passes, `onExpire(owner)` is called once and the deadline is inactive until it is set again. It is
 * never early and at most `max(500, ms / 8)` milliseconds late (more only if the loop itself is blocked). A
 * deadline never keeps the process alive. An error of `onExpire` is logged like that of any callback.
 *
 *     const idle = new Deadline(loop, onIdle, connection); // once, with a shared function
 *     idle.set(620_000);                                   // as often as wanted
 *     idle.clear();
 *     idle.dispose();                                      // when the connection ends
 */
export class Deadline<T = unknown> {
  readonly #lane: CoarseLane;
  // Without T, so that the lane can hold deadlines of every kind.
  readonly #onExpire: (owner: never) => void;
  readonly #owner: unknown;
  /** The exact time at which it is due; Infinity when it is not active. */
  #due: number;
  #grain: number;
  /** The time of the bucket that holds it; Infinity when none does. The rest belongs to the lane, too. */
  filedAt: number;
  next: Link | undefined;
  previous: Link | undefined;

  constructor(loop: DeadlineHost, onExpire: (owner: T) => void, owner: T) {
    this.#lane = loop.timers.coarse;
    this.#onExpire = onExpire;
    this.#owner = owner;
    this.#due = NEVER;
    this.#grain = FINEST_GRAIN;
    this.filedAt = NEVER;
    this.next = undefined;
    this.previous = undefined;
  }

  /** True between `set` and the expiry or `clear`. */
  get active(): boolean {
    return this.#due !== NEVER && this.filedAt !== DISPOSED;
  }

  /** When it is due, in milliseconds of the loop's clock; `Infinity` when it is not active. */
  get due(): number {
    return this.active ? this.#due : NEVER;
  }

  /**
   * Moves the deadline to `ms` milliseconds from now; `Infinity` is the same as `clear()`. Who has just read the
   * loop's time passes it as `now`. Does nothing after `dispose()`.
   *
   * @throws InvalidArgumentError if `ms` is negative or not a number
   */
  set(ms: number, now: number = this.#lane.clock.time()): void {
    if (!(ms >= 0)) throw new InvalidArgumentError(`a deadline must be at least 0 ms away, got ${ms}`);
    const due = now + ms;
    const grain = grainOf(ms);
    this.#due = due;
    this.#grain = grain;
    // Filed early enough: whoever looks then sees the new time. Not filed counts as filed at Infinity.
    if (this.filedAt > due + grain) this.#lane.file(this, due, grain);
  }

  /** Calls the deadline off; it can be set again. Harmless when it is not active. */
  clear(): void {
    this.#due = NEVER;
  }

  /** Calls the deadline off for good and lets go of the owner. Calling twice is fine. */
  dispose(): void {
    this.#lane.unfile(this);
    this.#due = NEVER;
    this.filedAt = DISPOSED;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal The lane's look at it, when its bucket's moment has come and it is in no bucket any more. */
  look(now: number): void {
    this.filedAt = NEVER;
    if (this.#due === NEVER) return;
    if (this.#due > now) {
      this.#lane.file(this, this.#due, this.#grain);
      return;
    }
    this.#due = NEVER;
    this.#lane.run(this.#onExpire, [this.#owner]);
  }
}

/** A place in a bucket's ring: a deadline, or the bucket itself as the ring's beginning. */
interface Link {
  next: Link | undefined;
  previous: Link | undefined;
}

/** The deadlines to look at from `time` on, as a ring of links. */
class Bucket implements Link {
  readonly time: number;
  next: Link;
  previous: Link;

  constructor(time: number) {
    this.time = time;
    this.next = this;
    this.previous = this;
  }

  get isEmpty(): boolean {
    return this.next === this;
  }

  append(deadline: Deadline): void {
    const last = this.previous;
    deadline.previous = last;
    deadline.next = this;
    last.next = deadline;
    this.previous = deadline;
    deadline.filedAt = this.time;
  }
}

function unlink(link: Link): void {
  const { next, previous } = link;
  if (next === undefined || previous === undefined) return;
  previous.next = next;
  next.previous = previous;
  link.next = undefined;
  link.previous = undefined;
}

/** The coarse half of a timer queue: the buckets, the earliest first. */
export class CoarseLane {
  readonly clock: Clock;
  /** Runs a callback so that its error is logged and goes no further. */
  readonly run: (callback: (owner: never) => void, args: readonly unknown[]) => void;
  readonly #onEarlier: () => void;
  /** Sorted by time. Few: see the top of this file. */
  #buckets: Bucket[] = [];
  #closed = false;

  /** `onEarlier` is called when {@link CoarseLane.nextTime} has become earlier. */
  constructor(
    clock: Clock,
    run: (callback: (owner: never) => void, args: readonly unknown[]) => void,
    onEarlier: () => void,
  ) {
    this.clock = clock;
    this.run = run;
    this.#onEarlier = onEarlier;
  }

  /** When somebody has to look next; `Infinity` if never. */
  get nextTime(): number {
    return this.#buckets[0]?.time ?? NEVER;
  }

  /** Puts a deadline, which may be filed elsewhere, into the bucket after `due`. */
  file(deadline: Deadline, due: number, grain: number): void {
    if (this.#closed) return;
    unlink(deadline);
    // The first multiple after `due`, never `due` itself: a callback that sets 0 ms waits for the next look.
    const time = Math.floor(due / grain) * grain + grain;
    const buckets = this.#buckets;
    let low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (buckets[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    let bucket = buckets[low];
    if (bucket === undefined || bucket.time !== time) {
      bucket = new Bucket(time);
      buckets.splice(low, 0, bucket);
      bucket.append(deadline);
      if (low === 0) this.#onEarlier();
    } else {
      bucket.append(deadline);
    }
  }

  /** Takes a deadline out of its bucket, if it is in one. */
  unfile(deadline: Deadline): void {
    unlink(deadline);
  }

  /** Looks at every deadline whose bucket's time has come. */
  look(now: number): void {
    while (this.nextTime <= now) {
      const bucket = this.#buckets.shift()!;
      // One at a time: a callback may dispose of any other deadline, also of one in this bucket.
      while (!bucket.isEmpty) {
        const deadline = bucket.next as Deadline;
        unlink(deadline);
        deadline.look(now);
      }
    }
  }

  /** Drops buckets that hold no active deadline. For clocks that jump: a real one just looks in vain. */
  tidy(): void {
    this.#buckets = this.#buckets.filter((bucket) => {
      for (let link = bucket.next; link !== bucket; ) {
        const deadline = link as Deadline;
        link = deadline.next!;
        if (deadline.active) continue;
        unlink(deadline);
        deadline.filedAt = NEVER;
      }
      return !bucket.isEmpty;
    });
  }

  /** Forgets everything; deadlines set from now on never expire. */
  close(): void {
    this.#closed = true;
    for (const bucket of this.#buckets) {
      while (!bucket.isEmpty) {
        const deadline = bucket.next as Deadline;
        unlink(deadline);
        deadline.filedAt = NEVER;
      }
    }
    this.#buckets = [];
  }
}
