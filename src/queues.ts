/** Queues for coroutines. Tornado: `tornado.queues`. */

export { Queue, QueueEmpty, QueueFull, type QueueOptions } from "./async/sync/queue.js";
export {
  type Compare,
  LifoQueue,
  PriorityQueue,
  type PriorityQueueOptions,
} from "./async/sync/queue-kinds.js";
export type { WaitOptions } from "./async/wait-options.js";
