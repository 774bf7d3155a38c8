/**
 * Lingering close (RFC 9112 §9.6). Closing a socket while the peer still sends makes the system answer with a
 * reset, which can destroy the response before the peer has read it. So:
 *
 *     flushing ── what is queued goes out, as long as the peer goes on taking it ──▶ lingering
 *     lingering ─ FIN is out; what still comes is discarded, within bounds ──▶ closed
 */
import { Deadline } from "../../async/timers/deadline.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import { WriteStall } from "./write-stall.js";

/** How long, and for how many bytes, a closing connection waits for its peer. */
export interface LingerLimits {
  /** Milliseconds in which a peer takes nothing of what is queued for it before it is given up. */
  readonly writeStallTimeout: number;
  /** Bytes that are discarded at most; what goes beyond is not read, and waits in the peer's buffers. */
  readonly drainSize: number;
  /** Milliseconds that the peer has, after our FIN, to close its side. */
  readonly drainTimeout: number;
}

function timeIsUp(sink: LingeringClose): void {
  sink.expired();
}

/** Flushes, then discards what comes until the peer ends or a bound is reached. */
class LingeringClose implements StreamSink {
  readonly #stream: IOStream;
  readonly #limits: LingerLimits;
  readonly #deadline: Deadline<LingeringClose>;
  readonly #onClosed: (error: Error | undefined) => void;
  #left: number;
  #peerEnded: boolean;
  #flushed = false;
  /** While flushing. */
  #writeStall: WriteStall | undefined = undefined;

  constructor(
    stream: IOStream,
    limits: LingerLimits,
    peerEnded: boolean,
    onClosed: (error: Error | undefined) => void,
  ) {
    this.#stream = stream;
    this.#limits = limits;
    this.#left = limits.drainSize;
    this.#peerEnded = peerEnded;
    this.#onClosed = onClosed;
    this.#deadline = new Deadline(stream.ioLoop, timeIsUp, this);
  }

  begin(): void {
    this.#stream.consume(this);
    this.#stream.resumeReading();
    this.#stream.end();
    if (this.#stream.bytesQueued === 0) {
      this.#whenFlushed();
      return;
    }
    this.#writeStall = new WriteStall(this.#stream, this.#limits.writeStallTimeout, this);
    this.#writeStall.full();
    this.#stream.drained().then(
      () => this.#whenFlushed(),
      () => {},
    );
  }

  onData(chunk: Buffer): void {
    this.#left -= chunk.length;
    // Closing now would be the reset that this is all about: a proxy that is busy sending has not looked at
    // the answer
    // yet. Nothing more is taken, which stops the peer, and it keeps the rest of its time to read.
    if (this.#left < 0) this.#stream.pauseReading();
  }

  onFin(): void {
    this.#peerEnded = true;
    if (this.#flushed) this.#stream.close();
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.#deadline.dispose();
    this.#writeStall?.dispose();
    this.#onClosed(error);
  }

  /** The peer took nothing for too long. */
  writeStalled(): void {
    this.#stream.close();
  }

  /** The peer did not close its side. */
  expired(): void {
    this.#stream.close();
  }

  #whenFlushed(): void {
    this.#flushed = true;
    this.#writeStall?.dispose();
    if (this.#peerEnded) this.#stream.close();
    else this.#deadline.set(this.#limits.drainTimeout);
  }
}

/**
 * Sends FIN after what is queued and discards the rest. `onClosed` is called once when the stream is closed;
 * `peerEnded` says that the peer's FIN has come already.
 */
export function closeLingering(
  stream: IOStream,
  limits: LingerLimits,
  peerEnded: boolean,
  onClosed: (error: Error | undefined) => void,
): void {
  new LingeringClose(stream, limits, peerEnded, onClosed).begin();
}
