/** Locks for coroutines. Tornado: `tornado.locks`. */
export type { WaitOptions } from "./async/cancel.js";
export { Condition } from "./async/condition.js";
export { Event } from "./async/event.js";
export { Lock } from "./async/lock.js";
export { ReleasingContext } from "./async/releasing-context.js";
export { BoundedSemaphore, Semaphore, type SemaphoreOptions } from "./async/semaphore.js";
