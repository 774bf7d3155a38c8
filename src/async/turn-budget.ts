/**
 * Turns of the loop for those who write without ever waiting.
 *
 * A write to a peer that keeps pace has room at once. A coroutine that writes in a loop and awaits each write
 * would then go on from one resolved promise to the next, and the loop would never come round: no timer
 * fires, no other connection is served, and the end of this very peer is not seen. So all writers of a loop
 * share a budget. What they write at once is taken from it; when it is spent, the promise of the next writes
 * is that of the loop's next turn, which fills the budget again.
 *
 * The count needs no clock and is not set back by turns in between: those who write a little wait for one
 * turn in a hundred writes or so, which costs less than to notice each turn.
 */

import type { LoopCore } from "./current-loop.js";
import { RESOLVED } from "./deferred.js";

/** What may be written between two turns, in bytes: the kernel takes it in a fraction of a millisecond. */
const BUDGET = 524_288;

/** What a write costs besides its bytes, as a number of them: at most 128 writes between two turns. */
const EACH = 4096;

const byLoop: WeakMap<LoopCore, TurnBudget> = new WeakMap();

/** The budget that all writers of a loop share. */
export class TurnBudget {
  readonly #loop: LoopCore;
  #spent = 0;
  #turn: Promise<void> | undefined = undefined;

  constructor(loop: LoopCore) {
    this.#loop = loop;
  }

  /** The one of `loop`. */
  static of(loop: LoopCore): TurnBudget {
    let budget = byLoop.get(loop);
    if (budget === undefined) {
      budget = new TurnBudget(loop);
      byLoop.set(loop, budget);
    }
    return budget;
  }

  /** The promise of the next turn while the budget is spent, else undefined. */
  get turn(): Promise<void> | undefined {
    return this.#turn;
  }

  /** Takes a write of so many bytes. Returns {@link RESOLVED}, or the promise of the next turn. */
  spend(bytes: number): Promise<void> {
    this.#spent += bytes + EACH;
    return this.#spent <= BUDGET ? RESOLVED : this.#nextTurn();
  }

  #nextTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) => {
      this.#loop.addCallback(() => {
        this.#spent = 0;
        this.#turn = undefined;
        resolve();
      });
    });
    return this.#turn;
  }
}
