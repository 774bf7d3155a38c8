/**
 * An application: routes, settings, and the delegate that a server is started on.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkObject } from "../../base/validate.js";
import type { HTTPMessageDelegate, HTTPServerConnectionDelegate } from "../../http/delegates.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { AnyMatches, DefaultHostMatches, HostMatches } from "../../http/routing/matchers.js";
import { ReversibleRouter } from "../../http/routing/router.js";
import { Rule } from "../../http/routing/rule.js";
import { checkRoutes, type RuleInit } from "../../http/routing/rule-router.js";
import type { CheckedRoute, CheckedRoutes } from "../../http/routing/url-spec.js";
import { HTTPServer, type HTTPServerOptions, SERVER_OPTION_NAMES } from "../../http/server/http-server.js";
import { checkListenNames, LISTEN_OPTIONS, refuseCallback } from "../../net/listen.js";
import type { ListenOptions } from "../../net/tcp-server.js";
import { GZipContentEncoding } from "../handler/compress.js";
import { ErrorHandler } from "../handlers/error-handler.js";
import { resolveUIMethods, resolveUIModules } from "../modules/registry.js";
import type { UIMethod, UIModuleClass } from "../modules/types.js";
import { staticRules } from "../static/static-rules.js";
import type { App, ApplicationSettings, Handler, HandlerDelegateOptions, TransformClass } from "../types.js";
import { logRequestLine } from "./access-log.js";
import { ApplicationRouter } from "./application-router.js";
import { HandlerDelegate, type RequestHandlerClass } from "./handler-delegate.js";
import { checkSettings } from "./setting-checks.js";
import { resolveSettings } from "./settings.js";

/**
 * Routes of an application: `[pattern, Handler, kwargs, name]`, `url(…)`, or any rule; see {@link RuleInit}.
 */
export type Routes = Iterable<RuleInit>;

/** The settings, and what else the constructor takes by name. */
export interface ApplicationOptions extends ApplicationSettings {
  /**
   * The host whose routes (see {@link Application.addHandlers}) also answer requests to other hosts that no
   * rule takes; default none.
   */
  defaultHost?: string | undefined;
  /** Transforms of all responses; default those that the settings ask for. */
  transforms?: readonly TransformClass[] | undefined;
}

/** Options of {@link Application.listen}: where to listen, and those of the server. */
export interface ApplicationListenOptions
  extends ListenOptions,
    Omit<HTTPServerOptions, keyof ListenOptions> {}

/**
 * The class. Its constructor is typed by {@link ApplicationConstructor}: a class cannot have type parameters
 * of its constructor alone, and one of the class would show the routes in the type of each application.
 */
class ApplicationClass extends ReversibleRouter implements App, HTTPServerConnectionDelegate {
  static {
    Object.defineProperty(this, "name", { value: "Application" });
  }

  /** Settings, squall's and the application's own. */
  readonly settings: ApplicationSettings;
  /**
   * The host whose routes answer for hosts that no rule names; see {@link ApplicationOptions.defaultHost}.
   */
  readonly defaultHost: string | undefined;
  /** Applied to each response, in order. */
  readonly transforms: TransformClass[];
  /**
   * The UI modules by name: those of the `uiModules` setting, and `Template`, `linkify` and `xsrfFormHtml`.
   */
  readonly uiModules: ReadonlyMap<string, UIModuleClass>;
  /** The UI methods by name, from the `uiMethods` setting. */
  readonly uiMethods: ReadonlyMap<string, UIMethod>;
  /** The routes that were given to the constructor. */
  readonly wildcardRouter: ApplicationRouter;
  /** The rules for hosts, then the rule that leads to {@link Application.wildcardRouter}. */
  readonly defaultRouter: ApplicationRouter;

  /**
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a route, a target or a setting that is
   *   invalid.
   */
  constructor(handlers?: Routes | null | undefined, options: ApplicationOptions = {}) {
    super();
    if (handlers !== undefined && handlers !== null) checkRoutes(handlers);
    checkObject("the settings of an application", options);
    checkSettings(options);
    const { defaultHost, transforms, ...settings } = options;
    this.settings = resolveSettings(settings);
    this.defaultHost = defaultHost;
    this.transforms = [
      ...(transforms ?? (this.settings.compressResponse === true ? [GZipContentEncoding] : [])),
    ];
    this.uiModules = resolveUIModules(this.settings.uiModules);
    this.uiMethods = resolveUIMethods(this.settings.uiMethods);
    this.wildcardRouter = new ApplicationRouter(this, [...staticRules(this.settings), ...(handlers ?? [])]);
    this.defaultRouter = new ApplicationRouter(this, [new Rule(new AnyMatches(), this.wildcardRouter)]);
    // Loaded when it is asked for: a server in production never needs it.
    if (this.settings.autoreload === true)
      void import("../../devel/autoreload.js").then(({ start }) => start());
  }

  /**
   * Adds routes for the hosts that a pattern matches (see {@link HostMatches}). Patterns are tried in the
   * order of their adding, before the routes of the constructor.
   */
  addHandlers(hostPattern: string | RegExp, handlers: Routes): void {
    const matcher = new HostMatches(hostPattern);
    checkRoutes(handlers);
    const rules = [...handlers];
    this.defaultRouter.insertBeforeLast(new Rule(matcher, new ApplicationRouter(this, rules)));
    if (this.defaultHost !== undefined) {
      this.wildcardRouter.addRules([[new DefaultHostMatches(this, matcher.hostPattern), rules]]);
    }
  }

  /**
   * Starts a server for this application on a port, 0 for a free one, and resolves with it once it listens;
   * its `port` tells which. The options are those of `HTTPServer` and of its `listen()`. For this process
   * alone; to share a port between processes use `HTTPServer` itself.
   */
  async listen(port: number, options?: ApplicationListenOptions | string): Promise<HTTPServer>;
  async listen(
    port: number,
    options: ApplicationListenOptions | string = {},
    callback?: unknown,
  ): Promise<HTTPServer> {
    refuseCallback(options, callback);
    const settings = typeof options === "string" ? { address: options } : options;
    checkListenNames(Object.keys(settings), SERVER_OPTION_NAMES);
    // Those that do not say where to listen are the server's.
    const where: Record<string, unknown> = {};
    const how: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(settings)) {
      (LISTEN_OPTIONS.has(name) ? where : how)[name] = value;
    }
    const server = new HTTPServer(this, how);
    await server.listen(port, where);
    return server;
  }

  /** For the server: what its own answers say in the `Server` field; the setting. */
  get serverHeader(): string | false | undefined {
    return this.settings.serverHeader;
  }

  /** Adds a transform after the others. */
  addTransform(transform: TransformClass): void {
    this.transforms.push(transform);
  }

  /** Who answers a request: the first route that matches, else `defaultHandlerClass`, else a 404. */
  override findHandler(request: HTTPServerRequest): HTTPMessageDelegate {
    const delegate = this.defaultRouter.findHandler(request);
    if (delegate !== undefined) return delegate;
    const { defaultHandlerClass, defaultHandlerArgs } = this.settings;
    if (defaultHandlerClass !== undefined) {
      return this.getHandlerDelegate(request, defaultHandlerClass as RequestHandlerClass, {
        targetKwargs: defaultHandlerArgs,
      });
    }
    return this.getHandlerDelegate(request, ErrorHandler, { targetKwargs: { statusCode: 404 } });
  }

  /**
   * The message delegate that lets a handler of this class answer. For routers of your own.
   */
  getHandlerDelegate(
    request: HTTPServerRequest,
    handlerClass: RequestHandlerClass,
    options: HandlerDelegateOptions = {},
  ): HTTPMessageDelegate {
    return new HandlerDelegate(this, request, handlerClass, options);
  }

  /** Answers a request whose body is there already, such as one that a `FallbackHandler` passes on. */
  handle(request: HTTPServerRequest): void | Promise<void> {
    const delegate = this.findHandler(request);
    // The connection calls its own delegate, which has passed the request on.
    request.connection?.onAbort((reason) => delegate.onExchangeAborted?.(reason));
    const startLine = { method: request.method, path: request.uri, version: request.version };
    const pending = delegate.headersReceived(startLine, request.headers);
    return pending === undefined
      ? handBody(delegate, request)
      : pending.then(() => handBody(delegate, request));
  }

  /**
   * The path of the route `name` with these arguments in the groups of its pattern.
   * @throws InvalidArgumentError if there is no such route or the arguments do not fit.
   */
  override reverseUrl(name: string, ...args: readonly unknown[]): string {
    const path = this.defaultRouter.reverseUrl(name, ...args);
    if (path !== undefined) return path;
    throw new InvalidArgumentError(`${JSON.stringify(name)} not found in named urls`);
  }

  /** Writes the access log line, or calls the `logFunction` setting. Called once for each response. */
  logRequest(handler: Handler): void {
    const { logFunction } = this.settings;
    if (logFunction === undefined) logRequestLine(handler);
    else logFunction(handler);
  }
}

/** How an {@link Application} is made. */
export interface ApplicationConstructor {
  /** What all applications share; for `instanceof`. */
  readonly prototype: Application;
  /**
   * Compilation fails if a verb of a handler cannot take the parameters of its template, as with `url()`.
   * This signature is for lists with a part that depends on a condition, whose type is a union:
   * `...(debug ? [["/debug", DebugHandler]] : [])`.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a route, a target or a setting that is
   *   invalid.
   */
  new <const Route extends RuleInit = RuleInit>(
    handlers?: Iterable<Route & CheckedRoute<Route>> | null | undefined,
    options?: ApplicationOptions,
  ): Application;
  /**
   * The same for other lists; the last signature, because the compiler's message is that of the last one.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for a route, a target or a setting that is
   *   invalid.
   */
  new <const List extends Routes = Routes>(
    handlers?: (List & CheckedRoutes<List>) | null | undefined,
    options?: ApplicationOptions,
  ): Application;
}

/**
 * A web application: a router from requests to {@link RequestHandler} classes, with the settings that they
 * share.
 *
 *     const app = new Application([["/", MainHandler], url("/story/:id", StoryHandler)], { debug: true });
 *     const server = await app.listen(8888);
 *
 * The first route that matches wins. Routes given here answer for every host; {@link Application.addHandlers}
 * adds some for one. It is a delegate for an `HTTPServer` and may be the target of another router's rule.
 * Tornado `web.Application`.
 */
export interface Application extends ApplicationClass {}

/** The class of {@link Application}. */
export const Application: ApplicationConstructor = ApplicationClass;

function handBody(delegate: HTTPMessageDelegate, request: HTTPServerRequest): void | Promise<void> {
  const pending = request.body.length > 0 ? delegate.dataReceived(request.body) : undefined;
  return pending === undefined ? delegate.finish() : pending.then(() => delegate.finish());
}
