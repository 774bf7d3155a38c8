/** What the watchdog for a blocked loop and the thread that it watches say to each other. */

/** In the shared array: a number that the watched thread counts up. */
export const BEAT = 0;
/** In the shared array: 1 when the watchdog has let go of the inspector. */
export const GONE = 1;

/** What the watchdog starts with. */
export interface WatchdogData {
  readonly shared: Int32Array;
  /** After how many milliseconds without a beat the loop counts as blocked. */
  readonly threshold: number;
  /** How often to look, in milliseconds. */
  readonly interval: number;
}

/** What the watchdog found, sent when the loop is free again. */
export interface BlockedReport {
  /** How long the loop was blocked, about. */
  readonly milliseconds: number;
  /** What was running, in the form of an error's stack. */
  readonly stack: string;
}
