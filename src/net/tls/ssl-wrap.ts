/** TLS over a socket, without a stream. */
import type { PeerCertificate, SecureContext, TLSSocket } from "node:tls";
import { cancellable, type WaitOptions } from "../../async/cancel.js";
import { IOLoop } from "../../async/ioloop.js";
import type { NetworkSocket } from "../../async/network.js";
import { resolveWait } from "../../async/wait-options.js";
import { SquallError } from "../../base/errors.js";
import { optionNames } from "../../base/nearest-name.js";
import { type SSLContext, type SSLOptions, sslOptionsToContext } from "./ssl-options.js";
import { beginHandshake, checkHandshake } from "./tls-handshake.js";

/** Options of {@link sslWrapSocket}. */
export interface SSLWrapOptions extends WaitOptions {
  /**
   * Clients: the name to ask for (SNI) and to check the certificate against. No default: without it a client
   * has to switch `checkHostname` off.
   */
  readonly serverHostname?: string | undefined;
  /** Whether this is the server's end; default false. */
  readonly serverSide?: boolean | undefined;
}

const OPTIONS = optionNames<Omit<SSLWrapOptions, keyof WaitOptions>>({ serverHostname: 1, serverSide: 1 });

/**
 * Speaks TLS over a connected socket; resolves with the TLS socket, paused, when the handshake is done and
 * the other side verified. Rejects with what made it fail; the sockets are destroyed then, also by a cancel.
 */
export async function sslWrapSocket(
  socket: NetworkSocket,
  sslOptions: SSLOptions | SSLContext | SecureContext = {},
  options: SSLWrapOptions = {},
): Promise<TLSSocket> {
  resolveWait(options, OPTIONS);
  const { serverHostname, serverSide = false } = options;
  const context = sslOptionsToContext(sslOptions, { serverSide });
  checkHandshake(context, serverSide, serverHostname);
  const ioLoop = IOLoop.current();
  return await cancellable<TLSSocket>(ioLoop, "the TLS handshake", options, (settle) => {
    const timeout = Number.POSITIVE_INFINITY;
    const tls = beginHandshake(socket, { context, serverSide, serverHostname, timeout, ioLoop }, (error) => {
      if (error === undefined) settle.resolve(tls);
      else settle.reject(error);
    });
    return () => tls.destroy();
  });
}

/**
 * A certificate is not for the name (`ERR_SQUALL_SSL_CERTIFICATE`); `cause` is Node's error with the details.
 */
export class SSLCertificateError extends SquallError {
  static {
    this.prototype.name = "SSLCertificateError";
  }

  constructor(message: string, cause?: unknown) {
    super("ERR_SQUALL_SSL_CERTIFICATE", message, { cause });
  }
}

/**
 * Checks that a certificate, as `getPeerCertificate()` gives it, is for the name or address. Streams do this
 * by themselves.
 *
 * @throws SSLCertificateError (`ERR_SQUALL_SSL_CERTIFICATE`) if it is not
 */
export function sslMatchHostname(cert: PeerCertificate, hostname: string): void {
  const error = process.getBuiltinModule("node:tls").checkServerIdentity(hostname, cert);
  if (error !== undefined) throw new SSLCertificateError(error.message, error);
}
