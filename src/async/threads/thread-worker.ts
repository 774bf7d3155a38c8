/**
 * The program of a worker thread of `ThreadExecutor`: loads the module of tasks and runs one task after the other, by
 * name. Only functions which that module exports (by name, or as members of its default export) can be called.
 */
import { parentPort, workerData } from "node:worker_threads";
import { pendingResult } from "../coroutine/yieldable.js";
import { type AnswerMessage, packThrown, type TaskMessage } from "./thread-protocol.js";

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

function answer(message: AnswerMessage): void {
  parentPort?.postMessage(message);
}

const { href } = workerData as { readonly href: string };
const loaded = loadTasks(href);
// A module that does not load fails each task that comes; by itself that must not end the thread.
loaded.catch(() => {});

parentPort?.on("message", async (message: TaskMessage) => {
  const { id } = message;
  try {
    answer({ id, ok: true, value: await runTask(await loaded, message, href) });
  } catch (error) {
    answer({ id, ok: false, thrown: packThrown(error) });
  }
});
