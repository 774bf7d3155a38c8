/**
 * Which loop is the thread's current one. The variable has a file of its own because the loop runs coroutines
 * and coroutines ask the loop for a turn: both depend on this file instead of on each other.
 *
 * A loop is the current one while `start()` or `runSync()` runs it. Runs of several loops may overlap and end
 * in any order, so each remembers which loop it put aside, as a linked list does:
 *
 *     (A) ◀─ run of B ◀─ run of C = current        when B's run ends first, C's run inherits A
 */

/** What the lowest files of this layer need of a loop; `IOLoop` is the whole. */
export interface LoopCore {
  /** Calls `callback` in the next iteration. */
  addCallback(callback: () => void): void;
}

/** One run of a loop, from its beginning to its end. */
interface Run {
  readonly loop: LoopCore;
  /** The loop to put back. */
  former: LoopCore | undefined;
}

let current: LoopCore | undefined;
/** The runs under way, the oldest first. */
const runs: Run[] = [];

/** The thread's current loop, or undefined if there is none. */
export function currentLoop(): LoopCore | undefined {
  return current;
}

/** Makes a loop the current one (undefined: none). Only `IOLoop` calls this. */
export function setCurrentLoop(loop: LoopCore | undefined): void {
  current = loop;
}

/**
 * Makes `loop` the current one for a run and returns the function that ends the run: the former loop is then
 * put back, unless another one was made current meanwhile.
 */
export function enterLoop(loop: LoopCore): () => void {
  const run: Run = { loop, former: current };
  runs.push(run);
  current = loop;
  return () => {
    const index = runs.indexOf(run);
    const later = runs[index + 1];
    runs.splice(index, 1);
    if (later !== undefined) {
      if (later.former === loop) later.former = run.former;
    } else if (current === loop) {
      current = run.former;
    }
  };
}

/** Takes a closed loop out: it is neither current any more nor ever put back. */
export function forgetLoop(loop: LoopCore): void {
  if (current === loop) current = undefined;
  for (const run of runs) if (run.former === loop) run.former = undefined;
}
