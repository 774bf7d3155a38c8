/**
 * Several processes for one server, by `node:cluster`.
 *
 * Tornado forks: the children go on where the parent was. Node cannot; a worker runs the program from the
 * beginning, and {@link forkProcesses} is where the two part. In the primary process its promise stays
 * pending while it looks after the workers, and the process exits when they are done. In a worker it resolves
 * with the worker's number.
 *
 * - A worker that ends with status 0 by itself is done. One that ends otherwise is replaced, under its
 *   number, at once if it had lived for a while, else with a growing pause; after `maxRestarts` of those the
 *   primary gives up. One that another process stopped (`SIGTERM`) is replaced when it has finished, and does
 *   not count.
 * - `SIGTERM` or `SIGINT` to the primary stops everything gracefully: connections that wait in the system's
 *   queue are accepted, workers stop accepting, finish what they have, and exit with 0. A second signal ends
 *   them at once, also one that does not listen any more. Workers ignore `SIGINT`, which a terminal sends to
 *   the whole group.
 * - A worker ends when its primary is gone, also in an endless loop.
 * - Listening sockets belong to the primary (`socket-sharing.ts`): a worker that dies refuses no connection
 *   and loses none that it has not taken, and while there is no worker at all, connections wait.
 */
import type { Worker } from "node:cluster";
import { availableParallelism, constants } from "node:os";
import { IOLoop } from "../../async/ioloop.js";
import type { Timeout } from "../../async/timers/timeout.js";
import { InvalidStateError } from "../../base/errors.js";
import { appLog, genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkInteger, checkLimit } from "../../base/validate.js";
import { nodeCluster } from "./node-cluster.js";
import { RestartBudget, TooManyRestartsError } from "./restart-budget.js";
import { signalChild } from "./signal-child.js";
import { SocketSharing } from "./socket-sharing.js";
import { isOurs, SHARING, tellPrimary, type WorkerMessage } from "./worker-sockets.js";

/** Which number a worker has, in its environment. */
const TASK_ID = "SQUALL_TASK_ID";

/**
 * How long no worker takes anything of what the primary has accepted before the rest is given up and they get
 * `SIGTERM`, in milliseconds. A machine that is busy may need seconds for all of it.
 */
const HANDOVER_TIME = 1000;

/** How long a worker has after a second signal before it is killed, in milliseconds. */
const LAST_MOMENT = 500;

/** Options of {@link forkProcesses}. */
export interface ForkOptions {
  /**
   * How many workers may be replaced in all before the primary gives up; default 100, `Infinity` for no
   * limit.
   */
  readonly maxRestarts?: number | undefined;
}

const FORK_OPTIONS = optionNames<ForkOptions>({ maxRestarts: 1 });

/** How many processors there are for this process, at least 1. */
export function cpuCount(): number {
  return Math.max(1, availableParallelism());
}

/** The number of this worker, from 0 on; undefined in a process that {@link forkProcesses} did not make. */
export function taskId(): number | undefined {
  const id = process.env[TASK_ID];
  return id !== undefined && nodeCluster().isWorker ? Number(id) : undefined;
}

/** What a worker does before it ends. */
const drains: Set<() => unknown> = new Set();

/**
 * Registers what this process does between `SIGTERM` and its exit: stop accepting, finish requests. All run
 * at the same time. Returns the function that takes it away again.
 */
export function onWorkerStop(drain: () => unknown): () => void {
  drains.add(drain);
  return () => drains.delete(drain);
}

/**
 * Starts worker processes and looks after them; see the top of this file. `numProcesses` 0 or undefined is
 * one for each processor.
 *
 * In a worker, resolves with its number. In the primary, does not resolve: when all workers are done the
 * process exits with status 0; rejects with a {@link TooManyRestartsError} (the remaining workers are
 * stopped) when they fail too often.
 *
 * @throws InvalidStateError (as a rejection) in a process that something else has forked, or when called
 * twice
 */
export async function forkProcesses(
  numProcesses?: number | null | undefined,
  options: ForkOptions = {},
): Promise<number> {
  checkNames("option of forkProcesses()", options, FORK_OPTIONS);
  const count = checkInteger("numProcesses", numProcesses ?? 0, { min: 0 }) || cpuCount();
  const maxRestarts = checkLimit("maxRestarts", options.maxRestarts ?? 100);
  if (nodeCluster().isWorker) {
    const id = taskId();
    if (id === undefined)
      throw new InvalidStateError("this process is a worker of something else: it cannot fork");
    becomeWorker();
    return id;
  }
  if (supervising) throw new InvalidStateError("forkProcesses() was called before in this process");
  supervising = true;
  await new Supervisor(count, maxRestarts).run();
  process.exit(0);
}

let supervising = false;
let isWorkerReady = false;

/** Handles can be sent on Windows, too, but only to a process that is alive when they arrive. */
const CAN_SHARE = process.platform !== "win32";

/**
 * The program of the thread that watches for the end of the primary. It sleeps in `Atomics.wait`, so the loop
 * of the process may be blocked as long as it likes.
 */
const WATCH_PRIMARY = `
  const { workerData } = require("node:worker_threads");
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (process.ppid === workerData.primary) Atomics.wait(cell, 0, 0, workerData.interval);
  Atomics.wait(cell, 0, 0, workerData.grace);
  process.kill(process.pid, "SIGKILL");
`;

/**
 * Ends this process when its primary is gone. Node does so by itself as long as the loop turns; a thread does
 * when it does not turn any more, because then nothing else could stop the process.
 */
function endWithPrimary(): void {
  const { Worker: Thread } = process.getBuiltinModule("node:worker_threads");
  const watch = new Thread(WATCH_PRIMARY, {
    eval: true,
    workerData: { primary: process.ppid, interval: 1000, grace: 1000 },
    execArgv: [],
    resourceLimits: {
      maxOldGenerationSizeMb: 8,
      maxYoungGenerationSizeMb: 1,
      codeRangeSizeMb: 8,
      stackSizeMb: 1,
    },
  });
  watch.on("error", (error) => genLog.warning("the primary process is not watched: %s", error.message));
  watch.unref();
}

function becomeWorker(): void {
  if (isWorkerReady) return;
  isWorkerReady = true;
  endWithPrimary();
  let stopping = false;
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {
    tellPrimary({ squall: "stopping" });
    if (stopping) process.exit(128 + constants.signals.SIGTERM);
    stopping = true;
    void drainAll().then(() => process.exit(0));
  });
}

async function drainAll(): Promise<void> {
  const outcomes = await Promise.allSettled([...drains].map(async (drain) => drain()));
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") appLog.exception("error while a worker was stopping", outcome.reason);
  }
}

interface Member {
  readonly worker: Worker;
  readonly id: number;
  readonly bornAt: number;
  /** How many workers of this number in a row have lived shortly. */
  readonly failures: number;
  /** It has received `SIGTERM`. */
  isStopping: boolean;
}

/** The primary's side. */
class Supervisor {
  readonly #loop = IOLoop.current();
  readonly #count: number;
  readonly #budget: RestartBudget;
  readonly #members: Map<number, Member> = new Map();
  /** Restarts that wait a little. */
  readonly #paused: Set<Timeout> = new Set();
  readonly #sharing = new SocketSharing();
  #handover: Timeout | undefined;
  #lastMoment: Timeout | undefined;
  #stopping = false;
  #failure: Error | undefined;
  #settle: { resolve(): void; reject(error: Error): void } | undefined;
  readonly #onSignal = (): void => this.#signalled();

  constructor(count: number, maxRestarts: number) {
    this.#count = count;
    this.#budget = new RestartBudget(maxRestarts);
  }

  run(): Promise<void> {
    genLog.info("Starting %d processes", this.#count);
    process.on("SIGTERM", this.#onSignal);
    process.on("SIGINT", this.#onSignal);
    return new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
      for (let id = 0; id < this.#count; id++) this.#start(id, 0);
    });
  }

  #start(id: number, failures: number): void {
    const cluster = nodeCluster();
    const worker = cluster.fork({ [TASK_ID]: String(id), ...(CAN_SHARE ? { [SHARING]: "1" } : {}) });
    const member: Member = { worker, id, bornAt: this.#loop.time(), failures, isStopping: false };
    this.#members.set(id, member);
    worker.on("message", (message: unknown) => {
      if (!isOurs(message)) return;
      if (message.squall === "stopping") member.isStopping = true;
      else this.#sharing.receive(worker, message as WorkerMessage, member.isStopping || this.#stopping);
    });
    // The channel is closed before the exit is known; what the worker was handed need not wait for that.
    worker.on("disconnect", () => this.#sharing.forget(worker));
    worker.on("error", (error) => genLog.error("worker %d: %s", id, error.message));
    worker.on("exit", (code, signal) => this.#ended(member, code, signal as NodeJS.Signals | null));
  }

  #ended(member: Member, code: number | null, signal: NodeJS.Signals | null): void {
    this.#members.delete(member.id);
    this.#sharing.forget(member.worker);
    const pid = member.worker.process.pid ?? -1;
    const isDone = code === 0 && signal === null;
    if (this.#stopping || (isDone && !member.isStopping)) {
      if (!this.#stopping) genLog.info("worker %d (pid %d) exited normally", member.id, pid);
      this.#finishIfDone();
      return;
    }
    if (isDone) {
      genLog.warning(
        "worker %d (pid %d) was stopped by a signal and has finished, starting another",
        member.id,
        pid,
      );
      this.#start(member.id, 0);
      return;
    }
    const how = signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
    genLog.warning("worker %d (pid %d) %s, restarting", member.id, pid, how);
    const restart = this.#budget.next(this.#loop.time() - member.bornAt, member.failures);
    if (restart === undefined) {
      this.#failure = new TooManyRestartsError(this.#budget.maxRestarts);
      void this.#stopGracefully();
      return;
    }
    const { failures, pause } = restart;
    if (pause === 0) {
      this.#start(member.id, failures);
      return;
    }
    const timeout = this.#loop.callLater(pause, () => {
      this.#paused.delete(timeout);
      this.#start(member.id, failures);
    });
    this.#paused.add(timeout);
  }

  #signalled(): void {
    if (this.#stopping) this.#end();
    else void this.#stopGracefully();
  }

  /** The workers get what has been accepted, then `SIGTERM`. */
  async #stopGracefully(): Promise<void> {
    this.#cancelRestarts();
    this.#watchHandover();
    await this.#sharing.stop();
    if (this.#handover !== undefined) this.#loop.removeTimeout(this.#handover);
    this.#kill("SIGTERM");
    this.#finishIfDone();
  }

  #watchHandover(): void {
    const { taken } = this.#sharing;
    this.#handover = this.#loop.callLater(HANDOVER_TIME, () => {
      if (this.#sharing.taken === taken) this.#sharing.close();
      else this.#watchHandover();
    });
  }

  /** The second signal. */
  #end(): void {
    this.#sharing.close();
    this.#kill("SIGTERM");
    this.#lastMoment ??= this.#loop.callLater(LAST_MOMENT, () => this.#kill("SIGKILL"));
  }

  #cancelRestarts(): void {
    this.#stopping = true;
    for (const timeout of this.#paused) this.#loop.removeTimeout(timeout);
    this.#paused.clear();
  }

  #kill(signal: NodeJS.Signals): void {
    for (const { worker } of this.#members.values()) signalChild(worker.process, signal);
  }

  #finishIfDone(): void {
    if (this.#members.size > 0 || this.#paused.size > 0) return;
    if (this.#lastMoment !== undefined) this.#loop.removeTimeout(this.#lastMoment);
    this.#sharing.close();
    process.off("SIGTERM", this.#onSignal);
    process.off("SIGINT", this.#onSignal);
    if (this.#failure !== undefined) this.#settle?.reject(this.#failure);
    else this.#settle?.resolve();
  }
}
