/**
 * Where time comes from. The loop asks its clock for the time and for one alarm; nothing else in squall reads
 * a clock or arms a timer, which is what makes time testable (`squall/testing` has a clock that jumps).
 *
 * There are two times. Monotonic time only runs forward and measures waiting; wall time is the calendar, and
 * an administrator or NTP may move it either way. Timers use the first alone, so a clock that is put right
 * neither fires nor loses one.
 */

/** A source of time with one kind of alarm. */
export interface Clock {
  /** Monotonic milliseconds, with fractions; only differences mean anything. */
  time(): number;
  /** Milliseconds since 1970-01-01T00:00Z, as `Date.now()`. */
  wallTime(): number;
  /**
   * Calls `callback` once, `delay` milliseconds from now; 0 or less means as soon as the events at hand are
   * dealt with. The alarm may ring early (a timer of the operating system counts whole milliseconds, and none
   * reaches further than 24 days): a caller that depends on the time checks {@link Clock.time} and sets it
   * again. With `ref: false` it does not keep the process alive, unless it is due at once, and then for no
   * more than a turn. Returns the handle for the other two methods.
   */
  setAlarm(callback: () => void, delay: number, ref: boolean): unknown;
  /** Changes whether a pending alarm keeps the process alive; harmless when it has rung. */
  refAlarm(alarm: unknown, ref: boolean): void;
  /** Cancels an alarm; harmless when it has already rung. */
  clearAlarm(alarm: unknown): void;
  /**
   * Only on clocks that decide for themselves when time passes: each loop that uses the clock introduces
   * itself here when it is made, so that the clock can ask whether the loop is idle.
   */
  watch?(source: WorkSource): void;
  /** The counterpart of {@link Clock.watch}, called by a loop that is closed. */
  unwatch?(source: WorkSource): void;
  /** Called by a watched loop when it has done something, so that an idle clock thinks again. */
  stir?(): void;
}

/** What a virtual clock asks a loop before it lets time pass. */
export interface WorkSource {
  /** Callbacks and network deliveries that will happen without time passing. */
  readonly pendingWork: number;
  /** Operations under way which the loop cannot see: files, threads, other processes. */
  readonly pendingExternals: number;
  /** True while `start()` or `runSync()` is under way. */
  readonly running: boolean;
  /** Brings the armed alarm in line with the timers that are really pending. */
  tidyTimers(): void;
  /** Ends the waits in `start()` and `runSync()` with an error, because nothing else will. */
  interrupt(reason: unknown): void;
}

/** The longest delay that Node's `setTimeout` takes; above it, it would fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** The time of this computer: `performance.now()`, `Date.now()` and Node's timers. */
export const systemClock: Clock = {
  time: () => performance.now(),
  wallTime: () => Date.now(),
  setAlarm(callback: () => void, delay: number, ref: boolean): NodeJS.Timeout | NodeJS.Immediate {
    // An immediate holds the process for a turn at most. Without its reference, Node would wait in its poll
    // for something else to happen, however long that takes, and call back only then.
    if (delay <= 0) return setImmediate(callback);
    const alarm = setTimeout(callback, Math.min(Math.ceil(delay), LONGEST_DELAY));
    if (!ref) alarm.unref();
    return alarm;
  },
  refAlarm(alarm: unknown, ref: boolean): void {
    if (!isTimeout(alarm)) return;
    if (ref) alarm.ref();
    else alarm.unref();
  },
  clearAlarm(alarm: unknown): void {
    if (alarm === undefined) return;
    if (isTimeout(alarm)) clearTimeout(alarm);
    else clearImmediate(alarm as NodeJS.Immediate);
  },
};

/** Node has two kinds of handle; the other one is that of `setImmediate()`. */
function isTimeout(alarm: unknown): alarm is NodeJS.Timeout {
  return typeof (alarm as NodeJS.Timeout).refresh === "function";
}
