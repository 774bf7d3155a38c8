/** Promises settled from outside, and work done elsewhere. Tornado: `tornado.concurrent`. */

export { CancelledError } from "./async/cancelled.js";
export { DummyExecutor, dummyExecutor } from "./async/executor/dummy-executor.js";
export type { Executor, ShutdownOptions } from "./async/executor/executor.js";
export {
  type AsyncMethod,
  type RunOnExecutorOptions,
  runOnExecutor,
} from "./async/executor/run-on-executor.js";
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
export { ReturnValueIgnoredError } from "./async/legacy/callback-style.js";
export { WorkerDiedError } from "./async/threads/pool-worker.js";
export {
  type AnyTasks,
  ExecutorFullError,
  type TaskName,
  ThreadExecutor,
  type ThreadExecutorOptions,
} from "./async/threads/thread-executor.js";
