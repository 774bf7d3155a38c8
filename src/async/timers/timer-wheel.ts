/**
 * The timer wheel: coarse deadlines of tens of thousands of connections behind one alarm.
 *
 * A server has one or two deadlines for each connection and moves them with every request; almost none ever
 * passes. So moving a deadline later writes a number, and the wheel checks now and then whether a deadline in
 * it is still due.
 *
 * Entries wait in *slots*, one for each moment at which the wheel has to sweep. An entry of `ms` milliseconds
 * goes into the slot at the first multiple of its *tick* after its due time, and the tick is the largest
 * power of two within `max(500, ms / 8)`. So there are at most seventeen slots for each tick, whatever the
 * number of entries, and no entry is more than a tick late. A sweep takes each entry out of its slot. The
 * entry has expired, or was moved later and is inserted again, or was cleared and stays out.
 */
import type { Clock } from "./clock.js";

const NEVER: number = Number.POSITIVE_INFINITY;

const FINEST_TICK = 256;
const COARSEST_TICK = 2 ** 20;

/**
 * The tick of a deadline `ms` milliseconds away: a power of two within max(500, ms / 8), at most 17 minutes.
 */
export function tickOf(ms: number): number {
  const eighth = ms / 8;
  if (eighth < 512) return FINEST_TICK;
  return eighth >= COARSEST_TICK ? COARSEST_TICK : 1 << (31 - Math.clz32(eighth));
}

/** A place in the ring of a slot: an entry, or the slot itself as the beginning of the ring. */
interface Link {
  next: Link | undefined;
  previous: Link | undefined;
}

/** What the wheel holds. */
export interface WheelEntry extends Link {
  /** The time of the slot that holds it; Infinity when none does. The wheel alone writes this. */
  slotTime: number;
  /** Whether a sweep would find it due or waiting, and not cleared. */
  readonly active: boolean;
  /** The sweep of its slot: the entry is in no slot any more and may insert itself again. */
  sweep(now: number): void;
}

/** The entries to check from `time` on, as a ring of links. */
class Slot implements Link {
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

  append(entry: WheelEntry): void {
    const last = this.previous;
    entry.previous = last;
    entry.next = this;
    last.next = entry;
    this.previous = entry;
    entry.slotTime = this.time;
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

/** See the top of this file. */
export class TimerWheel {
  readonly clock: Clock;
  /** Runs a callback so that its error is logged and goes no further. */
  readonly run: (callback: (owner: never) => void, args: readonly unknown[]) => void;
  readonly #onEarlier: () => void;
  /** Sorted by time. Few: see the top of this file. */
  #slots: Slot[] = [];
  #closed = false;

  /** `onEarlier` is called when {@link TimerWheel.nextTime} has become earlier. */
  constructor(
    clock: Clock,
    run: (callback: (owner: never) => void, args: readonly unknown[]) => void,
    onEarlier: () => void,
  ) {
    this.clock = clock;
    this.run = run;
    this.#onEarlier = onEarlier;
  }

  /** When the next sweep is due; `Infinity` if never. */
  get nextTime(): number {
    return this.#slots[0]?.time ?? NEVER;
  }

  /** Puts an entry, which may be in another slot, into the slot after `due`. */
  insert(entry: WheelEntry, due: number, tick: number): void {
    if (this.#closed) return;
    unlink(entry);
    // The first multiple after `due`, never `due` itself: a callback that sets 0 ms waits for the next sweep.
    const time = Math.floor(due / tick) * tick + tick;
    const slots = this.#slots;
    let low = 0;
    let high = slots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (slots[middle]!.time < time) low = middle + 1;
      else high = middle;
    }
    let slot = slots[low];
    if (slot === undefined || slot.time !== time) {
      slot = new Slot(time);
      slots.splice(low, 0, slot);
      slot.append(entry);
      if (low === 0) this.#onEarlier();
    } else {
      slot.append(entry);
    }
  }

  /** Takes an entry out of its slot, if it is in one. */
  remove(entry: WheelEntry): void {
    unlink(entry);
  }

  /** Checks every entry whose slot's time has come by `now`. */
  sweep(now: number): void {
    while (this.nextTime <= now) {
      const slot = this.#slots.shift()!;
      // One at a time: a callback may remove any other entry, also one of this slot.
      while (!slot.isEmpty) {
        const entry = slot.next as WheelEntry;
        unlink(entry);
        entry.slotTime = NEVER;
        entry.sweep(now);
      }
    }
  }

  /** Drops slots that hold no active entry. For clocks that jump: a real one just sweeps in vain. */
  tidy(): void {
    this.#slots = this.#slots.filter((slot) => {
      for (let link: Link = slot.next; link !== slot; ) {
        const entry = link as WheelEntry;
        link = entry.next!;
        if (entry.active) continue;
        unlink(entry);
        entry.slotTime = NEVER;
      }
      return !slot.isEmpty;
    });
  }

  /** Forgets everything; entries inserted from now on are never swept. */
  close(): void {
    this.#closed = true;
    for (const slot of this.#slots) {
      while (!slot.isEmpty) {
        const entry = slot.next as WheelEntry;
        unlink(entry);
        entry.slotTime = NEVER;
      }
    }
    this.#slots = [];
  }
}
