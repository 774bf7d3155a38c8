/** Queues for coroutines. Tornado: `tornado.queues`. */
export type { WaitOptions } from "./async/cancel.js";
export { Queue, QueueEmpty, QueueFull, type QueueOptions } from "./async/queue.js";
export { type Compare, LifoQueue, PriorityQueue, type PriorityQueueOptions } from "./async/queue-kinds.js";
