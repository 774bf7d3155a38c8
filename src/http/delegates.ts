/**
 * Where server, router, handler and proxy meet: the pair of delegates that Tornado calls
 * `HTTPServerConnectionDelegate` and `HTTPMessageDelegate`, and the writing side of one exchange.
 */

import type { WaitOptions } from "../async/cancel.js";
import type { IOLoop } from "../async/ioloop.js";
import type { Chunk } from "../base/bytes.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RawFields } from "../protocol/fields/raw-fields.js";
import type { RequestStartLine, ResponseStartLine } from "../protocol/fields/start-line.js";
import type { RequestHead } from "../protocol/message/head.js";
import type { ExchangeAbortedError } from "./errors.js";
import type { PeerContext } from "./peer.js";

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
  /**
   * What the `Server` field says in the server's own answers, such as error responses: a text, or false for
   * no such field. Read when a server is made; its own option `serverHeader` wins. Default
   * `squall/<version>`.
   */
  readonly serverHeader?: string | false | undefined;
}

/**
 * Receives one message. The order is `headersReceived`, any number of `dataReceived`, then either `finish` or
 * `onConnectionClose`, never both. A promise returned by the first two holds the rest of the message back;
 * one returned by `finish` (of a delegate that has still something to unpack) holds back the end of a
 * client's exchange.
 */
export interface HTTPMessageDelegate {
  /**
   * The head is there. What it throws ends the exchange: an `HTTPInputError` with its status, all else with
   * 500.
   */
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
   * Server side, optional: the message was whole (`finish` was called), but the exchange ends before its
   * response is done. `reason` says why: the peer is gone or half-closed, or the server's grace at stopping
   * is over. A half-closed peer still reads: what the application goes on to write is sent. Called at most
   * once.
   */
  onExchangeAborted?(reason: ExchangeAbortedError): void;
}

/** A protocol that took a connection over from HTTP, as the server that stops or runs out of room sees it. */
export interface UpgradedProtocol {
  /** The server is stopping: say goodbye and close the stream. Called at most once. */
  shutdown(): void;
  /**
   * The connection is cut off right after this call: the server's grace at stopping is over, or an idle
   * connection has to make room. Nothing that is written now is sure to leave. Default: nothing to do.
   */
  abort?(): void;
  /**
   * Since when nothing has happened, in the loop's monotonic milliseconds; `Infinity` while the protocol is
   * busy. At `maxConnections` the connections that have been idle for the longest time make room. Default:
   * never idle.
   */
  readonly idleSince?: number | undefined;
  /**
   * After the end: true if the protocol has cut the connection because the peer did not do its part. A server
   * that stops counts it among those that had to be cut. Default: it was not.
   */
  readonly wasCut?: boolean | undefined;
}

/**
 * The writing side of one exchange: it sends one response (on a client, one request). This is the seam for
 * everything that answers requests, whatever the version of HTTP below it; to implement it, extend
 * `BaseHTTPConnection`.
 *
 * An exchange ends once: by its complete message, by {@link HTTPConnection.upgrade} or
 * {@link HTTPConnection.detach}, or early. After the end nothing can be written through it.
 */
export interface HTTPConnection {
  /** The loop whose clock and timers everything about this exchange uses. */
  readonly ioLoop: IOLoop;
  /** Who is on the other end. */
  readonly peer: PeerContext;
  /** The request's head, checked by the receiver; undefined on a client and where no receiver read it. */
  readonly requestHead: RequestHead | undefined;
  /**
   * When the head of the request had arrived, in the loop's monotonic milliseconds; undefined on a client.
   */
  readonly startTime: number | undefined;
  /**
   * The trailer fields of the incoming message that may be kept, once it is whole; undefined if there are
   * none.
   */
  readonly trailers: RawFields | undefined;
  /**
   * What the `Server` field says unless an application says otherwise: a text, or false for no such field.
   */
  readonly serverHeader: string | false;
  /**
   * True when nothing written would leave any more: the connection is gone, is being closed, or was given
   * away.
   */
  readonly closed: boolean;
  /** Octets of the body handed over so far, without head and framing; 0 for the answer to HEAD. */
  readonly bytesSent: number;
  /** The limit in octets for the body of the incoming message, also when it is unpacked. */
  readonly maxBodySize: number;

  /**
   * Sends the start line and the header fields, with `chunk` as the first piece of the body. Adds the framing
   * that the fields leave open. Resolves when the connection is below its high-water mark, and after 512
   * KiB or 128 writes without a pause with the next turn of the loop; rejects with a
   * `StreamClosedError` (not reported as unhandled) when the connection is or gets closed. Giving up waiting,
   * by `options`, takes nothing back: what was written is sent.
   * @throws HTTPOutputError when the head cannot be sent; nothing was, and another one may be.
   * @throws InvalidArgumentError for invalid options; nothing was sent.
   * @throws InvalidStateError after the end of the exchange.
   */
  writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void>;
  /** Sends a piece of the body; resolves and throws as {@link HTTPConnection.writeHeaders} does. */
  write(chunk: Chunk, options?: WaitOptions): Promise<void>;
  /**
   * Ends the message. `trailers` follow the body where the version and the framing allow it (RFC 9110 §6.5),
   * else they are dropped. Does nothing after the end of the exchange or on a closed connection.
   * @throws HTTPOutputError when less was written than Content-Length promised, which breaks the message off;
   * or for a trailer that must not be one, which leaves the message open.
   */
  finish(trailers?: HTTPHeaders): void;
  /**
   * `writeHeaders` with the whole body, and `finish`, in one call and without a promise: the way of a
   * response that is ready at once. Adds its length. Does nothing on a closed connection.
   * @throws HTTPOutputError as {@link HTTPConnection.writeHeaders} does.
   */
  respond(startLine: ResponseStartLine, headers: HTTPHeaders, body?: Chunk): void;
  /**
   * Sends an interim response, such as 103 (Early Hints, RFC 8297), before the final one. Returns whether it
   * was sent: an HTTP/1.0 client must not get one (RFC 9110 §15.2), a closed connection cannot.
   * @throws HTTPOutputError for a code that is not from 102 to 199, or once the final response has begun.
   */
  informational(startLine: ResponseStartLine, headers: HTTPHeaders): boolean;
  /**
   * Switches to another protocol in one step: sends `startLine`, a 101 or a 2xx answer to CONNECT, with its
   * fields, and gives the stream away, with what the peer has sent behind the request put back in front. The
   * exchange is over then, and the caller owns the stream. `protocol` is how the server reaches the new
   * owner.
   * @throws InvalidStateError (nothing sent) when the request did not ask for it, something was sent already,
   * the connection is closed, or it cannot be given away (HTTP/2).
   */
  upgrade(startLine: ResponseStartLine, headers: HTTPHeaders, protocol?: UpgradedProtocol): IOStream;
  /**
   * Gives the stream away as {@link HTTPConnection.upgrade} does, without sending anything: what was written
   * before goes out, the rest is the caller's.
   * @throws InvalidStateError when the connection is closed, cannot be given away, or has been.
   */
  detach(protocol?: UpgradedProtocol): IOStream;
  /**
   * Breaks the exchange off. What was written cannot be taken for a whole message: the connection (in HTTP/2
   * the stream) is closed or reset. Does nothing after the end of the exchange; calling it twice is fine.
   */
  close(): void;
  /**
   * Calls `callback` once if the exchange ends before its own message is complete: the peer is gone,
   * half-closed or stopped reading, or the server's grace at stopping is over. There may be several, called
   * in order after the delegate's own method; what one throws is logged. After the end of the exchange they
   * are dropped; if it was aborted already, `callback` is called at once.
   */
  onAbort(callback: (reason: ExchangeAbortedError) => void): void;
  /**
   * Changes {@link HTTPConnection.maxBodySize} for this message; call it before the body is read.
   * @throws InvalidArgumentError unless it is an integer of at least 0 or `Infinity`.
   */
  setMaxBodySize(bytes: number): void;
  /**
   * Gives the body of this message `ms` milliseconds in all from now; `Infinity`: no limit.
   * @throws InvalidArgumentError unless it is a number of at least 0.
   */
  setBodyTimeout(ms: number): void;
}
