/** Watches the output of a connection while it is above the stream's high-water mark: a peer that takes nothing is gone. */
import { Deadline } from "../../async/timers/deadline.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";

function timeIsUp(watch: WriteStall): void {
  watch.expired();
}

/** Made when the output is full for the first time. */
export class WriteStall {
  readonly #stream: IOStream;
  readonly #timeout: number;
  readonly #onStall: () => void;
  readonly #deadline: Deadline<WriteStall>;
  /** How much the peer had taken when its time began. */
  #taken = 0;
  /** True from {@link WriteStall.full} to {@link WriteStall.drained}. */
  isFull = false;

  /** `onStall` is called when the peer has taken nothing for `timeout` milliseconds; `Infinity`: never. */
  constructor(stream: IOStream, timeout: number, onStall: () => void) {
    this.#stream = stream;
    this.#timeout = timeout;
    this.#onStall = onStall;
    this.#deadline = new Deadline(stream.ioLoop, timeIsUp, this);
  }

  /** The stream is above its high-water mark. Calling it again does not give the peer more time. */
  full(): void {
    this.isFull = true;
    if (this.#timeout === Number.POSITIVE_INFINITY || this.#deadline.active) return;
    this.#taken = this.#stream.writeProgress;
    this.#deadline.set(this.#timeout);
  }

  /** There is room again. */
  drained(): void {
    this.isFull = false;
    this.#deadline.clear();
  }

  /** Ends the watch for good. */
  dispose(): void {
    this.#deadline.dispose();
  }

  /** Called by the timer: a peer that took something meanwhile, in the middle of one long write too, gets the time again. */
  expired(): void {
    const taken = this.#stream.writeProgress;
    if (taken > this.#taken) {
      this.#taken = taken;
      this.#deadline.set(this.#timeout);
    } else {
      this.#onStall();
    }
  }
}
