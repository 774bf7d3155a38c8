/**
 * Which loop is the thread's current one. The variable lives apart from `IOLoop` because the loop runs coroutines and
 * coroutines ask the loop for a turn: both lean on this file instead of on each other.
 */

/** What the lowest files of this layer need of a loop; `IOLoop` is the whole. */
export interface LoopCore {
  /** Calls `callback` in the next iteration. */
  addCallback(callback: () => void): void;
}

let current: LoopCore | undefined;

/** The thread's current loop, or undefined if nobody has made one yet. */
export function currentLoop(): LoopCore | undefined {
  return current;
}

/** Makes a loop the current one (undefined: none). Only `IOLoop` calls this. */
export function setCurrentLoop(loop: LoopCore | undefined): void {
  current = loop;
}
