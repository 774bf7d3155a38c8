/**
 * The response of a fetch, and the error for a status that is not 2xx, which holds it. Tornado
 * `HTTPResponse`.
 */
import { NO_BYTES } from "../../base/bytes.js";
import { SquallError, type SquallErrorCode, type SquallErrorOptions } from "../../base/errors.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import { mediaTypeCharset } from "./charset.js";
import type { HTTPRequest } from "./request.js";
import type { ResponseStream } from "./response-stream.js";

/**
 * When each phase of a fetch was over, in milliseconds since it began; of the last hop if redirects were
 * followed. `queue` is the time before. Phases that did not take place, as those of a connection that was
 * kept, are missing.
 */
export interface TimeInfo {
  /** Waiting for a free slot, before the fetch began. */
  queue?: number;
  /** The host's name was looked up. */
  namelookup?: number;
  /** The connection was there. */
  connect?: number;
  /** The TLS handshake was done. */
  appconnect?: number;
  /** The request was about to be sent. */
  pretransfer?: number;
  /** The head of the response was there. */
  starttransfer?: number;
  /** The response was whole. */
  total?: number;
  /** All hops before the last one. */
  redirect?: number;
}

/** Options of {@link HTTPClientError}. */
export interface HTTPClientErrorOptions extends SquallErrorOptions {
  /** The code of the error; default `ERR_SQUALL_HTTP_CLIENT`. */
  readonly code?: SquallErrorCode | undefined;
}

/**
 * A fetch did not succeed (`ERR_SQUALL_HTTP_CLIENT`): the status of the response is not 2xx, or there is no
 * response and `status` is 599. Subclasses and `cause` say why there is none. Tornado `HTTPClientError`,
 * whose `code` is {@link HTTPClientError.status} here.
 */
export class HTTPClientError extends SquallError {
  static {
    this.prototype.name = "HTTPClientError";
  }

  /** The status of the response; 599 if there is none. */
  readonly status: number;
  /** The response, if there is one. */
  readonly response: HTTPResponse | undefined;
  /** What is wrong, without the status: the reason phrase, unless the caller gave another text. */
  readonly reason: string;

  /** @param message default the reason phrase of the status. */
  constructor(
    status: number,
    message?: string | undefined,
    response?: HTTPResponse | undefined,
    options: HTTPClientErrorOptions = {},
  ) {
    const reason = message ?? reasonPhrase(status);
    super(options.code ?? "ERR_SQUALL_HTTP_CLIENT", `HTTP ${status}: ${reason}`, options);
    this.status = status;
    this.reason = reason;
    this.response = response;
  }

  /** `HTTP 404: Not Found`. */
  override toString(): string {
    return this.message;
  }
}

/** What a {@link HTTPResponse} is made of. */
export interface HTTPResponseInit {
  /** Default none. */
  readonly headers?: HTTPHeaders | undefined;
  /** The body; default empty. */
  readonly buffer?: Buffer | undefined;
  /** Default the URL of the request. */
  readonly effectiveUrl?: string | undefined;
  /** Default an {@link HTTPClientError} for a status other than 2xx, else none. */
  readonly error?: Error | undefined;
  /** Milliseconds from the start to the end, without the time in the queue; default unknown. */
  readonly requestTime?: number | undefined;
  /** Default empty. */
  readonly timeInfo?: TimeInfo | undefined;
  /** Default the usual phrase of the status. */
  readonly reason?: string | undefined;
  /** When the fetch began, as `Date` counts milliseconds; default unknown. */
  readonly startTime?: number | undefined;
  /** The body that is still coming; default none. */
  readonly stream?: ResponseStream | undefined;
}

const NO_TIMES: TimeInfo = Object.freeze({});

/** A response. */
export class HTTPResponse {
  /** The request that was fetched; after redirects still the original. */
  readonly request: HTTPRequest;
  /** The status. */
  readonly code: number;
  /** The reason phrase as the server sent it; may be empty. */
  readonly reason: string;
  /** The header fields. */
  readonly headers: HTTPHeaders;
  /** The URL that the response comes from: the last one if redirects were followed. */
  readonly effectiveUrl: string;
  /** The body as it came, unpacked; undefined if it was streamed. */
  readonly buffer: Buffer | undefined;
  /** The body that is still coming, with `streamBody: true`; undefined else. */
  readonly stream: ResponseStream | undefined;
  /** Milliseconds from the start, without the time in the queue; undefined if unknown. */
  readonly requestTime: number | undefined;
  /** When the fetch began, as `Date` counts milliseconds; undefined if unknown. */
  readonly startTime: number | undefined;
  /** Times by phase. */
  readonly timeInfo: TimeInfo;
  #error: Error | undefined;

  constructor(request: HTTPRequest, code: number, init: HTTPResponseInit = {}) {
    this.request = request;
    this.code = code;
    this.reason = init.reason ?? "";
    this.headers = init.headers ?? new HTTPHeaders();
    this.effectiveUrl = init.effectiveUrl ?? request.url;
    this.buffer = init.buffer;
    this.stream = init.stream;
    this.requestTime = init.requestTime;
    this.startTime = init.startTime;
    this.timeInfo = init.timeInfo ?? NO_TIMES;
    this.#error = init.error;
  }

  /**
   * What {@link HTTPResponse.rethrow} throws: an {@link HTTPClientError} for every status outside 200 to 299.
   */
  get error(): Error | undefined {
    if (this.#error === undefined && (this.code < 200 || this.code > 299)) {
      this.#error = new HTTPClientError(this.code, this.reason === "" ? undefined : this.reason, this);
    }
    return this.#error;
  }

  /** True for a status from 200 to 299. */
  get ok(): boolean {
    return this.error === undefined;
  }

  /** The body; empty if there is none, or if it was streamed. */
  get body(): Buffer {
    return this.buffer ?? NO_BYTES;
  }

  /** The body as text, in the charset that Content-Type names if the platform knows it, else as UTF-8. */
  text(): string {
    const charset = mediaTypeCharset(this.headers.get("Content-Type"));
    return charset === undefined ? this.body.toString("utf8") : charset.decode(this.body);
  }

  /**
   * The body as JSON (always UTF-8, RFC 8259 §8.1).
   * @throws SyntaxError for text that is not JSON.
   */
  json(): unknown {
    return JSON.parse(this.body.toString("utf8"));
  }

  /**
   * Throws {@link HTTPResponse.error}, if there is one.
   * @throws HTTPClientError (ERR_SQUALL_HTTP_CLIENT) for a status outside 200 to 299.
   */
  rethrow(): void {
    if (this.error !== undefined) throw this.error;
  }

  toString(): string {
    return `HTTPResponse(code=${this.code}, effectiveUrl=${JSON.stringify(this.effectiveUrl)}, length=${this.body.length})`;
  }
}
