// Nanoseconds per call of a function, for the micro-benchmarks: the best of several short rounds.

/** Runs `work` (which does `calls` calls and returns something) until `milliseconds` have passed; prints ns per call. */
export function measure(name, calls, work, { rounds = 5, milliseconds = 60 } = {}) {
  let best = Infinity;
  let kept;
  for (let round = 0; round < rounds; round++) {
    let count = 0;
    const started = process.hrtime.bigint();
    let elapsed = 0;
    do {
      kept = work();
      count += calls;
      elapsed = Number(process.hrtime.bigint() - started);
    } while (elapsed < milliseconds * 1e6);
    best = Math.min(best, elapsed / count);
  }
  console.log(`${best.toFixed(0).padStart(9)} ns  ${name}`);
  // Handed out, so that the compiler cannot leave the work away.
  return kept;
}
