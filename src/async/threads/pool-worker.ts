/**
 * One thread of a `ThreadExecutor`, from the outside: it is given one job at a time, and calls its pool when
 * the job is done or when the thread has ended.
 *
 *     idle ──give(job)──▶ busy ──answer──▶ idle          (an idle thread does not keep the process alive)
 *       └───────────exit─────┴──────────▶ gone           (its job is rejected)
 */
import type { Worker, WorkerOptions } from "node:worker_threads";
import { InvalidArgumentError, SquallError, type SquallErrorOptions } from "../../base/errors.js";
import { type AnswerMessage, type LateRejection, type TaskMessage, unpackThrown } from "./thread-protocol.js";

/** The thread that ran a task ended before the task did (`ERR_SQUALL_WORKER_DIED`). */
export class WorkerDiedError extends SquallError {
  static {
    this.prototype.name = "WorkerDiedError";
  }

  /** The thread's exit code. */
  readonly exitCode: number;

  constructor(task: string, exitCode: number, options?: SquallErrorOptions) {
    const why = options?.cause instanceof Error ? `: ${options.cause.message}${hintFor(options.cause)}` : "";
    super(
      "ERR_SQUALL_WORKER_DIED",
      `the thread that ran "${task}" ended with code ${exitCode} before the task was done${why}`,
      options,
    );
    this.exitCode = exitCode;
  }
}

/** What to do when the file that threads run is not beside this one: the program is a bundle. */
function hintFor({ message }: Error): string {
  if (!/thread-worker\.js/.test(message) || !/not ?found|cannot find/i.test(message)) return "";
  return " (a bundle lacks the files that threads run: leave squall out of it, as with --external:squall)";
}

/** A task as a worker sees it. */
export interface Job {
  readonly message: TaskMessage;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The pool that owns the workers. */
export interface WorkerOwner {
  /** The worker has finished its job and can be given another. */
  onIdle(worker: PoolWorker): void;
  /** A rejection that a task left unhandled came after its answer. */
  onLateRejection(task: string, error: unknown): void;
  /** The thread has ended by itself; `error` if an exception was not caught there. */
  onDeath(worker: PoolWorker, exitCode: number, error: unknown): void;
}

/**
 * Threads inherit the flags of the process, but a program given by `--eval` has one that no file can be run
 * with.
 */
function inheritedFlags(): WorkerOptions {
  return process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};
}

/** See the top of this file. */
export class PoolWorker {
  readonly #thread: Worker;
  readonly #owner: WorkerOwner;
  #job: Job | undefined = undefined;
  #uncaught: unknown = undefined;
  #ending = false;
  readonly #exited: Promise<void>;

  constructor(owner: WorkerOwner, href: string, options: WorkerOptions) {
    this.#owner = owner;
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    this.#thread = new Worker(new URL("./thread-worker.js", import.meta.url), {
      ...options,
      ...inheritedFlags(),
      workerData: { href },
    });
    this.#thread.on("message", (message: AnswerMessage | LateRejection) => this.#onMessage(message));
    this.#thread.on("messageerror", (error) => this.#finish((job) => job.reject(error)));
    this.#thread.on("error", (error) => {
      this.#uncaught = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#thread.on("exit", (code) => {
        this.#onExit(code);
        resolve();
      });
    });
  }

  /** Runs a job. Returns false, with the job rejected, if its arguments cannot cross into a thread. */
  give(job: Job): boolean {
    try {
      this.#thread.postMessage(job.message);
    } catch (error) {
      job.reject(
        new InvalidArgumentError(
          `the arguments of "${job.message.task}" cannot cross into a thread, where they are copied by structured clone`,
          { cause: error },
        ),
      );
      return false;
    }
    this.#job = job;
    this.#thread.ref();
    return true;
  }

  /** Lets the process end although the thread exists. */
  rest(): void {
    this.#thread.unref();
  }

  /**
   * Ends the thread now, whatever it is doing. The job that it had is rejected with `reason`, or forgotten
   * without one. Resolves when the thread is gone.
   */
  async end(reason?: Error): Promise<void> {
    this.#ending = true;
    const job = this.#job;
    this.#job = undefined;
    if (reason !== undefined) job?.reject(reason);
    await Promise.all([this.#thread.terminate(), this.#exited]);
  }

  #onMessage(answer: AnswerMessage | LateRejection): void {
    if ("lateTask" in answer) {
      this.#owner.onLateRejection(answer.lateTask, unpackThrown(answer.thrown));
      return;
    }
    if (answer.id !== this.#job?.message.id) return;
    this.#finish((job) => {
      if (answer.ok) job.resolve(answer.value);
      else job.reject(unpackThrown(answer.thrown));
    });
  }

  #finish(settle: (job: Job) => void): void {
    const job = this.#job;
    if (job === undefined) return;
    this.#job = undefined;
    settle(job);
    this.#owner.onIdle(this);
  }

  #onExit(exitCode: number): void {
    if (this.#ending) return;
    this.#ending = true;
    const job = this.#job;
    this.#job = undefined;
    const cause = this.#uncaught;
    job?.reject(new WorkerDiedError(job.message.task, exitCode, { cause }));
    this.#owner.onDeath(this, exitCode, job === undefined ? cause : undefined);
  }
}
