/** What a room remembers, and who is in it. It knows nothing of connections. */
import { randomUUID } from "node:crypto";

/** Something that was said. */
export interface Message {
  /** Counts up in the room, without gaps. */
  readonly n: number;
  /** The sender's own name for it: the same message sent twice is taken once. */
  readonly id: string;
  readonly name: string;
  readonly text: string;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
}

const REMEMBERED = 200;

/** Tells one run of the server from another: the numbers of messages begin anew with it. */
export const EPOCH: string = randomUUID();

/** A room. */
export class Room {
  readonly #messages: Message[] = [];
  /** How many connections each name has. */
  readonly #people = new Map<string, number>();
  #last = 0;

  /** The names of all who are there, in alphabetical order. */
  get people(): string[] {
    return [...this.#people.keys()].sort((a, b) => a.localeCompare(b));
  }

  get isEmpty(): boolean {
    return this.#people.size === 0 && this.#messages.length === 0;
  }

  /** Somebody comes in; true if the name is new. */
  enter(name: string): boolean {
    const count = this.#people.get(name) ?? 0;
    this.#people.set(name, count + 1);
    return count === 0;
  }

  /** Somebody leaves; true if it was the last connection of the name. */
  leave(name: string): boolean {
    const count = this.#people.get(name) ?? 0;
    if (count > 1) this.#people.set(name, count - 1);
    else this.#people.delete(name);
    return count === 1;
  }

  /** Remembers a message; undefined if it is known already. */
  say(id: string, name: string, text: string, at: number): Message | undefined {
    if (this.#messages.some((one) => one.id === id)) return undefined;
    const message = { n: ++this.#last, id, name, text, at };
    this.#messages.push(message);
    if (this.#messages.length > REMEMBERED) this.#messages.shift();
    return message;
  }

  /** What was said after message `n`, as far as it is remembered. */
  after(n: number): readonly Message[] {
    return this.#messages.filter((message) => message.n > n);
  }
}
