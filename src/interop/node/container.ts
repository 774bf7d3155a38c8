/** A `(req, res)` application of Node under squall's server, as a whole or beside handlers. */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkMilliseconds } from "../../base/validate.js";
import type {
  HTTPConnection,
  HTTPMessageDelegate,
  HTTPServerConnectionDelegate,
} from "../../http/delegates.js";
import { NodeExchange, type NodeHost } from "./exchange.js";
import type { NodeListener, NodeServerEvents } from "./types.js";

/** Options of a {@link NodeContainer}. */
export interface NodeContainerOptions {
  /**
   * Milliseconds for one exchange, from the head of the request to the end of the response. When they have
   * passed, the client gets a 503, or a response that has begun is broken off, and the application finds
   * its response closed. An upgraded connection has no such limit. Default `Infinity`: no limit.
   */
  readonly timeout?: number | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof NodeContainerOptions>(["timeout"]);

/**
 * Hosts an application for `node:http`: of Express, Koa (`app.callback()`), Fastify (`app.routing` after
 * `ready()`), Nest (`app.getHttpAdapter().getInstance()` after `init()`), or a function `(request,
 * response)`. It gets Node's own `IncomingMessage` and `ServerResponse`; bodies flow in both directions as
 * they come, with back-pressure. Its error is a 500 and a traceback in our log, or a response that is
 * broken off, and no harm to other connections.
 *
 * ```ts
 * await new HTTPServer(new NodeContainer(express())).listen(8000);
 * // … or: new Application([["/new", NewHandler], [".*", FallbackHandler, { fallback: new
 * NodeContainer(app) }]])
 * ```
 *
 * For upgrades (WebSockets) and `Expect: 100-continue` in the application's hands, give it an `http.Server`
 * that does not listen: `new NodeContainer(http.createServer(app))` emits "request", "upgrade", "connect"
 * and "checkContinue" on it. Without a listener an upgrade is an ordinary request, and CONNECT a 501.
 *
 * Framing, `Connection` and `Date` of responses are the server's; `Connection: close` of the application is
 * honoured.
 */
export class NodeContainer implements HTTPServerConnectionDelegate {
  readonly #host: NodeHost;

  /**
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for an application that is neither a
   * function nor a server with events, for an unknown option, and for an invalid time.
   */
  constructor(application: NodeListener | NodeServerEvents, options: NodeContainerOptions = {}) {
    checkApplication(application);
    checkNames("option of NodeContainer", options, OPTION_NAMES, false);
    this.#host = {
      application,
      timeout: checkMilliseconds("timeout", options.timeout ?? Number.POSITIVE_INFINITY),
    };
  }

  /** For servers and routers: takes one request. */
  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    return new NodeExchange(this.#host, serverConnection, requestConnection);
  }
}

function checkApplication(application: unknown): void {
  if (typeof application === "function") return;
  const object = (application ?? {}) as Partial<NodeServerEvents> & {
    readonly callback?: unknown;
    readonly routing?: unknown;
  };
  if (typeof object.callback === "function")
    throw notAnApplication("pass app.callback() of a Koa application");
  if (typeof object.routing === "function")
    throw notAnApplication("pass app.routing of a Fastify application that is ready()");
  if (typeof object.emit !== "function" || typeof object.listenerCount !== "function")
    throw notAnApplication();
}

function notAnApplication(hint = "such as an Express application or an http.Server"): InvalidArgumentError {
  return new InvalidArgumentError(
    `NodeContainer needs a function (request, response) or a server with events: ${hint}`,
  );
}
