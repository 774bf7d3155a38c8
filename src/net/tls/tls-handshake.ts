/**
 * The TLS handshake, both sides, over any duplex stream.
 *
 * Node's `tls.Server` does for its connections what is done here for one socket that was accepted elsewhere:
 * it looks at the certificate of the client (a `TLSSocket` alone completes the handshake whatever that says),
 * it listens for errors that come before the application can listen for `error`, and it limits the time.
 * Callbacks of the application are guarded: they are called from OpenSSL, and what they throw there would end
 * the process.
 */
import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";
import type { IOLoop } from "../../async/ioloop.js";
import type { NetworkSocket } from "../../async/network.js";
import { InvalidArgumentError, SquallError, TimeoutError } from "../../base/errors.js";
import { appLog } from "../../base/log.js";
import { type SniAnswer, SSLContext, type SSLOptions } from "./ssl-options.js";

/** As for plain sockets. Node takes the option here, too; its types do not know. */
const HIGH_WATER = { highWaterMark: 65_536 };

const TLS_OVER = Symbol("squall.tls");

interface CarryingSocket extends Duplex {
  [TLS_OVER]?: TLSSocket | undefined;
}

/** The TLS socket over `socket`, if there is one. */
export function tlsOver(socket: Duplex): TLSSocket | undefined {
  return (socket as CarryingSocket)[TLS_OVER];
}

/** What a handshake needs to know. */
export interface HandshakeSettings {
  readonly context: SSLContext;
  readonly serverSide: boolean;
  /** Clients: the name to ask for and to check. */
  readonly serverHostname: string | undefined;
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  readonly ioLoop: IOLoop;
}

/**
 * The handshake failed (`ERR_SQUALL_TLS_HANDSHAKE`); OpenSSL's and Node's own errors are passed on as they
 * are.
 */
export class TLSHandshakeError extends SquallError {
  static {
    this.prototype.name = "TLSHandshakeError";
  }

  constructor(message: string, cause?: unknown) {
    super("ERR_SQUALL_TLS_HANDSHAKE", message, { cause });
  }
}

/** @throws InvalidArgumentError if a client has no name to check the certificate against */
export function checkHandshake(
  context: SSLContext,
  serverSide: boolean,
  serverHostname: string | undefined,
): void {
  if (serverSide || serverHostname !== undefined) return;
  if (!context.checkHostname || context.certReqs === "none" || context.certReqs === "unchecked") return;
  throw new InvalidArgumentError(
    "serverHostname is needed to check the certificate of the server; checkHostname: false goes without",
  );
}

/**
 * Begins the handshake over a connected socket and returns the TLS socket, paused. `done` is called once:
 * with nothing when the other side has been verified as the context asks for, or with the error, the sockets
 * being destroyed then.
 */
export function beginHandshake(
  socket: NetworkSocket,
  settings: HandshakeSettings,
  done: (error: Error | undefined) => void,
): TLSSocket {
  // The TLS socket has to report an error of the socket below before Node closes it without a reason.
  let tls: TLSSocket | undefined;
  socket.on("error", (error) => tls?.destroy(error));
  tls = settings.serverSide ? serverSocket(socket, settings) : clientSocket(socket, settings);
  (socket as CarryingSocket)[TLS_OVER] = tls;
  watchHandshake(tls, settings, done);
  return tls;
}

function watchHandshake(
  tls: TLSSocket,
  settings: HandshakeSettings,
  done: (error: Error | undefined) => void,
): void {
  const { ioLoop, timeout } = settings;
  let firstError: Error | undefined;
  let over = false;
  const remember = (error: Error): void => {
    firstError ??= error;
  };
  const onTlsError = (error: Error): void => {
    if (over) tls.destroy(error);
    else remember(error);
  };
  const finish = (error: Error | undefined): void => {
    if (over) return;
    over = true;
    if (timer !== undefined) ioLoop.removeTimeout(timer);
    tls.off("close", onClose);
    tls.off("end", onClose);
    tls.pause();
    if (error !== undefined) tls.destroy();
    // The listener for `error` stays until there is another one.
    done(error);
    tls.off("error", remember);
    if (error !== undefined || tls.listenerCount("error") === 0) tls.on("error", ignore);
  };
  const onClose = (): void =>
    finish(firstError ?? new TLSHandshakeError("the connection was closed during the TLS handshake"));
  const onSecure = (): void => finish(settings.serverSide ? clientError(tls, settings.context) : undefined);
  const timer =
    timeout === Number.POSITIVE_INFINITY
      ? undefined
      : ioLoop.callLater(timeout, () =>
          finish(new TimeoutError(`the TLS handshake did not finish within ${timeout} ms`)),
        );
  tls.on("error", remember);
  // After the handshake, too: a `TLSSocket` that no `tls.Server` made reports a broken record or a refused
  // renegotiation by this event alone. Without the listener it would keep whatever comes behind, unread, and
  // stay open.
  tls.on("_tlsError", onTlsError);
  tls.on("close", onClose);
  // A FIN in the middle of a handshake is seen only by reading. There is nothing to read before `secure`,
  // which OpenSSL reports first, so nothing is lost.
  tls.on("end", onClose);
  tls.resume();
  tls.once(settings.serverSide ? "secure" : "secureConnect", onSecure);
}

function ignore(): void {}

function serverSocket(socket: NetworkSocket, { context }: HandshakeSettings): TLSSocket {
  const wanted = context.certReqs ?? "none";
  const { TLSSocket } = process.getBuiltinModule("node:tls");
  const tls = new TLSSocket(socket as unknown as Socket, {
    isServer: true,
    ...HIGH_WATER,
    secureContext: context.secureContext,
    requestCert: wanted !== "none",
    rejectUnauthorized: wanted === "required",
    ...(context.ALPNProtocols === undefined ? {} : { ALPNProtocols: [...context.ALPNProtocols] }),
    ...(context.SNICallback === undefined ? {} : { SNICallback: guardSni(context.SNICallback) }),
  });
  // A handshake costs the server many times what it costs the client (RFC 7457 §2.12), and no client needs
  // another one.
  tls.disableRenegotiation();
  return tls;
}

function clientSocket(socket: NetworkSocket, { context, serverHostname }: HandshakeSettings): TLSSocket {
  const wanted = context.certReqs ?? "required";
  return process.getBuiltinModule("node:tls").connect({
    socket: socket as unknown as Socket,
    ...HIGH_WATER,
    secureContext: context.secureContext,
    rejectUnauthorized: wanted === "required" || wanted === "optional",
    host: serverHostname ?? "",
    // An address is checked like a name, but is not sent (RFC 6066 §3).
    servername: serverHostname === undefined || isIP(serverHostname) !== 0 ? "" : serverHostname,
    checkServerIdentity: (hostname, cert) => {
      if (!context.checkHostname) return undefined;
      try {
        return context.checkServerIdentity(serverHostname ?? hostname, cert);
      } catch (error) {
        return error instanceof Error ? error : new TLSHandshakeError(String(error), error);
      }
    },
    ...(context.ALPNProtocols === undefined ? {} : { ALPNProtocols: [...context.ALPNProtocols] }),
  });
}

interface VerifyingHandle {
  /** Node's answer is an error or null; Deno's the code of the error, empty if there is none. */
  verifyError?(): Error | string | null | undefined;
}

/**
 * What is wrong with the client's certificate, as the context sees it. When the platform cannot be asked,
 * everything is.
 */
function clientError(tls: TLSSocket, { certReqs }: SSLContext): Error | undefined {
  if (certReqs !== "required" && certReqs !== "optional") return undefined;
  // Bun has no object at all for a client without a certificate.
  const certificate = tls.getPeerCertificate() as object | null | undefined;
  if (certificate == null || Object.keys(certificate).length === 0) {
    return certReqs === "optional" ? undefined : new TLSHandshakeError("the client sent no certificate");
  }
  const error = verificationError(tls);
  if (error === undefined) {
    tls.authorized = true;
    return undefined;
  }
  return error;
}

function verificationError(tls: TLSSocket): TLSHandshakeError | undefined {
  const handle = (tls as unknown as { _handle?: VerifyingHandle | null })._handle;
  if (typeof handle?.verifyError === "function") {
    const error = handle.verifyError();
    if (error == null || error === "") return undefined;
    const [reason, cause] = typeof error === "string" ? [error, undefined] : [error.message, error];
    return new TLSHandshakeError(`invalid client certificate: ${reason}`, cause);
  }
  // Bun keeps the result on the socket. Node says there that nobody has been verified, until `tls.Server` or
  // we do so.
  if (tls.authorized) return undefined;
  const why = tls.authorizationError as unknown;
  return new TLSHandshakeError(
    why == null ? "the certificate of the client cannot be verified" : `invalid client certificate: ${why}`,
    why,
  );
}

type NodeSniCallback = (
  servername: string,
  callback: (error: Error | null, context?: SecureContext) => void,
) => void;

function guardSni(callback: NonNullable<SSLOptions["SNICallback"]>): NodeSniCallback {
  return (servername, answer) => {
    let answered = false;
    const once = (error: Error | null, context?: SniAnswer): void => {
      if (answered) return;
      answered = true;
      answer(error, context instanceof SSLContext ? context.secureContext : context);
    };
    const fail = (error: unknown): void => {
      appLog.exception("error in SNICallback", error);
      once(error instanceof Error ? error : new TLSHandshakeError(String(error), error));
    };
    try {
      const result = callback(servername, once);
      if (result != null) Promise.resolve(result as SniAnswer).then((context) => once(null, context), fail);
      // A function without a second parameter has no other way to answer; Node's style answers by callback,
      // later.
      else if (callback.length < 2) once(null);
    } catch (error) {
      fail(error);
    }
  };
}
