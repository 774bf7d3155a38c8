/**
 * Watches the output of a connection while it is above the stream's high-water mark: a peer that takes
 * nothing is gone.
 *
 * The kernel's buffer hides a slow reader: it can take minutes until there is room for another write. So a
 * peer that seems to have taken nothing is asked for by what it has acknowledged
 * (`net/stream/peer-state.ts`), twice, one whole timeout apart.
 */
import { Deadline } from "../../async/timers/deadline.js";
import { peerStateOf } from "../../net/stream/base-stream.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";

function timeIsUp(watch: WriteStall): void {
  watch.expired();
}

/** Whose output is watched. */
export interface StallOwner {
  /** The peer has taken nothing for the whole time. */
  writeStalled(): void;
}

/** Made when the output is full for the first time. */
export class WriteStall {
  readonly #stream: IOStream;
  readonly #timeout: number;
  readonly #owner: StallOwner;
  readonly #deadline: Deadline<WriteStall>;
  /** How much the kernel had taken when the peer's time began. */
  #taken = 0;
  /** How far the peer had acknowledged at the last look; undefined before the first. */
  #acknowledged: number | undefined = undefined;
  /** True from {@link WriteStall.full} to {@link WriteStall.drained}. */
  isFull = false;

  /** The owner is told when the peer has taken nothing for `timeout` milliseconds; `Infinity`: never. */
  constructor(stream: IOStream, timeout: number, owner: StallOwner) {
    this.#stream = stream;
    this.#timeout = timeout;
    this.#owner = owner;
    this.#deadline = new Deadline(stream.ioLoop, timeIsUp, this);
  }

  /** The stream is above its high-water mark. Calling it again does not give the peer more time. */
  full(): void {
    this.isFull = true;
    if (this.#timeout === Number.POSITIVE_INFINITY || this.#deadline.active) return;
    this.#taken = this.#stream.writeProgress;
    this.#acknowledged = undefined;
    this.#deadline.set(this.#timeout);
  }

  /** There is room again. */
  drained(): void {
    this.isFull = false;
    this.#deadline.clear();
  }

  /** Ends the watch for good. */
  dispose(): void {
    this.isFull = false;
    this.#deadline.dispose();
  }

  /**
   * Called by the timer: a peer that took something meanwhile, in the middle of one long write too, gets the
   * time again.
   */
  expired(): void {
    const taken = this.#stream.writeProgress;
    if (taken > this.#taken) {
      this.#taken = taken;
      this.#acknowledged = undefined;
      this.#deadline.set(this.#timeout);
      return;
    }
    this.#stream.ioLoop.external(peerStateOf(this.#stream)).then(
      ({ progress }) => this.#judge(progress),
      () => this.#judge(this.#acknowledged ?? 0),
    );
  }

  #judge(acknowledged: number): void {
    if (!this.isFull || this.#deadline.active || this.#stream.closed()) return;
    const before = this.#acknowledged;
    this.#acknowledged = acknowledged;
    if (before === undefined || acknowledged > before) this.#deadline.set(this.#timeout);
    else this.#owner.writeStalled();
  }
}
