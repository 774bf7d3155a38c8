/**
 * The seam between one exchange and the connection that it runs on. A host reads the messages and decides what
 * follows an exchange; the exchange writes, and asks its host for what concerns the whole connection.
 */
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { HTTP1RequestHead } from "../../protocol/http1/visitor.js";
import type { UpgradedProtocol } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";
import type { PeerContext } from "../peer.js";
import type { HTTP1ConnectionParameters } from "./params.js";

/** What a host knows of an exchange. */
export interface HostedExchange {
  /** True on the side that sends the request. */
  readonly isClient: boolean;
  /** Limits and times. */
  readonly params: HTTP1ConnectionParameters;
  /** What is known of the peer; see `HTTP1Connection.context`. */
  readonly context: PeerContext | undefined;
  /** The head of the request that the exchange answers; undefined on a client. */
  readonly requestHead: HTTP1RequestHead | undefined;
  /** The method of the request that was received (server) or sent (client). */
  readonly requestMethod: string;
  /** A final start line has been written. */
  readonly started: boolean;
  /** The outgoing message is complete. */
  readonly finished: boolean;
  /** True while only the end of the connection can end the message, so that one cut short would look whole. */
  readonly endsByClosing: boolean;
  /** False when what was written closes the connection afterwards. */
  readonly keepAlive: boolean;
  /** The incoming message was received whole; the host sets it. */
  messageReceived: boolean;
  /** The fields behind a chunked body that may be kept; the host sets them. */
  trailers: RawFields | undefined;
  /** The exchange answers this request. */
  answers(head: HTTP1RequestHead): void;
  /** Sends 100 (Continue) if the peer waits for it. */
  writeContinue(): void;
  /** What is written from now on is refused, because the host ends the connection. */
  revoke(): void;
  /** Closes the stream at once, with a reset where a plain end would make the message look whole. */
  breakOff(): void;
  /** The exchange ended before its outgoing message was complete. */
  aborted(reason: ExchangeAbortedError): void;
}

/** What an exchange asks of the connection it runs on. */
export interface ExchangeHost {
  /** False when the connection closes after this exchange, whatever the peer asked for. */
  mayKeepAlive(exchange: HostedExchange): boolean;
  /** The stream is above its high-water mark. */
  outputBacklog(): void;
  /** The outgoing message is complete. */
  exchangeFinished(exchange: HostedExchange): void;
  /** Gives the stream away; see `HTTP1Connection.detach`. */
  detach(exchange: HostedExchange, guest: UpgradedProtocol | undefined): IOStream;
  /**
   * The exchange was asked to write and found the stream closed: a failed write closes it before the socket tells of
   * its end. The host tells the application why, if it has not, so that nobody hears of the failed write first.
   */
  streamGone(exchange: HostedExchange): void;
  /** Ends the connection at once, unless it has gone on to another exchange or is being closed. */
  closeNow(exchange: HostedExchange): void;
  /** Limits the body that `exchange` is receiving; ignored when it is no longer the one that is read. */
  setMaxBodySize(exchange: HostedExchange, bytes: number): void;
  /** Gives the body that `exchange` is receiving so many milliseconds from now; ignored as above. */
  setBodyTimeout(exchange: HostedExchange, ms: number): void;
}
