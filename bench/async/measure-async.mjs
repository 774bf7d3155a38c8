// Times an asynchronous body: warmed up, then the median of some rounds.
const ROUNDS = 9;
const ROUND_MS = 100;

async function round(body) {
  const start = performance.now();
  let count = 0;
  do {
    await body();
    count++;
  } while (performance.now() - start < ROUND_MS);
  return (performance.now() - start) / count;
}

/** Prints how many nanoseconds one of the `n` steps of `body` takes. */
export async function measureAsync(name, n, body) {
  await round(body);
  const times = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await round(body));
  times.sort((a, b) => a - b);
  const nanoseconds = (times[Math.floor(ROUNDS / 2)] / n) * 1e6;
  console.log(`${name.padEnd(48)} ${nanoseconds.toFixed(1).padStart(8)} ns`);
}
