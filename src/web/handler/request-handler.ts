/**
 * The base class of request handlers. The class holds the contracts; what takes more than a line is done in
 * the function files beside this one, each of which can be read and tested alone.
 */
import type { IOLoop } from "../../async/ioloop.js";
import type { Chunk } from "../../base/bytes.js";
import { InvalidStateError } from "../../base/errors.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import type { UpgradedProtocol } from "../../http/delegates.js";
import type { HTTPServerRequest } from "../../http/request.js";
import type { Rule } from "../../http/routing/rule.js";
import type { IOStream } from "../../net/stream/tcp-stream.js";
import type { MultipartReaderConfig } from "../../protocol/body/multipart-reader.js";
import { matchesIfNoneMatch } from "../../protocol/fields/conditional.js";
import type { HTTPHeadersInit } from "../../protocol/fields/headers.js";
import type { Locale } from "../../text/locale/locale.js";
import type { BaseLoader } from "../../text/template/base-loader.js";
import type { TemplateNamespace } from "../../text/template/render-scope.js";
import { requireSetting } from "../application/settings.js";
import { checkStatusCode, HTTPError } from "../errors.js";
import type {
  App,
  ApplicationSettings,
  CookieOptions,
  ErrorPageOptions,
  FinishOptions,
  FlushOptions,
  Handler,
  HandlerResult,
  StaticUrlMaker,
  StaticUrlOptions,
  Writable,
} from "../types.js";
import { setDeadline, signalOf } from "./abort.js";
import {
  type ArgumentFallback,
  type ArgumentsOptions,
  decodeUtf8,
  readArgument,
  readArguments,
} from "./arguments.js";
import { defaultHeaders } from "./default-headers.js";
import { logException, phraseFor, sendError, writeErrorPage } from "./error-page.js";
import { etagOf } from "./etag.js";
import {
  type EventInit,
  EventStream,
  type EventStreamOptions,
  lastEventIdOf,
  sendEvents,
} from "./event-stream.js";
import { giveState, stateOf } from "./handler-state.js";
import { addToVary, checkHeaderName, type HeaderValue, headerText, safeReason } from "./header-value.js";
import { noteLateChange } from "./late-change.js";
import { markRefusals, NO_ARGS, NO_KWARGS } from "./methods.js";
import { fitsLanguage, fitsType, preferred } from "./negotiate.js";
import {
  detachOutput,
  finishOutput,
  flushOutput,
  sendEarlyHints,
  upgradeOutput,
  writeChunk,
} from "./output.js";
import { embedCss, embedJs, linkedCss, linkedJs } from "./page-resources.js";
import { browserLocale, localeOf, setLocale } from "./reader-locale.js";
import { type RedirectOptions, redirectTo } from "./redirect.js";
import { renderPage, renderPageAsync, renderText, renderTextAsync, uiOf } from "./render.js";
import {
  type ClearCookieOptions,
  queueAllClearedCookies,
  queueClearedCookie,
  queueCookie,
} from "./response-cookies.js";
import { createSignedValue, decodeSignedValue, getSignatureKeyVersion } from "./signed-value.js";
import { createLoader } from "./template-loaders.js";
import { defaultNamespace } from "./template-namespace.js";
import { readParts, type UploadPart } from "./upload-part.js";
import { checkXsrf, xsrfFormHtml, xsrfTokenOf } from "./xsrf.js";

/** Options of {@link RequestHandler.setSignedCookie}. */
export interface SignedCookieOptions extends CookieOptions {
  /** Format of the signature, 1 or 2; default 2. */
  readonly version?: number | undefined;
}

/** Options of {@link RequestHandler.getSignedCookie}. */
export interface GetSignedCookieOptions {
  /** What to verify; default the cookie that came with the request. */
  readonly value?: string | undefined;
  /** Older signatures are refused, whatever the cookie's lifetime; default 31 days. */
  readonly maxAgeDays?: number | undefined;
  /** The oldest format that is accepted, 1 or 2; default 1. */
  readonly minVersion?: number | undefined;
}

const GET_SIGNED = optionNames<GetSignedCookieOptions>({ value: 1, maxAgeDays: 1, minVersion: 1 });

/**
 * Answers one request; a new object is made for each.
 *
 * Write a method for each HTTP method that you answer: `get`, `head`, `post`, `delete`, `patch`, `put`,
 * `options`. They get the groups of the route's pattern, positional ones as arguments, named ones as one
 * object. Any of them, and every hook, may be plain, `async`, or a generator (which is driven as a
 * coroutine). When the method is done the response is finished; call {@link RequestHandler.finish} to do it
 * earlier.
 *
 *     class StoryHandler extends RequestHandler {
 *       async get({ id }: PathParams<"/story/:id">) {
 *         this.write({ story: await db.story(id, { signal: this.signal }) });
 *       }
 *     }
 *
 * What is thrown becomes an error page: {@link HTTPError} with its status, everything else with 500 and a
 * stack in the log. Do not override the constructor; override {@link RequestHandler.initialize}, which runs
 * when the fields of subclasses are there. Tornado `web.RequestHandler`.
 */
export class RequestHandler implements Handler {
  /**
   * The methods that handlers of this class may answer; others get 405, or 501 if HTTP does not know them.
   */
  static readonly SUPPORTED_METHODS: readonly string[] = [
    "GET",
    "HEAD",
    "POST",
    "DELETE",
    "PATCH",
    "PUT",
    "OPTIONS",
  ];

  /**
   * True if the body is handed to {@link RequestHandler.dataReceived} as it comes; see {@link
   * streamRequestBody}.
   */
  static readonly streamRequestBody: boolean = false;

  static {
    markRefusals(this.prototype);
  }

  /**
   * Runs for each route that leads to this class, when it is added. Throw for a pattern or for arguments that
   * the class cannot work with, so that the application does not start.
   */
  static checkRoute(_route: Rule): void {}

  /** The application that made this handler. */
  readonly application: App;
  /** The request being answered. */
  readonly request: HTTPServerRequest;
  /**
   * The positional groups of the route, decoded; there from `prepare()` on. `undefined` for one without a
   * part in the match.
   */
  pathArgs: readonly (string | undefined)[];
  /** The named groups of the route, decoded; there from `prepare()` on. Without prototype. */
  pathKwargs: Readonly<Record<string, string | undefined>>;

  /** Whether {@link RequestHandler.staticUrl} names the host unless told otherwise; default false. */
  declare includeHost?: boolean | undefined;

  /** Made by the application. */
  constructor(application: App, request: HTTPServerRequest) {
    this.application = application;
    this.request = request;
    this.pathArgs = NO_ARGS;
    this.pathKwargs = NO_KWARGS;
    giveState(this);
  }

  // --- hooks, to be overridden -----------------------------------------------------------------------------

  /**
   * Takes the arguments that the route was given for its handler. Called once, before anything else; not for
   * waiting.
   */
  initialize(_kwargs: Record<string, unknown>): void {}

  /**
   * Runs before the method of the request, whichever it is. If it finishes the response, that method is not
   * called.
   */
  prepare(): unknown {
    return undefined;
  }

  /**
   * Gets the body piece by piece, in a class marked with {@link streamRequestBody}, and then the method of
   * the request runs. While a promise that it returns is pending, no more is read from the client. A class
   * that does not override it reads the body in that method, by {@link RequestHandler.readBody} or {@link
   * RequestHandler.readParts}.
   */
  dataReceived(_chunk: Buffer): unknown {
    return undefined;
  }

  /** Runs after the response was handed to the connection. Nothing can be written here; errors are logged. */
  onFinish(): unknown {
    return undefined;
  }

  /**
   * Runs if the client goes away before the response is done, just after {@link RequestHandler.signal}
   * aborted. Not after an ordinary end.
   */
  onConnectionClose(): unknown {
    return undefined;
  }

  /** Sets header fields for every response, error pages included; called by {@link RequestHandler.clear}. */
  setDefaultHeaders(): void {}

  // --- methods of HTTP: 405 unless overridden. They write the response and return nothing -----------------

  /**
   * Answers HEAD; it is not derived from `get`. Positional groups of the route are arguments, named ones one
   * object. Unless overridden: 405.
   */
  head(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Answers GET; see {@link RequestHandler.head} for the arguments. Unless overridden: 405. */
  get(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Answers POST. Unless overridden: 405. */
  post(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Answers DELETE. Unless overridden: 405. */
  delete(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Answers PATCH. Unless overridden: 405. */
  patch(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Answers PUT. Unless overridden: 405. */
  put(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Answers OPTIONS; nothing is answered by itself. Unless overridden: 405. */
  options(..._args: never[]): HandlerResult {
    throw new HTTPError(405);
  }

  /** Octets of the body that were handed to the connection, without head and framing; for log functions. */
  get bytesSent(): number {
    return this.request.connection?.bytesSent ?? 0;
  }

  // --- the application -------------------------------------------------------------------------------------

  /** The application's settings. */
  get settings(): ApplicationSettings {
    return this.application.settings;
  }

  /**
   * Throws an {@link InvalidStateError} that names the feature, unless the application has the setting.
   */
  requireSetting(name: string, feature = "this feature"): void {
    requireSetting(this.application.settings, name, feature);
  }

  /** The path of a named route; see `Application.reverseUrl`. */
  reverseUrl(name: string, ...args: readonly unknown[]): string {
    return this.application.reverseUrl(name, ...args);
  }

  /**
   * The URL of a file of the `staticPath` setting, with the hash of its content as `v`, so that clients may
   * keep it for years. With `includeHost` (default {@link RequestHandler.includeHost}) it names protocol and
   * host.
   */
  staticUrl(
    path: string,
    options: StaticUrlOptions & { readonly includeHost?: boolean | undefined } = {},
  ): string {
    this.requireSetting("staticPath", "staticUrl");
    const { includeHost = this.includeHost ?? false, ...rest } = options;
    const { protocol, host } = this.request;
    const maker = this.settings.staticHandlerClass as unknown as StaticUrlMaker;
    return `${includeHost ? `${protocol}://${host}` : ""}${maker.makeStaticUrl(this.settings, path, rest)}`;
  }

  // --- time ------------------------------------------------------------------------------------------------

  /**
   * Aborts when the exchange ends before the response is done (the reason is an `ExchangeAbortedError` that
   * says how: the client is gone or half-closed, the server's grace at stopping is over), or when the
   * handler's time is up (a `TimeoutError`). It never aborts because a request body ended, or after the
   * response. Pass it to whatever you wait for; a handler that ends with the signal's reason is not logged as
   * an error.
   */
  get signal(): AbortSignal {
    return signalOf(this);
  }

  /**
   * Gives this handler `ms` milliseconds from now, in place of the `handlerTimeout` setting; `Infinity`
   * for no limit. When they are over, {@link RequestHandler.signal} aborts; nothing else happens by itself.
   */
  setDeadline(ms: number): void {
    setDeadline(this, ms);
  }

  // --- arguments -------------------------------------------------------------------------------------------

  /**
   * The last value of an argument of the query or the form body (those of the body come last), as trimmed
   * text. The second argument is a default, or options with one.
   * @throws MissingArgumentError (400) if it is absent and has no default.
   */
  getArgument(name: string): string;
  getArgument<Default extends string | null>(name: string, fallback: Default): string | Default;
  getArgument<Default = never>(name: string, options: ArgumentFallback<Default>): string | Default;
  getArgument(name: string, fallback?: ArgumentFallback<unknown>): unknown {
    return readArgument(this, this.request.arguments, name, fallback);
  }

  /** All values of an argument, those of the query first; `[]` if it is absent. */
  getArguments(name: string, options?: ArgumentsOptions): string[] {
    return readArguments(this, this.request.arguments, name, options);
  }

  /** As {@link RequestHandler.getArgument}, from the query alone. */
  getQueryArgument(name: string): string;
  getQueryArgument<Default extends string | null>(name: string, fallback: Default): string | Default;
  getQueryArgument<Default = never>(name: string, options: ArgumentFallback<Default>): string | Default;
  getQueryArgument(name: string, fallback?: ArgumentFallback<unknown>): unknown {
    return readArgument(this, this.request.queryArguments, name, fallback);
  }

  /** As {@link RequestHandler.getArguments}, from the query alone. */
  getQueryArguments(name: string, options?: ArgumentsOptions): string[] {
    return readArguments(this, this.request.queryArguments, name, options);
  }

  /** As {@link RequestHandler.getArgument}, from a form body alone. */
  getBodyArgument(name: string): string;
  getBodyArgument<Default extends string | null>(name: string, fallback: Default): string | Default;
  getBodyArgument<Default = never>(name: string, options: ArgumentFallback<Default>): string | Default;
  getBodyArgument(name: string, fallback?: ArgumentFallback<unknown>): unknown {
    return readArgument(this, this.request.bodyArguments, name, fallback);
  }

  /** As {@link RequestHandler.getArguments}, from a form body alone. */
  getBodyArguments(name: string, options?: ArgumentsOptions): string[] {
    return readArguments(this, this.request.bodyArguments, name, options);
  }

  /**
   * Makes text of the bytes of an argument or a path group (`name` is its name, if it has one). Override it
   * for other encodings than UTF-8.
   * @throws HTTPError 400 if it is not UTF-8.
   */
  decodeArgument(value: Buffer, name?: string): string {
    return decodeUtf8(value, name);
  }

  // --- a body as it arrives --------------------------------------------------------------------------------

  /**
   * The pieces of the request's body, in a class marked with {@link streamRequestBody} that does not override
   * {@link RequestHandler.dataReceived}. No more is read from the client while a piece is being dealt with.
   * Throws the reason of {@link RequestHandler.signal} when the client leaves before the body is whole. The
   * rest of a body that was not read is thrown away.
   * @throws InvalidStateError in other classes.
   */
  readBody(): AsyncIterableIterator<Buffer, undefined> {
    const body = stateOf(this).extras?.body;
    if (body !== undefined) return body;
    throw new InvalidStateError(
      "readBody() needs a class with streamRequestBody that does not override dataReceived()",
    );
  }

  /**
   * The parts of an upload (`multipart/form-data`) as they arrive; for classes as with {@link
   * RequestHandler.readBody}.
   *
   *     for await (const part of this.readParts({ maxPartSize: 10 * 1024 * 1024 })) {
   *       if (part.filename === undefined) fields.set(part.name, await part.text());
   *       else files.push(await part.spool());
   *     }
   *
   * @throws HTTPError 415 for a body of another type.
   * @throws HTTPInputError 413 for a part over the limit, 400 for a body that is malformed or has too many
   *   parts.
   */
  readParts(limits: MultipartReaderConfig = {}): AsyncGenerator<UploadPart, void, undefined> {
    return readParts(this, this.readBody(), limits);
  }

  // --- what the client prefers ----------------------------------------------------------------------------

  /**
   * The media type that the client likes best of those that you have (`["application/json", "text/html"]`),
   * of several the first; `undefined` if it accepts none, which is a reason for 406. A client that says
   * nothing takes the first. Adds `Accept` to `Vary` (RFC 9110 §12.5.1).
   */
  preferredType(offers: readonly string[]): string | undefined {
    addToVary(stateOf(this).headers, "Accept");
    const accepted = this.request.headers.get("Accept");
    return accepted === undefined ? offers[0] : preferred(accepted, offers, fitsType);
  }

  /**
   * The language tag that the client likes best of those that you have, of several the first; `undefined` if
   * it wants none of them. A client that says nothing takes the first. Adds `Accept-Language` to `Vary` (RFC
   * 9110 §12.5.4).
   */
  preferredLanguage(offers: readonly string[]): string | undefined {
    addToVary(stateOf(this).headers, "Accept-Language");
    const accepted = this.request.headers.get("Accept-Language");
    return accepted === undefined ? offers[0] : preferred(accepted, offers, fitsLanguage);
  }

  // --- cookies ---------------------------------------------------------------------------------------------

  /** The cookies that came with the request, by name. */
  get cookies(): Readonly<Record<string, string>> {
    return this.request.cookies;
  }

  /**
   * The value of a cookie that came with the request, else the default. Cookies set meanwhile are not seen.
   */
  getCookie(name: string): string | undefined;
  getCookie<Default>(name: string, fallback: Default): string | Default;
  getCookie(name: string, fallback?: unknown): unknown {
    return this.request.cookies[name] ?? fallback;
  }

  /**
   * Sets a cookie, in place of one with that name set before. It is sent with the headers.
   * @throws InvalidArgumentError for a name, value or attribute that would break the field, or that browsers
   * refuse.
   */
  setCookie(name: string, value: string | Uint8Array, options: CookieOptions = {}): void {
    queueCookie(this, name, value, options);
  }

  /** Lets the client forget a cookie; path and domain must be those that it was set with. */
  clearCookie(name: string, options: ClearCookieOptions = {}): void {
    queueClearedCookie(this, name, options);
  }

  /**
   * Lets the client forget all cookies that it sent, except those whose names no server can have set. Cookies
   * whose prefix (`__Host-`, `__Secure-`) demands attributes get them.
   */
  clearAllCookies(options: ClearCookieOptions = {}): void {
    queueAllClearedCookies(this, options);
  }

  /**
   * Sets a cookie that the client can read but not change, for 30 days. Needs the `cookieSecret` setting.
   * @see createSignedValue
   */
  setSignedCookie(name: string, value: string | Uint8Array, options: SignedCookieOptions = {}): void {
    const { version, expiresDays = 30, ...cookie } = options;
    this.setCookie(name, this.createSignedValue(name, value, { version }), { ...cookie, expiresDays });
  }

  /**
   * What {@link RequestHandler.setSignedCookie} was given, or `undefined` if the cookie is missing, forged or
   * too old.
   */
  getSignedCookie(name: string, options: GetSignedCookieOptions = {}): Buffer | undefined {
    this.requireSetting("cookieSecret", "signed cookies");
    checkNames("option of a signed cookie", options, GET_SIGNED);
    const value = options.value ?? this.getCookie(name);
    return decodeSignedValue(this.settings.cookieSecret!, name, value, {
      maxAgeDays: options.maxAgeDays,
      minVersion: options.minVersion,
      clock: secondsOf(this.request.ioLoop),
    });
  }

  /** The version of the key that a signed cookie names, unverified; `undefined` if it names none. */
  getSignedCookieKeyVersion(
    name: string,
    options: { readonly value?: string | undefined } = {},
  ): number | undefined {
    this.requireSetting("cookieSecret", "signed cookies");
    const value = options.value ?? this.getCookie(name);
    return value === undefined ? undefined : getSignatureKeyVersion(value);
  }

  /** Signs a value under a name, for use outside of cookies; see {@link createSignedValue}. */
  createSignedValue(
    name: string,
    value: string | Uint8Array,
    options: { readonly version?: number | undefined } = {},
  ): Buffer {
    this.requireSetting("cookieSecret", "signed cookies");
    const { cookieSecret, keyVersion } = this.settings;
    return createSignedValue(cookieSecret!, name, value, {
      version: options.version,
      keyVersion,
      clock: secondsOf(this.request.ioLoop),
    });
  }

  /** Tornado's former name of {@link RequestHandler.setSignedCookie}. */
  setSecureCookie(name: string, value: string | Uint8Array, options?: SignedCookieOptions): void {
    this.setSignedCookie(name, value, options);
  }

  /** Tornado's former name of {@link RequestHandler.getSignedCookie}. */
  getSecureCookie(name: string, options?: GetSignedCookieOptions): Buffer | undefined {
    return this.getSignedCookie(name, options);
  }

  /** Tornado's former name of {@link RequestHandler.getSignedCookieKeyVersion}. */
  getSecureCookieKeyVersion(
    name: string,
    options?: { readonly value?: string | undefined },
  ): number | undefined {
    return this.getSignedCookieKeyVersion(name, options);
  }

  // --- requests from other sites --------------------------------------------------------------------------

  /**
   * The token that a form or a script of this site repeats in requests that change something. The first time
   * it is asked for, a client without a valid XSRF cookie gets one. Its mask differs in each response, so
   * that compression does not give it away; see {@link RequestHandler.xsrfFormHtml}.
   */
  get xsrfToken(): string {
    return xsrfTokenOf(this);
  }

  /** A hidden field with {@link RequestHandler.xsrfToken}, for every form that is sent by POST. */
  xsrfFormHtml(): string {
    return xsrfFormHtml(this.xsrfToken);
  }

  /**
   * Refuses a request that does not repeat the token of its cookie: in the argument `_xsrf`, else in the
   * field `X-Xsrftoken`, else in `X-Csrftoken`. With the `xsrfCookies` setting it runs before `prepare()` for
   * all methods but GET, HEAD and OPTIONS. Override it for requests that no browser sends, such as those that
   * carry a secret of their own.
   * @throws HTTPError 403 if the token is missing, malformed or another one.
   */
  checkXsrfCookie(): void {
    checkXsrf(this);
  }

  // --- the user --------------------------------------------------------------------------------------------

  /**
   * The user of the request: the result of {@link RequestHandler.getCurrentUser}, called once, and of its
   * type. May be assigned, in an async `prepare()` for instance.
   */
  get currentUser(): ReturnType<this["getCurrentUser"]> {
    const state = stateOf(this);
    if (state.extras?.userKnown !== true) this.currentUser = this.getCurrentUser();
    return state.more.user as ReturnType<this["getCurrentUser"]>;
  }

  set currentUser(user: unknown) {
    const state = stateOf(this);
    state.more.user = user;
    state.more.userKnown = true;
  }

  /** Finds the user of the request, in a signed cookie for instance; cannot wait. Default: undefined. */
  getCurrentUser(): unknown {
    return undefined;
  }

  /** Where {@link authenticated} sends people who are not signed in: the `loginUrl` setting. */
  getLoginUrl(): string {
    this.requireSetting("loginUrl", "@authenticated");
    return this.settings.loginUrl!;
  }

  // --- the reader's language -------------------------------------------------------------------------------

  /**
   * The language of the page: what {@link RequestHandler.getUserLocale} says, else
   * {@link RequestHandler.getBrowserLocale}, asked once. May be assigned, in an async `prepare()` for
   * instance.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for anything but a `Locale`.
   */
  get locale(): Locale {
    return localeOf(this);
  }

  set locale(locale: Locale) {
    setLocale(this, locale);
  }

  /** The language that the user has chosen, by a cookie for instance; must be synchronous. Default: none. */
  getUserLocale(): Locale | null | undefined {
    return undefined;
  }

  /**
   * The language for the request's `Accept-Language`, of those for which catalogues are loaded; the one
   * closest to `defaultCode` if the request does not say. Adds `Accept-Language` to `Vary`.
   */
  getBrowserLocale(defaultCode = "en_US"): Locale {
    return browserLocale(this, defaultCode);
  }

  // --- pages ----------------------------------------------------------------------------------------------
  //   // --- pages
  //   -------------------------------------------------------------------------------------------------

  /**
   * Renders a template, adds what its UI modules need to head and body, and ends the response with the page.
   * The template sees the names of {@link RequestHandler.getTemplateNamespace}, and those of `names` before
   * them (an object's own properties).
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) after {@link RequestHandler.finish}, or if a UI
   * module adds something to a page without `</head>` or `</body>`.
   * @throws TemplateError and its kind (`ERR_SQUALL_TEMPLATE_…`) if there is no such template, if it is
   * faulty, or if it waits.
   */
  render(templateName: string, names?: TemplateNamespace): Promise<void> {
    return renderPage(this, templateName, names);
  }

  /**
   * As {@link RequestHandler.render}, for a template that may hold `await`. Rejects with what that throws.
   */
  renderAsync(templateName: string, names?: TemplateNamespace): Promise<void> {
    return renderPageAsync(this, templateName, names);
  }

  /**
   * The text of a template, with the names that {@link RequestHandler.render} gives it. Ends nothing. Throws
   * as that does.
   */
  renderString(templateName: string, names?: TemplateNamespace): string {
    return renderText(this, templateName, names);
  }

  /** As {@link RequestHandler.renderString}, for a template that may hold `await`. */
  renderStringAsync(templateName: string, names?: TemplateNamespace): Promise<string> {
    return renderTextAsync(this, templateName, names);
  }

  /**
   * The names for all templates: `handler`, `request`, `currentUser`, `locale`, `_` (translates), `pgettext`,
   * `interpolate`, `staticUrl`, `xsrfFormHtml`, `reverseUrl`, `modules` and the UI methods. Override it to
   * add some: `{ ...super.getTemplateNamespace(), site }`.
   */
  getTemplateNamespace(): Record<string, unknown> {
    return defaultNamespace(this);
  }

  /**
   * The folder of the templates, a path or a `file:` URL: the `templatePath` setting. Without one it is the
   * folder of the source file that renders, as in Tornado; a program that is compiled or bundled has to say
   * it.
   */
  getTemplatePath(): string | URL | null | undefined {
    return this.settings.templatePath;
  }

  /**
   * The loader for a folder: the `templateLoader` setting, else a `Loader` with the settings `autoescape` and
   * `templateWhitespace`. Called once for each folder of an application.
   */
  createTemplateLoader(templatePath: string): BaseLoader {
    return createLoader(this, templatePath);
  }

  /**
   * The UI methods of the application, bound to this handler, and its UI modules as `modules`. Without
   * prototype.
   */
  get ui(): Readonly<Record<string, unknown>> {
    return uiOf(this);
  }

  /** The elements for scripts of UI modules, each file once; override it to write others. */
  renderLinkedJs(jsFiles: readonly string[]): string {
    return linkedJs(this, jsFiles);
  }

  /** The element for the scripts that UI modules embed; override it to add a nonce, for instance. */
  renderEmbedJs(jsEmbed: readonly Chunk[]): string {
    return embedJs(jsEmbed);
  }

  /** The elements for style sheets of UI modules, each file once. */
  renderLinkedCss(cssFiles: readonly string[]): string {
    return linkedCss(this, cssFiles);
  }

  /** The element for the style rules that UI modules embed. */
  renderEmbedCss(cssEmbed: readonly Chunk[]): string {
    return embedCss(cssEmbed);
  }

  // --- status and headers ----------------------------------------------------------------------------------

  /**
   * Sets the status; `reason` is the phrase of the status line, by default the standard one ("Unknown" if
   * there is none).
   * @throws InvalidArgumentError unless it is an integer from 200 to 999, or 101 for {@link
   *   RequestHandler.upgrade}: after another 1xx the client would wait for the final response.
   */
  setStatus(statusCode: number, reason?: string | null): void {
    const state = stateOf(this);
    checkStatusCode(statusCode);
    noteLateChange(state, this, "setStatus");
    state.status = statusCode;
    state.reason = safeReason(phraseFor(statusCode, reason));
  }

  /** The status of the response so far. */
  getStatus(): number {
    return stateOf(this).status;
  }

  /**
   * Sets a header field in place of earlier values. Once the head was sent it has no effect, which is logged;
   * the same holds for the other methods that change the head.
   * @throws HTTPOutputError for a name or value that would break the head (CR, LF, NUL, above U+00FF, …).
   * @throws InvalidArgumentError for a value that is neither text, bytes, an integer nor a date.
   */
  setHeader(name: string, value: HeaderValue): void {
    checkHeaderName(name);
    const state = stateOf(this);
    noteLateChange(state, this, "setHeader");
    state.headers.set(name, headerText(name, value));
  }

  /** Adds a line to a header field; throws as {@link RequestHandler.setHeader} does. */
  addHeader(name: string, value: HeaderValue): void {
    checkHeaderName(name);
    const state = stateOf(this);
    noteLateChange(state, this, "addHeader");
    state.headers.add(name, headerText(name, value));
  }

  /** Takes a header field away; harmless if it is not there. Not for cookies. */
  clearHeader(name: string): void {
    const state = stateOf(this);
    noteLateChange(state, this, "clearHeader");
    state.headers.delete(name);
  }

  /** Starts over: status 200, default headers, nothing written. Cookies stay. */
  clear(): void {
    const state = stateOf(this);
    state.headers = defaultHeaders(this);
    state.status = 200;
    state.reason = "OK";
    state.clearBody();
    this.setDefaultHeaders();
  }

  // --- the body --------------------------------------------------------------------------------------------

  /**
   * Adds to the body: text (as UTF-8), bytes of any kind (kept as they are until they are flushed, not
   * copied), or an object, which is sent as JSON with its content type.
   * @throws InvalidArgumentError for anything else, and for an object that JSON would lose (`Map`, `Set`, a
   *   class without `toJSON()`); the message says what to write instead.
   * @throws InvalidStateError after {@link RequestHandler.finish}.
   */
  write(chunk: Writable): void {
    writeChunk(this, chunk);
  }

  /**
   * Sends what was written so far, the first time with the header fields. Resolves when there is room for
   * more: await it in a loop that writes much. For a client that keeps pace there always is; then the promise
   * waits for a turn of the event loop after 512 KiB or 128 flushes, so that other clients are served, timers
   * fire, and the end of this one is seen. Rejects when the connection is closed; and as `signal` and
   * `timeout` say, which takes nothing back that was written.
   */
  flush(options?: FlushOptions): Promise<void> {
    return flushOutput(this, options?.includeFooters ?? false, options);
  }

  /**
   * Ends the response, with `chunk` as its last piece. A response that was not flushed gets `Content-Length`,
   * and for GET and HEAD an `ETag`; if the client has it already, 304 is sent instead. Resolves when it has
   * been handed over. With `trailers` the body is sent chunked, so that they can follow it.
   * @throws InvalidStateError if it was called before.
   */
  finish(chunk?: Writable, options?: FinishOptions): Promise<void> {
    if (chunk !== undefined && !stateOf(this).finished) this.write(chunk);
    return finishOutput(this, options?.trailers);
  }

  /**
   * Begins a response of Server-Sent Events. It stays open when the method ends: events are sent by whoever
   * has the {@link EventStream}, until that is closed or the client leaves.
   * @throws InvalidStateError (`ERR_SQUALL_INVALID_STATE`) if the response has begun.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an invalid option.
   */
  openEventStream(options: EventStreamOptions = {}): EventStream {
    return new EventStream(this, options);
  }

  /**
   * Answers with the events of a source, one when the client has room for it, and ends the response after the
   * last one.
   *
   *     async get() {
   *       await this.sendEvents(prices({ since: this.lastEventId, signal: this.signal }));
   *     }
   *
   * When the client leaves, the source is ended, and the promise rejects with the reason of
   * {@link RequestHandler.signal}. What the source throws is logged, ends the response, and rejects the
   * promise. Throws as {@link RequestHandler.openEventStream} does.
   */
  sendEvents(
    source: AsyncIterable<EventInit> | Iterable<EventInit>,
    options: EventStreamOptions = {},
  ): Promise<void> {
    return sendEvents(this, source, options);
  }

  /**
   * The id of the last event that a client had which connects again (`Last-Event-ID`); `undefined` if it has
   * none.
   */
  get lastEventId(): string | undefined {
    return lastEventIdOf(this);
  }

  /** Sends the client elsewhere and ends the response: 302, or 301 with `permanent`, or any 3xx `status`. */
  redirect(url: string | Uint8Array, options?: RedirectOptions): void {
    redirectTo(this, url, options);
  }

  /**
   * Takes the connection's stream away from HTTP, with the bytes that the client sent beyond this request in
   * front; the response counts as finished, and the stream is the caller's to close. `protocol` is how the
   * server reaches its new owner.
   * @throws InvalidStateError if the connection cannot give its stream up, is closed, or has done so before.
   */
  detach(protocol?: UpgradedProtocol): IOStream {
    return detachOutput(this, protocol);
  }

  /**
   * Switches to another protocol: sends the status, which must be 101 or the 2xx of a CONNECT, with the
   * header fields and cookies that were set, and gives the stream away as {@link RequestHandler.detach} does.
   * The response is done then: the log line is written and {@link RequestHandler.onFinish} runs.
   * @throws InvalidStateError, nothing sent, if the request did not ask for it, the response has begun, or
   *   the connection is closed or cannot be given away.
   */
  upgrade(protocol?: UpgradedProtocol): IOStream {
    return upgradeOutput(this, protocol);
  }

  /**
   * Sends 103 (Early Hints, RFC 8297) with these fields, `Link` ones usually, before the response. May be
   * called several times. Returns whether it was sent: HTTP/1.0 clients get none.
   * @throws HTTPOutputError once the response has begun, or for a field that cannot be sent.
   */
  sendEarlyHints(headers: HTTPHeadersInit): boolean {
    return sendEarlyHints(this, headers);
  }

  // --- errors ----------------------------------------------------------------------------------------------

  /**
   * Answers with an error page: clears what was written (not cookies) and calls {@link
   * RequestHandler.writeError}. If the header fields were sent already, the response is broken off, so that
   * it cannot be taken for a whole one.
   * @throws InvalidArgumentError if the status is not an integer from 200 to 999.
   */
  sendError(statusCode = 500, options: ErrorPageOptions = {}): void {
    sendError(this, statusCode, options);
  }

  /** Writes the page of an error; override it for your own. `options.error` is what was thrown. */
  writeError(statusCode: number, options: ErrorPageOptions): unknown {
    return writeErrorPage(this, statusCode, options);
  }

  /**
   * The request's target as log lines show it: the whole URI. Override it where the query holds a secret,
   * such as the code of a sign-in; it must not throw.
   */
  loggedUri(): string {
    return this.request.uri;
  }

  /**
   * Tells the log about an error that was thrown: an {@link HTTPError} as a warning if it has a message,
   * others with stack.
   */
  logException(error: unknown): void {
    logException(this, error);
  }

  // --- entity tags -----------------------------------------------------------------------------------------

  /** The tag of the body that was written: its quoted SHA-1. Override it, or return undefined for none. */
  computeEtag(): string | null | undefined {
    const state = stateOf(this);
    return etagOf(state.first, state.rest);
  }

  /** Sets `Etag` to what {@link RequestHandler.computeEtag} says. */
  setEtagHeader(): void {
    const { headers } = stateOf(this);
    const etag = this.computeEtag();
    if (etag === undefined || etag === null) return;
    // Our own needs no checking.
    if (this.computeEtag === RequestHandler.prototype.computeEtag) headers.setTrusted("Etag", etag);
    else headers.set("Etag", headerText("Etag", etag));
  }

  /** True if the client has the body with this `Etag` already (`If-None-Match`). */
  checkEtagHeader(): boolean {
    const wanted = this.request.headers.get("If-None-Match");
    return wanted !== undefined && matchesIfNoneMatch(wanted, stateOf(this).headers.get("Etag") ?? "");
  }
}

/** The wall clock that signatures go by. */
function secondsOf(loop: IOLoop): () => number {
  return () => loop.wallTime() / 1000;
}
