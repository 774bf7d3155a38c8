/**
 * One thread of a `ThreadExecutor`, from the outside: it is given one job at a time and tells its pool when the job is
 * over or when the thread itself is.
 *
 *     idle ──give(job)──▶ busy ──answer──▶ idle          (an idle thread does not keep the process alive)
 *       └───────────exit─────┴──────────▶ gone           (its job is rejected)
 */
import { Worker, type WorkerOptions } from "node:worker_threads";
import { InvalidArgumentError, SquallError, type SquallErrorOptions } from "../../base/errors.js";
import { type AnswerMessage, type TaskMessage, unpackThrown } from "./thread-protocol.js";

/** The thread that ran a task ended before the task did (`ERR_SQUALL_WORKER_DIED`). */
export class WorkerDiedError extends SquallError {
  static {
    this.prototype.name = "WorkerDiedError";
  }

  /** The thread's exit code. */
  readonly exitCode: number;

  constructor(task: string, exitCode: number, options?: SquallErrorOptions) {
    const why = options?.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(
      "ERR_SQUALL_WORKER_DIED",
      `the thread that ran "${task}" ended with code ${exitCode} before the task was done${why}`,
      options,
    );
    this.exitCode = exitCode;
  }
}

/** What a worker needs to know of a job. */
export interface Job {
  readonly message: TaskMessage;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Whoever owns workers. */
export interface WorkerOwner {
  /** The worker has finished its job and can be given another. */
  onIdle(worker: PoolWorker): void;
  /** The thread has ended by itself; `error` if something was thrown that nobody caught. */
  onDeath(worker: PoolWorker, exitCode: number, error: unknown): void;
}

/** Threads inherit the flags of the process, but a program given by `--eval` has one that no file can be run with. */
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
    this.#thread = new Worker(new URL("./thread-worker.js", import.meta.url), {
      ...options,
      ...inheritedFlags(),
      workerData: { href },
    });
    this.#thread.on("message", (message: AnswerMessage) => this.#onAnswer(message));
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

  /** Lets the process end although the thread is there. */
  rest(): void {
    this.#thread.unref();
  }

  /** Ends the thread now, whatever it is doing; the job it had is forgotten. Resolves when it is gone. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#job = undefined;
    await Promise.all([this.#thread.terminate(), this.#exited]);
  }

  #onAnswer(answer: AnswerMessage): void {
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
