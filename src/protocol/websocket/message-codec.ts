/**
 * The seam between messages and their compression (RFC 7692 §6). Framing hands compressed messages over and
 * takes inflated bytes back; it does not depend on which thread inflates them.
 *
 * **Inflating.** The pieces of a message are handed over one at a time, in order, as they arrive. `inflate()`
 * either does its work at once and returns true, or returns false and calls `onReady()` later; until then the
 * connection takes in nothing further. So
 *
 * - messages stay in order, compressed or not, and so do pings and the close frame behind them;
 * - pings between the fragments of a message are answered as soon as the pieces before them are inflated,
 *   which is at once with an inflater that is synchronous for short pieces;
 * - at most one piece, which is no longer than a chunk of the network, waits to be inflated.
 *
 * The size of a message is checked while it is inflated: an inflater never makes more than `room` bytes plus
 * one, and the byte too many fails the connection before the rest exists.
 *
 * **Deflating.** A sender compresses whole messages. `deflate()` is synchronous; a shell that compresses long
 * messages in another thread does so first and passes the result to `WebSocketConnection.compressed()`. With
 * context takeover messages must be sent in the order in which they were compressed (§7.2.3.2), so a
 * connection uses one of the two ways.
 */

/** Where an inflater puts the bytes of a message. */
export interface InflatedOutput {
  /** How many more bytes the message may have. */
  readonly room: number;
  /**
   * Takes the next bytes of the message, which belong to the output from then on. False when no more are
   * wanted: the message is over its limit, its text is invalid, or the connection has ended. The inflater
   * then drops the rest of the piece.
   */
  onInflated(bytes: Buffer): boolean;
  /** The piece for which `inflate()` returned false is done. */
  onReady(): void;
  /** The data are corrupt; nothing more follows. */
  onInflateError(error: unknown): void;
}

/** Inflates the messages of one direction of one connection, one after another. */
export interface MessageInflater {
  /**
   * Inflates one piece of the current message; `isEnd` says that it is the last, and may come with an empty
   * piece. Returns true when all that comes out has been handed to `output`, false when `output.onReady()` or
   * `output.onInflateError()` will be called later, from another turn of the loop. The piece may be kept
   * until then.
   */
  inflate(piece: Buffer, isEnd: boolean, output: InflatedOutput): boolean;
  /**
   * The connection has ended: frees all memory, at once or when the piece in progress is done. Calling twice
   * is fine.
   */
  close(): void;
}

/** Compresses the messages of one direction of one connection, one after another. */
export interface MessageDeflater {
  /** The payload of a compressed message (RFC 7692 §7.2.1). */
  deflate(payload: string | Uint8Array): Buffer;
  /** The connection has ended: frees all memory. Calling twice is fine. */
  close(): void;
}
