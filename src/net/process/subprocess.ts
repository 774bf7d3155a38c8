/** Child processes whose pipes are streams. */
import { type ChildProcess, type IOType, type SpawnOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Duplex, Readable, Writable } from "node:stream";
import { cancellable, type WaitOptions } from "../../async/cancel.js";
import { IOLoop } from "../../async/ioloop.js";
import { resolveWait } from "../../async/wait-options.js";
import { InvalidArgumentError, InvalidStateError, SquallError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkFunction, checkInteger } from "../../base/validate.js";
import { PipeIOStream } from "../stream/pipe-stream.js";

const STREAM: unique symbol = Symbol("squall.Subprocess.STREAM");

/**
 * What a child's stdin, stdout or stderr may be: {@link Subprocess.STREAM}, or whatever `spawn` of Node
 * takes.
 */
export type SubprocessStdio = typeof STREAM | IOType | "pipe" | number | Readable | Writable | undefined;

/** Options of {@link Subprocess}: those of Node's `spawn`, and the three channels by name. */
export interface SubprocessOptions extends Omit<SpawnOptions, "stdio" | "signal" | "timeout"> {
  /** Default: that of this process. */
  readonly stdin?: SubprocessStdio;
  /** Default: that of this process. */
  readonly stdout?: SubprocessStdio;
  /** Default: that of this process. */
  readonly stderr?: SubprocessStdio;
  /**
   * How many two-way channels it gets besides, as its descriptors 3 and up; default 0. On Windows the child
   * sees named pipes, elsewhere connected sockets.
   */
  readonly channels?: number | undefined;
  /** The loop that it belongs to; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
}

/** Those of `spawn()` that are likely to be misspelt, and its own. */
const SUBPROCESS_OPTIONS: ReadonlySet<string> = new Set([
  "cwd",
  "env",
  "shell",
  "detached",
  "uid",
  "gid",
  "windowsHide",
  "stdin",
  "stdout",
  "stderr",
  "channels",
  "ioLoop",
] satisfies (keyof SubprocessOptions)[]);

/** Options of {@link Subprocess.waitForExit}. */
export interface WaitForExitOptions extends WaitOptions {
  /** Whether a status other than 0 is an error; default true. */
  readonly raiseError?: boolean | undefined;
}

const WAIT_FOR_EXIT = optionNames<Omit<WaitForExitOptions, keyof WaitOptions>>({ raiseError: 1 });

/** A child ended with another status than 0 (`ERR_SQUALL_CALLED_PROCESS`). */
export class CalledProcessError extends SquallError {
  static {
    this.prototype.name = "CalledProcessError";
  }

  /** The exit status; negative for the number of the signal that killed it. */
  readonly returncode: number;
  /** What was run. */
  readonly cmd: readonly string[];

  constructor(returncode: number, cmd: readonly string[]) {
    const how = returncode < 0 ? `was killed by signal ${-returncode}` : `ended with status ${returncode}`;
    super("ERR_SQUALL_CALLED_PROCESS", `${cmd.join(" ")} ${how}`);
    this.returncode = returncode;
    this.cmd = cmd;
  }
}

/** A child process whose pipes, as far as asked for, are streams, and whose end can be waited for. */
export class Subprocess {
  /** For stdin, stdout or stderr: gives a {@link PipeIOStream} as the property of the same name. */
  static readonly STREAM: typeof STREAM = STREAM;

  /** The loop that it belongs to. */
  readonly ioLoop: IOLoop;
  /** Node's object for the process. */
  readonly proc: ChildProcess;
  /** What to write to, as a stream or (for `"pipe"`) Node's; undefined if the child got something else. */
  readonly stdin: PipeIOStream | Writable | undefined;
  /** What to read from, as a stream or (for `"pipe"`) Node's; undefined if the child got something else. */
  readonly stdout: PipeIOStream | Readable | undefined;
  /** What to read from, as a stream or (for `"pipe"`) Node's; undefined if the child got something else. */
  readonly stderr: PipeIOStream | Readable | undefined;
  /** Our ends of the {@link SubprocessOptions.channels}; none if the child could not be started. */
  readonly channels: readonly PipeIOStream[];
  /** The exit status, negative for the number of the signal that killed it; undefined while it runs. */
  returncode: number | undefined;
  readonly #cmd: readonly string[];
  /** Why it could not be started. */
  #error: Error | undefined;
  #exitCallback: ((returncode: number) => unknown) | undefined;
  readonly #waiters: Set<() => void> = new Set();

  /**
   * Starts a program: `args` is its name and its arguments, or one string, which with `shell: true` is a
   * command line. If it cannot be started, `waitForExit()` rejects with the system's error (`ENOENT`,
   * `EMFILE`, …), `returncode` is 127, and without descriptors for them there are no streams.
   */
  constructor(args: string | readonly string[], options: SubprocessOptions = {}) {
    checkNames("option of Subprocess", options, SUBPROCESS_OPTIONS, true);
    const { stdin, stdout, stderr, channels, ioLoop, ...rest } = options;
    const extra = new Array<IOType>(checkInteger("channels", channels ?? 0, { min: 0 })).fill("pipe");
    this.ioLoop = ioLoop ?? IOLoop.current();
    this.#cmd = typeof args === "string" ? [args] : args;
    const [program, ...others] = this.#cmd;
    if (program === undefined) throw new InvalidArgumentError("a subprocess needs the name of a program");
    this.returncode = undefined;
    this.proc = spawn(program, others, {
      ...rest,
      stdio: [stdio(stdin), stdio(stdout), stdio(stderr), ...extra],
    });
    const over = this.ioLoop.beginExternal();
    // Before anything else: Node reports soon that it could not start the process, and has no pipes then.
    this.proc.once("error", (error) => {
      // A kill() that failed is reported by this event as well.
      if (this.proc.pid !== undefined) return;
      this.#error = error;
      over();
      this.#ended(127);
    });
    this.stdin = this.#channel(stdin, this.proc.stdin) as PipeIOStream | Writable | undefined;
    this.stdout = this.#channel(stdout, this.proc.stdout) as PipeIOStream | Readable | undefined;
    this.stderr = this.#channel(stderr, this.proc.stderr) as PipeIOStream | Readable | undefined;
    this.channels = this.#extraChannels();
    this.proc.once("exit", (code, signal) => {
      over();
      this.#ended(code ?? -(signal === null ? 0 : constants.signals[signal]));
    });
  }

  /** Does nothing: Node watches children itself. Tornado: installs a handler for SIGCHLD. */
  static initialize(): void {}

  /** Does nothing, see {@link Subprocess.initialize}. */
  static uninitialize(): void {}

  /** The process id; undefined if it could not be started. */
  get pid(): number | undefined {
    return this.proc.pid;
  }

  /**
   * Calls `callback` with the exit status once the process has ended, soon if it already has. There is one
   * callback.
   *
   * @throws InvalidStateError if there is one already that has not been called
   */
  setExitCallback(callback: (returncode: number) => unknown): void {
    checkFunction("callback", callback);
    if (this.#exitCallback !== undefined) throw new InvalidStateError("an exit callback is set already");
    if (this.returncode !== undefined) this.ioLoop.addCallback(callback, this.returncode);
    else this.#exitCallback = callback;
  }

  /**
   * Resolves with the exit status when the process has ended. Rejects with a {@link CalledProcessError} for a
   * status other than 0 unless `raiseError` is false. A cancel ends the waiting; the process goes on.
   */
  async waitForExit(options: WaitForExitOptions = {}): Promise<number> {
    resolveWait(options, WAIT_FOR_EXIT);
    if (this.returncode === undefined) {
      await cancellable<void>(this.ioLoop, "waiting for the end of a process", options, (settle) => {
        const wake = (): void => settle.resolve();
        this.#waiters.add(wake);
        return () => this.#waiters.delete(wake);
      });
    }
    if (this.#error !== undefined) throw this.#error;
    const returncode = this.returncode ?? 0;
    if (returncode !== 0 && (options.raiseError ?? true)) throw new CalledProcessError(returncode, this.#cmd);
    return returncode;
  }

  #channel(
    wanted: SubprocessStdio,
    pipe: Readable | Writable | null | undefined,
  ): PipeIOStream | Readable | Writable | undefined {
    if (pipe == null) return undefined;
    return wanted === STREAM ? new PipeIOStream(pipe as Duplex, { ioLoop: this.ioLoop }) : pipe;
  }

  #extraChannels(): PipeIOStream[] {
    // What Node does not type: behind the first three there may be more.
    const pipes = (this.proc.stdio ?? []).slice(3) as unknown as (Duplex | null)[];
    return pipes
      .filter((pipe) => pipe !== null)
      .map((pipe) => new PipeIOStream(pipe, { ioLoop: this.ioLoop }));
  }

  #ended(returncode: number): void {
    this.returncode = returncode;
    const callback = this.#exitCallback;
    this.#exitCallback = undefined;
    if (callback !== undefined) this.ioLoop.addCallback(callback, returncode);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

function stdio(wanted: SubprocessStdio): Exclude<SubprocessStdio, typeof STREAM | undefined> {
  return wanted === STREAM ? "pipe" : (wanted ?? "inherit");
}
