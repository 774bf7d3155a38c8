/**
 * Log files that are set aside when they are large or old. Lines are written at once and in order, by
 * synchronous calls: what was logged before a crash is in the file.
 *
 * Setting a file aside never costs a line. If the file cannot be renamed, the handler goes on in the old one,
 * reports it once and tries again later; if the file is gone or another one has taken its name, the handler
 * begins with what is there now. Lines are lost only when the disk is full; they are counted, and the count
 * is written as soon as there is room again.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InvalidArgumentError } from "./errors.js";
import { filePath } from "./file-path.js";
import { LogHandler, type LogHandlerOptions, reportLogFailure } from "./log-handler.js";
import type { LogRecord } from "./log-record.js";
import { checkNames, optionNames } from "./nearest-name.js";
import { strftime } from "./strftime.js";
import { checkInteger } from "./validate.js";

/** Options of every file handler. */
export interface FileHandlerOptions extends LogHandlerOptions {
  /** The file, a path or a `file:` URL. The first record opens it, and makes it if need be. */
  readonly path: string | URL;
}

/** Appends to a file, in UTF-8. */
export class FileHandler extends LogHandler {
  /** The file's absolute path. */
  readonly path: string;
  #descriptor: number | undefined;
  #size = 0;
  #lost = 0;
  /** The last attempt to set the file aside has failed, which was reported. */
  #stuck = false;

  constructor(options: FileHandlerOptions) {
    super(options);
    this.path = resolve(filePath("path", options.path));
  }

  /** How many records could not be written since the last that could. */
  get lost(): number {
    return this.#lost;
  }

  /** The size of the file in bytes, as far as it is open. */
  protected get size(): number {
    return this.#size;
  }

  /** Called before each record is written; a subclass may set the file aside. */
  protected beforeWrite(_bytes: number, _record: LogRecord): void {}

  /**
   * Closes the file and calls `move`, which gives it another name. Returns false if that failed: the next
   * line then goes into the old file. A file that has lost its name meanwhile is left alone.
   */
  protected setAside(move: () => void): boolean {
    const isOurs = this.#hasItsName();
    this.close();
    try {
      if (isOurs) move();
      this.#stuck = false;
      return true;
    } catch (error) {
      if (!this.#stuck) reportLogFailure(`rotation of ${this.path}`, error);
      this.#stuck = true;
      return false;
    }
  }

  override emit(record: LogRecord): void {
    const line = Buffer.from(`${this.formatter.format(record)}\n`);
    try {
      this.#open();
      this.beforeWrite(line.length, record);
      this.#open();
      if (this.#lost > 0) this.#write(Buffer.from(`(${this.#lost} log records could not be written)\n`));
      this.#lost = 0;
      this.#write(line);
    } catch (error) {
      // The logger reports the first loss on stderr; the others are counted.
      if (this.#lost++ === 0) throw error;
    }
  }

  /** Closes the file; the next record opens it again. */
  override close(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    closeSync(descriptor);
  }

  /** When the open file was begun, in milliseconds since 1970; `otherwise` at the latest. */
  protected beganAt(otherwise: number): number {
    const stats = fstatSync(this.#descriptor as number);
    return Math.min(beginning(stats), otherwise);
  }

  #open(): void {
    if (this.#descriptor !== undefined) return;
    this.#descriptor = openSync(this.path, "a");
    this.#size = fstatSync(this.#descriptor).size;
  }

  /** Whether the path still leads to the open file: another program may have moved it, or replaced it. */
  #hasItsName(): boolean {
    const named = statSync(this.path, { throwIfNoEntry: false });
    const open = fstatSync(this.#descriptor as number);
    return named !== undefined && named.ino === open.ino && named.dev === open.dev;
  }

  #write(bytes: Buffer): void {
    let done = 0;
    while (done < bytes.length) {
      const count = writeSync(this.#descriptor as number, bytes, done);
      done += count;
      this.#size += count;
    }
  }
}

/** The time of a file's birth. A file system without one says 0; a copy may be younger than its content. */
function beginning({ birthtimeMs, mtimeMs }: Stats): number {
  return birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs;
}

/** Options of {@link RotatingFileHandler}. */
export interface RotatingFileHandlerOptions extends FileHandlerOptions {
  /** Bytes that a file may have before it is set aside; default 100,000,000, off value `Infinity`. */
  readonly maxSize?: number | undefined;
  /** How many files are kept beside the current one, as `app.log.1` (the newest) and so on; default 10. */
  readonly backups?: number | undefined;
}

const BY_SIZE = optionNames<RotatingFileHandlerOptions>({
  level: 1,
  formatter: 1,
  path: 1,
  maxSize: 1,
  backups: 1,
});

/** Sets the file aside when it would grow beyond a size. */
export class RotatingFileHandler extends FileHandler {
  readonly #maxSize: number;
  readonly #backups: number;
  /** The size at which to set the file aside: `maxSize`, and more after an attempt that failed. */
  #limit: number;

  constructor(options: RotatingFileHandlerOptions) {
    super(options);
    checkNames("option of RotatingFileHandler", options, BY_SIZE, true);
    this.#maxSize = options.maxSize ?? 100_000_000;
    this.#limit = this.#maxSize;
    this.#backups = checkInteger("backups", options.backups ?? 10, { min: 0 });
  }

  protected override beforeWrite(bytes: number): void {
    // Without backups there is no place for the old lines, so the file grows on; a line is never cut in two.
    if (this.#backups === 0 || this.size === 0 || this.size + bytes <= this.#limit) return;
    const size = this.size;
    this.#limit = this.setAside(() => this.#shift()) ? this.#maxSize : size + this.#maxSize;
  }

  /** Moves each backup up by one, as far as the first free name, and the file to the name that this frees. */
  #shift(): void {
    const nameOf = (index: number): string => `${this.path}.${index}`;
    let free = 1;
    while (free < this.#backups && existsSync(nameOf(free))) free++;
    if (free === this.#backups) rmSync(nameOf(free), { force: true });
    for (let i = free - 1; i >= 1; i--) renameSync(nameOf(i), nameOf(i + 1));
    renameSync(this.path, nameOf(1));
  }
}

/** Options of {@link TimedRotatingFileHandler}. */
export interface TimedRotatingFileHandlerOptions extends FileHandlerOptions {
  /**
   * The unit: `S` seconds, `M` minutes, `H` hours, `D` days since the file was begun, `midnight`, or `W0` to
   * `W6`, the midnight that ends a Monday to Sunday; local time. Capitals or not. Default `midnight`.
   */
  readonly when?: string | undefined;
  /** How many units; default 1. Counts for all but `W0` to `W6`. */
  readonly interval?: number | undefined;
  /** How many files are kept, each with the time of its beginning in its name; default 10, 0 keeps all. */
  readonly backups?: number | undefined;
}

const UNITS: Readonly<Record<string, { readonly milliseconds: number; readonly suffix: string }>> = {
  S: { milliseconds: 1000, suffix: "%Y-%m-%d_%H-%M-%S" },
  M: { milliseconds: 60_000, suffix: "%Y-%m-%d_%H-%M" },
  H: { milliseconds: 3_600_000, suffix: "%Y-%m-%d_%H" },
  D: { milliseconds: 86_400_000, suffix: "%Y-%m-%d" },
};

const BACKUP = /^\d{4}-\d\d-\d\d(?:_\d\d(?:-\d\d){0,2})?(?:\.\d+)?$/;

/**
 * How long the handler goes on in a file that could not be set aside before it tries again, in milliseconds.
 */
const RETRY_AFTER = 60_000;

const BY_TIME = optionNames<TimedRotatingFileHandlerOptions>({
  level: 1,
  formatter: 1,
  path: 1,
  when: 1,
  interval: 1,
  backups: 1,
});

/**
 * Sets the file aside when its time is over, which counts from the beginning of the file: a program that is
 * restarted often keeps to the rhythm.
 */
export class TimedRotatingFileHandler extends FileHandler {
  readonly #when: string;
  readonly #interval: number;
  readonly #backups: number;
  #began: number | undefined;
  #ends = 0;

  constructor(options: TimedRotatingFileHandlerOptions) {
    super(options);
    checkNames("option of TimedRotatingFileHandler", options, BY_TIME, true);
    const when = (options.when ?? "midnight").toUpperCase();
    if (when !== "MIDNIGHT" && !/^W[0-6]$/.test(when) && UNITS[when] === undefined) {
      throw new InvalidArgumentError(
        `when must be S, M, H, D, midnight or W0 to W6, got ${JSON.stringify(options.when)}`,
      );
    }
    this.#when = when;
    this.#interval = checkInteger("interval", options.interval ?? 1, { min: 1 });
    this.#backups = checkInteger("backups", options.backups ?? 10, { min: 0 });
  }

  protected override beforeWrite(_bytes: number, record: LogRecord): void {
    const now = record.created;
    if (this.#began === undefined) this.#begin(this.size > 0 ? this.beganAt(now) : now);
    if (now < this.#ends) return;
    const began = this.#began ?? now;
    if (this.size > 0 && !this.setAside(() => this.#moveTo(this.#freeName(began)))) {
      this.#ends = now + RETRY_AFTER;
      return;
    }
    this.#begin(now);
  }

  #begin(time: number): void {
    this.#began = time;
    const unit = UNITS[this.#when];
    if (unit !== undefined) {
      this.#ends = time + unit.milliseconds * this.#interval;
      return;
    }
    const date = new Date(time);
    let days = this.#interval;
    if (this.#when !== "MIDNIGHT") {
      // Python counts the days of the week from Monday.
      const today = (date.getDay() + 6) % 7;
      days = ((Number(this.#when[1]) - today + 7) % 7) + 1;
    }
    this.#ends = new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
  }

  /**
   * Two files may have begun at the same time (after a restart, or when the clock went back): both are kept.
   */
  #freeName(began: number): string {
    const name = `${this.path}.${strftime(UNITS[this.#when]?.suffix ?? "%Y-%m-%d", new Date(began))}`;
    let target = name;
    for (let i = 1; existsSync(target); i++) target = `${name}.${i}`;
    return target;
  }

  #moveTo(target: string): void {
    renameSync(this.path, target);
    if (this.#backups > 0) this.#removeOld();
  }

  #removeOld(): void {
    const folder = dirname(this.path);
    const prefix = `${basename(this.path)}.`;
    const backups = readdirSync(folder)
      .filter((name) => name.startsWith(prefix) && BACKUP.test(name.slice(prefix.length)))
      .sort(new Intl.Collator("en", { numeric: true }).compare);
    for (const name of backups.slice(0, -this.#backups)) rmSync(join(folder, name), { force: true });
  }
}
