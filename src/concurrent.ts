/** Promises settled from outside, and work done elsewhere. Tornado: `tornado.concurrent`. */
export { ReturnValueIgnoredError } from "./async/callback-style.js";
export { CancelledError } from "./async/cancelled.js";
export { DummyExecutor, dummyExecutor } from "./async/dummy-executor.js";
export type { Executor, ShutdownOptions } from "./async/executor.js";
export {
  chainFuture,
  type DoneCallback,
  FUTURES,
  Future,
  futureAddDoneCallback,
  futureSetExceptionUnlessCancelled,
  futureSetExcInfo,
  futureSetResultUnlessCancelled,
  isFuture,
} from "./async/future.js";
export { WorkerDiedError } from "./async/pool-worker.js";
export { type AsyncMethod, type RunOnExecutorOptions, runOnExecutor } from "./async/run-on-executor.js";
export {
  type AnyTasks,
  ExecutorFullError,
  type TaskName,
  ThreadExecutor,
  type ThreadExecutorOptions,
} from "./async/thread-executor.js";
