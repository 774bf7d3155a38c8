/**
 * A clock that jumps. Nothing ever waits for it: when all that can happen without time passing has happened,
 * time is moved to the next alarm. A test of a 60-second timeout takes a millisecond, and gives the same
 * result every time.
 *
 * The art is in *when*. Time may pass only if there is nothing to do, and JavaScript has no way to ask for
 * that. So the clock keeps taking turns of Node's loop (each turn empties the queues of promise jobs and
 * ticks) and looks around after each. A turn is *quiet* if
 *
 *   - no loop on this clock has callbacks waiting, nor its network anything to deliver,
 *   - the clock and the loops were not touched since the last look,
 *   - Node itself has neither another immediate nor a request (a file, a name) under way.
 *
 * After {@link QUIET_TURNS} quiet turns in a row all is taken for idle; the margin is for what hops from turn
 * to turn inside Node, as TLS does. What Node does not show, because it happens in a thread of its own
 * (compression, cryptography, workers, other processes, real sockets), has to be registered with
 * `loop.external(promise)`; while such an operation is under way the clock stands still and takes no turns at
 * all.
 */

import { type Clock, systemClock, type WorkSource } from "../async/timers/clock.js";
import { SquallError } from "../base/errors.js";
import { checkMilliseconds, checkNumber } from "../base/validate.js";
import { fileRequestsPending, unwatchFileRequests, watchFileRequests } from "./file-requests.js";

/** How many turns in a row must be quiet before time may pass. */
const QUIET_TURNS = 8;

/** So long, in real milliseconds, is something unknown in Node believed to be about to finish. */
const PATIENCE = 5000;

/** So long, in real milliseconds, may a test wait without any alarm before it is called stuck. */
const STUCK_AFTER = 1000;

/** Node's names of requests that come back by themselves, and soon. */
const REQUEST = /Req|(?:Connect|Write|Shutdown|Send)Wrap$/;

const NEVER: number = Number.POSITIVE_INFINITY;

/**
 * Nothing that is pending can ever wake the test, or virtual time has run out (`ERR_SQUALL_VIRTUAL_TIME`).
 */
export class VirtualTimeError extends SquallError {
  static {
    this.prototype.name = "VirtualTimeError";
  }

  constructor(message: string) {
    super("ERR_SQUALL_VIRTUAL_TIME", message);
  }
}

/** Options of {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** The monotonic time at the beginning; default 0. */
  readonly time?: number | undefined;
  /** The time of day at the beginning, as a Date or in milliseconds; default 2025-01-01T00:00Z. */
  readonly wallTime?: number | Date | undefined;
  /** Whether time passes by itself when all is idle; default true. If not, `advance()` moves it. */
  readonly autoAdvance?: boolean | undefined;
  /** How far time may go by itself, in milliseconds; default 30 days, `Infinity` for no limit. */
  readonly limit?: number | undefined;
}

interface Alarm {
  readonly time: number;
  readonly callback: () => void;
  ref: boolean;
}

/** A {@link Clock} for tests; see the top of this file. */
export class VirtualClock implements Clock {
  /** See {@link VirtualClockOptions.autoAdvance}. */
  readonly autoAdvance: boolean;
  #now: number;
  #wallOffset: number;
  readonly #end: number;
  /** In the order in which they were set. */
  readonly #alarms: Set<Alarm> = new Set();
  readonly #sources: Set<WorkSource> = new Set();
  /** Those who wait for the next idle moment. */
  #idleWaiters: (() => void)[] = [];
  #advancing = 0;
  /** The turn that is due, as an alarm of the real clock. */
  #turn: unknown = undefined;
  #turnRef = false;
  #quiet = 0;
  #stirred = false;
  /** Since when, in real time, nothing but something unknown in Node keeps time from passing. */
  #impatientSince = NEVER;
  #stuckAlarm: unknown = undefined;

  constructor(options: VirtualClockOptions = {}) {
    this.#now = checkNumber("time", options.time ?? 0);
    const wall = options.wallTime ?? Date.UTC(2025, 0, 1);
    this.#wallOffset = checkNumber("wallTime", wall instanceof Date ? wall.getTime() : wall) - this.#now;
    this.autoAdvance = options.autoAdvance ?? true;
    this.#end = this.#now + checkMilliseconds("limit", options.limit ?? 30 * 86_400_000);
  }

  // --- Clock ------------------------------------------------------------------------------------

  time(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now + this.#wallOffset;
  }

  setAlarm(callback: () => void, delay: number, ref: boolean): Alarm {
    const alarm: Alarm = { time: this.#now + Math.max(0, delay), callback, ref };
    this.#alarms.add(alarm);
    this.stir();
    return alarm;
  }

  refAlarm(alarm: unknown, ref: boolean): void {
    (alarm as Alarm).ref = ref;
    this.stir();
  }

  clearAlarm(alarm: unknown): void {
    this.#alarms.delete(alarm as Alarm);
  }

  watch(source: WorkSource): void {
    if (this.#sources.size === 0) watchFileRequests();
    this.#sources.add(source);
  }

  unwatch(source: WorkSource): void {
    if (this.#sources.delete(source) && this.#sources.size === 0) unwatchFileRequests();
    this.stir();
  }

  stir(): void {
    this.#stirred = true;
    this.#nextTurn();
  }

  // --- for tests --------------------------------------------------------------------------------

  /**
   * Resolves when all is idle, without letting time pass: every callback has run, every promise that could
   * settle has settled, every byte has arrived that is not held up by a timer.
   */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#stirred = true;
      this.#nextTurn();
    });
  }

  /**
   * Lets `ms` milliseconds pass, stopping at each alarm on the way until all that it set off is done.
   * Resolves when the end is reached and all is idle. Works with and without `autoAdvance`, which pauses
   * meanwhile.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + checkMilliseconds("ms", ms);
    this.#advancing += 1;
    try {
      for (;;) {
        await this.settle();
        const alarm = this.#nextAlarm();
        if (alarm === undefined || alarm.time > target) break;
        this.#goTo(alarm);
      }
      this.#now = Math.max(this.#now, target);
    } finally {
      this.#advancing -= 1;
    }
    this.stir();
  }

  /**
   * Lets `ms` milliseconds pass in this very moment, as a callback does that computes for so long: nothing
   * else happens meanwhile, and alarms that became due ring late.
   */
  spend(ms: number): void {
    this.#now += checkMilliseconds("ms", ms);
    this.stir();
  }

  /**
   * Puts the time of day right, as NTP or an administrator would; monotonic time and timers do not notice.
   */
  setWallTime(time: number | Date): void {
    this.#wallOffset = checkNumber("time", time instanceof Date ? time.getTime() : time) - this.#now;
  }

  // --- turns ------------------------------------------------------------------------------------

  /** True while an alarm, a waiter or a running loop has a use for the next turn. */
  #isNeeded(): boolean {
    if (this.#idleWaiters.length > 0) return true;
    if (!this.autoAdvance || this.#advancing > 0) return false;
    return this.#alarms.size > 0 || this.#isRunning();
  }

  /** True if the process must stay alive for it. */
  #isReferenced(): boolean {
    if (this.#idleWaiters.length > 0 || this.#isRunning()) return true;
    for (const alarm of this.#alarms) if (alarm.ref) return true;
    return false;
  }

  #isRunning(): boolean {
    for (const source of this.#sources) if (source.running) return true;
    return false;
  }

  #hasExternals(): boolean {
    for (const source of this.#sources) if (source.pendingExternals > 0) return true;
    return false;
  }

  /**
   * Arms the next turn, unless there is no use for one or an external operation has to end first (it stirs
   * us).
   */
  #nextTurn(): void {
    if (this.#stuckAlarm !== undefined) {
      systemClock.clearAlarm(this.#stuckAlarm);
      this.#stuckAlarm = undefined;
    }
    if (!this.#isNeeded() || this.#hasExternals()) return;
    const ref = this.#isReferenced();
    if (this.#turn === undefined) {
      this.#turn = systemClock.setAlarm(() => this.#onTurn(), 0, ref);
    } else if (ref !== this.#turnRef) {
      systemClock.refAlarm(this.#turn, ref);
    }
    this.#turnRef = ref;
  }

  #onTurn(): void {
    this.#turn = undefined;
    this.#quiet = this.#isQuiet() ? this.#quiet + 1 : 0;
    this.#stirred = false;
    if (this.#quiet < QUIET_TURNS) {
      this.#nextTurn();
      return;
    }
    this.#quiet = 0;
    this.#onIdle();
  }

  #isQuiet(): boolean {
    let busy = this.#stirred;
    for (const source of this.#sources) busy ||= source.pendingWork > 0 || source.pendingExternals > 0;
    if (busy) {
      this.#impatientSince = NEVER;
      return false;
    }
    if (!nodeIsBusy()) {
      this.#impatientSince = NEVER;
      return true;
    }
    // Code that polls with setImmediate, or a request that hangs, must not stop the time for good.
    this.#impatientSince = Math.min(this.#impatientSince, systemClock.time());
    return systemClock.time() - this.#impatientSince > PATIENCE;
  }

  #onIdle(): void {
    const waiters = this.#idleWaiters;
    if (waiters.length > 0) {
      this.#idleWaiters = [];
      for (const resolve of waiters) resolve();
      this.stir();
      return;
    }
    if (!this.#isNeeded()) return;
    const alarm = this.#nextAlarm();
    if (alarm !== undefined && alarm.time <= this.#end) {
      this.#goTo(alarm);
      this.#nextTurn();
    } else if (this.#isRunning()) {
      this.#waitInVain(alarm);
    }
  }

  /** The earliest alarm that stands for a timer which is really pending; the oldest among equals. */
  #nextAlarm(): Alarm | undefined {
    for (const source of this.#sources) source.tidyTimers();
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.time !== NEVER && (next === undefined || alarm.time < next.time)) next = alarm;
    }
    return next;
  }

  #goTo(alarm: Alarm): void {
    this.#alarms.delete(alarm);
    this.#now = Math.max(this.#now, alarm.time);
    this.#stirred = true;
    alarm.callback();
  }

  /**
   * A run waits and no alarm is set. A real socket may still wake it: after a moment, the run fails with the
   * reason.
   */
  #waitInVain(beyondTheLimit: Alarm | undefined): void {
    const error = new VirtualTimeError(
      beyondTheLimit === undefined
        ? "nothing can wake the test any more: no callback, timer, byte or registered operation is pending. " +
            "What runs outside of the loop (threads, processes, real sockets) needs loop.external(promise)"
        : `virtual time has reached its limit (${this.#end} ms) and the test still waits; does it wait for something ` +
            "that never happens while a timer repeats? The option `limit` sets another one",
    );
    this.#stuckAlarm = systemClock.setAlarm(
      () => {
        this.#stuckAlarm = undefined;
        for (const source of [...this.#sources]) if (source.running) source.interrupt(error);
      },
      beyondTheLimit === undefined ? STUCK_AFTER : 0,
      true,
    );
  }
}

/**
 * True if Node has an immediate waiting, or a request that will come back. It is called within a turn of
 * ours.
 */
function nodeIsBusy(): boolean {
  // An immediate that is running, as ours is now, is not counted any more.
  if (fileRequestsPending()) return true;
  return process.getActiveResourcesInfo().some((name) => name === "Immediate" || REQUEST.test(name));
}
