/**
 * All the timers of a loop behind one alarm of its clock.
 *
 * *Exact* timers sit in a heap, from which each can be taken out by its handle; they fire in the order of
 * their deadlines, equal ones in the order in which they were made. *Coarse* deadlines, for connections, sit
 * in a timer wheel (`timer-wheel.ts`): cheap to move, a little late. The alarm is armed for the earlier of
 * both. It stays armed when that timer is removed; ringing in vain costs less than arming again for each of
 * the many timeouts that never pass.
 *
 * Arrived is in time. A loop that was blocked finds its alarm late, and behind it input that came before the
 * deadline and has not been read. Judging at once would close connections whose data waits in the kernel. So
 * a judgement that could be wrong is put off until Node has polled its sockets once more, and then judges by
 * the time of the ring:
 *
 *     ring ── on time ──▶ exact timers ── wheel due? ──▶ poll ──▶ sweep(time of the ring) ──▶ arm
 *       └──── late ──────────────────────────────────▶ poll ──▶ exact timers, sweep ──────▶ arm
 *
 * The wheel, whose deadlines are coarse anyway, always waits for the poll; exact timers only if the alarm was
 * late.
 */
import { Heap } from "../../base/heap.js";
import type { Clock } from "./clock.js";
import { type AnyCallback, Timeout, type TimeoutOwner } from "./timeout.js";
import { TimerWheel } from "./timer-wheel.js";

const NEVER: number = Number.POSITIVE_INFINITY;
/** `#armedFor` while a judgement waits for the poll: no timer is earlier. */
const JUDGING: number = Number.NEGATIVE_INFINITY;
/** An alarm that rings this many milliseconds late was held up. Alarms count whole milliseconds. */
const LATE = 4;

/** Calls back; keeps errors to itself. */
export type CallbackRunner = (callback: AnyCallback, args: readonly unknown[]) => void;

export class TimerQueue implements TimeoutOwner {
  readonly wheel: TimerWheel;
  readonly #clock: Clock;
  readonly #run: CallbackRunner;
  readonly #exact: Heap<Timeout> = new Heap((a, b) => a.deadline - b.deadline);
  readonly #ring: () => void;
  /** How many pending timers keep the process alive. */
  #references = 0;
  #alarm: unknown = undefined;
  /** When the alarm will ring; Infinity when none is armed, {@link JUDGING} when it waits for the poll. */
  #armedFor = NEVER;
  /** When the alarm rings in a loop that is free: a timer may be due before it is made. */
  #expectedAt = NEVER;
  #armedRef = false;
  /** While callbacks run the alarm is not touched; it is armed once, afterwards. */
  #ringing = false;
  #closed = false;

  /** `run` must not throw. */
  constructor(clock: Clock, run: CallbackRunner) {
    this.#clock = clock;
    this.#run = run;
    this.wheel = new TimerWheel(clock, run, () => this.#arm());
    this.#ring = () => this.#onAlarm();
  }

  /** How many exact timers are pending. */
  get size(): number {
    return this.#exact.length;
  }

  /**
   * Adds an exact timer. `deadline` is a time of the clock; one in the past is due at once, but not inside
   * this call.
   */
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
    this.wheel.tidy();
    if (this.#armedFor === JUDGING) return;
    if (this.#alarm !== undefined && this.#armedFor !== this.#nextTime()) this.#disarm();
    this.#arm();
  }

  /** Drops all timers, exact and coarse; those added later never fire. */
  close(): void {
    this.#closed = true;
    for (const timeout of this.#exact) {
      timeout.callback = undefined;
      timeout.entry = undefined;
    }
    this.#exact.clear();
    this.wheel.close();
    this.#references = 0;
    this.#disarm();
  }

  #nextTime(): number {
    return Math.min(this.#exact.peek()?.deadline ?? NEVER, this.wheel.nextTime);
  }

  #disarm(): void {
    if (this.#alarm !== undefined) this.#clock.clearAlarm(this.#alarm);
    this.#forgetAlarm();
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
    const now = this.#clock.time();
    this.#armedFor = next;
    this.#expectedAt = Math.max(next, now);
    this.#armedRef = ref;
    this.#alarm = this.#clock.setAlarm(this.#ring, next - now, ref);
  }

  #matchRef(): void {
    const ref = this.#references > 0;
    if (this.#alarm === undefined || this.#armedRef === ref) return;
    this.#armedRef = ref;
    this.#clock.refAlarm(this.#alarm, ref);
  }

  #onAlarm(): void {
    const now = this.#clock.time();
    const late = now - this.#expectedAt > LATE;
    this.#forgetAlarm();
    if (!late) this.#judge(() => this.#runDue(now));
    if (this.#closed) return;
    if (!late && this.wheel.nextTime > now) {
      this.#arm();
      return;
    }
    const ref = this.#references > 0;
    this.#armedFor = JUDGING;
    this.#armedRef = ref;
    this.#alarm = this.#clock.setAlarm(() => this.#onPolled(now), 0, ref);
  }

  /** Node has read what had arrived by `now`. */
  #onPolled(now: number): void {
    this.#forgetAlarm();
    this.#judge(() => {
      this.#runDue(now);
      this.wheel.sweep(now);
    });
    this.#arm();
  }

  /** The alarm has rung. */
  #forgetAlarm(): void {
    this.#alarm = undefined;
    this.#armedFor = NEVER;
    this.#armedRef = false;
  }

  #judge(run: () => void): void {
    this.#ringing = true;
    try {
      run();
    } finally {
      this.#ringing = false;
    }
  }

  /**
   * Takes out what is due before anything is called: a timer that a callback adds waits for the next turn,
   * however early its deadline, and one that a callback removes is not called.
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
