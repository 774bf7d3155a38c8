/**
 * All the timers of a loop behind one alarm of its clock.
 *
 * The queue has two lanes. *Exact* timers sit in a heap, from which each can be taken out by its handle; they fire
 * in the order of their deadlines, equal ones in the order in which they were made. *Coarse* deadlines (`deadline.ts`) are for connections: cheap to move, a little late.
 * The alarm is armed for the earlier of both. It is not taken back when that timer is removed; ringing in vain costs
 * less than arming again for each of the many timeouts which never pass.
 */
import { Heap } from "../../base/heap.js";
import type { Clock } from "./clock.js";
import { CoarseLane } from "./deadline.js";
import { type AnyCallback, Timeout, type TimeoutOwner } from "./timeout.js";

const NEVER: number = Number.POSITIVE_INFINITY;

/** Calls back; keeps errors to itself. */
export type CallbackRunner = (callback: AnyCallback, args: readonly unknown[]) => void;

export class TimerQueue implements TimeoutOwner {
  readonly coarse: CoarseLane;
  readonly #clock: Clock;
  readonly #run: CallbackRunner;
  readonly #exact: Heap<Timeout> = new Heap((a, b) => a.deadline - b.deadline);
  readonly #ring: () => void;
  /** How many pending timers keep the process alive. */
  #references = 0;
  #alarm: unknown = undefined;
  /** When the alarm will ring; Infinity when none is armed. */
  #armedFor = NEVER;
  #armedRef = false;
  /** While callbacks run the alarm is not touched; it is armed once, afterwards. */
  #ringing = false;
  #closed = false;

  /** `run` must not throw. */
  constructor(clock: Clock, run: CallbackRunner) {
    this.#clock = clock;
    this.#run = run;
    this.coarse = new CoarseLane(clock, run, () => this.#arm());
    this.#ring = () => this.#onAlarm();
  }

  /** How many exact timers are pending. */
  get size(): number {
    return this.#exact.length;
  }

  /** Adds an exact timer. `deadline` is a time of the clock; one in the past is due at once, but not inside this call. */
  add(deadline: number, callback: AnyCallback, args: readonly unknown[]): Timeout {
    if (this.#closed) return new Timeout(this, deadline, undefined, args);
    const timeout = new Timeout(this, deadline, callback, args);
    timeout.entry = this.#exact.push(timeout);
    this.#references += 1;
    // `Infinity` waits in the heap like any other and is never reached.
    if (deadline < this.#armedFor || !this.#armedRef) this.#arm();
    return timeout;
  }

  /** Takes an exact timer out, also one that is due in this very moment. Harmless when it has fired. */
  remove(timeout: Timeout): void {
    if (timeout.entry === undefined) {
      timeout.callback = undefined;
    } else if (this.#exact.remove(timeout.entry)) {
      timeout.callback = undefined;
      timeout.entry = undefined;
      if (timeout.hasRef()) this.countReferences(-1);
    }
  }

  countReferences(change: 1 | -1): void {
    this.#references += change;
    if (this.#references === 0 || (change === 1 && this.#references === 1)) this.#matchRef();
  }

  /** Brings the alarm exactly in line with what is pending: no ringing in vain. */
  tidy(): void {
    this.coarse.tidy();
    if (this.#alarm !== undefined && this.#armedFor !== this.#nextTime()) this.#disarm();
    this.#arm();
  }

  /** Drops all timers of both lanes; those added later never fire. */
  close(): void {
    this.#closed = true;
    for (const timeout of this.#exact) {
      timeout.callback = undefined;
      timeout.entry = undefined;
    }
    this.#exact.clear();
    this.coarse.close();
    this.#references = 0;
    this.#disarm();
  }

  #nextTime(): number {
    return Math.min(this.#exact.peek()?.deadline ?? NEVER, this.coarse.nextTime);
  }

  #disarm(): void {
    if (this.#alarm !== undefined) this.#clock.clearAlarm(this.#alarm);
    this.#alarm = undefined;
    this.#armedFor = NEVER;
    this.#armedRef = false;
  }

  #arm(): void {
    if (this.#ringing || this.#closed) return;
    const next = this.#nextTime();
    const ref = this.#references > 0;
    // A timer at Infinity never fires, but it keeps the process alive as any other does.
    const nothingToWaitFor = next === NEVER && !ref;
    if (nothingToWaitFor || (this.#alarm !== undefined && this.#armedFor <= next)) {
      this.#matchRef();
      return;
    }
    if (this.#alarm !== undefined) this.#clock.clearAlarm(this.#alarm);
    this.#armedFor = next;
    this.#armedRef = ref;
    this.#alarm = this.#clock.setAlarm(this.#ring, next - this.#clock.time(), ref);
  }

  #matchRef(): void {
    const ref = this.#references > 0;
    if (this.#alarm === undefined || this.#armedRef === ref) return;
    this.#armedRef = ref;
    this.#clock.refAlarm(this.#alarm, ref);
  }

  #onAlarm(): void {
    this.#alarm = undefined;
    this.#armedFor = NEVER;
    this.#armedRef = false;
    this.#ringing = true;
    try {
      const now = this.#clock.time();
      this.#runDue(now);
      this.coarse.look(now);
    } finally {
      this.#ringing = false;
      this.#arm();
    }
  }

  /**
   * Takes out what is due before anything is called: a timer that a callback adds waits for the next turn, however
   * early its deadline, and one that a callback removes is not called.
   */
  #runDue(now: number): void {
    const due: Timeout[] = [];
    for (;;) {
      const timeout = this.#exact.peek();
      if (timeout === undefined || timeout.deadline > now) break;
      this.#exact.pop();
      timeout.entry = undefined;
      if (timeout.hasRef()) this.#references -= 1;
      due.push(timeout);
    }
    for (const timeout of due) {
      const { callback, args } = timeout;
      if (callback === undefined) continue;
      timeout.callback = undefined;
      this.#run(callback, args);
    }
  }
}
