/**
 * Reports that one of several files has changed.
 *
 * What counts is that time of modification or size differ from what they were when the file was added; they
 * are looked at every so often. The system's own notifications (`fs.watch`) only make it look earlier: they
 * cost nothing, but network and container file systems have none. A file that vanishes has not changed yet,
 * since many editors save by replacing it. A change is not reported before it is over: compilers write many
 * files, one after another.
 */
import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../async/timers/clock.js";

/** How long nothing more must change before a change is reported, in milliseconds. */
const SETTLE = 60;

/** After how long it is reported in any case, in milliseconds. */
const LONGEST_SETTLE = 2000;

/** Options of {@link FileWatcher}. */
export interface FileWatcherOptions {
  /** Milliseconds between looks. */
  readonly checkTime: number;
  /** Whether watching keeps the process alive. */
  readonly ref: boolean;
  /** Asked for further files before each look; default none. */
  readonly moreFiles?: (() => Iterable<string>) | undefined;
  /** Asked for each file that has changed, once nothing more changes, whether it counts; default all do. */
  readonly counts?: ((path: string) => boolean) | undefined;
}

/** Watches from the moment it is made. Real time, not a loop's: an editor cares for no virtual clock. */
export class FileWatcher {
  readonly #options: FileWatcherOptions;
  /** What each file was like. */
  readonly #known: Map<string, string> = new Map();
  readonly #folders: Map<string, FSWatcher> = new Map();
  #alarm: unknown = undefined;
  #ref: boolean;
  /** The files that changed, and when the first one did. */
  #changed: { readonly paths: Set<string>; readonly at: number } | undefined = undefined;
  /** Whether it looks as soon as it can. */
  #stirred = false;
  #resolve: ((paths: readonly string[]) => void) | undefined = undefined;
  /** Resolves, once, with the paths of the files that have changed: at least one, the first change first. */
  readonly change: Promise<readonly string[]>;

  constructor(files: Iterable<string>, options: FileWatcherOptions) {
    this.#options = options;
    this.#ref = options.ref;
    this.change = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const path of files) this.add(path);
    this.#schedule(options.checkTime);
  }

  /** Watches another file, or a folder with all that is in it; it need not exist yet. Twice is once. */
  add(path: string): void {
    if (this.#known.has(path)) return;
    const state = stateOf(path);
    this.#known.set(path, state ?? "");
    if (this.#resolve === undefined) return;
    this.#listen(dirname(path));
    if (state?.startsWith("folder")) this.#listen(path);
  }

  /** Takes this file, which is watched, for changed. */
  markChanged(path: string): void {
    this.#known.set(path, "");
    this.#stir();
  }

  /** Keeps the process alive from now on. */
  ref(): void {
    this.#ref = true;
    systemClock.refAlarm(this.#alarm, true);
  }

  /** Stops watching; `change` stays pending if nothing has changed. */
  close(): void {
    this.#resolve = undefined;
    systemClock.clearAlarm(this.#alarm);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #listen(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || this.#known.has(folder) || this.#known.has(join(folder, name))) this.#stir();
      });
      watcher.on("error", () => watcher.close());
      this.#folders.set(folder, watcher);
    } catch {
      // No such folder yet, or too many watches in use: there are the looks.
    }
  }

  /** Something happened to one of the files. */
  #stir(): void {
    if (this.#resolve === undefined || this.#changed !== undefined || this.#stirred) return;
    this.#stirred = true;
    this.#schedule(0);
  }

  #schedule(delay: number): void {
    systemClock.clearAlarm(this.#alarm);
    this.#alarm = systemClock.setAlarm(() => this.#look(), delay, this.#ref);
  }

  #look(): void {
    this.#stirred = false;
    for (const path of this.#options.moreFiles?.() ?? []) this.add(path);
    const now = systemClock.time();
    let isQuiet = true;
    for (const [path, before] of this.#known) {
      const state = stateOf(path);
      if (state === undefined || state === before) continue;
      this.#known.set(path, state);
      this.#changed ??= { paths: new Set(), at: now };
      this.#changed.paths.add(path);
      isQuiet = false;
    }
    if (this.#changed === undefined) {
      this.#schedule(this.#options.checkTime);
    } else if (!isQuiet && now - this.#changed.at < LONGEST_SETTLE) {
      this.#schedule(SETTLE);
    } else {
      this.#report([...this.#changed.paths].filter(this.#options.counts ?? (() => true)));
    }
  }

  /** It is over with these changes. */
  #report(paths: readonly string[]): void {
    this.#changed = undefined;
    if (paths.length === 0) {
      this.#schedule(this.#options.checkTime);
      return;
    }
    const resolve = this.#resolve;
    this.close();
    resolve?.(paths);
  }
}

/** What changes when a file, or anything in a folder, does; undefined if there is nothing. */
function stateOf(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isDirectory()) return `${found.mtimeMs}:${found.size}`;
    return `folder${readdirSync(path)
      .filter((name) => name !== "node_modules" && !name.startsWith("."))
      .map((name) => `\n${name} ${stateOf(join(path, name)) ?? ""}`)
      .join("")}`;
  } catch {
    return undefined;
  }
}
