/**
 * The judgement of the watchdog for a blocked loop: when is it blocked, where was it found, when is it free
 * again? Clock, beats and the inspector are given, so that every history can be tried without real time.
 *
 *     watching ── no beat for too long ──▶ asking ── paused ──▶ found ── a beat ──▶ watching, and a report
 */
import type { BlockedReport } from "./blocked-loop-protocol.js";

/**
 * When the loop is still blocked after this many milliseconds, it may never log anything: the watchdog speaks
 * up.
 */
const HOPELESS = 5000;

/** What the detector sees and does. */
export interface StallHost {
  /** Monotonic milliseconds. */
  now(): number;
  /** The number that the watched thread counts up while its loop is free. */
  beat(): number;
  /** Asks the inspector to pause the watched thread; {@link StallDetector.onPaused} follows, maybe late. */
  askForPause(): void;
  /** The loop is free again. */
  report(report: BlockedReport): void;
  /** The loop does not become free. */
  alarm(report: BlockedReport): void;
}

/** Looks at the beats of one loop; {@link StallDetector.look} is called every `interval` milliseconds. */
export class StallDetector {
  readonly #host: StallHost;
  readonly #threshold: number;
  readonly #interval: number;
  #beat: number;
  #lookedAt: number;
  /** Milliseconds since the last beat, as seen from here. */
  #still = 0;
  /** A pause was asked for and has not happened yet. It may come when the loop is free again. */
  #asked = false;
  /** Where the loop was found in the present block. */
  #stack: string | undefined = undefined;
  #alarmed = false;

  constructor(host: StallHost, threshold: number, interval: number) {
    this.#host = host;
    this.#threshold = threshold;
    this.#interval = interval;
    this.#beat = host.beat();
    this.#lookedAt = host.now();
  }

  /** Compares the beat with that of the last look. */
  look(): void {
    const now = this.#host.now();
    // A process that was suspended was not blocked: a long time between two looks counts as a short one.
    const passed = Math.min(now - this.#lookedAt, 2 * this.#interval);
    this.#lookedAt = now;
    const beat = this.#host.beat();
    if (beat !== this.#beat) {
      this.#beat = beat;
      if (this.#stack !== undefined) this.#host.report(this.#describe(this.#stack));
      this.#still = 0;
      this.#stack = undefined;
      this.#alarmed = false;
      return;
    }
    this.#still += passed;
    if (this.#still >= this.#threshold && this.#stack === undefined && !this.#asked) {
      this.#asked = true;
      this.#host.askForPause();
    }
    if (this.#stack === undefined || this.#alarmed) return;
    if (this.#still <= Math.max(HOPELESS, 10 * this.#threshold)) return;
    this.#alarmed = true;
    this.#host.alarm(this.#describe(this.#stack));
  }

  /**
   * The watched thread was paused; `stack` describes where. Returns false for a pause that was not asked for,
   * as of another debugger. A pause that comes when the loop is free again says nothing about the block.
   */
  onPaused(stack: () => string): boolean {
    if (!this.#asked) return false;
    this.#asked = false;
    if (this.#still >= this.#threshold && this.#host.beat() === this.#beat) this.#stack = stack();
    return true;
  }

  #describe(stack: string): BlockedReport {
    return { milliseconds: Math.round(this.#still), stack };
  }
}
