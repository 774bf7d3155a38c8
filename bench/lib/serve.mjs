// What every Node server of the benchmarks does besides serving: tell its port, collect garbage when asked.

/** Tells the benchmark that the server is up. `broadcast` sends a text to all connections, when asked so many times. */
export function announce(port, broadcast) {
  console.log(`listening ${port}`);
  process.on("message", async (message) => {
    if (message.text !== undefined) {
      for (let i = 0; i < message.times; i++) {
        broadcast(message.text);
        await new Promise(setImmediate);
      }
      return;
    }
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
