/**
 * The goodbyes of a server that stops. All its connections are told in one go, and most of the clients come
 * back at once; if thousands did so in one moment, the server that takes over would be flooded. So the
 * connections are closed in batches with a random pause between them.
 */
import type { IOLoop } from "../async/ioloop.js";

/** How many connections are closed at a time. */
const BATCH = 100;
/** The pause between two batches, in milliseconds: at least this, and at most twice as long. */
const PAUSE = 10;

/** A connection that is to be closed. */
export interface Leaving {
  /** Begins the closing handshake. */
  leave(): void;
}

/** The connections of a loop that wait for their goodbye. */
const waiting = new WeakMap<IOLoop, Leaving[]>();

function nextBatch(loop: IOLoop): void {
  const all = waiting.get(loop) ?? [];
  for (const connection of all.splice(0, BATCH)) connection.leave();
  if (all.length === 0) waiting.delete(loop);
  else loop.callLater(PAUSE * (1 + Math.random()), () => nextBatch(loop));
}

/** Closes a connection soon: the first ones of a loop in its next turn, others some batches later. */
export function leaveSoon(loop: IOLoop, connection: Leaving): void {
  const all = waiting.get(loop);
  if (all !== undefined) {
    all.push(connection);
    return;
  }
  waiting.set(loop, [connection]);
  loop.addCallback(() => nextBatch(loop));
}
