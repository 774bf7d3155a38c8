/** Servers with short tempers, networks with all faults, and what must be left of both in the end: nothing. */
import type { HTTPServer, HTTPServerOptions } from "squall/httpserver";
import { MemoryNetwork, type VirtualLoop } from "squall/testing";
import { pass } from "../../support/virtual-server.js";
import type { Random } from "./random.js";

/** No case may take longer than its longest timeouts one after the other, in virtual milliseconds. */
const LONGEST = 600_000;

/** The longest rest, wait or lingering of a connection whose application holds nothing back. */
const PATIENCE = 30_000;

/**
 * What an application holds back. That is its own time, which no timeout of a connection counts: a body of 500 octets
 * that it takes one by one, with half a second for each, keeps the connection for four minutes, also when the client
 * has left.
 */
export class Holds {
  readonly #loop: VirtualLoop;
  #pending = 0;
  /** Beginnings and ends. */
  #changes = 0;
  /** How long something was held back, all in all. */
  total = 0;

  constructor(loop: VirtualLoop) {
    this.#loop = loop;
  }

  /** Holds something back for `ms` milliseconds. */
  async hold(ms: number): Promise<void> {
    this.#pending++;
    this.#changes++;
    this.total += ms;
    await pass(this.#loop, ms);
    this.#pending--;
    this.#changes++;
  }

  /** Waits until nothing has been held back for `ms` milliseconds. */
  async quiet(ms: number): Promise<void> {
    let before: number;
    do {
      before = this.#changes;
      await pass(this.#loop, ms);
    } while (this.#pending > 0 || this.#changes > before);
  }
}

/** Limits and times of all sizes. */
export function serverOptions(random: Random): HTTPServerOptions {
  return {
    headerTimeout: random.pick([1000, 10_000]),
    idleTimeout: random.pick([500, 5000]),
    bodyStallTimeout: random.pick([700, 5000]),
    bodyTimeout: random.pick([Number.POSITIVE_INFINITY, 3000]),
    writeStallTimeout: random.pick([500, 5000]),
    halfClosedTimeout: random.pick([500, 5000]),
    drainTimeout: random.pick([200, 2000]),
    drainSize: random.pick([0, 10, 262_144]),
    maxPipelinedSize: random.pick([0, 50, 65_536]),
    chunkSize: random.pick([1, 20, 65_536]),
    maxRequests: random.pick([1, 3, Number.POSITIVE_INFINITY]),
    maxBodySize: random.pick([10, 1000, 100_000]),
    noKeepAlive: random.chance(0.1),
    decompressRequest: random.chance(0.2),
  };
}

/** A network with latency, small pieces, small buffers or losses. */
export function makeNetwork(random: Random): MemoryNetwork {
  const latency = random.weighted({ none: 3, some: 1, varying: 1 });
  return new MemoryNetwork({
    latency: latency === "none" ? 0 : latency === "some" ? 7 : () => random.below(30),
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 1000, 13]),
    bufferSize: random.pick([100, 5000, 262_144]),
    lossRate: random.chance(0.1) ? 0.1 : 0,
    seed: random.below(1e9),
  });
}

/** Ends everything, waits, and tells what is left. */
export async function checkNothingIsLeft(
  server: HTTPServer,
  network: MemoryNetwork,
  loop: VirtualLoop,
  random: Random,
  holds: Holds,
  problem: (text: string) => void,
): Promise<void> {
  // Whoever rests, waits or lingers gets the time for it.
  if (random.chance(0.5)) {
    await holds.quiet(PATIENCE);
    // Who is held back by a full pipeline is not read, so its end is not noticed before the answer that it waits for.
    const isNoticed = server.connParams.maxPipelinedSize > 1000;
    const left = server.connections;
    if (left !== 0 && isNoticed) problem(`${left} connections outlive their clients and all timeouts`);
  }
  await server.stop();
  const report = await server.closeAllConnections({ timeout: random.pick([0, 1000]) });
  // All coarse deadlines are the connections' own, and none outlives its connection.
  loop.tidyTimers();
  if (loop.timers.wheel.nextTime !== Number.POSITIVE_INFINITY) problem("a deadline outlives its connection");
  await pass(loop, 25_000);
  if (report.idle + report.finished + report.aborted < 0) problem("a negative report");
  if (server.connections !== 0) problem(`${server.connections} connections are left`);
  if (network.pending !== 0) problem(`${network.pending} deliveries are pending`);
  if (network.openSockets !== 0) problem(`${network.openSockets} sockets are open`);
  loop.tidyTimers();
  if (loop.timers.size !== 0) problem(`${loop.timers.size} timers are left`);
  if (loop.time() > LONGEST + holds.total) problem(`it took ${loop.time()} virtual milliseconds`);
}
