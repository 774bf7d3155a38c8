/**
 * The program of a worker thread of `ThreadExecutor`: loads the module of tasks and runs one task after the
 * other, by name. Only functions which that module exports (by name, or as members of its default export) can
 * be called.
 *
 * A rejection that a task leaves unhandled belongs to that task, even if another one runs by then: each task
 * runs in an asynchronous context of its own. A task that is not answered yet fails with the rejection; a
 * later one is reported.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { pendingResult } from "../coroutine/yieldable.js";
import { type AnswerMessage, type LateRejection, packThrown, type TaskMessage } from "./thread-protocol.js";

type Tasks = Readonly<Record<string, unknown>> & { readonly default?: unknown };

async function loadTasks(href: string): Promise<Tasks> {
  const module = (await import(href)) as Tasks;
  const fallback = module.default;
  const members = typeof fallback === "object" && fallback !== null ? fallback : {};
  return Object.assign(Object.create(null) as object, members, module);
}

async function runTask(tasks: Tasks, { task, args }: TaskMessage, href: string): Promise<unknown> {
  const run = tasks[task];
  if (typeof run !== "function") {
    const names = Object.keys(tasks).filter((name) => typeof tasks[name] === "function");
    throw new TypeError(`${href} exports no function "${task}", only: ${names.join(", ") || "none at all"}`);
  }
  const result: unknown = (run as (...args: unknown[]) => unknown)(...args);
  return pendingResult(result) ?? result;
}

function post(message: AnswerMessage | LateRejection): void {
  parentPort?.postMessage(message);
}

/** A task from its arrival to the last thing that it leaves behind. */
class RunningTask {
  readonly message: TaskMessage;
  #answered = false;

  constructor(message: TaskMessage) {
    this.message = message;
  }

  succeed(value: unknown): void {
    if (this.#answered) return;
    post({ id: this.message.id, ok: true, value });
    this.#answered = true;
  }

  fail(reason: unknown): void {
    const { id, task } = this.message;
    const thrown = packThrown(reason);
    post(this.#answered ? { lateTask: task, thrown } : { id, ok: false, thrown });
    this.#answered = true;
  }
}

const { href } = workerData as { readonly href: string };
const context = new AsyncLocalStorage<RunningTask>();
const loaded = loadTasks(href);
// A module that does not load fails each task that comes; by itself that must not end the thread.
loaded.catch(() => {});

/** The task that was called last, where the report of a rejection comes without its context, as in Bun. */
let latest: RunningTask | undefined;
const REPORTS_LACK_CONTEXT = "bun" in process.versions;

process.on("unhandledRejection", (reason) => {
  const task = context.getStore() ?? (REPORTS_LACK_CONTEXT ? latest : undefined);
  // A rejection of the module itself ends the thread, as it would end a program.
  if (task === undefined) throw reason;
  task.fail(reason);
});

parentPort?.on("message", async (message: TaskMessage) => {
  const task = new RunningTask(message);
  try {
    const tasks = await loaded;
    latest = task;
    const value = await context.run(task, () => runTask(tasks, message, href));
    // Node reports unhandled rejections at the end of a turn: what the task leaves behind comes before its
    // answer.
    await new Promise(setImmediate);
    task.succeed(value);
  } catch (error) {
    task.fail(error);
  }
});
