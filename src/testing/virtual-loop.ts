/**
 * A loop in virtual time, for tests.
 *
 *     test("gives up after a minute", () =>
 *       VirtualLoop.run(async (loop) => {
 *         await assert.rejects(withTimeout(60_000, new Promise(() => {})), TimeoutError);
 *         assert.equal(loop.time(), 60_000);
 *       }));
 */

import { IOLoop } from "../async/ioloop.js";
import type { Network } from "../async/network.js";
import { VirtualClock, type VirtualClockOptions } from "./virtual-clock.js";

/** Options of {@link VirtualLoop}. */
export interface VirtualLoopOptions extends VirtualClockOptions {
  /** Whether the loop becomes the thread's current one; default if there is none, as for `IOLoop`. */
  readonly makeCurrent?: boolean | undefined;
  /**
   * Where sockets come from, usually a `MemoryNetwork`; default Node's, which virtual time does not know of.
   */
  readonly network?: Network | undefined;
  /** A clock to share with another loop; default one of its own, made of these options. */
  readonly clock?: VirtualClock | undefined;
}

/** An {@link IOLoop} whose time jumps to the next deadline whenever all is idle. */
export class VirtualLoop extends IOLoop {
  declare readonly clock: VirtualClock;

  constructor(options: VirtualLoopOptions = {}) {
    super({
      makeCurrent: options.makeCurrent,
      network: options.network,
      clock: options.clock ?? new VirtualClock(options),
    });
  }

  /** See {@link VirtualClock.settle}. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** See {@link VirtualClock.advance}. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /**
   * Makes a virtual loop and runs `fn(loop, signal)` in it as `runSync()` does, so that it is the current
   * loop meanwhile. Afterwards the loop is closed and the former one is current again.
   */
  static async run<R>(
    fn: (loop: VirtualLoop, signal: AbortSignal) => R,
    options: VirtualLoopOptions = {},
  ): Promise<Awaited<R>> {
    const loop = new VirtualLoop({ ...options, makeCurrent: false });
    try {
      return (await loop.runSync((signal) => fn(loop, signal))) as Awaited<R>;
    } finally {
      loop.close();
    }
  }
}
