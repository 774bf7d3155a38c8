// Timers: adding and removing one beside 100,000 that are pending, and moving a coarse deadline.
// node bench/async/timers.bench.mjs   (after npm run build)
import { Deadline } from "../../dist/async/timers/deadline.js";
import { IOLoop } from "../../dist/ioloop.js";

const PENDING = 100_000;
const ROUNDS = 5;
const loop = IOLoop.current();
const nothing = () => {};

/** The best of some rounds, in nanoseconds for one of `count` operations. */
function measure(name, count, run) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    run(count);
    best = Math.min(best, ((performance.now() - begin) * 1e6) / count);
  }
  console.log(`${name.padEnd(62)} ${best.toFixed(0).padStart(6)} ns`);
}

let seed = 1;
/** The same numbers in every run. */
const random = () => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return seed / 0x7fff_ffff;
};

console.log(`node ${process.version}`);
const addAndRemove = (count) => {
  for (let i = 0; i < count; i++) loop.removeTimeout(loop.callLater(30_000, nothing));
};
measure("callLater + removeTimeout, nothing else pending", 200_000, addAndRemove);
measure("setTimeout + clearTimeout, nothing else pending", 200_000, (count) => {
  for (let i = 0; i < count; i++) clearTimeout(setTimeout(nothing, 30_000));
});

const pending = Array.from({ length: PENDING }, () => loop.callLater(60_000 + random() * 60_000, nothing));
measure("callLater + removeTimeout (latest), 100,000 pending", 200_000, (count) => {
  for (let i = 0; i < count; i++) loop.removeTimeout(loop.callLater(200_000, nothing));
});
measure("callLater + removeTimeout (earliest), 100,000 pending", 200_000, addAndRemove);
measure("removing one of 100,000 at random and adding another", 200_000, (count) => {
  for (let i = 0; i < count; i++) {
    const at = Math.floor(random() * PENDING);
    loop.removeTimeout(pending[at]);
    pending[at] = loop.callLater(60_000 + random() * 60_000, nothing);
  }
});
measure("removing all of 100,000 and adding them again, each", PENDING, () => {
  for (const timeout of pending) loop.removeTimeout(timeout);
  for (let i = 0; i < PENDING; i++) pending[i] = loop.callLater(60_000 + random() * 60_000, nothing);
});
for (const timeout of pending) loop.removeTimeout(timeout);

const deadlines = Array.from({ length: 10_000 }, (_, i) => new Deadline(loop, nothing, i));
for (const deadline of deadlines) deadline.set(30_000);
measure("Deadline.set, 10,000 deadlines in turn", 2_000_000, (count) => {
  for (let i = 0; i < count; i++) deadlines[i % 10_000].set(30_000);
});
measure("Deadline.set with the time given", 2_000_000, (count) => {
  const now = loop.time();
  for (let i = 0; i < count; i++) deadlines[i % 10_000].set(30_000, now);
});
measure("Deadline.set + clear with the time given", 2_000_000, (count) => {
  const now = loop.time();
  for (let i = 0; i < count; i++) {
    const deadline = deadlines[i % 10_000];
    deadline.set(30_000, now);
    deadline.clear();
  }
});
measure("new Deadline + set + dispose", 500_000, (count) => {
  for (let i = 0; i < count; i++) {
    const deadline = new Deadline(loop, nothing, i);
    deadline.set(30_000);
    deadline.dispose();
  }
});
measure("setTimeout.refresh(), for comparison", 2_000_000, (count) => {
  const timer = setTimeout(nothing, 30_000);
  for (let i = 0; i < count; i++) timer.refresh();
  clearTimeout(timer);
});
loop.close();
