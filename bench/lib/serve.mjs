// What every Node server of the benchmarks does besides serving: tell its port, collect garbage when asked.

/** Tells the benchmark that the server is up. */
export function announce(port) {
  console.log(`listening ${port}`);
  process.on("message", async (message) => {
    if (message !== "collect") return;
    // Twice, with a turn of the event loop between: what finalizers let go of is garbage only after the first.
    for (let i = 0; i < 2; i++) {
      globalThis.gc?.();
      await new Promise(setImmediate);
    }
    process.send(process.memoryUsage());
  });
  // The benchmark is gone: so are we.
  process.on("disconnect", () => process.exit());
}
