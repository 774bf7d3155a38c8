// What the programs in bench/clients share: so many loops that fetch one after the other, for so long, and what that
// cost this process. Usage: node CLIENT.mjs PORT CONNECTIONS SECONDS WARMUP; the last line printed is JSON.
import { memoryUsage } from "node:process";

const [port, connections, seconds, warmup] = process.argv.slice(2).map(Number);

export const url = `http://127.0.0.1:${port}/`;
export const limit = connections;

/** Runs the load: `once()` makes one request and resolves with how many octets or characters came. */
export async function drive(once) {
  const expected = await once();
  const run = async (ms) => {
    const end = performance.now() + ms;
    let count = 0;
    const loop = async () => {
      while (performance.now() < end) {
        if ((await once()) !== expected) throw new Error("an answer of another length");
        count++;
      }
    };
    await Promise.all(Array.from({ length: connections }, loop));
    return count;
  };
  await run(warmup * 1000);
  const before = process.cpuUsage();
  const began = performance.now();
  const requests = await run(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  const elapsed = (performance.now() - began) / 1000;
  console.log(
    JSON.stringify({
      requests,
      perSecond: requests / elapsed,
      cpu: (user + system) / requests,
      rss: memoryUsage.rss(),
    }),
  );
  process.exit(0);
}
