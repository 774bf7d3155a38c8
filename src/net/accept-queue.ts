/**
 * Connections between a listening socket and the server that accepts them: handed on at once while it
 * accepts, else queued until it does. Every `NetworkServer` has one inside, whatever it listens on.
 */
import type { NetworkSocket } from "../async/network.js";

/** Gets each connection; `scarce` says that the network is about to run out of descriptors or the like. */
export type ConnectionListener = (socket: NetworkSocket, scarce?: boolean) => void;

function ignore(): void {}

/** The queue of one listening socket. */
export class AcceptQueue {
  #waiting: NetworkSocket[] = [];
  #onConnection: ConnectionListener | undefined;
  #onError: ((error: Error) => void) | undefined;

  /** True while connections are handed on. */
  get isAccepting(): boolean {
    return this.#onConnection !== undefined;
  }

  /** How many connections wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** A connection has come. An error of one that waits is ignored. */
  push(socket: NetworkSocket, scarce = false): void {
    if (this.#onConnection !== undefined) this.#onConnection(socket, scarce);
    else this.#waiting.push(socket.on("error", ignore));
  }

  /** Accepting failed. */
  fail(error: Error): void {
    this.#onError?.(error);
  }

  /** Hands on what waits and all that comes, but for what is gone already. */
  accept(onConnection: ConnectionListener, onError: (error: Error) => void): void {
    this.#onConnection = onConnection;
    this.#onError = onError;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) {
      socket.off("error", ignore);
      if (!socket.destroyed) onConnection(socket);
    }
  }

  /** Keeps what comes from now on. */
  hold(): void {
    this.#onConnection = undefined;
  }

  /** Accepts no more; ends each connection that still waits by `end`. */
  close(end: (socket: NetworkSocket) => void): void {
    this.#onConnection = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) end(socket);
  }
}
