/** Coroutines: generator functions that wait, and tools for waiting. Tornado: `tornado.gen`. */

export {
  type CoroutineResult,
  coroutine,
  isCoroutineFunction,
  maybeFuture,
  resultOf,
} from "./async/coroutine/coroutine.js";
export { moment } from "./async/coroutine/moment.js";
export { Multi, type MultiOptions, multi, multiFuture } from "./async/coroutine/multi.js";
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
export {
  Arguments,
  CallbackKeys,
  KeyReuseError,
  LeakedCallbackError,
  UnknownKeyError,
} from "./async/legacy/callback-keys.js";
export { engine, ReturnValueIgnoredError, Task } from "./async/legacy/callback-style.js";
export type { ErrorClass, QuietExceptions } from "./async/report-error.js";
export { type SleepOptions, sleep } from "./async/waiting/sleep.js";
export { WaitIterator } from "./async/waiting/wait-iterator.js";
export { type Operation, type WithTimeoutOptions, withTimeout } from "./async/waiting/with-timeout.js";
export { TimeoutError } from "./base/errors.js";
