/** A reverse proxy as the handler of a route. */
import type { Rule } from "../../http/routing/rule.js";
import { FallbackHandler } from "../../web/handlers/fallback-handler.js";
import type { ProxyOptions } from "./options.js";
import { ReverseProxy } from "./reverse-proxy.js";

/** One proxy, with its connections, for each route: the routes keep their options. */
const proxies = new WeakMap<object, ReverseProxy>();

function proxyFor(options: Readonly<Record<string, unknown>>): ReverseProxy {
  let proxy = proxies.get(options);
  if (proxy === undefined) {
    proxy = new ReverseProxy(options as unknown as ProxyOptions);
    proxies.set(options, proxy);
  }
  return proxy;
}

/**
 * Passes the requests of a route on to another server:
 *
 * ```ts
 * ["/legacy/.*", ProxyHandler, { upstream: "http://127.0.0.1:9000", prefix: "/legacy" }]
 * ```
 *
 * The options are those of {@link ReverseProxy}, whose comment says what it promises. Override `prepare()`
 * for what has to be checked before, such as a sign-in, and call it then. A mistake in the options is an
 * `InvalidArgumentError` when the application is made.
 */
export class ProxyHandler extends FallbackHandler {
  /**
   * Checks the options of the route, unless a subclass has an `initialize()` of its own.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for options that are invalid.
   */
  static override checkRoute({ targetKwargs }: Rule): void {
    if (this.prototype.initialize === ProxyHandler.prototype.initialize) proxyFor(targetKwargs);
  }

  override initialize(options: Record<string, unknown>): void {
    super.initialize({ fallback: proxyFor(options) });
  }
}
