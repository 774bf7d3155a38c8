/**
 * The seam between a server and the protocols that its connections speak. HTTP/1 is one of them; another one,
 * chosen after the TLS handshake or by its first octets, implements {@link ServerProtocol}.
 */
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { HTTPServerConnectionDelegate } from "../delegates.js";
import type { PeerContext } from "../peer.js";

/** What a connection was doing when the server asked it to end. */
export type ShutdownState = "idle" | "busy" | "upgraded";

/** A connection as its server keeps it, whatever protocol it speaks. */
export interface ServerConnection {
  /**
   * Since when, in the loop's monotonic time, the connection has been idle: closing it loses nothing.
   * `Infinity` while it is busy.
   */
  readonly idleSince: number;
  /**
   * Asks the connection to end: an idle one now, a busy one when it is done. Resolves with what it was doing,
   * once that is known: a request that has arrived and was not read yet is served first. Calling it twice is
   * fine.
   */
  shutdown(): Promise<ShutdownState>;
  /**
   * Ends the connection because the server's grace is over. What the application answers at once still
   * leaves. Resolves when the end has been set off: with true if something was cut off, false if everything
   * had been delivered.
   */
  abort(): Promise<boolean>;
  /** After the end: true if the connection was cut without the server's doing. Default: it was not. */
  readonly wasCut?: boolean | undefined;
  /** Closes the stream at once and resolves when it is closed. */
  close(): Promise<void>;
  /** Resolves when the stream is closed; never rejects. */
  whenClosed(): Promise<void>;
}

/** A protocol that a server speaks beside HTTP/1. */
export interface ServerProtocol {
  /** Its name for ALPN (RFC 7301), such as "h2": how it is chosen on a TLS connection. */
  readonly name: string;
  /**
   * The octets that each of its connections begins with: how it is chosen without TLS. Default none: it needs
   * TLS then.
   */
  readonly preface?: Uint8Array | undefined;
  /**
   * Serves a stream, from its first octet on: what was read to choose the protocol has been put back.
   * Requests go to `delegate.startRequest`, whose `onClose` is called with the returned object when the
   * connection is gone.
   */
  serve(stream: IOStream, peer: PeerContext, delegate: HTTPServerConnectionDelegate): ServerConnection;
}
