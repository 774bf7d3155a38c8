// node --expose-gc bench/async/coroutine.bench.mjs: generator coroutines beside async functions, and what ten thousand
// that sleep hold in memory. Build first: npm run build.
import { coroutine, sleep } from "../../dist/gen.js";
import { measureAsync } from "./measure-async.mjs";

const STEPS = 100;
const resolved = Promise.resolve(1);

async function asyncSteps() {
  let sum = 0;
  for (let i = 0; i < STEPS; i++) sum += await resolved;
  return sum;
}

const generatorSteps = coroutine(function* generatorSteps() {
  let sum = 0;
  for (let i = 0; i < STEPS; i++) sum += yield resolved;
  return sum;
});

await measureAsync("async function, one await", STEPS, asyncSteps);
await measureAsync("coroutine, one yield of a promise", STEPS, generatorSteps);

async function asyncCall() {
  return await resolved;
}
const generatorCall = coroutine(function* generatorCall() {
  return yield resolved;
});
const calls = (call) => async () => {
  for (let i = 0; i < STEPS; i++) await call();
};
await measureAsync("call of an async function with one await", STEPS, calls(asyncCall));
await measureAsync("call of a coroutine with one yield", STEPS, calls(generatorCall));

const SLEEPERS = 10_000;
async function memoryOf(name, start) {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const controller = new AbortController();
  const all = Array.from({ length: SLEEPERS }, () => start(controller.signal));
  await new Promise(setImmediate);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / SLEEPERS;
  console.log(`${name.padEnd(48)} ${bytes.toFixed(0).padStart(8)} bytes each, of ${SLEEPERS}`);
  controller.abort();
  await Promise.allSettled(all);
}
const asyncSleeper = async (signal) => {
  await sleep(60_000, { signal });
};
const generatorSleeper = coroutine(function* generatorSleeper(signal) {
  yield sleep(60_000, { signal });
});
if (globalThis.gc === undefined) console.log("memory: run with --expose-gc for figures that mean something");
await memoryOf("sleeping async function", asyncSleeper);
await memoryOf("sleeping coroutine", generatorSleeper);
