/**
 * WebSockets of a squall application under Node's own server, which reports requests for another protocol by
 * the event "upgrade": with the connection, and (but for a body, from Node 26 on) without reading further.
 *
 * Such a request is put back in front of its connection, which squall's own server takes over. So it is
 * judged, answered or upgraded as if it had come there.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { NetworkSocket } from "../../async/network.js";
import type { HTTPServerConnectionDelegate } from "../../http/delegates.js";
import { HTTPServer, type HTTPServerOptions, type ShutdownReport } from "../../http/server/http-server.js";
import { peerAddress } from "../../net/address.js";
import { IOStream } from "../../net/stream/tcp-stream.js";
import { BodiedUpgrade, isBodyRead } from "./bodied-upgrade.js";

/** Options of {@link upgradeListener}: those of `HTTPServer` that concern one connection. */
export type UpgradeListenerOptions = Omit<
  HTTPServerOptions,
  | "allowHalfOpen"
  | "handshakeTimeout"
  | "maxConnections"
  | "maxConnectionsPerAddress"
  | "noKeepAlive"
  | "protocols"
  | "sslOptions"
>;

/** What {@link upgradeListener} makes. */
export interface UpgradeListener {
  /** Takes the connection of a request over; Node's server calls it. */
  (request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Ends the connections that were taken over, as {@link HTTPServer.closeAllConnections} does: WebSockets get
   * a close frame with the code 1001, and what is left after `timeout` milliseconds (default 30 s) is cut
   * off. Node's server does not know of them once they are upgraded. Never rejects; calling it twice is fine.
   */
  closeAllConnections(options?: { readonly timeout?: number | undefined }): Promise<ShutdownReport>;
}

/**
 * Makes a listener for the event "upgrade" of `http.Server` or `https.Server`, the other half of
 * {@link nodeListener}:
 *
 * ```ts
 * const server = http.createServer(nodeListener(application));
 * server.on("upgrade", upgradeListener(application));
 * ```
 *
 * A request that the application does not upgrade gets its answer, and the connection ends with it. Behind a
 * proxy, `xheaders` says that its fields are believed.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an application that is no connection
 * delegate, and for an option that is unknown or of the wrong type or range.
 */
export function upgradeListener(
  application: HTTPServerConnectionDelegate,
  options: UpgradeListenerOptions = {},
): UpgradeListener {
  // Further requests of such a connection belong to Node's server, which cannot take it back.
  const settings: HTTPServerOptions = { ...options, noKeepAlive: true };
  const plain = new HTTPServer(application, settings);
  const secure = new HTTPServer(application, { ...settings, protocol: options.protocol ?? "https" });
  const listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const isSecure = (request.socket as { readonly encrypted?: boolean }).encrypted === true;
    const server = isSecure ? secure : plain;
    const options = { ioLoop: server.ioLoop, allowHalfOpen: true };
    if (isBodyRead(request, socket)) {
      const carrier = new BodiedUpgrade(request, socket, headOf(request), head);
      server.handleStream(new IOStream(carrier, options), peerAddress(carrier));
      return;
    }
    const stream = new IOStream(socket as NetworkSocket, options);
    stream.unread(Buffer.concat([headOf(request), head]));
    server.handleStream(stream, peerAddress(socket as NetworkSocket));
  };
  return Object.assign(listener, {
    async closeAllConnections(given?: { readonly timeout?: number | undefined }): Promise<ShutdownReport> {
      const [a, b] = await Promise.all([plain.closeAllConnections(given), secure.closeAllConnections(given)]);
      return { idle: a.idle + b.idle, finished: a.finished + b.finished, aborted: a.aborted + b.aborted };
    },
  });
}

/** The head of a request, as it came: Node decodes fields octet by octet. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, "latin1");
}
