/**
 * One worker process: Python, the shim in `interop/python`, and the application.
 *
 *     starting ── READY ──► ready ── retire() ──► retiring
 *     any      ── the process is gone ──► gone
 *
 * Squall and the process share sockets that were made with it, so there is no path or port that others could
 * connect to. The first is the control channel: its end tells the process to stop, also when squall is
 * killed. Each of the others belongs to one thread.
 */
import { fileURLToPath } from "node:url";
import type { IOLoop } from "../../async/ioloop.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { Subprocess } from "../../net/process/subprocess.js";
import type { BaseIOStream } from "../../net/stream/base-stream.js";
import { type ChannelOwner, WorkerChannel } from "./channel.js";
import { WSGIStartError } from "./errors.js";
import { encodeFrame, FrameReader, FrameType, type FrameVisitor } from "./frames.js";
import { isFolder, type WSGISettings } from "./options.js";

/**
 * How long the channels of a process that has ended may stay open, in milliseconds: a process that it has
 * forked may have them still.
 */
const LAST_WORDS = 1000;

/** A process that has been started, as a {@link Worker} needs it. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** The control channel, then one for each thread; none if the process could not be started. */
  readonly channels: readonly BaseIOStream[];
  kill(signal: "SIGKILL"): void;
  /** Resolves with the exit status, negative for a signal; rejects if it could not be started. */
  waitForExit(): Promise<number>;
}

/** Starts a process. */
export type LaunchWorker = (settings: WSGISettings) => WorkerProcess;

/** Starts Python. */
export const launchPython: LaunchWorker = (settings) => {
  const script = fileURLToPath(new URL("../python/start_worker.py", import.meta.url));
  const process_ = new Subprocess([settings.python, script], {
    cwd: settings.cwd,
    env: { ...process.env, ...settings.env },
    stdin: "ignore",
    channels: 1 + settings.threads,
    ioLoop: settings.ioLoop,
  });
  return {
    pid: process_.pid,
    channels: process_.channels,
    kill: (signal) => void process_.proc.kill(signal),
    waitForExit: () => process_.waitForExit({ raiseError: false }),
  };
};

/** The pool, as a worker sees it. */
export interface WorkerOwner extends Pick<ChannelOwner, "onIdle" | "onOverdue"> {
  readonly settings: WSGISettings;
  /** The application is loaded. */
  onReady(worker: Worker): void;
  /** The process has ended; `error` says why it was never ready. */
  onGone(worker: Worker, status: number, error: WSGIStartError | undefined): void;
}

/** See the head of this file. */
export class Worker implements ChannelOwner, FrameVisitor {
  readonly application: string;
  readonly ioLoop: IOLoop;
  readonly bornAt: number;
  /** How many workers in its place have lived shortly, one after the other. */
  readonly failures: number;
  readonly channels: readonly WorkerChannel[];
  readonly #owner: WorkerOwner;
  readonly #process: WorkerProcess;
  readonly #control: BaseIOStream | undefined;
  #state: "starting" | "ready" | "retiring" | "gone" = "starting";
  #startError: WSGIStartError | undefined = undefined;
  #startTimer: Timeout | undefined = undefined;
  /** How many exchanges are overdue. */
  #stuck = 0;
  #wasReplaced = false;
  /** How many channels are open. */
  #open = 0;
  #report: () => void = () => {};

  constructor(owner: WorkerOwner, launch: LaunchWorker, failures: number) {
    const { settings } = owner;
    this.#owner = owner;
    this.application = settings.application;
    this.ioLoop = settings.ioLoop;
    this.bornAt = this.ioLoop.time();
    this.failures = failures;
    this.#process = launch(settings);
    const [control, ...channels] = this.#process.channels;
    this.#control = control;
    this.channels = channels.map((stream) => new WorkerChannel(stream, this));
    this.#open = channels.length;
    const reader = new FrameReader(this);
    control?.consume({
      onData: (chunk) => reader.feed(chunk),
      onFin: () => {},
      onDrain: () => {},
      onClose: () => {},
    });
    control?.send(encodeFrame(FrameType.CONFIG, configOf(settings)));
    if (settings.startTimeout !== Number.POSITIVE_INFINITY) {
      this.#startTimer = this.ioLoop.callLater(settings.startTimeout, () =>
        this.#failStart(
          new WSGIStartError(
            `${this.application} was not loaded within ${settings.startTimeout} ms`,
            "startTimeout",
          ),
        ),
      );
    }
    this.#process.waitForExit().then(
      (status) => this.#gone(status, undefined),
      (error: unknown) => this.#gone(127, error),
    );
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Takes requests. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** How many exchanges run. */
  get busy(): number {
    let busy = 0;
    for (const channel of this.channels) if (!channel.isIdle) busy++;
    return busy;
  }

  /** Its end was asked for: it is no failure. */
  get isExpected(): boolean {
    return this.#wasReplaced;
  }

  /** Takes no more requests, and ends when those that run are done. */
  retire(): void {
    if (this.#state === "starting") this.kill();
    if (this.#state === "ready") this.#state = "retiring";
    this.#endIfDone();
  }

  /** One of its threads is stuck: it takes no more requests, and is killed when the others are done. */
  overdue(): void {
    this.#stuck++;
    this.#wasReplaced = true;
    if (this.#state === "ready") this.#state = "retiring";
    this.#endIfDone();
  }

  /** Says of a worker that was ready how it ended. */
  endedError(status: number): WSGIStartError {
    return new WSGIStartError(`a worker of ${this.application} ${howEnded(status)}`);
  }

  /** Tells the process to end; what runs may still finish. */
  end(): void {
    this.#control?.close();
    for (const channel of this.channels) if (channel.isIdle) channel.close();
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  onIdle(channel: WorkerChannel): void {
    if (this.#state === "ready") this.#owner.onIdle(channel);
    else this.#endIfDone();
  }

  onOverdue(channel: WorkerChannel): void {
    this.#owner.onOverdue(channel);
  }

  onChannelClosed(): void {
    this.#open--;
    // A thread that has lost its channel cannot be used any more, and the process with it.
    if (this.#state === "ready") this.kill();
    else if (this.#state === "gone" && this.#open === 0) this.#report();
  }

  onFrame(type: FrameType, payload: Buffer): void {
    if (this.#state !== "starting") return;
    if (type === FrameType.READY) {
      this.#state = "ready";
      this.#stopTimer();
      this.#owner.onReady(this);
    } else if (type === FrameType.FAILED) {
      const [kind, message, traceback] = JSON.parse(payload.toString("utf8")) as [string, string, string];
      this.#failStart(startErrorOf(this.#owner.settings, kind, message, traceback));
    }
  }

  onPiece(): void {}

  onBroken(reason: string): void {
    this.#failStart(new WSGIStartError(`a worker of ${this.application} sent ${reason}`));
  }

  /** Nothing runs any more but what is stuck. */
  #endIfDone(): void {
    if (this.#state !== "retiring" || this.busy > this.#stuck) return;
    if (this.#stuck > 0) this.kill();
    else this.end();
  }

  #failStart(error: WSGIStartError): void {
    this.#startError ??= error;
    this.kill();
  }

  #stopTimer(): void {
    if (this.#startTimer !== undefined) this.ioLoop.removeTimeout(this.#startTimer);
    this.#startTimer = undefined;
  }

  /** The process has ended. What it sent before is read first: its channels end by themselves. */
  #gone(status: number, cause: unknown): void {
    const neverReady = this.#state === "starting";
    const error = neverReady ? this.#whyNotReady(status, cause) : undefined;
    this.#state = "gone";
    this.#stopTimer();
    this.#control?.close();
    const cutOff = this.ioLoop.callLater(LAST_WORDS, () => {
      for (const channel of this.channels) channel.close();
    });
    this.#report = () => {
      this.ioLoop.removeTimeout(cutOff);
      this.#owner.onGone(this, status, error);
    };
    if (this.#open === 0) this.#report();
  }

  #whyNotReady(status: number, cause: unknown): WSGIStartError {
    const { python, pythonOption } = this.#owner.settings;
    if (this.#startError !== undefined) return this.#startError;
    if (cause !== undefined) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
      return new WSGIStartError(`cannot start the Python interpreter ${python}: ${reason}`, pythonOption, {
        cause,
      });
    }
    return new WSGIStartError(
      `a worker ${howEnded(status)} before it had loaded ${this.application}`,
      "application",
    );
  }
}

/** How a process ended, for sentences. */
export function howEnded(status: number): string {
  return status < 0 ? `was killed by signal ${-status}` : `ended with status ${status}`;
}

/** What the process is told: the other side is `worker.py`. */
function configOf({ application, pythonPath, threads, cookieSecret }: WSGISettings): string {
  const encoded = (secret: string | Uint8Array): string => Buffer.from(secret as string).toString("base64");
  const secret =
    cookieSecret === undefined
      ? null
      : typeof cookieSecret === "string" || cookieSecret instanceof Uint8Array
        ? encoded(cookieSecret)
        : Object.fromEntries(Object.entries(cookieSecret).map(([version, one]) => [version, encoded(one)]));
  return JSON.stringify({ application, pythonPath, threads, cookieSecret: secret });
}

function startErrorOf(
  settings: WSGISettings,
  kind: string,
  message: string,
  traceback: string,
): WSGIStartError {
  if (kind === "python") return new WSGIStartError(`${settings.python}: ${message}`, settings.pythonOption);
  const where = [...settings.pythonPath, settings.cwd].join(", ");
  const full = kind === "module" ? `${message}; looked in ${where} and in Python's own folders` : message;
  if (traceback === "") return new WSGIStartError(full, "application");
  return new WSGIStartError(`${full}\n${traceback.trimEnd()}\n`, "application");
}

/**
 * Whether the folders that the options name are there.
 * @throws WSGIStartError for the first that is not.
 */
export function checkFolders({ cwd, pythonPath }: WSGISettings): void {
  if (!isFolder(cwd)) throw new WSGIStartError(`there is no folder ${cwd}`, "cwd");
  for (const folder of pythonPath) {
    if (!isFolder(folder)) throw new WSGIStartError(`there is no folder ${folder}`, "pythonPath");
  }
}
