/**
 * Where server, router, handler and proxy meet: the pair of delegates that Tornado calls
 * `HTTPServerConnectionDelegate` and `HTTPMessageDelegate`, and the writing side of one exchange.
 */

import type { WaitOptions } from "../async/cancel.js";
import type { Chunk } from "../base/bytes.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../protocol/fields/start-line.js";
import type { ExchangeAbortedError } from "./errors.js";

export type { Chunk };

/** Makes a message delegate for each request of a connection. */
export interface HTTPServerConnectionDelegate {
  /**
   * A new request begins. `serverConnection` is the connection object (the same for all its requests),
   * `requestConnection` the writing side of this one exchange.
   */
  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate;
  /** The connection is gone. */
  onClose?(serverConnection: unknown): void;
}

/**
 * Receives one message. The order is `headersReceived`, any number of `dataReceived`, then either `finish` or
 * `onConnectionClose`, never both. A promise returned by the first two holds the rest of the message back; one
 * returned by `finish` (of a delegate that has still something to unpack) holds back the end of a client's exchange.
 */
export interface HTTPMessageDelegate {
  /** The head is there. What it throws ends the exchange: an `HTTPInputError` with its status, all else with 500. */
  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void>;
  /** A piece of the body, never empty; the buffer may be kept. The next one waits for the promise. */
  dataReceived(chunk: Buffer): void | Promise<void>;
  /** The message is whole. A server's delegate answers now, or later. */
  finish(): void | Promise<void>;
  /** The connection, or the exchange, ended before the message was whole: `finish` will not be called. */
  onConnectionClose(): void;
  /**
   * Server side, optional: the message was whole (`finish` was called), but the exchange ends before its response
   * is done. `reason` says why: the peer is gone or half-closed, or the server's grace at stopping is over. A
   * half-closed peer still reads: what the application goes on to write is sent. Called at most once.
   */
  onExchangeAborted?(reason: ExchangeAbortedError): void;
}

/** Writes one response (or, on a client, one request). */
export interface HTTPConnection {
  /**
   * Sends the start line and the header fields, with `chunk` as the first piece of the body. Adds the framing
   * that the fields leave open. Resolves when the connection is below its high-water mark. Giving up waiting, by
   * `options`, takes nothing back: what was written is sent.
   */
  writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void>;
  /** Sends a piece of the body; resolves as {@link HTTPConnection.writeHeaders} does. */
  write(chunk: Chunk, options?: WaitOptions): Promise<void>;
  /** The message is complete. */
  finish(): void;
  /**
   * `writeHeaders` with the whole body, and `finish`, in one call and without a promise: the way of a response
   * that is ready at once. Optional; callers fall back to the three methods above.
   */
  respond?(startLine: ResponseStartLine, headers: HTTPHeaders, body: Chunk | undefined): void;
}
