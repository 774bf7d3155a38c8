/**
 * Where handler and application meet: what each may ask of the other, without knowing the other's file.
 */

import type { HTTPServerRequest } from "../http/request.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";

/** What the default log line, or a `logFunction`, needs of a handler. */
export interface LoggedHandler {
  readonly request: HTTPServerRequest;
  getStatus(): number;
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
  /** Restart the process when a source file changes; default false. */
  autoreload?: boolean | undefined;
  /** The handler of requests that no route takes; default `ErrorHandler` with 404. */
  defaultHandlerClass?: HandlerClass | undefined;
  /** Passed to its `initialize`. */
  defaultHandlerArgs?: Readonly<Record<string, unknown>> | undefined;
  /** Called with the handler after each request instead of the default access log line. */
  logFunction?: ((handler: LoggedHandler) => void) | undefined;
  /** Error pages hold the stack trace (as plain text); default false. Not for production. */
  serveTraceback?: boolean | undefined;
  /** The value of the `Server` field, or false for none; default `squall/<version>`. */
  serverHeader?: string | false | undefined;
  /** Milliseconds that a handler may take before `handler.signal` aborts; default off (`Infinity`). */
  handlerTimeout?: number | undefined;
  /** Signs cookies: a secret, or secrets by key version. */
  cookieSecret?: string | Uint8Array | Readonly<Record<number, string | Uint8Array>> | undefined;
  /** Which of several secrets signs new cookies. */
  keyVersion?: number | undefined;
  /** Where the `authenticated` decorator sends people who are not signed in. */
  loginUrl?: string | undefined;
  /**
   * A directory of files that are served under `staticUrlPrefix`, and as `/favicon.ico` and `/robots.txt`.
   */
  staticPath?: string | undefined;
  /** Default `/static/`. */
  staticUrlPrefix?: string | undefined;
  /** The class that serves them; default `StaticFileHandler`. */
  staticHandlerClass?: HandlerClass | undefined;
  /** Passed to its `initialize`, beside `path`. */
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
  makeStaticUrl(settings: ApplicationSettings, path: string, options?: StaticUrlOptions): string;
}

/** A response on its way out, changed by the application's transforms (compression is one). */
export interface Transform {
  transformFirstChunk(
    statusCode: number,
    headers: HTTPHeaders,
    chunk: Buffer,
    finishing: boolean,
  ): readonly [statusCode: number, headers: HTTPHeaders, chunk: Buffer];
  transformChunk(chunk: Buffer, finishing: boolean): Buffer;
}

/** The class of a {@link Transform}. */
export type TransformClass = new (request: HTTPServerRequest) => Transform;

/** What a handler may ask of its application. */
export interface HandlerApplication {
  readonly settings: ApplicationSettings;
  readonly transforms: readonly TransformClass[];
  readonly defaultHost: string | undefined;
  reverseUrl(name: string, ...args: readonly unknown[]): string;
  logRequest(handler: LoggedHandler): void;
}

/** Any class of request handlers. */
export type HandlerClass = (new (
  application: HandlerApplication,
  request: HTTPServerRequest,
) => object) & { readonly prototype: object };
