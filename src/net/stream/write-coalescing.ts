/**
 * Write coalescing: what many streams send in one turn of the loop leaves together at its end.
 *
 * A turn is one round of Node's loop: it hands out everything that has arrived on all sockets, one chunk
 * after the other. Writing each answer at once means going back and forth between application and kernel for
 * each of them, and waking a peer on this machine for each; first taking in all and then sending all, as
 * Redis does, costs a server under load about a tenth less (`bench/README.md`).
 *
 * An answer must not wait for the work of others. So what is queued leaves early when the turn takes longer
 * than {@link MAX_DELAY}, which is checked before each further chunk is taken in: an answer waits at most
 * that long and for one more chunk. Only what is sent while a chunk is being taken in waits at all.
 *
 * All streams of a loop share one turn, whatever server or client they belong to.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { appLog } from "../../base/log.js";

/** Milliseconds that the first answer of a turn waits for the others. */
export const MAX_DELAY = 0.5;

/** How many places for members are kept from turn to turn. */
const MAX_KEPT = 1024;

/** Something that queues what is sent until its turn ends. */
export interface CoalescingMember {
  /** Sends what was queued. An error is logged and keeps no other member back. */
  endTurn(): void;
}

const byLoop: WeakMap<IOLoop, WriteCoalescing> = new WeakMap();

/** The members whose turn ends together: one object for each loop. */
export class WriteCoalescing {
  readonly #loop: IOLoop;
  readonly #flush: () => void;
  /** The first `#count` entries are members. Emptied, the array would let go of its memory in each turn. */
  #due: (CoalescingMember | undefined)[] = [];
  #spare: (CoalescingMember | undefined)[] = [];
  #count = 0;
  /** When the first member of this turn came, in the loop's time. */
  #since = 0;

  constructor(loop: IOLoop) {
    this.#loop = loop;
    this.#flush = () => this.flush();
  }

  /** The one that all streams of `loop` share. */
  static of(loop: IOLoop): WriteCoalescing {
    let coalescing = byLoop.get(loop);
    if (coalescing === undefined) {
      coalescing = new WriteCoalescing(loop);
      byLoop.set(loop, coalescing);
    }
    return coalescing;
  }

  /** Ends the member's turn together with that of the others. `now` is the loop's time. */
  add(member: CoalescingMember, now: number): void {
    if (this.#count > 0 && now - this.#since > MAX_DELAY) this.flush();
    if (this.#count === 0) {
      this.#since = now;
      this.#loop.addCallback(this.#flush);
    }
    if (this.#count === this.#due.length) this.#due.push(member);
    else this.#due[this.#count] = member;
    this.#count++;
  }

  /** Ends the turn of all members now. */
  flush(): void {
    const due = this.#due;
    const count = this.#count;
    this.#due = this.#spare;
    this.#count = 0;
    for (let at = 0; at < count; at++) {
      const member = due[at] as CoalescingMember;
      due[at] = undefined;
      try {
        member.endTurn();
      } catch (error) {
        appLog.exception("Uncaught exception sending what was queued in a turn", error);
      }
    }
    if (due.length > MAX_KEPT) due.length = MAX_KEPT;
    this.#spare = due;
  }
}
