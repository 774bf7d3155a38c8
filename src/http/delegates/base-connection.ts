/**
 * What implementations of {@link HTTPConnection} have in common, so that one over another transport than our
 * own (a container, a test's fake) says only how it sends.
 */
import type { WaitOptions } from "../../async/cancel.js";
import { IOLoop } from "../../async/ioloop.js";
import { InvalidStateError } from "../../base/errors.js";
import { checkLimit, checkMilliseconds } from "../../base/validate.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import type { RequestHead } from "../../protocol/message/head.js";
import type { Chunk, HTTPConnection, UpgradedProtocol } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";
import { type PeerContext, UNKNOWN_PEER } from "../peer.js";
import { AbortWatchers } from "./abort-watchers.js";
import { DEFAULT_SERVER_HEADER } from "./default-fields.js";

/** Options of a {@link BaseHTTPConnection}. */
export interface BaseHTTPConnectionOptions {
  /** The loop of the exchange; default the current one. */
  readonly ioLoop?: IOLoop | undefined;
  /** Who is on the other end; default unknown. */
  readonly peer?: PeerContext | undefined;
  /** The `Server` field of bare answers, false for none; default `squall/<version>`. */
  readonly serverHeader?: string | false | undefined;
  /** The limit in octets for the request's body, for the subclass to enforce; default `Infinity`. */
  readonly maxBodySize?: number | undefined;
}

/**
 * The base of connections that are no stream of ours. Subclasses send (`writeHeaders`, `write`, `finish`,
 * `close`), count `bytesSent`, say when they are `closed`, and call {@link BaseHTTPConnection.abort} when the
 * exchange ends early. By default a whole response is `writeHeaders` and `finish`, interim responses are not
 * sent, and the connection cannot be given away.
 */
export abstract class BaseHTTPConnection implements HTTPConnection {
  readonly ioLoop: IOLoop;
  readonly peer: PeerContext;
  readonly requestHead: RequestHead | undefined = undefined;
  readonly startTime: number;
  readonly serverHeader: string | false;
  /** Set it once the incoming message is whole. */
  trailers: RawFields | undefined = undefined;
  maxBodySize: number;
  /** Milliseconds for the request's body, as a handler set them; for the subclass to enforce. */
  bodyTimeout: number = Number.POSITIVE_INFINITY;
  readonly #watchers = new AbortWatchers();

  constructor(options: BaseHTTPConnectionOptions = {}) {
    this.ioLoop = options.ioLoop ?? IOLoop.current();
    this.peer = options.peer ?? UNKNOWN_PEER;
    this.serverHeader = options.serverHeader ?? DEFAULT_SERVER_HEADER;
    this.maxBodySize = options.maxBodySize ?? Number.POSITIVE_INFINITY;
    this.startTime = this.ioLoop.time();
  }

  abstract get closed(): boolean;
  abstract get bytesSent(): number;
  abstract writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
    options?: WaitOptions,
  ): Promise<void>;
  abstract write(chunk: Chunk, options?: WaitOptions): Promise<void>;
  abstract finish(trailers?: HTTPHeaders): void;
  abstract close(): void;

  respond(startLine: ResponseStartLine, headers: HTTPHeaders, body?: Chunk): void {
    this.writeHeaders(startLine, headers, body).catch(() => {});
    this.finish();
  }

  informational(_startLine: ResponseStartLine, _headers: HTTPHeaders): boolean {
    return false;
  }

  upgrade(_startLine: ResponseStartLine, _headers: HTTPHeaders, _protocol?: UpgradedProtocol): IOStream {
    throw cannotBeGivenAway();
  }

  detach(_protocol?: UpgradedProtocol): IOStream {
    throw cannotBeGivenAway();
  }

  onAbort(callback: (reason: ExchangeAbortedError) => void): void {
    this.#watchers.add(callback);
  }

  setMaxBodySize(bytes: number): void {
    this.maxBodySize = checkLimit("maxBodySize", bytes);
  }

  setBodyTimeout(ms: number): void {
    this.bodyTimeout = checkMilliseconds("the time for a body", ms);
  }

  /** Reports to the callbacks of {@link BaseHTTPConnection.onAbort} that the exchange ended early. Once. */
  protected abort(reason: ExchangeAbortedError): void {
    this.#watchers.abort(reason);
  }

  /** The exchange ended with its message complete: the callbacks are dropped. */
  protected ended(): void {
    this.#watchers.drop();
  }
}

function cannotBeGivenAway(): InvalidStateError {
  return new InvalidStateError("this connection cannot be detached: it has no stream to give away");
}
