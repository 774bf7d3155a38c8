/** A Fetch application, `Request → Response`, under squall's server, as a whole or beside handlers. */
import { checkNames } from "../../base/nearest-name.js";
import { checkFunction, checkMilliseconds } from "../../base/validate.js";
import type {
  HTTPConnection,
  HTTPMessageDelegate,
  HTTPServerConnectionDelegate,
} from "../../http/delegates.js";
import { FetchExchange, type FetchHost } from "./exchange.js";
import type { FetchApplication } from "./types.js";

/** Options of a {@link FetchContainer}. */
export interface FetchContainerOptions {
  /**
   * Milliseconds for one exchange, from the head of the request to the end of the response. When they have
   * passed, the client gets a 503, or a response that has begun is broken off, and `request.signal` is
   * aborted with a `TimeoutError`. Default `Infinity`: no limit.
   */
  readonly timeout?: number | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof FetchContainerOptions>(["timeout"]);

/**
 * Hosts an application that takes a `Request` and returns a `Response`, or a promise of one: `app.fetch` of
 * Hono, `router.fetch` of itty-router, a plain function. Bodies stream in both directions as they are read,
 * with back-pressure. `request.signal` is aborted when the client leaves before the response is complete;
 * clones of the request share it, and a `new Request(request)` does not. No global object is replaced.
 *
 * ```ts
 * await new HTTPServer(new FetchContainer((request) => new Response("Hello"))).listen(8000);
 * // … or: new Application([["/new", NewHandler], [".*", FallbackHandler, { fallback: new
 * FetchContainer(app.fetch) }]])
 * ```
 *
 * An exception, or anything but a `Response`, is a 500 and a traceback in our log; after the head was sent
 * the response is broken off. Bodies of GET and HEAD requests, which Fetch does not have, are dropped;
 * CONNECT, TRACE and TRACK are answered with 501.
 */
export class FetchContainer implements HTTPServerConnectionDelegate {
  readonly #host: FetchHost;

  /**
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an application that is not a function,
   * for an unknown option, and for an invalid time.
   */
  constructor(application: FetchApplication, options: FetchContainerOptions = {}) {
    checkNames("option of FetchContainer", options, OPTION_NAMES, false);
    this.#host = {
      application: checkFunction<FetchApplication>("application", application),
      timeout: checkMilliseconds("timeout", options.timeout ?? Number.POSITIVE_INFINITY),
    };
  }

  /** For servers and routers: takes one request. */
  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    return new FetchExchange(this.#host, serverConnection, requestConnection);
  }
}
