/**
 * One request on one connection, as a client: no pool, no redirects, no queue. `AsyncHTTPTestCase` asks its
 * server with it, because a test wants to know which response came on which connection: a pool, a queue or a
 * retry between them would hide what the server does.
 */
import { onAbort } from "../async/cancel.js";
import { IOLoop } from "../async/ioloop.js";
import { ByteQueue } from "../base/byte-queue.js";
import { InvalidArgumentError, TimeoutError } from "../base/errors.js";
import { checkMilliseconds } from "../base/validate.js";
import { version } from "../base/version.js";
import { HTTPStreamClosedError } from "../http/client/errors.js";
import { HTTP1ClientConnection } from "../http/connection/client-connection.js";
import type { HTTP1ConnectionOptions } from "../http/connection/params.js";
import { gunzipDelegate } from "../http/delegates/gunzip.js";
import type { Chunk, HTTPConnection, HTTPMessageDelegate } from "../http/delegates.js";
import type { IOStream } from "../net/stream/tcp-stream.js";
import { TCPClient, type TCPConnectOptions } from "../net/tcp-client.js";
import { HTTPHeaders, type HTTPHeadersInit } from "../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../protocol/fields/start-line.js";

/** A request for {@link exchange}. */
export interface ExchangeRequest {
  /** Default "GET". */
  readonly method?: string | undefined;
  /** The absolute URL; its path and query go into the start line. */
  readonly url: string;
  /** Default none; Host, User-Agent, Accept-Encoding and Connection are added where they are missing. */
  readonly headers?: HTTPHeaders | HTTPHeadersInit | undefined;
  /** The body; text is sent as UTF-8. Default none. Pieces of an iterable are sent chunked as they come. */
  readonly body?: Chunk | AsyncIterable<Chunk> | Iterable<Chunk> | undefined;
  /** Keep the connection for another request; default false. */
  readonly keepAlive?: boolean | undefined;
  /** Unpack gzip; default true. */
  readonly decompress?: boolean | undefined;
  /** Send the body only after a 100 (Continue); default false. */
  readonly expectContinue?: boolean | undefined;
  /**
   * Gets the body piece by piece instead of the response's `body`; a promise holds the rest back. Default
   * none.
   */
  readonly onBody?: ((chunk: Buffer) => void | Promise<void>) | undefined;
  /** Limits and times of the connection; default those of {@link HTTP1ConnectionOptions}. */
  readonly params?: HTTP1ConnectionOptions | undefined;
  /** Milliseconds for the whole exchange; default 20 s, Infinity for none. */
  readonly timeout?: number | undefined;
  /** Ends the exchange early and closes the connection; default none. */
  readonly signal?: AbortSignal | undefined;
}

/** What came back. */
export interface ExchangeResponse {
  /** The status. */
  readonly code: number;
  /** The reason phrase as sent; may be empty. */
  readonly reason: string;
  /** `HTTP/1.0` or `HTTP/1.1`. */
  readonly version: string;
  /** The header fields. */
  readonly headers: HTTPHeaders;
  /** The whole body, unpacked; empty with `onBody`. */
  readonly body: Buffer;
  /** The connection can serve another exchange. */
  readonly reusable: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;

/** Collects one response. */
class ResponseCollector implements HTTPMessageDelegate {
  startLine: ResponseStartLine | undefined = undefined;
  headers = new HTTPHeaders();
  finished = false;
  /** A queue, because it gathers what comes in drops. */
  readonly #chunks = new ByteQueue();
  readonly #onBody: ((chunk: Buffer) => void | Promise<void>) | undefined;

  constructor(onBody: ((chunk: Buffer) => void | Promise<void>) | undefined) {
    this.#onBody = onBody;
  }

  /** The body, to be taken once. */
  takeBody(): Buffer {
    return this.#chunks.takeAll();
  }

  headersReceived(startLine: RequestStartLine | ResponseStartLine, headers: HTTPHeaders): void {
    const line = startLine as ResponseStartLine;
    if (line.code < 200 && line.code !== 101) return;
    this.startLine = line;
    this.headers = headers;
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    if (this.#onBody !== undefined) return this.#onBody(chunk);
    this.#chunks.push(chunk);
    return undefined;
  }

  finish(): void {
    this.finished = true;
  }

  onConnectionClose(): void {}
}

/** What a request comes down to on the wire. */
interface WireRequest {
  readonly startLine: RequestStartLine;
  readonly headers: HTTPHeaders;
  readonly body: Chunk | undefined;
  readonly pieces: AsyncIterable<Chunk> | Iterable<Chunk> | undefined;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new InvalidArgumentError(
      `url must be an absolute http: or https: URL, got ${JSON.stringify(text)}`,
    );
  }
  return url;
}

function wireRequest(request: ExchangeRequest): WireRequest {
  const url = parseUrl(request.url);
  const { body } = request;
  const whole = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const headers = new HTTPHeaders(request.headers);
  const method = request.method ?? "GET";
  if (!headers.has("Host")) headers.set("Host", url.host);
  if (!headers.has("User-Agent")) headers.set("User-Agent", `squall/${version}`);
  if ((request.decompress ?? true) && !headers.has("Accept-Encoding")) headers.set("Accept-Encoding", "gzip");
  if (request.keepAlive !== true && !headers.has("Connection")) headers.set("Connection", "close");
  if (request.expectContinue === true) headers.set("Expect", "100-continue");
  const framed = headers.has("Content-Length") || headers.has("Transfer-Encoding");
  if (
    !framed &&
    whole &&
    (body !== undefined || method === "POST" || method === "PUT" || method === "PATCH")
  ) {
    headers.set("Content-Length", String(body === undefined ? 0 : Buffer.byteLength(body)));
  } else if (!framed && !whole) {
    headers.set("Transfer-Encoding", "chunked");
  }
  return {
    startLine: { method, path: `${url.pathname}${url.search}`, version: "HTTP/1.1" },
    headers,
    body: whole ? body : undefined,
    pieces: whole ? undefined : body,
  };
}

/**
 * Sends one request on `stream` and resolves with the response, whatever its status. The stream stays open
 * only when `keepAlive` was asked for and the response allows it.
 *
 * @throws InvalidArgumentError for a URL, method or field that cannot be sent; nothing was sent then.
 * @throws HTTPStreamClosedError when the connection ends first; `cause` says why, as far as it is known.
 * @throws TimeoutError after `timeout` milliseconds; or the signal's reason. Both close the stream.
 */
export async function exchangeOn(stream: IOStream, request: ExchangeRequest): Promise<ExchangeResponse> {
  const timeout = checkMilliseconds("timeout", request.timeout ?? 20_000);
  request.signal?.throwIfAborted();
  const wire = wireRequest(request);
  if (stream.closed()) throw new HTTPStreamClosedError("the connection was closed before the request");
  const loop: IOLoop = stream.ioLoop;
  const connection = new HTTP1ClientConnection(
    stream,
    {
      headerTimeout: NEVER,
      bodyStallTimeout: NEVER,
      ...request.params,
      noKeepAlive: request.keepAlive !== true,
    },
    // The caller keeps the stream, not the connection.
    { onIdle: (idle) => void idle.giveBack() },
  );
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    stream.close();
  };
  const collector = new ResponseCollector(request.onBody);
  const delegate =
    (request.decompress ?? true) ? gunzipDelegate(collector, loop, connection.params, fail) : collector;
  const stopListening = onAbort(request.signal, (reason) => fail(reason));
  const deadline =
    timeout === NEVER
      ? undefined
      : loop.callLater(timeout, () => fail(new TimeoutError(`no complete response within ${timeout} ms`)));
  try {
    const sent = connection.request(wire.startLine, wire.headers, delegate, {
      chunk: request.expectContinue ? undefined : wire.body,
      finish: request.expectContinue !== true && wire.pieces === undefined,
      onContinue: request.expectContinue ? () => void sendBody(sent, wire).catch(fail) : undefined,
    });
    if (request.expectContinue !== true && wire.pieces !== undefined) void sendBody(sent, wire).catch(fail);
    const reusable = await connection.whenExchangeEnds();
    if (failure !== undefined) throw failure;
    const { startLine } = collector;
    if (startLine === undefined || !collector.finished) {
      throw new HTTPStreamClosedError(undefined, { cause: connection.error ?? stream.error });
    }
    const { code, reason } = startLine;
    return {
      code,
      reason,
      version: startLine.version,
      headers: collector.headers,
      body: collector.takeBody(),
      reusable,
    };
  } finally {
    stopListening();
    if (deadline !== undefined) loop.removeTimeout(deadline);
    if (failure !== undefined) stream.close();
  }
}

/** Options of {@link exchange} beyond those of the request. */
export interface ExchangeOptions extends ExchangeRequest {
  /** The loop to work on; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
  /** TLS options for an https URL; default: the server's chain and name are verified. */
  readonly sslOptions?: TCPConnectOptions["sslOptions"];
}

/**
 * Opens a connection to the URL's host and sends one request on it; see {@link exchangeOn}. The time of
 * looking up, connecting and the TLS handshake counts. With `keepAlive` the connection stays open as long as
 * the server lets it; nothing here uses it again.
 * @throws StreamClosedError when no connection can be made; `realError` says why.
 */
export async function exchange(request: ExchangeOptions): Promise<ExchangeResponse> {
  const url = parseUrl(request.url);
  const ioLoop = request.ioLoop ?? IOLoop.current();
  const timeout = checkMilliseconds("timeout", request.timeout ?? 20_000);
  const began = ioLoop.time();
  const isSecure = url.protocol === "https:";
  const client = new TCPClient({ ioLoop });
  try {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
    const stream = await client.connect(host, port, {
      timeout,
      signal: request.signal,
      sslOptions: isSecure ? (request.sslOptions ?? {}) : undefined,
      // The server may close behind its response while that is still being unpacked.
      allowHalfOpen: true,
    });
    try {
      return await exchangeOn(stream, {
        ...request,
        timeout: Math.max(0, timeout - (ioLoop.time() - began)),
      });
    } catch (error) {
      // Also when the request was refused before anything was sent: the caller does not have this connection.
      stream.close();
      throw error;
    }
  } finally {
    client.close();
  }
}

async function sendBody(connection: HTTPConnection, wire: WireRequest): Promise<void> {
  if (wire.body !== undefined) await connection.write(wire.body);
  for await (const piece of wire.pieces ?? []) {
    if (connection.closed) return;
    await connection.write(piece);
  }
  connection.finish();
}
