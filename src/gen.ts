/** Coroutines: generator functions that wait, and tools for waiting. Tornado: `tornado.gen`. */

export {
  Arguments,
  Callback,
  KeyReuseError,
  KeyTable,
  LeakedCallbackError,
  UnknownKeyError,
  Wait,
  WaitAll,
  YieldPoint,
} from "./async/callback-keys.js";
export { engine, ReturnValueIgnoredError, Task } from "./async/callback-style.js";
export {
  type CoroutineResult,
  coroutine,
  isCoroutineFunction,
  maybeFuture,
  resultOf,
} from "./async/coroutine.js";
export { moment } from "./async/moment.js";
export { Multi, type MultiOptions, multi, multiFuture } from "./async/multi.js";
export type { ErrorClass, QuietExceptions } from "./async/report-error.js";
export { type SleepOptions, sleep } from "./async/sleep.js";
export { WaitIterator } from "./async/wait-iterator.js";
export { type Operation, type WithTimeoutOptions, withTimeout } from "./async/with-timeout.js";
export {
  BadYieldError,
  type ConvertYielded,
  type CoroutineGenerator,
  convertYielded,
  type Registration,
  Return,
  type Yielded,
  type YieldedMatch,
} from "./async/yieldable.js";
export { TimeoutError } from "./base/errors.js";
