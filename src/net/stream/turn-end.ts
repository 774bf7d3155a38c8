/**
 * What many streams send in one turn of the loop leaves together at its end.
 *
 * A turn is one round of Node's loop: it hands out everything that has arrived on all sockets, one chunk after the
 * other. Writing each answer at once means going back and forth between application and kernel for each of them,
 * and waking a peer on this machine for each; first taking in all and then sending all, as Redis does, costs a
 * server under load about a tenth less (`bench/README.md`).
 *
 * An answer must not wait for the work of others. So what is due leaves early when the turn takes longer than
 * {@link MAX_DELAY}, looked at before each further chunk is taken in: an answer waits at most that long and for one
 * more chunk. Only what is sent while a chunk is being taken in waits at all.
 */
import type { IOLoop } from "../../async/ioloop.js";
import { appLog } from "../../base/log.js";

/** Milliseconds that the first of a turn's answers waits for the others. */
export const MAX_DELAY = 0.5;

/** Something that gathers what is sent until its turn ends. */
export interface TurnMember {
  /** Lets go what was gathered. An error is logged and keeps nobody else back. */
  endTurn(): void;
}

/** The members whose turn ends together; one for all streams of a server. */
export class TurnEnd {
  readonly #loop: IOLoop;
  readonly #flush: () => void;
  #due: TurnMember[] = [];
  #spare: TurnMember[] = [];
  /** When the first member of this turn came, in the loop's time. */
  #since = 0;

  constructor(loop: IOLoop) {
    this.#loop = loop;
    this.#flush = () => this.flush();
  }

  /** Ends the member's turn together with that of the others. `now` is the loop's time. */
  add(member: TurnMember, now: number): void {
    if (this.#due.length > 0 && now - this.#since > MAX_DELAY) this.flush();
    if (this.#due.length === 0) {
      this.#since = now;
      this.#loop.addCallback(this.#flush);
    }
    this.#due.push(member);
  }

  /** Ends the turn of all members now. */
  flush(): void {
    const due = this.#due;
    this.#due = this.#spare;
    for (const member of due) {
      try {
        member.endTurn();
      } catch (error) {
        appLog.exception("Uncaught exception sending what was gathered in a turn", error);
      }
    }
    due.length = 0;
    this.#spare = due;
  }
}
