/**
 * Where handler and application meet: what each may ask of the other, without knowing the other's file.
 */

import type { WaitOptions } from "../async/cancel.js";
import type { HTTPServerRequest } from "../http/request.js";
import type { HTTPHeaders, HTTPHeadersInit } from "../protocol/fields/headers.js";

/** Options of `RequestHandler.flush()`. */
export interface FlushOptions extends WaitOptions {
  /** Nothing follows: transforms may write their end; default false. */
  readonly includeFooters?: boolean | undefined;
}

/** Options of `RequestHandler.finish()`. */
export interface FinishOptions {
  /**
   * Fields that are known only when the body is (RFC 9110 §6.5); default none. Clients of HTTP/1.0 do not get them, nor
   * does a response without a body.
   */
  readonly trailers?: HTTPHeadersInit | undefined;
}

/** What the default log line, or a `logFunction`, needs of a handler. */
export interface LoggedHandler {
  /** The request that was answered; its `requestTime()` is what that took, in milliseconds. */
  readonly request: HTTPServerRequest;
  /** The status of the response. */
  getStatus(): number;
  /** Octets of the response's body, without head and framing: `%b` of the common log format. */
  readonly bytesSent: number;
}

/**
 * Settings of an application. Those that squall knows are listed; any other name is the application's own and
 * can be read in handlers by `this.settings.name`.
 */
export interface ApplicationSettings {
  /**
   * Shorthand for development: each of `autoreload: true`, `compiledTemplateCache: false`, `staticHashCache:
   * false` and `serveTraceback: true` that is not set. Default false.
   */
  debug?: boolean | undefined;
  /** Restart the process when a source file changes, see `start` of `squall/autoreload`; default false. */
  autoreload?: boolean | undefined;
  /** The handler of requests that no route takes; default `ErrorHandler` with 404. */
  defaultHandlerClass?: HandlerClass | undefined;
  /** Passed to its `initialize`; default nothing. */
  defaultHandlerArgs?: Readonly<Record<string, unknown>> | undefined;
  /** Called with the handler after each request instead of the default access log line. */
  logFunction?: ((handler: LoggedHandler) => void) | undefined;
  /** Error pages hold the stack trace (as plain text); default false. Not for production. */
  serveTraceback?: boolean | undefined;
  /** The value of the `Server` field, or false for none; default `squall/<version>`. */
  serverHeader?: string | false | undefined;
  /** Milliseconds that a handler may take before `handler.signal` aborts; default off (`Infinity`). */
  handlerTimeout?: number | undefined;
  /** Signs cookies: a secret, or secrets by key version. Default none: what needs it throws. */
  cookieSecret?: string | Uint8Array | Readonly<Record<number, string | Uint8Array>> | undefined;
  /** Which of several secrets signs new cookies. No default: several secrets need it. */
  keyVersion?: number | undefined;
  /** Where the `authenticated` decorator sends people who are not signed in. Default none: the decorator throws. */
  loginUrl?: string | undefined;
  /**
   * A directory of files that are served under `staticUrlPrefix`, and as `/favicon.ico` and `/robots.txt`. Default none.
   */
  staticPath?: string | undefined;
  /** Default `/static/`. */
  staticUrlPrefix?: string | undefined;
  /** The class that serves them; default `StaticFileHandler`. */
  staticHandlerClass?: HandlerClass | undefined;
  /** Passed to its `initialize`, beside `path`; default nothing. */
  staticHandlerArgs?: Readonly<Record<string, unknown>> | undefined;
  /** Remember the content hashes of static files; default true. */
  staticHashCache?: boolean | undefined;
  /** The application's own. */
  [name: string]: unknown;
}

/** Options of `staticUrl`. */
export interface StaticUrlOptions {
  /** Add the file's version as `?v=`; default true. */
  readonly includeVersion?: boolean | undefined;
}

/** The side of a static handler's class that makes URLs. */
export interface StaticUrlMaker {
  /** The URL of the file `path` below the `staticPath` setting. */
  makeStaticUrl(settings: ApplicationSettings, path: string, options?: StaticUrlOptions): string;
}

/** A response on its way out, changed by the application's transforms (compression is one). */
export interface Transform {
  /**
   * The head and the first piece of the body, which may be empty, as they are to be sent. `finishing` says that nothing
   * follows.
   */
  transformFirstChunk(
    statusCode: number,
    headers: HTTPHeaders,
    chunk: Buffer,
    finishing: boolean,
  ): readonly [statusCode: number, headers: HTTPHeaders, chunk: Buffer];
  /** A further piece of the body as it is to be sent; the last one is told by `finishing` and may be empty. */
  transformChunk(chunk: Buffer, finishing: boolean): Buffer;
}

/** The class of a {@link Transform}. */
export type TransformClass = new (request: HTTPServerRequest) => Transform;

/** What a handler may ask of its application. */
export interface HandlerApplication {
  /** The settings, squall's and the application's own. */
  readonly settings: ApplicationSettings;
  /** Applied to each response, in order. */
  readonly transforms: readonly TransformClass[];
  /** The host whose routes answer for hosts that nobody named. */
  readonly defaultHost: string | undefined;
  /** The path of a named route with these arguments in its groups. Throws an `InvalidArgumentError` if there is none. */
  reverseUrl(name: string, ...args: readonly unknown[]): string;
  /** Called once for each response, when it has been handed over. */
  logRequest(handler: LoggedHandler): void;
}

/** Any class of request handlers. */
export type HandlerClass = (new (
  application: HandlerApplication,
  request: HTTPServerRequest,
) => object) & { readonly prototype: object };
