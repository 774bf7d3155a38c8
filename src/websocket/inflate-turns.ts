/**
 * Long messages are inflated in turns: 16 KB of zeros, compressed, stand for 16 MB, and a loop that inflated
 * them in one go would serve nobody else meanwhile. So a piece that makes more than {@link SLICE} bytes goes
 * on slice by slice, in the order in which the pieces came, one after the other; between two turns the loop
 * looks at its sockets and timers. What a turn may take is bounded for all connections together.
 *
 * A connection takes in nothing further while it waits for its turn, so messages stay in order and each has
 * one piece here at most.
 */
import type { IOLoop } from "../async/ioloop.js";

/** Bytes that are inflated at once, which takes less than a millisecond. */
export const SLICE = 262_144;
/** Slices in one turn of the loop. */
const SLICES_A_TURN = 4;

/** A piece that is being inflated. */
export interface InflateJob {
  /** Inflates about as many bytes; true when the piece is done, or is not wanted any more. */
  goOn(bytes: number): boolean;
  /** The piece is done: the connection goes on. */
  done(): void;
}

/** The pieces that wait on each loop. */
const waiting = new WeakMap<IOLoop, InflateJob[]>();

/** Goes on with a piece in the next turns of the loop. */
export function inflateInTurns(loop: IOLoop, job: InflateJob): void {
  const jobs = waiting.get(loop);
  if (jobs !== undefined) {
    jobs.push(job);
    return;
  }
  waiting.set(loop, [job]);
  loop.addCallback(() => turn(loop));
}

function turn(loop: IOLoop): void {
  const jobs = waiting.get(loop) ?? [];
  const count = Math.min(SLICES_A_TURN, jobs.length);
  try {
    for (let i = 0; i < count; i++) {
      // A job alone has the whole turn.
      const job = jobs.shift()!;
      if (job.goOn(SLICE * Math.floor(SLICES_A_TURN / count))) job.done();
      else jobs.push(job);
    }
  } finally {
    if (jobs.length === 0) waiting.delete(loop);
    else loop.addCallback(() => turn(loop));
  }
}
