/** A reverse proxy as a connection delegate: a whole server, or what answers behind a handler. */
import type { IOLoop } from "../../async/ioloop.js";
import type {
  HTTPConnection,
  HTTPMessageDelegate,
  HTTPServerConnectionDelegate,
} from "../../http/delegates.js";
import { ProxyExchange } from "./exchange.js";
import { type ProxyOptions, ProxySettings } from "./options.js";
import { Upstream } from "./upstream.js";

/**
 * Passes requests on to another server, and its responses back: `new HTTPServer(new ReverseProxy({ upstream
 * }))`. Bodies stream in both directions with back-pressure, connections to the upstream are kept, and
 * upgrades (WebSockets) become tunnels.
 *
 * Fields of the connection are removed on both ways. The upstream learns of the client by `X-Forwarded-For`,
 * `X-Forwarded-Proto`, `X-Forwarded-Host`, `X-Real-Ip` and `Forwarded`. An upstream that cannot be reached,
 * or breaks off before there is a response, is a 502, one that takes too long a 504; a response that breaks
 * off later is broken off. A request that a kept connection did not take is sent once more, if it has no
 * body and its method is idempotent.
 */
export class ReverseProxy implements HTTPServerConnectionDelegate {
  readonly #settings: ProxySettings;
  readonly #upstreams = new Map<IOLoop, Upstream>();

  /**
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for options that are invalid. Nothing is
   * connected.
   */
  constructor(options: ProxyOptions) {
    this.#settings = new ProxySettings(options);
  }

  /** For servers and routers: takes one request. */
  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    const { ioLoop } = requestConnection;
    let upstream = this.#upstreams.get(ioLoop);
    if (upstream === undefined) {
      upstream = new Upstream(this.#settings, ioLoop);
      this.#upstreams.set(ioLoop, upstream);
    }
    return new ProxyExchange(this.#settings, upstream, serverConnection, requestConnection);
  }

  /**
   * Closes the connections to the upstream; exchanges in progress are broken off. Idle ones close by
   * themselves, and do not keep the process running. Calling it twice is fine, and later requests open new
   * connections.
   */
  close(): void {
    const upstreams = [...this.#upstreams.values()];
    this.#upstreams.clear();
    for (const upstream of upstreams) upstream.close();
  }
}
