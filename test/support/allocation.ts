/**
 * What a piece of work allocates, by the function that allocates it: V8's sampling heap profiler, told to count what was
 * collected as well. It counts bytes and not time, so that a busy machine changes nothing.
 */
import assert from "node:assert/strict";
import { type HeapProfiler, Session } from "node:inspector/promises";
import type { TestContext } from "node:test";

/** Bytes between two samples, on average: small enough that 20,000 requests give thousands of them. */
const SAMPLING_INTERVAL = 4096;

/** Bytes by `file:function`, as V8 names them; the file is the URL of the module. */
export type Allocation = ReadonlyMap<string, number>;

/** Runs `work` and says what it has allocated. */
export async function allocationOf(work: () => Promise<void>): Promise<Allocation> {
  const session = new Session();
  session.connect();
  try {
    await session.post("HeapProfiler.startSampling", {
      samplingInterval: SAMPLING_INTERVAL,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    await work();
    const { profile } = await session.post("HeapProfiler.stopSampling");
    const found = new Map<string, number>();
    count(profile.head, found);
    return found;
  } finally {
    session.disconnect();
  }
}

/** Rounds at most. V8's tiers allocate differently, and on a busy machine it compiles late: that only ever adds. */
const ROUNDS = 5;

/**
 * Asserts that one of `each` pieces of work allocates at most `bound` bytes in functions of the package, its network in
 * memory left out. The least of a few rounds counts; the first that is within the bound is the last.
 */
export async function assertAllocates(
  t: TestContext,
  bound: number,
  each: number,
  work: (count: number) => Promise<void>,
): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  let largest: string[] = [];
  for (let round = 0; round < ROUNDS && least > bound; round++) {
    const all = await allocationOf(() => work(each));
    const ours = [...all].filter(([key]) => key.includes("/dist/") && !key.includes("/dist/testing/"));
    const bytes = ours.reduce((sum, [, size]) => sum + size, 0) / each;
    if (bytes >= least) continue;
    least = bytes;
    largest = ours
      .sort((a, b) => b[1] - a[1])
      .slice(0, 12)
      .map(([key, size]) => `${Math.round(size / each)} ${key.replace(/^.*\/dist\//, "")}`);
  }
  t.diagnostic(`${Math.round(least)} bytes each`);
  assert.ok(least <= bound, `${Math.round(least)} bytes each; most of them in\n${largest.join("\n")}`);
}

function count(node: HeapProfiler.SamplingHeapProfileNode, found: Map<string, number>): void {
  const { url, functionName } = node.callFrame;
  const key = `${url}:${functionName}`;
  found.set(key, (found.get(key) ?? 0) + node.selfSize);
  for (const child of node.children) count(child, found);
}
