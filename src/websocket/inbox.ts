/**
 * Messages that a program takes one at a time, by `readMessage()` or `for await`, instead of by a callback.
 * One message waits here; then the connection stands still until it is taken.
 */
import { cancellable, type Settle, type WaitOptions } from "../async/cancel.js";
import type { IOLoop } from "../async/ioloop.js";
import { refusal } from "../async/wait-options.js";

/** The connection whose messages are taken. */
export interface InboxSource {
  readonly stream: { readonly ioLoop: IOLoop };
  /** No message comes until the matching `release()`. */
  hold(): void;
  release(): void;
}

type Message = string | Buffer;

/** See the head of this file. */
export class Inbox implements AsyncIterator<Message, undefined> {
  readonly #source: InboxSource;
  readonly #ioLoop: IOLoop;
  readonly #messages: Message[] = [];
  readonly #readers: Settle<Message | undefined>[] = [];
  #isHolding = false;
  #isEnded = false;

  constructor(source: InboxSource) {
    this.#source = source;
    this.#ioLoop = source.stream.ioLoop;
  }

  /** A message came. */
  put(message: Message): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve(message);
      return;
    }
    this.#messages.push(message);
    if (this.#isHolding) return;
    this.#isHolding = true;
    this.#source.hold();
  }

  /** Nothing more comes: those who wait get `undefined`. What is here can still be read. */
  end(): void {
    this.#isEnded = true;
    for (const reader of this.#readers.splice(0)) reader.resolve(undefined);
  }

  /** The next message; `undefined` after the last. A wait that is given up takes no message. */
  read(options?: WaitOptions): Promise<Message | undefined> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return cancellable<Message | undefined>(this.#ioLoop, "waiting for a message", options, (settle) => {
      const message = this.#messages.shift();
      if (message !== undefined || this.#isEnded) {
        settle.resolve(message);
      } else {
        this.#readers.push(settle);
      }
      this.#letGo();
      return () => {
        const at = this.#readers.indexOf(settle);
        if (at >= 0) this.#readers.splice(at, 1);
      };
    });
  }

  /** Lets further messages come when all that are here have been taken. */
  #letGo(): void {
    if (!this.#isHolding || this.#messages.length > 0) return;
    this.#isHolding = false;
    this.#source.release();
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    const value = await this.read();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  /** Leaving a loop early leaves the connection open and the rest unread. */
  async return(): Promise<IteratorResult<Message, undefined>> {
    return { done: true, value: undefined };
  }
}
