/**
 * Who is on the other end: address and protocol of a connection, and what trusted proxies say about them.
 *
 * Proxy fields are believed only with the option `xheaders`, and then as Tornado does: X-Real-Ip wins,
 * otherwise the right-most entry of X-Forwarded-For that is not a trusted proxy; invalid IP addresses are
 * ignored. What they say holds for one request; the connection's own facts stay as they are.
 */
import type { NetworkAddress } from "../../async/network.js";
import { isValidIp } from "../../net/address.js";
import type { AddressSet } from "../../net/address-set.js";
import { type IOStream, SSLIOStream } from "../../net/stream/tcp-stream.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestHead } from "../../protocol/message/head.js";
import type { PeerCertificate, PeerContext } from "../peer.js";

/** What makes contexts: the server's options that concern the peer. */
export interface ContextOptions {
  /**
   * Reported instead of what the stream says; for servers behind a proxy that ends TLS. Default what the
   * stream says.
   */
  readonly protocol?: string | undefined;
  /** Believe proxy fields. */
  readonly xheaders: boolean;
  /** Proxies that are skipped from the right of X-Forwarded-For. */
  readonly trustedDownstream: AddressSet;
}

/** The peer of one connection. Its text form is the address, which is what logs show. */
export class HTTPRequestContext implements PeerContext {
  /** The other end of the connection itself, whatever proxies say. */
  readonly address: NetworkAddress;
  /** Its IP address; `0.0.0.0` for a unix socket. */
  readonly remoteIp: string;
  /** "http" or "https": the server's option `protocol`, else whether the stream speaks TLS. */
  readonly protocol: string;
  readonly #options: ContextOptions;
  readonly #stream: IOStream;

  constructor(stream: IOStream, address: NetworkAddress, options: ContextOptions) {
    this.address = address;
    // A unix socket has no address; Tornado reports 0.0.0.0 for it.
    this.remoteIp = "path" in address ? "0.0.0.0" : address.host;
    this.protocol = options.protocol ?? (stream instanceof SSLIOStream ? "https" : "http");
    this.#options = options;
    this.#stream = stream;
  }

  certificate(): PeerCertificate | undefined {
    if (!(this.#stream instanceof SSLIOStream)) return undefined;
    const certificate = this.#stream.socket?.getPeerCertificate();
    return certificate?.raw === undefined ? undefined : certificate;
  }

  /** What a request learns about its peer: this context, or with `xheaders` what the proxies say. */
  forRequest(head: RequestHead): PeerContext {
    if (!this.#options.xheaders) return this;
    return forwarded(this, HTTPHeaders.fromRaw(head.fields), this.#options.trustedDownstream);
  }

  toString(): string {
    if ("path" in this.address) return this.address.path === "" ? "a unix socket" : this.address.path;
    const { host, port, family } = this.address;
    return family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
  }
}

/** The last entry of a comma-separated list, without white space around it. */
function lastOf(list: string): string {
  return list.slice(list.lastIndexOf(",") + 1).trim();
}

/** The address in an entry that may have brackets or a port: `[2001:db8::1]:443`, `192.0.2.1:5000`. */
function addressIn(entry: string): string {
  const text = entry.trim();
  return (/^\[(.*)\](?::\d+)?$/.exec(text) ?? /^([\d.]+):\d+$/.exec(text))?.[1] ?? text;
}

/**
 * Applies the proxy fields X-Real-Ip, X-Forwarded-For, X-Scheme and X-Forwarded-Proto to `peer`. Returns
 * `peer` itself when they change nothing.
 */
export function forwarded(peer: PeerContext, headers: HTTPHeaders, trusted: AddressSet): PeerContext {
  let ip = peer.remoteIp;
  const chain = (headers.get("X-Forwarded-For") ?? ip).split(",");
  for (let i = chain.length - 1; i >= 0; i--) {
    ip = addressIn(chain[i]!);
    if (!trusted.has(ip)) break;
  }
  const real = headers.get("X-Real-Ip");
  if (real !== undefined) ip = addressIn(real);
  const scheme = lastOf(
    headers.get("X-Scheme") ?? headers.get("X-Forwarded-Proto") ?? peer.protocol,
  ).toLowerCase();
  const remoteIp = isValidIp(ip) ? ip : peer.remoteIp;
  const protocol = scheme === "http" || scheme === "https" ? scheme : peer.protocol;
  if (remoteIp === peer.remoteIp && protocol === peer.protocol) return peer;
  return new ForwardedContext(remoteIp, protocol, peer);
}

/** A peer as its proxies describe it. */
class ForwardedContext implements PeerContext {
  readonly remoteIp: string;
  readonly protocol: string;
  /** What the connection itself says. */
  readonly direct: PeerContext;

  get address(): NetworkAddress | undefined {
    return this.direct.address;
  }

  certificate(): PeerCertificate | undefined {
    return this.direct.certificate?.();
  }

  constructor(remoteIp: string, protocol: string, direct: PeerContext) {
    this.remoteIp = remoteIp;
    this.protocol = protocol;
    this.direct = direct;
  }

  toString(): string {
    return this.remoteIp;
  }
}
