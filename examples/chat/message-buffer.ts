/**
 * What was said lately, for readers who come back with a cursor.
 *
 * Messages are numbered from 1. A cursor names a buffer and the last number its reader has seen, so that a cursor
 * from before a restart is recognised: the numbers began anew, and the reader is told so.
 */
import { randomBytes } from "node:crypto";
import { Condition } from "squall/locks";

/** What somebody says. `id` is made by the writer: saying the same thing twice (after a lost answer) adds it once. */
export interface Draft {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** A draft that has been said: with its number, and the time in milliseconds since 1970. */
export interface Message extends Draft {
  readonly n: number;
  readonly at: number;
}

/** An answer to "what came after this cursor?". */
export interface Page {
  readonly messages: readonly Message[];
  /** The cursor to ask with next. */
  readonly cursor: string;
  /** The reader's cursor is from another life of the server. */
  readonly restarted: boolean;
  /** More came than the buffer holds; the oldest are gone. */
  readonly missed: boolean;
}

/** The last messages, and a way to wait for the next one. */
export class MessageBuffer {
  readonly #life = randomBytes(6).toString("hex");
  readonly #size: number;
  readonly #messages: Message[] = [];
  readonly #news = new Condition();
  #last = 0;
  #closed = false;

  /** Keeps the last `size` messages. */
  constructor(size = 200) {
    this.#size = size;
  }

  /** Adds a message and wakes who waits for one. A draft whose id is known already changes nothing. */
  add(draft: Draft): Message {
    const known = this.#messages.findLast((message) => message.id === draft.id);
    if (known !== undefined) return known;
    const message = { n: ++this.#last, at: Date.now(), ...draft };
    this.#messages.push(message);
    if (this.#messages.length > this.#size) this.#messages.shift();
    this.#news.notifyAll();
    return message;
  }

  /** What came after the cursor; everything there is for an empty, foreign or broken one. */
  after(cursor: string): Page {
    const [life, number = ""] = cursor.split(".");
    const ours = life === this.#life && /^\d{1,15}$/.test(number);
    const seen = ours ? Number(number) : 0;
    const messages = this.#messages.filter((message) => message.n > seen);
    return {
      messages,
      cursor: `${this.#life}.${this.#last}`,
      restarted: cursor !== "" && !ours,
      missed: ours && seen < this.#last - messages.length,
    };
  }

  /**
   * Resolves when a message comes, after `timeout` milliseconds, or when the buffer is closed; rejects when the
   * signal is aborted. Nothing can slip through between `after()` and this call, as long as no `await` stands
   * between them.
   */
  async news(options: { signal: AbortSignal; timeout: number }): Promise<void> {
    if (!this.#closed) await this.#news.wait(options);
  }

  /** Lets everybody go who waits, now and from now on: the server is about to stop. */
  close(): void {
    this.#closed = true;
    this.#news.notifyAll();
  }
}
