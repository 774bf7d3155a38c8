/**
 * The workers of a container, and the requests that wait for one.
 *
 *     new ── start() ──► starting ──► running ── stop() ──► stopped
 *     starting ── a worker cannot load the application ──► failed
 *     running  ── workers failed too often ──► failed ── start() ──► starting
 *
 * A request takes a free thread of the worker with the least to do; else it waits in line, as long as the
 * line and its patience allow. A worker that ends by itself is replaced (`restart-budget.ts`); one whose
 * request is overdue makes room for another at once and is killed when the rest of its requests are done.
 */
import { Deferred } from "../../async/deferred.js";
import type { IOLoop } from "../../async/ioloop.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { Deque } from "../../base/deque.js";
import { InvalidStateError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { RestartBudget, TooManyRestartsError } from "../../net/process/restart-budget.js";
import type { WorkerChannel } from "./channel.js";
import type { WSGIStartError } from "./errors.js";
import type { WSGISettings } from "./options.js";
import {
  checkFolders,
  howEnded,
  type LaunchWorker,
  launchPython,
  Worker,
  type WorkerOwner,
} from "./worker.js";

/** A request that wants a channel. Exactly one of the two is called, once, unless it leaves the line. */
export interface Applicant {
  /** Takes the channel, on which an exchange must begin at once. */
  onChannel(channel: WorkerChannel): void;
  /** There is none; the status to answer with, which is 503. */
  onRefused(reason: "full" | "late" | "stopped" | "failed"): void;
}

interface Place {
  readonly applicant: Applicant;
  readonly timer: Timeout | undefined;
}

/** See the head of this file. */
export class WorkerPool implements WorkerOwner {
  readonly settings: WSGISettings;
  readonly #loop: IOLoop;
  readonly #launch: LaunchWorker;
  readonly #workers = new Set<Worker>();
  readonly #line = new Deque<Place>();
  readonly #pauses = new Set<Timeout>();
  #budget: RestartBudget;
  #state: "new" | "starting" | "running" | "failed" | "stopped" = "new";
  #started: Deferred | undefined = undefined;
  #stopped: Deferred | undefined = undefined;
  #startError: WSGIStartError | undefined = undefined;
  /** Requests are waited for no longer. */
  #cutOff: Timeout | undefined = undefined;

  constructor(settings: WSGISettings, launch: LaunchWorker = launchPython) {
    this.settings = settings;
    this.#loop = settings.ioLoop;
    this.#launch = launch;
    this.#budget = new RestartBudget(settings.maxRestarts);
  }

  /** The process ids of the workers. */
  get pids(): number[] {
    return [...this.#workers].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** How many requests wait for a thread. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Resolves when all workers are ready; rejects with a {@link WSGIStartError}, and may be called again then.
   */
  async start(): Promise<void> {
    if (this.#state === "running" || this.#state === "starting") return await this.#started?.promise;
    if (this.#state === "stopped") throw new InvalidStateError("the container has been stopped");
    if (this.#state === "new") this.#state = "failed";
    checkFolders(this.settings);
    this.#state = "starting";
    this.#startError = undefined;
    this.#budget = new RestartBudget(this.settings.maxRestarts);
    this.#started = new Deferred().quiet();
    const { promise } = this.#started;
    for (let count = 0; count < this.settings.workers; count++) this.#add(0);
    return await promise;
  }

  /**
   * Gives the applicant a channel, now or later, or refuses it. Starts the workers if that has not been done.
   */
  apply(applicant: Applicant): void {
    const isOver = this.#state === "stopped" || this.#state === "failed";
    const channel = isOver ? undefined : this.#freeChannel();
    if (channel !== undefined) applicant.onChannel(channel);
    else if (isOver) applicant.onRefused(this.#state as "stopped" | "failed");
    else if (this.#line.length >= this.settings.maxQueue) applicant.onRefused("full");
    else this.#standInLine(applicant);
  }

  #standInLine(applicant: Applicant): void {
    const { queueTimeout } = this.settings;
    const timer =
      queueTimeout === Number.POSITIVE_INFINITY
        ? undefined
        : this.#loop.callLater(queueTimeout, () => {
            if (this.#line.remove(place)) applicant.onRefused("late");
          });
    const place: Place = { applicant, timer };
    this.#line.push(place);
    if (this.#state === "new") {
      this.start().catch((error: unknown) => {
        if (this.#state !== "stopped")
          genLog.exception("%s cannot be started", this.settings.application, error);
      });
    }
  }

  /** The applicant does not want a channel any more. */
  leave(applicant: Applicant): void {
    for (const place of this.#line) {
      if (place.applicant !== applicant) continue;
      this.#line.remove(place);
      if (place.timer !== undefined) this.#loop.removeTimeout(place.timer);
      return;
    }
  }

  /**
   * Refuses new requests, waits up to `timeout` milliseconds for those that run or wait, and ends the
   * workers. Resolves when they are gone. A second call may shorten the time.
   */
  stop(timeout: number): Promise<void> {
    if (this.#state === "starting") this.#started?.reject(new InvalidStateError("the container was stopped"));
    this.#state = "stopped";
    this.#stopped ??= new Deferred();
    for (const pause of this.#pauses) this.#loop.removeTimeout(pause);
    this.#pauses.clear();
    if (this.#cutOff !== undefined) this.#loop.removeTimeout(this.#cutOff);
    this.#cutOff = undefined;
    if (timeout === 0) this.#end();
    else if (timeout !== Number.POSITIVE_INFINITY) {
      this.#cutOff = this.#loop.callLater(timeout, () => this.#end());
    }
    // Without a worker that could serve them, those in line wait for nothing.
    if (![...this.#workers].some((worker) => worker.isReady)) this.#refuseAll("stopped");
    this.#retireIfDone();
    return this.#stopped.promise;
  }

  onReady(worker: Worker): void {
    if (this.#state === "stopped" && this.#line.length === 0) {
      worker.retire();
      return;
    }
    genLog.info("worker of %s (pid %d) is ready", this.settings.application, worker.pid);
    for (const channel of worker.channels) this.onIdle(channel);
    if (this.#state === "starting" && this.#readyCount() === this.settings.workers) {
      this.#state = "running";
      this.#started?.resolve();
    }
  }

  onIdle(channel: WorkerChannel): void {
    const place = this.#line.shift();
    if (place === undefined) {
      if (this.#state === "stopped") this.#retireIfDone();
      return;
    }
    if (place.timer !== undefined) this.#loop.removeTimeout(place.timer);
    place.applicant.onChannel(channel);
  }

  onOverdue(channel: WorkerChannel): void {
    const worker = [...this.#workers].find(({ channels }) => channels.includes(channel));
    if (worker === undefined) return;
    genLog.error(
      "%s took longer than %s ms for a request; its worker (pid %d) is replaced",
      this.settings.application,
      this.settings.requestTimeout,
      worker.pid,
    );
    const isFirst = worker.isReady;
    worker.overdue();
    if (isFirst && this.#state !== "stopped") this.#add(0);
  }

  onGone(worker: Worker, status: number, error: WSGIStartError | undefined): void {
    this.#workers.delete(worker);
    if (this.#state === "stopped") {
      if (this.#workers.size === 0) this.#finishStop();
      return;
    }
    if (this.#state === "starting") {
      this.#failStart(error, worker, status);
      return;
    }
    if (this.#state !== "running" || worker.isExpected) return;
    if (error !== undefined) genLog.error("%s", error.message);
    else {
      genLog.warning(
        "worker of %s (pid %d) %s, restarting",
        this.settings.application,
        worker.pid,
        howEnded(status),
      );
    }
    const restart = this.#budget.next(this.#loop.time() - worker.bornAt, worker.failures);
    if (restart === undefined) {
      this.#giveUp();
      return;
    }
    if (restart.pause === 0) {
      this.#add(restart.failures);
      return;
    }
    const pause = this.#loop.callLater(restart.pause, () => {
      this.#pauses.delete(pause);
      this.#add(restart.failures);
    });
    this.#pauses.add(pause);
  }

  #add(failures: number): void {
    this.#workers.add(new Worker(this, this.#launch, failures));
  }

  #readyCount(): number {
    let count = 0;
    for (const worker of this.#workers) if (worker.isReady) count++;
    return count;
  }

  #freeChannel(): WorkerChannel | undefined {
    let free: WorkerChannel | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const worker of this.#workers) {
      if (!worker.isReady) continue;
      const { busy } = worker;
      if (busy >= least) continue;
      const channel = worker.channels.find(({ isIdle }) => isIdle);
      if (channel === undefined) continue;
      free = channel;
      least = busy;
    }
    return free;
  }

  /** One worker that cannot load the application says enough: the others are ended. */
  #failStart(error: WSGIStartError | undefined, worker: Worker, status: number): void {
    this.#startError ??= error ?? worker.endedError(status);
    for (const other of this.#workers) other.kill();
    if (this.#workers.size > 0) return;
    this.#state = "failed";
    this.#started?.reject(this.#startError);
    this.#refuseAll("failed");
  }

  #giveUp(): void {
    this.#state = "failed";
    genLog.exception(
      "%s answers no more requests",
      this.settings.application,
      new TooManyRestartsError(this.settings.maxRestarts),
    );
    for (const worker of this.#workers) worker.retire();
    this.#refuseAll("failed");
  }

  #refuseAll(reason: "stopped" | "failed"): void {
    for (let place = this.#line.shift(); place !== undefined; place = this.#line.shift()) {
      if (place.timer !== undefined) this.#loop.removeTimeout(place.timer);
      place.applicant.onRefused(reason);
    }
  }

  #retireIfDone(): void {
    if (this.#workers.size === 0) this.#finishStop();
    if (this.#line.length > 0) return;
    for (const worker of this.#workers) worker.retire();
  }

  /** The time is over. */
  #end(): void {
    this.#refuseAll("stopped");
    for (const worker of this.#workers) worker.kill();
  }

  #finishStop(): void {
    if (this.#cutOff !== undefined) this.#loop.removeTimeout(this.#cutOff);
    this.#cutOff = undefined;
    this.#stopped?.resolve();
  }
}
