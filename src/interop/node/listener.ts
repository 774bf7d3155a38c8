/** A squall application under Node's own servers, and inside applications of Express and Fastify. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { IOLoop } from "../../async/ioloop.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
import type { HTTPServerConnectionDelegate } from "../../http/delegates.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { feedRequest } from "../feed-request.js";
import { type NodeResponse, NodeServerConnection } from "./server-connection.js";

/** Options of {@link nodeListener}. */
export interface NodeListenerOptions {
  /**
   * The limit in octets for the body of a request; a larger one is a 413. Default 100 MiB; `Infinity`: no
   * limit.
   */
  readonly maxBodySize?: number | undefined;
  /** The loop whose clock and timers the exchanges use; default the current one when the listener is made. */
  readonly ioLoop?: IOLoop | undefined;
}

/** A listener for requests of `node:http` and, by its compatibility API, of `node:http2`. */
export type NodeRequestListener = (request: NodeRequest, response: NodeResponse) => void;

/** A request of either server. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof NodeListenerOptions>(["maxBodySize", "ioLoop"]);

const MAX_BODY_SIZE = 100 * 1024 * 1024;

/**
 * Makes a `(request, response)` listener of an application, or of any other connection delegate:
 *
 * ```ts
 * http.createServer(nodeListener(application)).listen(8000);
 * http2.createSecureServer({ key, cert, allowHTTP1: true }, nodeListener(application)).listen(8443);
 * express().use("/squall", nodeListener(application)); // which sees paths below "/squall", as Express
 * gives them
 * ```
 *
 * Bodies stream in both directions with back-pressure; a client that leaves ends the exchange; trailers and
 * interim responses pass. Keep-alive, deadlines and limits of heads are those of Node's server. The client's
 * address is the socket's: behind a proxy, Node's server believes nothing that it says. WebSockets need an
 * upgrade, which Node reports by another event: {@link upgradeListener}.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an unknown option and for
 * an invalid limit.
 */
export function nodeListener(
  application: HTTPServerConnectionDelegate,
  options: NodeListenerOptions = {},
): NodeRequestListener {
  checkNames("option of nodeListener()", options, OPTION_NAMES, false);
  const maxBodySize = checkLimit("maxBodySize", options.maxBodySize ?? MAX_BODY_SIZE);
  const ioLoop = options.ioLoop ?? IOLoop.current();
  return (given, response) => {
    const request = given as IncomingMessage;
    const { socket } = request;
    const connection = new NodeServerConnection(request, response, {
      ioLoop,
      maxBodySize,
      serverHeader: application.serverHeader,
      peer: {
        remoteIp: socket.remoteAddress ?? "",
        protocol: (socket as { encrypted?: boolean }).encrypted === true ? "https" : "http",
      },
    });
    const delegate = application.startRequest(socket, connection);
    connection.serve(delegate);
    const line = {
      method: request.method ?? "GET",
      path: request.url ?? "/",
      version: request.httpVersion === "1.0" ? "HTTP/1.0" : "HTTP/1.1",
    };
    void feedRequest(connection, delegate, line, headersOf(request), bodyOf(request, connection));
  };
}

/** HTTP/2 has the host in a field of its own kind (RFC 9113 §8.3.1). */
function headersOf(request: IncomingMessage): HTTPHeaders {
  const { rawHeaders } = request;
  const headers = new HTTPHeaders();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    if (!name.startsWith(":")) headers.add(name, value);
    else if (name === ":authority") headers.set("Host", value);
  }
  return headers;
}

/** Undefined without a body, or when middleware in front has read it. */
function bodyOf(
  request: IncomingMessage,
  connection: NodeServerConnection,
): AsyncIterable<Uint8Array> | undefined {
  if (request.readableEnded) return undefined;
  const { headers } = request;
  const isHTTP2 = request.httpVersionMajor === 2;
  const hasBody =
    headers["transfer-encoding"] !== undefined ||
    Number(headers["content-length"] ?? 0) > 0 ||
    (isHTTP2 && headers["content-length"] === undefined && !isBodiless(request));
  return hasBody ? pieces(request, connection) : undefined;
}

/** Whether the head of an HTTP/2 request was its end as well. */
function isBodiless(request: IncomingMessage): boolean {
  const { stream } = request as unknown as { readonly stream?: { readonly endAfterHeaders?: boolean } };
  return stream?.endAfterHeaders === true;
}

/**
 * The request's own iterator would destroy its socket, and the response with it, when the rest is not
 * wanted.
 */
async function* pieces(
  request: IncomingMessage,
  connection: NodeServerConnection,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of request.iterator({ destroyOnReturn: false })) yield piece as Uint8Array;
  if (request.rawTrailers.length > 0) connection.trailers = request.rawTrailers;
}
