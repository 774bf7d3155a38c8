/**
 * Ending a connection in stages (RFC 9112 §9.6). Closing a socket while the peer still sends makes the system
 * answer with a reset, which can destroy the response before the peer has read it. So: answer, send FIN, throw away
 * what still comes within bounds, and only then close.
 */
import { Deadline } from "../../async/deadline.js";
import type { BaseIOStream } from "../../net/base-stream.js";
import type { StreamSink } from "../../net/stream-sink.js";

/** How much and how long a closing connection is read. */
export interface LingerLimits {
  /** Bytes that are thrown away at most. */
  readonly drainSize: number;
  /** Milliseconds that the peer has to close its side. */
  readonly drainTimeout: number;
}

function giveUp(sink: LingerSink): void {
  sink.close();
}

/** Throws away what comes until the peer ends, a bound is reached or the time is over. */
class LingerSink implements StreamSink {
  readonly #stream: BaseIOStream;
  readonly #deadline: Deadline<LingerSink>;
  readonly #onClosed: (error: Error | undefined) => void;
  #left: number;

  constructor(stream: BaseIOStream, limits: LingerLimits, onClosed: (error: Error | undefined) => void) {
    this.#stream = stream;
    this.#left = limits.drainSize;
    this.#onClosed = onClosed;
    this.#deadline = new Deadline(stream.ioLoop, giveUp, this);
    this.#deadline.set(limits.drainTimeout);
  }

  onData(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left < 0) this.close();
  }

  onFin(): void {
    // Both sides have ended; what is still queued for the peer goes out first.
    void this.#stream.drained().then(
      () => this.#stream.close(),
      () => {},
    );
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.#deadline.dispose();
    this.#onClosed(error);
  }

  close(): void {
    this.#stream.close();
  }
}

/**
 * Sends FIN after what is queued and reads the rest away. `onClosed` is called once when the stream is closed;
 * `peerEnded` says that the peer's FIN has come already.
 */
export function closeInStages(
  stream: BaseIOStream,
  limits: LingerLimits,
  peerEnded: boolean,
  onClosed: (error: Error | undefined) => void,
): void {
  const sink = new LingerSink(stream, limits, onClosed);
  stream.consume(sink);
  stream.resumeReading();
  stream.end();
  if (peerEnded) sink.onFin();
}
