/** What a client works with: its connections, its slots and the queue before them. */
import type { IOLoop } from "../../async/ioloop.js";
import { Deque } from "../../base/deque.js";
import { InvalidStateError } from "../../base/errors.js";
import { OverrideResolver, Resolver } from "../../net/resolver.js";
import { TCPClient } from "../../net/tcp-client.js";
import { Call, type CallHost } from "./call.js";
import { openConnection } from "./connect.js";
import { type FetchPhase, HTTPQueueFullError } from "./errors.js";
import { firstIntent, type Hop, hopOf } from "./hop.js";
import { ConnectionPool, type PooledConnection } from "./pool.js";
import { HTTPRequest } from "./request.js";
import type { HTTPResponse } from "./response.js";
import type { Lookup, Route } from "./route.js";
import { type AsyncHTTPClientOptions, ClientSettings } from "./settings.js";

/** Plans for URLs that are fetched without options; see {@link FetchEngine.fetchUrl}. */
const PLANS = 512;
/** Defaults with which a request is not the same each time. */
const CHANGING = ["cookieJar", "prepareCallback", "proxyFromEnvironment", "body", "bodyProducer"] as const;

/** See the head of this file. */
export class FetchEngine implements CallHost {
  readonly loop: IOLoop;
  readonly settings: ClientSettings;
  readonly tcpClient: TCPClient;
  readonly pool: ConnectionPool;
  /** The client's defaults, for requests that have no options of their own. */
  readonly defaultOption: Lookup;
  /** Whether the resolver is the engine's own. */
  readonly ownsResolver: boolean;
  readonly #queue = new Deque<Call>();
  readonly #plans = new Map<string, Hop>();
  readonly #hasPlans: boolean;
  #active = 0;
  #closed = false;

  constructor(loop: IOLoop, options: AsyncHTTPClientOptions) {
    this.loop = loop;
    this.settings = new ClientSettings(options);
    this.ownsResolver = options.resolver === undefined;
    let resolver = options.resolver ?? Resolver.create({ ioLoop: loop });
    if (options.hostnameMapping !== undefined) {
      resolver = new OverrideResolver({ ioLoop: loop, resolver, mapping: options.hostnameMapping });
    }
    this.tcpClient = new TCPClient({ ioLoop: loop, resolver });
    this.pool = new ConnectionPool(this.settings.maxIdleConnections);
    const { defaults } = this.settings;
    this.defaultOption = (name) => defaults[name];
    this.#hasPlans = CHANGING.every((name) => defaults[name] === undefined);
  }

  /** How many fetches have a slot. */
  get active(): number {
    return this.#active;
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Fetches a URL without options. What is sent for it is made once, as long as the URL is remembered. */
  fetchUrl(url: string, raiseError: boolean): Promise<HTTPResponse> {
    const request = new HTTPRequest(url);
    return this.#start(request, raiseError, this.#planFor(url, request));
  }

  /** Fetches a request. */
  fetch(request: HTTPRequest, raiseError: boolean): Promise<HTTPResponse> {
    return this.#start(request, raiseError, undefined);
  }

  #start(request: HTTPRequest, raiseError: boolean, hop: Hop | undefined): Promise<HTTPResponse> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new InvalidStateError("fetch() was called on a closed HTTP client");
      const call = new Call(this, request, hop, raiseError, resolve, reject);
      call.prepare();
      if (this.#active < this.settings.maxClients) {
        this.#active++;
        call.begin();
      } else if (this.#queue.length >= this.settings.maxQueue) {
        call.fail(new HTTPQueueFullError(this.settings.maxQueue));
      } else {
        this.#queue.push(call);
        call.waitInQueue();
      }
    });
  }

  #planFor(url: string, request: HTTPRequest): Hop | undefined {
    if (!this.#hasPlans) return undefined;
    const known = this.#plans.get(url);
    if (known !== undefined) return known;
    let hop: Hop;
    try {
      hop = hopOf(firstIntent(request, this.defaultOption), this.defaultOption, this.settings);
    } catch {
      // The call finds it again and rejects with it.
      return undefined;
    }
    if (this.#plans.size >= PLANS) this.#plans.clear();
    this.#plans.set(url, hop);
    return hop;
  }

  /** Opens a connection for a route. */
  async open(
    route: Route,
    signal: AbortSignal,
    onPhase: (phase: FetchPhase) => void,
  ): Promise<PooledConnection> {
    const { tcpClient, settings } = this;
    const { params } = settings;
    const stream = await openConnection(route, { tcpClient, params, signal, onPhase });
    stream.setNodelay(true);
    const connection = this.pool.add(stream, params, route.key);
    if (this.#closed) connection.close();
    return connection;
  }

  /** A fetch that had a slot is over: the next one has it. */
  leave(): void {
    this.#active--;
    while (this.#active < this.settings.maxClients) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#active++;
      next.begin();
    }
  }

  /** A fetch that waited is over. */
  leaveQueue(call: Call): void {
    this.#queue.remove(call);
  }

  /** Ends all fetches and closes all connections. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let call = this.#queue.shift(); call !== undefined; call = this.#queue.shift()) {
      call.fail(new InvalidStateError("the HTTP client was closed"));
    }
    this.pool.close();
    this.tcpClient.close();
    if (this.ownsResolver) this.tcpClient.resolver.close();
  }
}
