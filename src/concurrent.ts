/** Promises settled from outside, and work done elsewhere. Tornado: `tornado.concurrent`. */

export { CancelledError } from "./async/cancelled.js";
export { ReturnValueIgnoredError } from "./async/coroutine/callback-style.js";
export { DummyExecutor, dummyExecutor } from "./async/executor/dummy-executor.js";
export type { Executor, ShutdownOptions } from "./async/executor/executor.js";
export { WorkerDiedError } from "./async/executor/pool-worker.js";
export {
  type AsyncMethod,
  type RunOnExecutorOptions,
  runOnExecutor,
} from "./async/executor/run-on-executor.js";
export {
  type AnyTasks,
  ExecutorFullError,
  type TaskName,
  ThreadExecutor,
  type ThreadExecutorOptions,
} from "./async/executor/thread-executor.js";
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
