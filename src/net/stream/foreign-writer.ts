/**
 * Writes to a socket whose handle is not that of Node, with what other runtimes need:
 *
 * - A write of nothing calls back after all writes before it, so Node can be asked when those are done
 *   without following each. On a TLS connection Deno takes such a write for an error, and closes the
 *   connection. Here each write has a callback that counts.
 * - Deno's TLS sends text in Latin-1 as UTF-8 when it leaves together with other writes. Here it goes as
 *   bytes.
 */
import type { Duplex } from "node:stream";
import type { TextEncoding, WriteTarget } from "./write-queue.js";

/** Called when writes are done, with the error if the last has failed. */
type WriteCallback = (error?: Error | null) => void;

interface Waiter {
  readonly after: number;
  readonly done: WriteCallback;
}

/** The writes of one socket, which are done in their order. */
export class ForeignWriter implements WriteTarget {
  readonly #socket: Duplex;
  readonly #encodes: boolean;
  #begun = 0;
  #done = 0;
  #waiting: Waiter[] = [];
  readonly #count: WriteCallback;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#encodes = (socket as { readonly encrypted?: boolean }).encrypted === true;
    this.#count = (error) => {
      this.#done++;
      if (this.#waiting.length === 0) return;
      const due = this.#waiting.filter(({ after }) => after <= this.#done);
      this.#waiting = this.#waiting.filter(({ after }) => after > this.#done);
      for (const { done } of due) done(error);
    };
  }

  write(data: string | Uint8Array, encoding: TextEncoding = "utf8"): boolean {
    this.#begun++;
    const bytes = this.#encodes && typeof data === "string" ? Buffer.from(data, encoding) : data;
    return this.#socket.write(bytes, encoding, this.#count);
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Calls `done` when all writes that have begun are done; at once if they are. */
  follow(done: WriteCallback): void {
    if (this.#done === this.#begun) done();
    else this.#waiting.push({ after: this.#begun, done });
  }
}
