// node bench/async/locks.bench.mjs: handing over by Queue and Lock beside a bare promise. Build first: npm run build.
import { Lock } from "../../dist/locks.js";
import { PriorityQueue, Queue } from "../../dist/queues.js";
import { measureAsync } from "./measure-async.mjs";

const N = 1000;

// The floor: two loops that hand one value to each other by promises made for it.
async function bareHandOver() {
  let give;
  const fresh = () =>
    new Promise((resolve) => {
      give = resolve;
    });
  let next = fresh();
  const consumer = (async () => {
    for (let i = 0; i < N; i++) {
      await next;
      next = fresh();
    }
  })();
  for (let i = 0; i < N; i++) {
    give(i);
    // The consumer needs one turn of the microtasks to come for the next.
    await null;
    await null;
  }
  await consumer;
}

const through = (queue) => async () => {
  const consumer = (async () => {
    for (let i = 0; i < N; i++) await queue.get();
  })();
  for (let i = 0; i < N; i++) await queue.put(i);
  await consumer;
};

const lock = new Lock();
async function lockAlone() {
  for (let i = 0; i < N; i++) {
    const held = await lock.acquire();
    held.release();
  }
}
async function lockContended() {
  const worker = async () => {
    for (let i = 0; i < N / 4; i++) {
      const held = await lock.acquire();
      await null;
      held.release();
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

await measureAsync("bare promise, hand-over", N, bareHandOver);
await measureAsync("Queue, unlimited, put and get", N, through(new Queue()));
await measureAsync("Queue of 1, put and get", N, through(new Queue(1)));
await measureAsync("PriorityQueue, put and get", N, through(new PriorityQueue()));
await measureAsync("Lock, acquire and release alone", N, lockAlone);
await measureAsync("Lock, acquire and release among four", N, lockContended);
