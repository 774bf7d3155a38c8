/**
 * Who blocked the loop?
 *
 * A callback that computes for a second stops every connection for a second, and afterwards nothing shows
 * which one it was. So a watchdog looks on from a thread of its own. The loop's thread counts up a shared
 * number a few times per threshold; when the number stands still for too long, the watchdog interrupts the
 * thread through the inspector, takes the stack of what is running there, and lets it go on at once. The
 * report is logged when the loop is free again, with the time that it took; if it does not become free, the
 * watchdog itself writes to stderr.
 *
 * The inspector must be connected *before* the loop is blocked, and V8 then keeps what a debugger might want
 * to know, which costs some memory and speed. That is why this is off by default.
 */
import type { Worker } from "node:worker_threads";
import { InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkNumber } from "../../base/validate.js";
import { systemClock } from "../timers/clock.js";
import { BEAT, type BlockedReport, GONE, type WatchdogData } from "./blocked-loop-protocol.js";

/** How long a process that exits waits for the watchdog to let go of the inspector. */
const FAREWELL = 1000;

/**
 * Watches this thread's loop until it is stopped, and logs a warning with the stack whenever a callback has
 * kept it busy for longer than the threshold.
 */
export class BlockedLoopWatch {
  readonly #shared: Int32Array = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  readonly #interval: number;
  #alarm: unknown = undefined;
  #stopped = false;

  /** Resolves when the watchdog is on duty (or has failed, which is logged). */
  readonly ready: Promise<void>;

  /**
   * The threshold is in milliseconds and at least 10.
   *
   * @throws InvalidStateError in a worker thread: only the main thread can be looked into from another one
   */
  constructor(threshold: number) {
    checkNumber("threshold", threshold, { min: 10 });
    const { isMainThread, Worker } = process.getBuiltinModule("node:worker_threads");
    if (!isMainThread) {
      throw new InvalidStateError(
        "only the loop of the main thread can be watched: Node's inspector reaches no other",
      );
    }
    this.#interval = Math.max(1, threshold / 4);
    const workerData: WatchdogData = { shared: this.#shared, threshold, interval: this.#interval };
    // Without the flags of this process: some of them (a debugger's port) cannot be shared.
    this.#worker = new Worker(new URL("./blocked-loop-worker.js", import.meta.url), {
      workerData,
      execArgv: [],
    });
    this.ready = new Promise((resolve) => {
      this.#worker.on("message", (message: BlockedReport | "ready") => {
        if (message !== "ready") return this.#onReport(message);
        // From here on it does not hold the process; until here a caller may wait for it.
        this.#worker.unref();
        resolve();
      });
      this.#worker.on("error", (error) => {
        genLog.exception("the watchdog for a blocked loop has failed", error);
        resolve();
      });
      this.#worker.on("exit", () => {
        this.#onExit();
        resolve();
      });
    });
    process.on("exit", this.#farewell);
    this.#beat();
  }

  /** Ends the watch. Resolves when its thread has gone. Calling twice is fine. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const gone = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.ref();
    this.#worker.postMessage("stop");
    await gone;
  }

  readonly #beat = (): void => {
    Atomics.add(this.#shared, BEAT, 1);
    this.#alarm = systemClock.setAlarm(this.#beat, this.#interval, false);
  };

  /** Node does not end a process while an inspector is connected, so the watchdog is asked to leave first. */
  readonly #farewell = (): void => {
    this.#worker.postMessage("stop");
    const end = systemClock.time() + FAREWELL;
    // In short steps: between them the inspector gets to run in this thread, which the farewell needs.
    while (systemClock.time() < end && Atomics.wait(this.#shared, GONE, 0, 2) === "timed-out");
  };

  #onReport({ milliseconds, stack }: BlockedReport): void {
    genLog.warning("the loop was blocked for %d ms, and was found here:", milliseconds, foundAt(stack));
  }

  #onExit(): void {
    this.#stopped = true;
    systemClock.clearAlarm(this.#alarm);
    process.removeListener("exit", this.#farewell);
  }
}

/** The stack of the callback in the form of an error, which a log record shows line by line. */
function foundAt(stack: string): Error {
  const found = new Error("the callback that was running");
  found.name = "BlockedLoop";
  found.stack = `BlockedLoop: ${found.message}\n${stack}`;
  return found;
}
