/**
 * Where time comes from. The loop asks its clock for the time and for one alarm; nothing else in squall reads
 * a clock or arms a timer, which is what makes time testable (`squall/testing` has a clock that jumps).
 */

/** A source of time with one kind of alarm. */
export interface Clock {
  /** Monotonic milliseconds, with fractions; only differences mean anything. */
  time(): number;
  /** Milliseconds since 1970-01-01T00:00Z, as `Date.now()`. */
  wallTime(): number;
  /**
   * Calls `callback` once, no earlier than `delay` milliseconds from now. With `ref: false` the alarm does not
   * keep the process alive. Returns the function's handle for {@link Clock.clearAlarm}.
   */
  setAlarm(callback: () => void, delay: number, ref: boolean): unknown;
  /** Makes an alarm not happen; harmless when it has already rung. */
  clearAlarm(alarm: unknown): void;
}
