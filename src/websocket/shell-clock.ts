/**
 * The times of a WebSocket: one coarse deadline, and what it stands for. Made when the first of them is due,
 * so a connection without pings has none before it closes.
 *
 *     NONE       nothing is due
 *     PING       the next ping
 *     PONG       a sign of life after a ping; else the closing handshake begins
 *     CLOSE      the peer's close frame after ours; else the connection is cut
 *     FIN        the peer's end of TCP after the closing handshake; else the connection is cut
 */
import type { IOLoop } from "../async/ioloop.js";
import { Deadline } from "../async/timers/deadline.js";
import type { WebSocketParams } from "./params.js";

/** What a clock asks of its shell. */
export interface ClockOwner {
  /** Sends a ping of the keepalive. */
  keepAlive(): void;
  /** Nothing came after a ping. */
  fellSilent(): void;
  cut(why: string): void;
}

const NONE = 0;
const PING = 1;
const PONG = 2;
const CLOSE = 3;
const FIN = 4;

/** See the head of this file. */
export class ShellClock {
  readonly #owner: ClockOwner;
  readonly #params: WebSocketParams;
  readonly #deadline: Deadline<ShellClock>;
  #due = NONE;
  /** Something came from the peer since the last ping. */
  #heard = false;

  constructor(ioLoop: IOLoop, params: WebSocketParams, owner: ClockOwner) {
    this.#owner = owner;
    this.#params = params;
    this.#deadline = new Deadline(ioLoop, timeIsUp, this);
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heard = true;
  }

  /** The connection is open: the first ping is due in a while. */
  awaitPing(): void {
    this.#await(PING, this.#params.pingInterval);
  }

  /** The peer has to answer a close frame. */
  awaitClose(): void {
    this.#await(CLOSE, this.#params.closeTimeout);
  }

  /** The peer has to end TCP. */
  awaitFin(): void {
    this.#await(FIN, this.#params.closeTimeout);
  }

  /** The WebSocket is closed: only the end of TCP may still be due. */
  closed(): void {
    if (this.#due !== FIN) this.stop();
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#due = NONE;
    this.#deadline.clear();
  }

  /** The stream is closed; the clock is not used again. */
  dispose(): void {
    this.#due = NONE;
    this.#deadline.dispose();
  }

  #await(what: number, ms: number): void {
    this.#due = what;
    this.#deadline.set(ms);
  }

  /** @internal Called by the timer. */
  expired(): void {
    const { pingInterval, pingTimeout } = this.#params;
    switch (this.#due) {
      case PING:
        this.#ping();
        break;
      case PONG:
        if (!this.#heard) this.#owner.fellSilent();
        else if (pingInterval > pingTimeout) this.#await(PING, pingInterval - pingTimeout);
        else this.#ping();
        break;
      case CLOSE:
      case FIN:
        this.#owner.cut("it did not finish the closing handshake");
        break;
    }
  }

  #ping(): void {
    this.#heard = false;
    this.#await(PONG, this.#params.pingTimeout);
    this.#owner.keepAlive();
  }
}

function timeIsUp(clock: ShellClock): void {
  clock.expired();
}
