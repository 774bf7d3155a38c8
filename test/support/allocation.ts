/**
 * What a piece of work allocates, by the function that allocates it: V8's sampling heap profiler, told to count what was
 * collected as well. It counts bytes and not time, so that a busy machine changes nothing.
 */
import { type HeapProfiler, Session } from "node:inspector/promises";

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

function count(node: HeapProfiler.SamplingHeapProfileNode, found: Map<string, number>): void {
  const { url, functionName } = node.callFrame;
  const key = `${url}:${functionName}`;
  found.set(key, (found.get(key) ?? 0) + node.selfSize);
  for (const child of node.children) count(child, found);
}
