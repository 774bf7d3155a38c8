// addCallback beside setImmediate: many in one turn, and one in each turn.
// node bench/async/callbacks.bench.mjs   (after npm run build)
import { IOLoop } from "../../dist/ioloop.js";

const loop = IOLoop.current();
const add = (callback, argument) => loop.addCallback(callback, argument);

/** `width` callbacks at once, each adding itself again until `count` have run; the best of some rounds. */
async function measure(name, schedule, width, count) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const begin = performance.now();
    await new Promise((resolve) => {
      let left = count;
      const step = (argument) => {
        left -= 1;
        if (left >= width) schedule(step, argument);
        else if (left === 0) resolve();
      };
      for (let i = 0; i < width; i++) schedule(step, i);
    });
    best = Math.min(best, ((performance.now() - begin) * 1e6) / count);
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(0).padStart(6)} ns`);
}

console.log(`node ${process.version}`);
for (const width of [1, 10, 1000]) {
  const count = width === 1 ? 100_000 : 500_000;
  await measure(`addCallback,  ${width} in a turn`, add, width, count);
  await measure(`setImmediate, ${width} in a turn`, setImmediate, width, count);
}
loop.close();
