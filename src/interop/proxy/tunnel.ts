/**
 * Two streams joined: what one reads the other writes, until both have ended. A stream that cannot take
 * more holds the reading of the other one back; a FIN is passed on, and so is the end of a connection.
 */
import type { UpgradedProtocol } from "../../http/delegates.js";
import type { StreamSink } from "../../net/stream/stream-sink.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";

/** See the head of this file. */
export class Tunnel implements UpgradedProtocol {
  readonly #client: IOStream;
  readonly #upstream: IOStream;
  /** When something was passed on last. */
  #movedAt: number;

  constructor(client: IOStream, upstream: IOStream) {
    this.#client = client;
    this.#upstream = upstream;
    this.#movedAt = client.ioLoop.time();
    const moved = (): void => {
      this.#movedAt = client.ioLoop.time();
    };
    client.consume(new Passage(client, upstream, moved));
    upstream.consume(new Passage(upstream, client, moved));
  }

  /** Since when nothing was passed on, in the loop's time. */
  get idleSince(): number {
    return this.#movedAt;
  }

  /** The server stops; what the upgraded protocol would say before is not known here. */
  shutdown(): void {
    this.#upstream.close();
    this.#client.close();
  }

  /** The connection is cut off. */
  abort(): void {
    this.#upstream.close();
  }
}

/** One direction. */
class Passage implements StreamSink {
  readonly #from: IOStream;
  readonly #to: IOStream;
  readonly #moved: () => void;

  constructor(from: IOStream, to: IOStream, moved: () => void) {
    this.#from = from;
    this.#to = to;
    this.#moved = moved;
  }

  onData(chunk: Buffer): void {
    this.#moved();
    if (!this.#to.closed() && !this.#to.send(chunk)) this.#from.pauseReading();
  }

  onFin(): void {
    if (!this.#to.closed()) this.#to.end();
  }

  /** What was written to this stream has gone out: its partner may read again. */
  onDrain(): void {
    if (!this.#to.closed()) this.#to.resumeReading();
  }

  onClose(error: Error | undefined): void {
    const to = this.#to;
    if (to.closed()) return;
    if (error !== undefined) to.abort();
    else if (to.bytesQueued === 0) to.close();
    else {
      const close = (): void => to.close();
      to.drained().then(close, close);
    }
  }
}
