/**
 * `AsyncHTTPClient`, the client that programs use, and `SimpleAsyncHTTPClient`, what it is unless another
 * implementation was chosen. They share a file because each needs the other: the family's base names its
 * default.
 */
import { IOLoop } from "../../async/ioloop.js";
import { Configurable, type ConfigurableClass } from "../../base/configurable.js";
import { InvalidArgumentError, InvalidStateError } from "../../base/errors.js";
import { checkBoolean } from "../../base/validate.js";
import type { Resolver } from "../../net/resolver.js";
import type { TCPClient } from "../../net/tcp-client.js";
import { FetchEngine } from "./engine.js";
import { HTTPRequest, type HTTPRequestOptions } from "./request.js";
import type { HTTPResponse } from "./response.js";
import type { AsyncHTTPClientOptions } from "./settings.js";

/** Options of {@link AsyncHTTPClient.fetch}: those of the request, and one more. */
export interface FetchOptions extends HTTPRequestOptions {
  /** Reject for a status other than 2xx; default true. Without a response the fetch rejects in any case. */
  readonly raiseError?: boolean | undefined;
}

/** The shared clients of each loop, by class. */
const shared = new WeakMap<IOLoop, Map<unknown, AsyncHTTPClient>>();

/** What `configure()` said, for the family. */
let configured: AsyncHTTPClientOptions = {};

/**
 * A client that does not block. `new AsyncHTTPClient()` returns one shared client for each loop, so that all
 * parts of a program share its connections and its limit of requests in progress; `forceInstance` makes
 * another one.
 *
 *     const client = new AsyncHTTPClient();
 *     const response = await client.fetch("https://www.example.com/");
 *     console.log(response.body.toString());
 */
export class AsyncHTTPClient extends Configurable implements Disposable {
  static override configurableBase(): ConfigurableClass {
    return AsyncHTTPClient;
  }

  static override configurableDefault(): ConfigurableClass {
    return SimpleAsyncHTTPClient;
  }

  /**
   * Chooses the implementation and the options of clients that are made from now on; `null` is the default
   * one. A name is imported, and the answer is a promise. Clients that are shared already stay as they are.
   * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a class that is not an `AsyncHTTPClient`.
   */
  static override configure(
    implementation: ConfigurableClass | null | undefined,
    options?: AsyncHTTPClientOptions,
  ): void;
  static override configure(implementation: string, options?: AsyncHTTPClientOptions): Promise<void>;
  static override configure(
    implementation: ConfigurableClass | string | null | undefined,
    options: AsyncHTTPClientOptions = {},
  ): Promise<void> | void {
    const remember = (): void => {
      configured = { ...options };
    };
    if (typeof implementation === "string") return super.configure(implementation).then(remember);
    super.configure(implementation);
    remember();
  }

  /** What {@link AsyncHTTPClient.configure} chose, for {@link AsyncHTTPClient.restoreConfiguration}. */
  static override saveConfiguration(): unknown {
    return { choice: super.saveConfiguration(), options: configured };
  }

  /** Goes back to what {@link AsyncHTTPClient.saveConfiguration} gave. */
  static override restoreConfiguration(saved: unknown): void {
    const { choice, options } = saved as { choice: unknown; options: AsyncHTTPClientOptions };
    super.restoreConfiguration(choice);
    configured = options;
  }

  /** The loop that the client belongs to. */
  declare readonly ioLoop: IOLoop;
  /** Options for requests that do not have them. */
  declare readonly defaults: HTTPRequestOptions;
  /** @internal Whether the loop's other users get this client. */
  declare protected isShared: boolean;
  /** @internal */
  declare protected isClosed: boolean;

  /**
   * The loop's shared client, or with `forceInstance` a new one. The options count only for a new one.
   * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a wrong option.
   */
  constructor(options: AsyncHTTPClientOptions = {}) {
    super();
    const implementation = new.target === AsyncHTTPClient ? AsyncHTTPClient.configuredClass() : new.target;
    const loop = options.ioLoop ?? IOLoop.current();
    const isShared = !checkBoolean("forceInstance", options.forceInstance ?? false);
    const existing = isShared ? shared.get(loop)?.get(implementation) : undefined;
    // biome-ignore lint/correctness/noConstructorReturn: the contract of Tornado's class
    if (existing !== undefined) return existing;
    if (new.target === AsyncHTTPClient) {
      const Implementation = implementation as unknown as new (
        options: AsyncHTTPClientOptions,
      ) => AsyncHTTPClient;
      // biome-ignore lint/correctness/noConstructorReturn: the class stands for the configured one
      return new Implementation({ ...configured, ...options });
    }
    Object.assign(this, { ioLoop: loop, isShared, isClosed: false });
    this.initialize(options);
    if (isShared) {
      let clients = shared.get(loop);
      if (clients === undefined) {
        clients = new Map();
        shared.set(loop, clients);
      }
      clients.set(implementation, this);
    }
  }

  /** Takes the options of a new client; an implementation overrides it and calls it. */
  override initialize(options: AsyncHTTPClientOptions = {}): void {
    Object.assign(this, { defaults: { ...options.defaults } });
  }

  /**
   * Fetches a URL, with the options of `HTTPRequest`, or an `HTTPRequest`.
   *
   * Rejects with an {@link HTTPClientError} for a status other than 2xx (unless `raiseError` is false), and
   * for the lack of a response: `HTTPTimeoutError`, `HTTPConnectError`, `HTTPStreamClosedError` and so on;
   * with the signal's reason; with an `InvalidArgumentError` for a request that cannot be sent. A cancel
   * closes the connection.
   */
  fetch(request: string | URL | HTTPRequest, options?: FetchOptions): Promise<HTTPResponse> {
    if (this.isClosed)
      return Promise.reject(new InvalidStateError("fetch() was called on a closed HTTP client"));
    try {
      if (options === undefined) {
        if (typeof request === "string") return this.fetchUrl(request, true);
        return this.fetchImpl(request instanceof HTTPRequest ? request : new HTTPRequest(request), true);
      }
      const { raiseError = true, ...rest } = options;
      if (!(request instanceof HTTPRequest))
        return this.fetchImpl(new HTTPRequest(request, rest), raiseError);
      if (Object.keys(rest).length > 0) {
        throw new InvalidArgumentError("with an HTTPRequest, its options go into it and not beside it");
      }
      return this.fetchImpl(request, raiseError);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Fetches a URL without options; an implementation may have a shorter way for it. */
  protected fetchUrl(url: string, raiseError: boolean): Promise<HTTPResponse> {
    return this.fetchImpl(new HTTPRequest(url), raiseError);
  }

  /** What an implementation does: fetches a request, as {@link AsyncHTTPClient.fetch} promises. */
  fetchImpl(_request: HTTPRequest, _raiseError: boolean): Promise<HTTPResponse> {
    throw new InvalidStateError(`${this.constructor.name} does not implement fetchImpl()`);
  }

  /**
   * Ends the client: fetches in progress reject, connections close, and the loop gets a new shared client
   * when one is asked for. Calling it twice is fine.
   */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const clients = shared.get(this.ioLoop);
    if (this.isShared && clients?.get(this.constructor) === this) clients.delete(this.constructor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The client on squall's own streams: HTTP/1.1 with kept connections, TLS, proxies and unix sockets.
 * Tornado's class of that name has no proxies and one connection for each request.
 */
export class SimpleAsyncHTTPClient extends AsyncHTTPClient {
  /** @internal */
  declare protected engine: FetchEngine;

  override initialize(options: AsyncHTTPClientOptions = {}): void {
    super.initialize(options);
    Object.assign(this, { engine: new FetchEngine(this.ioLoop, options) });
  }

  /** Requests in progress at once. */
  get maxClients(): number {
    return this.engine.settings.maxClients;
  }

  /** Octets of a response held in memory. */
  get maxBufferSize(): number {
    return this.engine.settings.maxBufferSize;
  }

  /** Octets of the head of a response. */
  get maxHeaderSize(): number {
    return this.engine.settings.maxHeaderSize;
  }

  /** Octets of the body of a response. */
  get maxBodySize(): number {
    return this.engine.settings.maxBodySize;
  }

  /** Who looks hosts up. */
  get resolver(): Resolver {
    return this.engine.tcpClient.resolver;
  }

  /** Whether {@link AsyncHTTPClient.close} closes the resolver, too. */
  get ownResolver(): boolean {
    return this.engine.ownsResolver;
  }

  /** What opens connections. */
  get tcpClient(): TCPClient {
    return this.engine.tcpClient;
  }

  /** Fetches in progress. */
  get activeRequests(): number {
    return this.engine.active;
  }

  /** Fetches that wait for one of `maxClients` slots. */
  get waitingRequests(): number {
    return this.engine.waiting;
  }

  /** Connections to servers, busy or idle. */
  get connections(): number {
    return this.engine.pool.size;
  }

  protected override fetchUrl(url: string, raiseError: boolean): Promise<HTTPResponse> {
    return this.engine.fetchUrl(url, raiseError);
  }

  override fetchImpl(request: HTTPRequest, raiseError: boolean): Promise<HTTPResponse> {
    return this.engine.fetch(request, raiseError);
  }

  override close(): void {
    if (this.isClosed) return;
    super.close();
    this.engine.close();
  }
}
