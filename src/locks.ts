/** Locks for coroutines. Tornado: `tornado.locks`. */

export { Condition } from "./async/sync/condition.js";
export { Event } from "./async/sync/event.js";
export { Lock } from "./async/sync/lock.js";
export { ReleasingContext } from "./async/sync/releasing-context.js";
export { BoundedSemaphore, Semaphore, type SemaphoreOptions } from "./async/sync/semaphore.js";
export type { WaitOptions } from "./async/wait-options.js";
