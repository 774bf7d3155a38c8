/**
 * Starts the program again when its source has changed, from inside the program.
 *
 * Node cannot replace a process by another one on every system, so there is a supervisor: `squall
 * autoreload`, which starts the program, again and again.
 *
 *     node server.js ── a file changes ──► becomes the shell of ── squall autoreload … server.js
 *                                                                  └── server.js ── a file changes ──► exits
 *                                                                  └── server.js …
 *
 * A program that has no supervisor when it first has to restart starts one, once, with the same arguments,
 * and stays as an empty shell for the process that started it: it passes signals on and ends as the
 * supervisor does. A program that has one runs its hooks and exits; the rest is the supervisor's.
 */
import { close as closeInspector, url as inspectorUrl } from "node:inspector";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { pendingResult } from "../async/coroutine/yieldable.js";
import { IOLoop } from "../async/ioloop.js";
import { systemClock } from "../async/timers/clock.js";
import { filePath } from "../base/file-path.js";
import { appLog, genLog } from "../base/log.js";
import { checkNames, optionNames } from "../base/nearest-name.js";
import { checkFunction, checkNumber } from "../base/validate.js";
import {
  becomeShell,
  endLike,
  forwardSignals,
  isClusterWorker,
  onParentGone,
  startInForeground,
} from "../net/process/foreground.js";
import { EarlyChanges, timeOfWriting } from "./early-changes.js";
import { FileWatcher } from "./file-watcher.js";
import { EARLY_CHANGES, hasSupervisor, notifySupervisor } from "./reload-protocol.js";
import { isInPackage, resolveEntry, sourceFiles } from "./source-graph.js";

/** Options of {@link start}. */
export interface AutoreloadOptions {
  /**
   * Milliseconds between looks at the files; default 500. Where the system reports changes, it does not take
   * as long.
   */
  readonly checkTime?: number | undefined;
}

const AUTORELOAD_OPTIONS = optionNames<AutoreloadOptions>({ checkTime: 1 });

/**
 * How long hooks may take in all before the program is restarted without waiting for them, in milliseconds.
 */
const HOOK_LIMIT = 5000;

const hooks: (() => unknown)[] = [];
const watched: Set<string> = new Set();
const loops: WeakSet<IOLoop> = new WeakSet();
let watcher: FileWatcher | undefined;
let isRestarting = false;

/**
 * Restarts this process when one of its source files changes: those that its first file imports, directly or
 * not, those that are loaded by `require()`, and those given to {@link watch}; not those of installed
 * packages. The number or option `checkTime` says how often they are looked at. Watching does not keep the
 * process alive.
 *
 * Does nothing, silently, in the workers of a cluster and in other threads, which are restarted by the
 * process that started them, and in processes of `node --test`. Calling it twice is fine; for another loop of
 * the same process it warns. `Application` calls it for the settings `autoreload` and `debug`. Tornado:
 * `autoreload.start`.
 */
export function start(options: AutoreloadOptions | number = {}): void {
  const settings = typeof options === "number" ? { checkTime: options } : options;
  checkNames("option of start()", settings, AUTORELOAD_OPTIONS);
  const checkTime = checkNumber("checkTime", settings.checkTime ?? 500, { min: 1, max: 86_400_000 });
  if (isClusterWorker() || !isMainThread || process.env.NODE_TEST_CONTEXT !== undefined) return;
  const loop = IOLoop.current();
  if (loops.has(loop)) return;
  loops.add(loop);
  if (watcher !== undefined) {
    genLog.warning("squall/autoreload started more than once in the same process");
    return;
  }
  const script = process.argv[1];
  if (script === undefined) {
    genLog.warning("squall/autoreload needs a program in a file: it cannot start this one again");
    return;
  }
  for (const path of sourceFiles(resolveEntry(script))) watched.add(path);
  watcher = new FileWatcher(watched, { checkTime, ref: false, moreFiles: loadedByRequire });
  const earlyChanges = new EarlyChanges(hasSupervisor() ? process.env[EARLY_CHANGES] : undefined);
  const early = changedWhileStarting(watched, earlyChanges);
  for (const path of early) watcher.markChanged(path);
  void watcher.change.then((paths) => restart(paths, early, earlyChanges));
  void notifySupervisor({ watching: true, files: [...watched] });
  if (hasSupervisor()) onParentGone(() => process.kill(process.pid, "SIGTERM"));
}

/** The files that were saved between the start of this process and now, and may have been loaded before. */
function changedWhileStarting(files: Iterable<string>, known: EarlyChanges): ReadonlySet<string> {
  const early = new Set<string>();
  for (const path of files) {
    const time = timeOfWriting(path) ?? 0;
    // A time in the future comes from another clock and says nothing.
    if (time <= performance.timeOrigin || time > systemClock.wallTime()) continue;
    if (!known.isAsListed(path)) early.add(path);
  }
  return early;
}

/**
 * Waits for a source file to change and then restarts the process: for the end of a program that runs to its
 * end, such as tests. Keeps the process alive and never resolves. Tornado: `autoreload.wait`.
 */
export function wait(): Promise<never> {
  start();
  watcher?.ref();
  return new Promise(() => {});
}

/**
 * Also restart when this file changes, or any file in this folder, a path or a `file:` URL (a template, a
 * configuration, what is imported by a name that is made at run time). It need not exist yet. Before or
 * after {@link start}; twice is once. Tornado: `autoreload.watch`.
 */
export function watch(path: string | URL): void {
  const file = resolve(filePath("path", path));
  if (watched.has(file)) return;
  watched.add(file);
  watcher?.add(file);
  if (watcher !== undefined) void notifySupervisor({ files: [file] });
}

/**
 * Adds a function that runs before the process restarts, to close what must not be open twice or to save what
 * is in memory. Promises are waited for, 5 seconds in all; errors are logged. Sockets are closed without a
 * hook. Tornado: `autoreload.add_reload_hook`.
 */
export function addReloadHook(hook: () => unknown): void {
  hooks.push(checkFunction<() => unknown>("hook", hook));
}

/** CommonJS modules are loaded when they are first needed: new ones may have come since the last look. */
function loadedByRequire(): string[] {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache).filter((path) => !isInPackage(path));
}

async function restart(
  paths: readonly string[],
  early: ReadonlySet<string>,
  earlyChanges: EarlyChanges,
): Promise<void> {
  if (isRestarting) return;
  isRestarting = true;
  genLog.info("%s modified; restarting", paths[0]);
  await runHooks();
  for (const path of paths) {
    if (early.has(path)) earlyChanges.add(path);
    else earlyChanges.delete(path);
  }
  if (hasSupervisor()) {
    await notifySupervisor({ restart: true, earlyChanges: earlyChanges.toString() });
    process.exit(0);
  }
  await handOver(earlyChanges);
}

async function runHooks(): Promise<void> {
  let alarm: unknown;
  const limit = new Promise<"limit">((resolve) => {
    alarm = systemClock.setAlarm(() => resolve("limit"), HOOK_LIMIT, true);
  });
  for (const hook of hooks) {
    try {
      const pending = pendingResult(hook());
      if (pending !== undefined && (await Promise.race([pending, limit])) === "limit") {
        genLog.warning("reload hooks took longer than %d ms; restarting without them", HOOK_LIMIT);
        return;
      }
    } catch (error) {
      appLog.exception("error in a reload hook", error);
    }
  }
  systemClock.clearAlarm(alarm);
}

/** Starts a supervisor in our place. */
async function handOver(earlyChanges: EarlyChanges): Promise<void> {
  // What a debugger asked for goes to the next process, which needs the port.
  if (inspectorUrl() !== undefined) closeInspector();
  IOLoop.current({ instance: false })?.timers.close();
  const leave = becomeShell();
  const command = fileURLToPath(new URL("../cli/squall.js", import.meta.url));
  const nodeArgs = process.execArgv.map((arg) => `--node=${arg}`);
  const [, script = "", ...args] = process.argv;
  const supervisor = startInForeground(
    [command, "autoreload", "--until-success", ...nodeArgs, script, ...args],
    {
      env: { [EARLY_CHANGES]: earlyChanges.toString() },
      // The channel closes when this process ends.
      onMessage: () => {},
    },
  );
  const stop = forwardSignals((signal) => supervisor.kill(signal));
  const end = await supervisor.ended;
  stop();
  leave();
  endLike(end);
}
