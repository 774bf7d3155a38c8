/** A squall application as a Fetch handler, which runs without any socket: under Node, Bun and Deno. */
import { onAbort } from "../../async/cancel.js";
import { IOLoop } from "../../async/ioloop.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
import type { HTTPServerConnectionDelegate } from "../../http/delegates.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { feedRequest } from "../feed-request.js";
import { FetchConnection } from "./connection.js";
import type { FetchInfo } from "./types.js";

/** Options of {@link fetchHandler}. */
export interface FetchHandlerOptions {
  /**
   * The limit in octets for the body of a request; a larger one is a 413. Default 100 MiB; `Infinity`: no
   * limit.
   */
  readonly maxBodySize?: number | undefined;
  /** The loop whose clock and timers the exchanges use; default the current one when the handler is made. */
  readonly ioLoop?: IOLoop | undefined;
}

/** A Fetch handler: resolves with the response as soon as its head is there; the body streams. */
export type FetchHandler = (request: Request, info?: Partial<FetchInfo>) => Promise<Response>;

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof FetchHandlerOptions>(["maxBodySize", "ioLoop"]);

const MAX_BODY_SIZE = 100 * 1024 * 1024;

/**
 * Makes a Fetch handler of an application, or of any other connection delegate:
 *
 * ```ts
 * const handle = fetchHandler(new Application([["/", MainHandler]]));
 * const response = await handle(new Request("http://localhost/"));
 * // Bun.serve({ fetch: (request, server) => handle(request, { remoteIp: server.requestIP(request)?.address
 * }) }) // Deno.serve((request, info) => handle(request, { remoteIp: info.remoteAddr.hostname }))
 * ```
 *
 * Request and response bodies stream with back-pressure. The abort of `request.signal`, and the cancel of the
 * response's body, end the exchange as a client that leaves does. The server's limits and deadlines are
 * those of the program around it, but for `maxBodySize` and `setBodyTimeout()` of a handler. There are no
 * interim responses, no trailers of responses and no upgrades.
 *
 * The promise rejects with a `StreamClosedError` when the exchange ended before there was a response.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an unknown option and for
 * an invalid limit.
 */
export function fetchHandler(
  application: HTTPServerConnectionDelegate,
  options: FetchHandlerOptions = {},
): FetchHandler {
  checkNames("option of fetchHandler()", options, OPTION_NAMES, false);
  const maxBodySize = checkLimit("maxBodySize", options.maxBodySize ?? MAX_BODY_SIZE);
  const ioLoop = options.ioLoop ?? IOLoop.current();
  return (request, info = {}) => {
    const target = targetOf(request.url);
    const connection = new FetchConnection(request.method, {
      ioLoop,
      maxBodySize,
      serverHeader: application.serverHeader,
      peer: { remoteIp: info.remoteIp ?? "", protocol: info.protocol ?? target.protocol },
    });
    const delegate = application.startRequest(connection, connection);
    const line = { method: request.method, path: target.path, version: "HTTP/1.1" };
    connection.serve(
      delegate,
      onAbort(request.signal, () => connection.leave()),
    );
    void feedRequest(connection, delegate, line, headersOf(request, target.host), request.body ?? undefined);
    return connection.response;
  };
}

/** Scheme, authority and the rest of a URL that the URL standard has written, without its fragment. */
const WRITTEN_URL = /^(https?):\/\/([^/]+)([^#]*)/;

function targetOf(url: string): { readonly protocol: string; readonly host: string; readonly path: string } {
  const parts = WRITTEN_URL.exec(url);
  if (parts !== null) return { protocol: parts[1]!, host: parts[2]!, path: parts[3]! };
  const { protocol, host, pathname, search } = new URL(url);
  return { protocol: protocol.slice(0, -1), host, path: pathname + search };
}

function headersOf(request: Request, host: string): HTTPHeaders {
  const headers = new HTTPHeaders();
  for (const [name, value] of request.headers) headers.add(name, value);
  if (!headers.has("Host")) headers.set("Host", host);
  return headers;
}
