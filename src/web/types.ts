/**
 * Where handler and application meet: what each may ask of the other, without knowing the other's file. There
 * are two views, {@link Handler} and {@link App}; the rest are the values that cross between them.
 */

import type { WaitOptions } from "../async/cancel.js";
import type { Chunk } from "../base/bytes.js";
import type { HTTPMessageDelegate } from "../http/delegates.js";
import type { HTTPServerRequest } from "../http/request.js";
import type { PathGroup } from "../http/routing/matchers.js";
import type { CookieAttributes } from "../protocol/fields/cookie.js";
import type { HTTPHeaders, HTTPHeadersInit } from "../protocol/fields/headers.js";
import type { Locale } from "../text/locale/locale.js";
import type { BaseLoader } from "../text/template/base-loader.js";
import type { TemplateNamespace } from "../text/template/render-scope.js";
import type { WhitespaceMode } from "../text/template/whitespace.js";
import type { WebSocketOptions } from "../websocket/params.js";
import type { UIMethod, UIModuleClass, UINames } from "./modules/types.js";

/** Options of `RequestHandler.flush()`. */
export interface FlushOptions extends WaitOptions {
  /** Nothing follows: transforms may write their end; default false. */
  readonly includeFooters?: boolean | undefined;
}

/** Options of `RequestHandler.finish()`. */
export interface FinishOptions {
  /**
   * Fields that are known only when the body is (RFC 9110 §6.5); default none. Clients of HTTP/1.0 do not get
   * them, nor does a response without a body.
   */
  readonly trailers?: HTTPHeadersInit | undefined;
}

/** Attributes of a cookie; see {@link CookieAttributes} for those of the field itself. */
export interface CookieOptions {
  /** The hosts that get it; default the host that sets it. */
  readonly domain?: string | undefined;
  /**
   * When it is forgotten: a `Date`, or **seconds** since 1970 as in Tornado. Beats `expiresDays`; default
   * what that says.
   */
  readonly expires?: Date | number | undefined;
  /** In how many days it is forgotten, fractions allowed; default when the browser ends. */
  readonly expiresDays?: number | null | undefined;
  /** Default `/`; null leaves the choice to the browser. */
  readonly path?: string | null | undefined;
  /** For how many **seconds** it is kept; browsers prefer it to `expires`. Default what that says. */
  readonly maxAge?: number | undefined;
  /** Scripts do not see it; default false. */
  readonly httponly?: boolean | undefined;
  /** Sent over TLS only; default false. */
  readonly secure?: boolean | undefined;
  /** Whether it goes along with requests from other sites; default the browser's choice. */
  readonly samesite?: CookieAttributes["sameSite"];
  /** Kept apart for each top-level site; default false. */
  readonly partitioned?: boolean | undefined;
}

/** The text of each field, or false for none. The defaults are those of `securityHeaders: true`. */
export interface SecurityHeaders {
  /** `X-Content-Type-Options`; default `nosniff`. */
  readonly contentTypeOptions?: string | false | undefined;
  /** `Content-Security-Policy`; default `base-uri 'self'; frame-ancestors 'self'; object-src 'none'`. */
  readonly contentSecurityPolicy?: string | false | undefined;
  /** `X-Frame-Options`; default `SAMEORIGIN`. */
  readonly frameOptions?: string | false | undefined;
  /** `Referrer-Policy`; default `strict-origin-when-cross-origin`. */
  readonly referrerPolicy?: string | false | undefined;
  /** `Cross-Origin-Opener-Policy`; default `same-origin`. */
  readonly crossOriginOpenerPolicy?: string | false | undefined;
  /** `Permissions-Policy`; default none. */
  readonly permissionsPolicy?: string | false | undefined;
  /**
   * `Strict-Transport-Security`, sent over TLS alone, such as `max-age=31536000; includeSubDomains`; default
   * none.
   */
  readonly strictTransportSecurity?: string | false | undefined;
}

/** Which other origins may read the responses of an application (the CORS protocol of the Fetch standard). */
export interface CorsOptions {
  /**
   * All, those of a list (`https://example.com`), or those for which the function returns true. No default.
   */
  readonly origins: "*" | readonly string[] | ((origin: string, request: HTTPServerRequest) => boolean);
  /** Methods that preflights allow; default those that the handler answers. */
  readonly methods?: readonly string[] | undefined;
  /** Request fields that preflights allow; default those that are asked for. */
  readonly allowHeaders?: readonly string[] | undefined;
  /** Response fields that scripts may read besides the usual ones; default none. */
  readonly exposeHeaders?: readonly string[] | undefined;
  /** Allow requests with cookies; default false. Needs origins by name. */
  readonly credentials?: boolean | undefined;
  /** For how many **seconds** a browser may remember a preflight; default its own choice. */
  readonly maxAge?: number | undefined;
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
  logFunction?: ((handler: Handler) => void) | undefined;
  /**
   * Error pages show the stack: for browsers with the lines of the source and the request, for others as
   * text. Default false. Not for production.
   */
  serveTraceback?: boolean | undefined;
  /** The value of the `Server` field, or false for none; default `squall/<version>`. */
  serverHeader?: string | false | undefined;
  /** Milliseconds that a handler may take before `handler.signal` aborts; default off (`Infinity`). */
  handlerTimeout?: number | undefined;
  /** Signs cookies: a secret, or secrets by key version. Default none: what needs it throws. */
  cookieSecret?: string | Uint8Array | Readonly<Record<number, string | Uint8Array>> | undefined;
  /** Which of several secrets signs new cookies. No default: several secrets need it. */
  keyVersion?: number | undefined;
  /**
   * Where the `authenticated` decorator sends people who are not signed in. Default none: the decorator
   * throws.
   */
  loginUrl?: string | undefined;
  /**
   * A directory, as a path or a `file:` URL, of files that are served under `staticUrlPrefix`, and as
   * `/favicon.ico` and `/robots.txt`. Default none.
   */
  staticPath?: string | URL | undefined;
  /** Default `/static/`. */
  staticUrlPrefix?: string | undefined;
  /** The class that serves them; default `StaticFileHandler`. */
  staticHandlerClass?: HandlerClass | undefined;
  /** Passed to its `initialize`, beside `path`; default nothing. */
  staticHandlerArgs?: Readonly<Record<string, unknown>> | undefined;
  /** Send text compressed to clients that accept it, see `GZipContentEncoding`; default false. */
  compressResponse?: boolean | undefined;
  /** Tornado's former name of `compressResponse`, which wins. Default not given. */
  gzip?: boolean | undefined;
  /** Remember the content hashes of static files; default true. */
  staticHashCache?: boolean | undefined;
  /**
   * Requests that change something (all but GET, HEAD and OPTIONS) must repeat the token of the XSRF cookie,
   * else they get 403; see `RequestHandler.checkXsrfCookie`. Default false.
   */
  xsrfCookies?: boolean | undefined;
  /** The format of new XSRF tokens; default 2, which is masked anew in each response. */
  xsrfCookieVersion?: 1 | 2 | undefined;
  /** Attributes of the XSRF cookie; default none, and for users who are signed in `expiresDays: 30`. */
  xsrfCookieKwargs?: CookieOptions | undefined;
  /**
   * The cookie's name; default `_xsrf`. Over TLS `__Host-xsrf` keeps other hosts of the domain from setting
   * it.
   */
  xsrfCookieName?: string | undefined;
  /**
   * Header fields that make browsers more careful with every response; default none. True for those whose
   * defaults suit most sites, an object for others.
   */
  securityHeaders?: boolean | SecurityHeaders | undefined;
  /** Which other origins may read responses, and with what; default none. Answers preflights. */
  cors?: CorsOptions | undefined;
  /**
   * The folder of the templates, as a path or a `file:` URL. Default the folder of the source file that
   * renders.
   */
  templatePath?: string | URL | undefined;
  /**
   * Where templates come from, in place of `templatePath`, `autoescape` and `templateWhitespace`. Default a
   * `Loader`.
   */
  templateLoader?: BaseLoader | undefined;
  /**
   * The name of the function that escapes expressions of templates; null for no escaping. Default
   * `xhtmlEscape`.
   */
  autoescape?: string | null | undefined;
  /**
   * The mode of white space of templates; default `single` for names that end in `.html` or `.js`, else
   * `all`.
   */
  templateWhitespace?: WhitespaceMode | undefined;
  /** Keep templates once they are compiled; default true. False reads them anew for each response. */
  compiledTemplateCache?: boolean | undefined;
  /**
   * Classes of UI modules by name, or whole modules of them, for `{% module Name(…) %}`. Default those that
   * every application has: `Template`, `linkify` and `xsrfFormHtml`.
   */
  uiModules?: UINames | undefined;
  /**
   * Functions for templates by name, or whole modules of them; each gets the handler first. Names that begin
   * with an underscore or in upper case are skipped. Default none.
   */
  uiMethods?: UINames | undefined;
  /** Milliseconds between the pings of WebSockets; default `Infinity`, no pings. See `WebSocketOptions`. */
  websocketPingInterval?: number | undefined;
  /** Milliseconds that a WebSocket client has to answer a ping; default `websocketPingInterval`. */
  websocketPingTimeout?: number | undefined;
  /** The largest WebSocket message that is taken, in bytes, also after inflating; default 10 MiB. */
  websocketMaxMessageSize?: number | undefined;
  /**
   * Times, limits and the policy for slow consumers of WebSockets; default those of {@link WebSocketOptions}.
   */
  websocketOptions?: WebSocketOptions | undefined;
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

/** The head of a response and the first piece of its body. */
export type TransformedHead = readonly [statusCode: number, headers: HTTPHeaders, chunk: Buffer];

/**
 * A response on its way out, changed by the application's transforms (compression is one). Either method may
 * return a promise; what is written meanwhile waits for it, in order.
 */
export interface Transform {
  /**
   * The head and the first piece of the body, which may be empty, as they are to be sent. `finishing` says
   * that nothing follows.
   */
  transformFirstChunk(
    statusCode: number,
    headers: HTTPHeaders,
    chunk: Buffer,
    finishing: boolean,
  ): TransformedHead | Promise<TransformedHead>;
  /**
   * A further piece of the body as it is to be sent; the last one is told by `finishing` and may be empty.
   */
  transformChunk(chunk: Buffer, finishing: boolean): Buffer | Promise<Buffer>;
  /** The response is over, whole or not: lets go of what the transform holds. Default: nothing to do. */
  onEnd?(): void;
}

/** The class of a {@link Transform}. */
export type TransformClass = new (request: HTTPServerRequest) => Transform;

/** What `write()` and `finish()` take: text, bytes, or a plain object, which is sent as JSON. */
export type Writable =
  | string
  | ArrayBufferView
  | ArrayBuffer
  | (NotIterable & { readonly [key: string]: unknown })
  | (NotIterable & object);

/** Lists, maps, streams and promises are objects too, but JSON would lose them or browsers misread them. */
interface NotIterable {
  readonly [Symbol.iterator]?: never;
  readonly [Symbol.asyncIterator]?: never;
  readonly then?: never;
}

/**
 * What a verb may return: nothing, at once or later. The response is what it writes. A generator is driven as
 * a coroutine.
 */
export type HandlerResult = void | PromiseLike<void> | Generator<unknown, void, never>;

/** What `sendError` and `writeError` are told beside the status. */
export interface ErrorPageOptions {
  /** What was thrown; default nothing was: the status alone says what is wrong. */
  readonly error?: unknown;
  /** The reason phrase; default that of the `HTTPError` (which wins in any case), else the standard one. */
  readonly reason?: string | undefined;
  /** Anything else is passed from `sendError` to `writeError`. */
  readonly [name: string]: unknown;
}

/**
 * A handler as the function files and its application see it. `RequestHandler` implements it, and holds the
 * contracts; subclasses override most of these methods, which is why the functions call them instead of each
 * other.
 */
export interface Handler {
  /** The application that made the handler. */
  readonly application: App;
  /** The request being answered. */
  readonly request: HTTPServerRequest;
  /** The positional groups of the route, decoded. */
  pathArgs: readonly (string | undefined)[];
  /** The named groups of the route, decoded. */
  pathKwargs: Readonly<Record<string, string | undefined>>;
  /** Aborts when the exchange or the time of the handler ends early. */
  readonly signal: AbortSignal;

  /** See `RequestHandler.currentUser`. */
  readonly currentUser: unknown;
  /** See `RequestHandler.settings`. */
  readonly settings: ApplicationSettings;
  /** See `RequestHandler.locale`. */
  readonly locale: Locale;
  /** See `RequestHandler.ui`. */
  readonly ui: Readonly<Record<string, unknown>>;

  /** See `RequestHandler.initialize`. */
  initialize(kwargs: Record<string, unknown>): void;
  /** See `RequestHandler.prepare`. */
  prepare(): unknown;
  /** See `RequestHandler.dataReceived`. */
  dataReceived(chunk: Buffer): unknown;
  /** See `RequestHandler.onFinish`. */
  onFinish(): unknown;
  /** See `RequestHandler.onConnectionClose`. */
  onConnectionClose(): unknown;
  /** See `RequestHandler.setDefaultHeaders`. */
  setDefaultHeaders(): void;
  /** See `RequestHandler.clear`. */
  clear(): void;
  /** See `RequestHandler.write`. */
  write(chunk: Writable): void;
  /** See `RequestHandler.finish`. */
  finish(chunk?: Writable, options?: FinishOptions): Promise<void>;
  /** See `RequestHandler.setStatus`. */
  setStatus(statusCode: number, reason?: string): void;
  /** See `RequestHandler.getStatus`. */
  getStatus(): number;
  /** See `RequestHandler.loggedUri`. */
  loggedUri(): string;
  /** Octets of the response's body, without head and framing: `%b` of the common log format. */
  readonly bytesSent: number;
  /** See `RequestHandler.computeEtag`. */
  computeEtag(): string | null | undefined;
  /** See `RequestHandler.setEtagHeader`. */
  setEtagHeader(): void;
  /** See `RequestHandler.checkEtagHeader`. */
  checkEtagHeader(): boolean;
  /** See `RequestHandler.checkXsrfCookie`. */
  checkXsrfCookie(): void;
  /** See `RequestHandler.sendError`. */
  sendError(statusCode?: number, options?: ErrorPageOptions): void;
  /** See `RequestHandler.writeError`. */
  writeError(statusCode: number, options: ErrorPageOptions): unknown;
  /** See `RequestHandler.logException`. */
  logException(error: unknown): void;
  /** See `RequestHandler.decodeArgument`. */
  decodeArgument(value: Buffer, name?: string): string;
  /** See `RequestHandler.reverseUrl`. */
  reverseUrl(name: string, ...args: readonly unknown[]): string;
  /** See `RequestHandler.staticUrl`. */
  staticUrl(path: string, options?: StaticUrlOptions): string;
  /** See `RequestHandler.xsrfFormHtml`. */
  xsrfFormHtml(): string;
  /** See `RequestHandler.getUserLocale`. */
  getUserLocale(): Locale | null | undefined;
  /** See `RequestHandler.getBrowserLocale`. */
  getBrowserLocale(defaultCode?: string): Locale;
  /** See `RequestHandler.renderString`. */
  renderString(templateName: string, names?: TemplateNamespace): string;
  /** See `RequestHandler.renderStringAsync`. */
  renderStringAsync(templateName: string, names?: TemplateNamespace): Promise<string>;
  /** See `RequestHandler.getTemplateNamespace`. */
  getTemplateNamespace(): Record<string, unknown>;
  /** See `RequestHandler.getTemplatePath`. */
  getTemplatePath(): string | URL | null | undefined;
  /** See `RequestHandler.createTemplateLoader`. */
  createTemplateLoader(templatePath: string): BaseLoader;
  /** See `RequestHandler.renderLinkedJs`. */
  renderLinkedJs(jsFiles: readonly string[]): string;
  /** See `RequestHandler.renderEmbedJs`. */
  renderEmbedJs(jsEmbed: readonly Chunk[]): string;
  /** See `RequestHandler.renderLinkedCss`. */
  renderLinkedCss(cssFiles: readonly string[]): string;
  /** See `RequestHandler.renderEmbedCss`. */
  renderEmbedCss(cssEmbed: readonly Chunk[]): string;
}

/** Path groups as the router found them. */
export interface PathGroups {
  /** The positional groups in order, not decoded yet; default none. */
  readonly pathArgs?: readonly (PathGroup | string)[] | undefined;
  /** The named groups, not decoded yet; default none. A route has one kind or the other. */
  readonly pathKwargs?: Readonly<Record<string, PathGroup | string>> | undefined;
}

/** Keyword arguments of `getHandlerDelegate`. */
export interface HandlerDelegateOptions extends PathGroups {
  /** Passed to the handler's `initialize`; default an empty object. */
  readonly targetKwargs?: Readonly<Record<string, unknown>> | undefined;
}

/** An application as its handlers and its router see it. `Application` implements it. */
export interface App {
  /** The settings, squall's and the application's own. */
  readonly settings: ApplicationSettings;
  /** Applied to each response, in order. */
  readonly transforms: readonly TransformClass[];
  /** The UI modules by name. */
  readonly uiModules: ReadonlyMap<string, UIModuleClass>;
  /** The UI methods by name. */
  readonly uiMethods: ReadonlyMap<string, UIMethod>;
  /** The host whose routes answer for hosts that no rule names. */
  readonly defaultHost: string | undefined;
  /**
   * The path of a named route with these arguments in its groups. Throws an `InvalidArgumentError` if there
   * is none.
   */
  reverseUrl(name: string, ...args: readonly unknown[]): string;
  /** The message delegate that lets a handler of this class answer. */
  getHandlerDelegate(
    request: HTTPServerRequest,
    handlerClass: HandlerClass,
    options?: HandlerDelegateOptions,
  ): HTTPMessageDelegate;
  /** Called once for each response, when it has been handed over. */
  logRequest(handler: Handler): void;
}

/** Any class of request handlers. */
export type HandlerClass = (new (
  application: App,
  request: HTTPServerRequest,
) => object) & { readonly prototype: object };
