/**
 * Starts a program again and again: when its source has changed, when it asks for it, and, after it has
 * failed, when a file was changed to mend it.
 *
 *     running ── a file changes ──► the program is asked to end ──► running
 *       ├────── it watches its files itself and exits to be restarted ──► running
 *       ├────── it ends ──► waiting for a change (over, after status 0 and with `untilSuccess`)
 *       └────── a signal for us: the program gets it, and we end as it does
 *     waiting ── a file changes ──► running
 *
 * Files are compared with what they were before the program was started: what changes while it starts is not
 * lost. But a file that the program itself writes each time it starts, with the same content, is no change.
 */
import { systemClock } from "../async/timers/clock.js";
import { genLog } from "../base/log.js";
import {
  type ForegroundProcess,
  forwardSignals,
  onParentGone,
  type ProcessEnd,
  startInForeground,
} from "../net/process/foreground.js";
import { EarlyChanges, timeOfWriting } from "./early-changes.js";
import { FileWatcher } from "./file-watcher.js";
import { EARLY_CHANGES, readReloadMessage, SUPERVISOR } from "./reload-protocol.js";
import { isInPackage, resolveEntry, sourceFiles } from "./source-graph.js";

/** What a supervisor looks after. */
export interface SupervisedProgram {
  /** The script, or the package's name, as given: what to watch, and what messages call it. */
  readonly name: string;
  /** The arguments of `node`: its options, the script, the program's arguments. */
  readonly nodeArgs: readonly string[];
  /**
   * Whether it is over when the program has ended with status 0; default false, wait for a change then, too.
   */
  readonly untilSuccess?: boolean | undefined;
}

/** How long a program may take to end when it is to be restarted, in milliseconds. */
const GRACE = 5000;

const CHECK_TIME = 500;

/**
 * How long a program may be starting that does not say when it watches its files itself, in milliseconds:
 * what is saved later was not written by its start.
 */
const STARTING = 10_000;

/** Keeps the program running, as above; resolves with how it ended when there is nothing more to do. */
export async function supervise(program: SupervisedProgram): Promise<ProcessEnd> {
  const supervisor = new Supervisor(program);
  const stop = forwardSignals(
    (signal) => supervisor.child?.kill(signal),
    (signal) => supervisor.stop(signal),
  );
  onParentGone(() => {
    supervisor.stop("SIGTERM");
    supervisor.child?.kill("SIGTERM");
  });
  try {
    return await supervisor.run();
  } finally {
    stop();
  }
}

class Supervisor {
  /** The program, while it runs. */
  child: ForegroundProcess | undefined = undefined;
  readonly #program: SupervisedProgram;
  /** What the program said it watches besides its imports. */
  readonly #extraFiles: Set<string> = new Set();
  #earlyChanges: EarlyChanges = new EarlyChanges(process.env[EARLY_CHANGES]);
  /** Until when the program has been starting, a time of the calendar. */
  #startingUntil = 0;
  #stopSignal: NodeJS.Signals | undefined = undefined;
  #onStop: (() => void) | undefined = undefined;

  constructor(program: SupervisedProgram) {
    this.#program = program;
  }

  /** We have got a signal: the end of the program is our end. */
  stop(signal: NodeJS.Signals): void {
    // This one has other uses than to end something.
    if (signal === "SIGUSR2" && this.child !== undefined) return;
    this.#stopSignal = signal;
    this.#onStop?.();
  }

  async run(): Promise<ProcessEnd> {
    for (;;) {
      const watcher = new FileWatcher(this.#files(), {
        checkTime: CHECK_TIME,
        ref: true,
        counts: (path) => !(this.#isEarly(path) && this.#earlyChanges.isAsListed(path)),
      });
      try {
        const end = await this.#runOnce(watcher);
        if (end !== undefined) return end;
      } finally {
        watcher.close();
      }
    }
  }

  #files(): Set<string> {
    const entry = resolveEntry(this.#program.name);
    const files = isInPackage(entry) ? new Set<string>() : sourceFiles(entry);
    for (const path of this.#extraFiles) files.add(path);
    return files;
  }

  /** Whether this file was written while the program was starting. */
  #isEarly(path: string): boolean {
    const time = timeOfWriting(path);
    return time !== undefined && time <= this.#startingUntil;
  }

  /** Because of these changes the program is started again. */
  #note(paths: readonly string[]): void {
    for (const path of paths) {
      if (this.#isEarly(path)) this.#earlyChanges.add(path);
      else this.#earlyChanges.delete(path);
    }
  }

  /** Runs the program until it has to be started again (undefined) or all is over. */
  async #runOnce(watcher: FileWatcher): Promise<ProcessEnd | undefined> {
    const { name, nodeArgs, untilSuccess } = this.#program;
    let watchesItself = false;
    let wantsRestart = false;
    this.#startingUntil = systemClock.wallTime() + STARTING;
    const child = startInForeground(nodeArgs, {
      env: { [SUPERVISOR]: String(process.pid), [EARLY_CHANGES]: this.#earlyChanges.toString() },
      onMessage: (message) => {
        const content = readReloadMessage(message);
        watchesItself ||= content?.watching === true;
        wantsRestart ||= content?.restart === true;
        if (content?.earlyChanges !== undefined) this.#earlyChanges = new EarlyChanges(content.earlyChanges);
        for (const path of content?.files ?? []) {
          this.#extraFiles.add(path);
          watcher.add(path);
        }
      },
    });
    this.child = child;
    const change = watcher.change.then(async (paths) => {
      // The program may have said that it watches its files: what is on its way is read first.
      await new Promise<void>((resolve) => systemClock.setAlarm(resolve, 0, true));
      if (this.child !== undefined && (this.child !== child || watchesItself)) return;
      this.#note(paths);
      if (this.child !== child || this.#stopSignal !== undefined) return;
      genLog.info("%s modified; restarting", paths[0]);
      wantsRestart = true;
      void terminate(child);
    });
    const end = await child.ended;
    this.child = undefined;
    this.#startingUntil = Math.min(this.#startingUntil, systemClock.wallTime());
    if (this.#stopSignal !== undefined) return end;
    if (wantsRestart) return undefined;
    if (end.code === 0 && untilSuccess === true) return end;
    const how = end.signal === null ? `ended with status ${end.code}` : `was ended by ${end.signal}`;
    if (end.code === 0) genLog.info("%s %s; waiting for a change", name, how);
    else genLog.warning("%s %s; waiting for a change", name, how);
    await Promise.race([
      change,
      new Promise<void>((resolve) => {
        this.#onStop = resolve;
      }),
    ]);
    return this.#stopSignal === undefined ? undefined : { code: null, signal: this.#stopSignal };
  }
}

/** Ends a program: politely, then at once. */
async function terminate(child: ForegroundProcess): Promise<void> {
  child.kill("SIGTERM");
  const alarm = systemClock.setAlarm(() => child.kill("SIGKILL"), GRACE, true);
  await child.ended;
  systemClock.clearAlarm(alarm);
}
