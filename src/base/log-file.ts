/**
 * Log files that are set aside when they are large or old. Lines are written at once and in order, by synchronous calls:
 * what was logged before a crash is in the file. When the disk is full lines are lost, and counted; the count is written
 * as soon as there is room again.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InvalidArgumentError } from "./errors.js";
import { LogHandler, type LogHandlerOptions } from "./log-handler.js";
import type { LogRecord } from "./log-record.js";
import { strftime } from "./strftime.js";
import { checkInteger } from "./validate.js";

/** What every file handler can be told. */
export interface FileHandlerOptions extends LogHandlerOptions {
  /** The file's path. It is opened, and made if need be, with the first record. */
  readonly path: string;
}

/** Appends to a file, in UTF-8. */
export class FileHandler extends LogHandler {
  /** The file's absolute path. */
  readonly path: string;
  #descriptor: number | undefined;
  #size = 0;
  #lost = 0;

  constructor(options: FileHandlerOptions) {
    super(options);
    this.path = resolve(options.path);
  }

  /** How many records could not be written since the last that could. */
  get lost(): number {
    return this.#lost;
  }

  /** The size of the file in bytes, as far as it is open. */
  protected get size(): number {
    return this.#size;
  }

  /** Asked before each record is written; a subclass may set the file aside. */
  protected beforeWrite(_bytes: number, _record: LogRecord): void {}

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
      // The first loss is told on stderr, by whoever called; the others are counted.
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

  #open(): void {
    if (this.#descriptor !== undefined) return;
    this.#descriptor = openSync(this.path, "a");
    this.#size = fstatSync(this.#descriptor).size;
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

/** Options of {@link RotatingFileHandler}. */
export interface RotatingFileHandlerOptions extends FileHandlerOptions {
  /** Bytes that a file may have before it is set aside; default 100,000,000, off value `Infinity`. */
  readonly maxSize?: number | undefined;
  /** How many files are kept beside the current one, as `app.log.1` (the newest) and so on; default 10. */
  readonly backups?: number | undefined;
}

/** Sets the file aside when it would grow beyond a size. */
export class RotatingFileHandler extends FileHandler {
  readonly #maxSize: number;
  readonly #backups: number;

  constructor(options: RotatingFileHandlerOptions) {
    super(options);
    this.#maxSize = options.maxSize ?? 100_000_000;
    this.#backups = checkInteger("backups", options.backups ?? 10, { min: 0 });
  }

  protected override beforeWrite(bytes: number): void {
    // Without backups there is nowhere to put the old lines, so the file grows on; a line of its own is never split off.
    if (this.#backups === 0 || this.size === 0 || this.size + bytes <= this.#maxSize) return;
    this.close();
    rmSync(`${this.path}.${this.#backups}`, { force: true });
    for (let i = this.#backups - 1; i >= 1; i--) {
      if (existsSync(`${this.path}.${i}`)) renameSync(`${this.path}.${i}`, `${this.path}.${i + 1}`);
    }
    renameSync(this.path, `${this.path}.1`);
  }
}

/** Options of {@link TimedRotatingFileHandler}. */
export interface TimedRotatingFileHandlerOptions extends FileHandlerOptions {
  /**
   * The unit: `S` seconds, `M` minutes, `H` hours, `D` days since the file was begun, `midnight`, or `W0` to `W6`, the
   * midnight that ends a Monday to Sunday; local time. Capitals or not. Default `midnight`.
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

/** Sets the file aside when its time is over. */
export class TimedRotatingFileHandler extends FileHandler {
  readonly #when: string;
  readonly #interval: number;
  readonly #backups: number;
  #began: number | undefined;
  #ends = 0;

  constructor(options: TimedRotatingFileHandlerOptions) {
    super(options);
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
    // A file with lines from an earlier run is as old as its last line.
    if (this.#began === undefined) this.#begin(this.size > 0 ? fstatTime(this.path, now) : now);
    if (now < this.#ends) return;
    if (this.size > 0) {
      this.close();
      this.#setAside(this.#began ?? now);
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

  #setAside(began: number): void {
    const suffix = strftime(UNITS[this.#when]?.suffix ?? "%Y-%m-%d", new Date(began));
    let target = `${this.path}.${suffix}`;
    // Two files of one day (after a restart, or when the clock went back): neither may overwrite the other.
    for (let i = 1; existsSync(target); i++) target = `${this.path}.${suffix}.${i}`;
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

function fstatTime(path: string, otherwise: number): number {
  const descriptor = openSync(path, "r");
  try {
    return Math.min(fstatSync(descriptor).mtimeMs, otherwise);
  } finally {
    closeSync(descriptor);
  }
}
