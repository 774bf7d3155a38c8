/**
 * What can go wrong with a fetch, apart from the caller's own signal. Tornado has one class for the status of
 * a response and for the lack of one, with 599 as the status of the latter; ours has the same, and subclasses
 * say more.
 */
import type { SquallErrorOptions } from "../../base/errors.js";
import { HTTPClientError, type HTTPResponse } from "./response.js";

/** The status of a fetch that got no whole response. */
export const NO_RESPONSE = 599;

/**
 * Where a fetch was when its time was over or something broke: it waited for a free slot (`queue`), looked
 * the host up (`lookup`), connected (`connect`), shook hands with a proxy that speaks TLS (`proxy-tls`),
 * asked a proxy for a tunnel (`proxy`), shook hands with the server (`tls`), sent the request (`upload`),
 * waited for the head of the response (`headers`) or for its body (`body`).
 */
export type FetchPhase =
  | "queue"
  | "lookup"
  | "connect"
  | "proxy-tls"
  | "proxy"
  | "tls"
  | "upload"
  | "headers"
  | "body";

/** Tornado's older name of {@link HTTPClientError}. */
export const HTTPError: typeof HTTPClientError = HTTPClientError;
export type HTTPError = HTTPClientError;

/**
 * No response came in time (`ERR_SQUALL_HTTP_TIMEOUT`); {@link HTTPTimeoutError.phase} says what took too
 * long.
 */
export class HTTPTimeoutError extends HTTPClientError {
  static {
    this.prototype.name = "HTTPTimeoutError";
  }

  /** What the fetch was waiting for. */
  readonly phase: FetchPhase;

  /** @param phase default "headers". */
  constructor(message = "Timeout", phase: FetchPhase = "headers", options?: SquallErrorOptions) {
    super(NO_RESPONSE, message, undefined, { ...options, code: "ERR_SQUALL_HTTP_TIMEOUT" });
    this.phase = phase;
  }

  /** The message without the status, as in Tornado. */
  override toString(): string {
    return this.reason;
  }
}

/**
 * The connection closed before the whole response was there, or what came is not a response
 * (`ERR_SQUALL_HTTP_STREAM_CLOSED`); the `cause` says which, as far as it is known.
 */
export class HTTPStreamClosedError extends HTTPClientError {
  static {
    this.prototype.name = "HTTPStreamClosedError";
  }

  /** What the fetch was doing when the connection ended; undefined if that is not known. */
  readonly phase: FetchPhase | undefined;

  constructor(
    message = "Stream closed",
    options?: SquallErrorOptions & {
      /** What the fetch was doing; default unknown. */
      readonly phase?: FetchPhase | undefined;
    },
  ) {
    super(NO_RESPONSE, message, undefined, { ...options, code: "ERR_SQUALL_HTTP_STREAM_CLOSED" });
    this.phase = options?.phase;
  }

  /** The message without the status, as in Tornado. */
  override toString(): string {
    return this.reason;
  }
}

/**
 * There is no connection (`ERR_SQUALL_HTTP_CONNECT`): the name has no address, the server refused, its
 * certificate is not good, or a proxy gave no tunnel. The `cause` is the error of the system, of TLS or of
 * the proxy.
 */
export class HTTPConnectError extends HTTPClientError {
  static {
    this.prototype.name = "HTTPConnectError";
  }

  /** What the fetch was doing. */
  readonly phase: FetchPhase;

  constructor(message: string, phase: FetchPhase, options?: SquallErrorOptions) {
    super(NO_RESPONSE, message, undefined, { ...options, code: "ERR_SQUALL_HTTP_CONNECT" });
    this.phase = phase;
  }
}

/**
 * A redirect that is not followed (`ERR_SQUALL_HTTP_REDIRECT`): from https to http, to something other than
 * http and https, with a body that cannot be sent twice, or because the policy of the caller refused it.
 */
export class HTTPRedirectError extends HTTPClientError {
  static {
    this.prototype.name = "HTTPRedirectError";
  }

  /** Where the redirect leads, as the server wrote it. */
  readonly location: string;

  constructor(message: string, location: string, response: HTTPResponse, options?: SquallErrorOptions) {
    super(response.code, message, response, { ...options, code: "ERR_SQUALL_HTTP_REDIRECT" });
    this.location = location;
  }
}

/** More fetches wait than `maxQueue` allows (`ERR_SQUALL_HTTP_QUEUE_FULL`); this one was not begun. */
export class HTTPQueueFullError extends HTTPClientError {
  static {
    this.prototype.name = "HTTPQueueFullError";
  }

  constructor(maxQueue: number) {
    super(NO_RESPONSE, `${maxQueue} requests wait already (option maxQueue)`, undefined, {
      code: "ERR_SQUALL_HTTP_QUEUE_FULL",
    });
  }
}
