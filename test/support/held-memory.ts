/** What the process holds: bytes of the heap and of array buffers after a collection. */

/** For tests that measure: without `--expose-gc` they are skipped. */
export const canCollect = { skip: globalThis.gc === undefined ? "run with --expose-gc" : false };

/** See the head of this file. */
export function heldMemory(): number {
  // Twice: what the first run lets go may hold memory outside of the heap.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  // Bun counts array buffers in the heap as well, and Deno with what else is outside of it.
  if ("Bun" in globalThis) return heapUsed;
  return heapUsed + ("Deno" in globalThis ? external : arrayBuffers);
}
