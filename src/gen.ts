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
} from "./async/coroutine/callback-keys.js";
export { engine, ReturnValueIgnoredError, Task } from "./async/coroutine/callback-style.js";
export {
  type CoroutineResult,
  coroutine,
  isCoroutineFunction,
  maybeFuture,
  resultOf,
} from "./async/coroutine/coroutine.js";
export { moment } from "./async/coroutine/moment.js";
export { Multi, type MultiOptions, multi, multiFuture } from "./async/coroutine/multi.js";
export { WaitIterator } from "./async/coroutine/wait-iterator.js";
export { type Operation, type WithTimeoutOptions, withTimeout } from "./async/coroutine/with-timeout.js";
export {
  BadYieldError,
  type ConvertYielded,
  type CoroutineGenerator,
  convertYielded,
  type Registration,
  Return,
  type Yielded,
  type YieldedMatch,
} from "./async/coroutine/yieldable.js";
export type { ErrorClass, QuietExceptions } from "./async/report-error.js";
export { type SleepOptions, sleep } from "./async/timers/sleep.js";
export { TimeoutError } from "./base/errors.js";
