/** The other end of a connection, as requests and logs see it. */
import type { NetworkAddress } from "../async/network.js";
import type { RequestHead } from "../protocol/message/head.js";

/**
 * What a connection knows of its peer. Behind a trusted proxy (`xheaders`) it describes the client of one
 * request, otherwise the other end of the connection.
 */
export interface PeerContext {
  /** The IP address as text; `0.0.0.0` for a unix socket, empty if nothing is known. */
  readonly remoteIp: string;
  /** "http" or "https", as the client sees it. */
  readonly protocol: string;
  /** The other end of the connection itself, whatever proxies say; undefined if there is no connection. */
  readonly address?: NetworkAddress | undefined;
  /**
   * The peer's TLS certificate, as `tls.TLSSocket.getPeerCertificate()` describes it; undefined, as is the
   * method, without one.
   */
  certificate?(): PeerCertificate | undefined;
  /** What one request makes of the peer: what trusted proxies say about it. Default: the same peer. */
  forRequest?(head: RequestHead): PeerContext;
}

/** A TLS certificate: what Node says of it, and its DER octets. */
export interface PeerCertificate {
  /** The certificate in DER. */
  readonly raw: Buffer;
}

/** The peer of a message that came over no connection. */
export const UNKNOWN_PEER: PeerContext = Object.freeze({ remoteIp: "", protocol: "http" });
