/**
 * The second implementation of `AsyncHTTPClient`, as libcurl is Tornado's: an adapter over `undici`, an
 * optional peer, for what squall's own client does not do: HTTP/2 (`allowH2`), or a dispatcher that the
 * program brings, such as a `Socks5ProxyAgent`.
 *
 *     AsyncHTTPClient.configure(UndiciAsyncHTTPClient);
 *
 * Requests, redirects, challenges, retries, decompression and errors are those of squall; `undici` opens
 * connections and speaks HTTP. Its phases are not seen, so errors name `headers` or `body` alone.
 */
import { onAbort } from "../../async/cancel.js";
import { Semaphore } from "../../async/sync/semaphore.js";
import { sleep } from "../../async/waiting/sleep.js";
import { NO_BYTES } from "../../base/bytes.js";
import { InvalidArgumentError, InvalidStateError, TimeoutError } from "../../base/errors.js";
import { type SSLContext, type SSLOptions, sslOptionsToContext } from "../../net/tls/ssl-options.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import { AsyncHTTPClient } from "./async-client.js";
import type { RequestBody } from "./body.js";
import { BodySink } from "./body-sink.js";
import { storeCookies } from "./cookies.js";
import { basicAuthorization } from "./credentials.js";
import { type FetchPhase, HTTPConnectError, HTTPRedirectError, HTTPStreamClosedError } from "./errors.js";
import { afterFailure, afterResponse, type Next, type Progress } from "./follow.js";
import { showHead } from "./head-lines.js";
import { firstIntent, type Hop, hopOf, type Intent, unpacks } from "./hop.js";
import { DEFAULTS, type HTTPRequest } from "./request.js";
import { HTTPClientError, HTTPResponse } from "./response.js";
import { resolveRetryPolicy } from "./retry.js";
import { optionsOf, type Route } from "./route.js";
import { type AsyncHTTPClientOptions, ClientSettings } from "./settings.js";
import { limitOf, timeoutIn } from "./time-limits.js";

/** What squall needs of `undici`. */
interface Undici {
  request(url: string, options: object): Promise<UndiciResponse>;
  Agent: new (options: object) => UndiciDispatcher;
  ProxyAgent: new (options: object) => UndiciDispatcher;
}

/** A dispatcher of `undici`, as far as squall looks into it. */
export interface UndiciDispatcher {
  /** Ends its connections. */
  destroy(error?: Error | null): unknown;
}

interface UndiciResponse {
  readonly statusCode: number;
  readonly statusText?: string | undefined;
  readonly headers: readonly (string | Buffer)[];
  readonly body: AsyncIterable<Buffer> & {
    destroy(error?: Error): unknown;
    on(event: "error", fn: () => void): unknown;
  };
}

/**
 * Options of {@link UndiciAsyncHTTPClient}. `hostnameMapping`, `resolver`, `keepAlive`, `maxIdleConnections`,
 * `maxQueue` and `requestStallTimeout` are refused, as are `filterAddresses` and `expect100Continue` of
 * requests: `undici` has its own ways.
 */
export interface UndiciClientOptions extends AsyncHTTPClientOptions {
  /** Who sends the requests; default agents of the adapter's own, one for each kind of connection. */
  readonly dispatcher?: UndiciDispatcher | undefined;
  /**
   * The package `undici`, for programs where squall cannot see it; default: it is imported at the first
   * fetch.
   */
  readonly undici?: object | undefined;
  /** Speak HTTP/2 with servers that offer it; default false. */
  readonly allowH2?: boolean | undefined;
}

/** `undici` is not installed (`ERR_SQUALL_UNDICI_MISSING`): `npm install undici`. */
export class UndiciMissingError extends HTTPClientError {
  static {
    this.prototype.name = "UndiciMissingError";
  }

  constructor(cause: unknown) {
    super(599, 'this client needs the optional package "undici": npm install undici', undefined, {
      code: "ERR_SQUALL_UNDICI_MISSING",
      cause,
    });
  }
}

/** What `undici` does its own way: refused, since an option that does nothing is worse than none. */
const FOREIGN_OPTIONS = [
  "hostnameMapping",
  "resolver",
  "keepAlive",
  "maxIdleConnections",
  "maxQueue",
  "requestStallTimeout",
] as const;
const FOREIGN_REQUEST_OPTIONS = ["filterAddresses", "expect100Continue"] as const;

function refuseForeign(names: readonly string[], has: (name: string) => boolean): void {
  for (const name of names) {
    if (has(name)) throw new InvalidArgumentError(`UndiciAsyncHTTPClient does not know the option ${name}`);
  }
}

let loading: Promise<Undici> | undefined;

function loadUndici(): Promise<Undici> {
  const name = "undici";
  loading ??= (import(name) as Promise<Undici>).catch((error: unknown) => {
    loading = undefined;
    throw new UndiciMissingError(error);
  });
  return loading;
}

/** See the head of this file. Tornado `CurlAsyncHTTPClient`. */
export class UndiciAsyncHTTPClient extends AsyncHTTPClient {
  /** @internal */
  declare protected state: {
    readonly settings: ClientSettings;
    readonly slots: Semaphore;
    readonly agents: Map<string, UndiciDispatcher>;
    readonly dispatcher: UndiciDispatcher | undefined;
    readonly undici: object | undefined;
    readonly allowH2: boolean;
    readonly ending: AbortController;
  };

  /** As that of {@link AsyncHTTPClient}. */
  constructor(options?: UndiciClientOptions) {
    super(options);
  }

  override initialize(options: UndiciClientOptions = {}): void {
    super.initialize(options);
    const { dispatcher, undici, allowH2 = false, ...rest } = options;
    refuseForeign(FOREIGN_OPTIONS, (name) => rest[name as "maxQueue"] !== undefined);
    const settings = new ClientSettings(rest);
    const state: UndiciAsyncHTTPClient["state"] = {
      settings,
      slots: new Semaphore(settings.maxClients),
      agents: new Map(),
      dispatcher,
      undici,
      allowH2,
      ending: new AbortController(),
    };
    Object.assign(this, { state });
  }

  override async fetchImpl(request: HTTPRequest, raiseError: boolean): Promise<HTTPResponse> {
    const { slots, settings } = this.state;
    const option = optionsOf(request, settings.defaults);
    refuseForeign(FOREIGN_REQUEST_OPTIONS, (name) => option(name as "filterAddresses") !== undefined);
    if (option("proxyHost") !== undefined && option("proxyAuthMode") === "digest") {
      throw new InvalidArgumentError("UndiciAsyncHTTPClient signs in to proxies by Basic alone");
    }
    const undici = (this.state.undici as Undici | undefined) ?? (await loadUndici());
    const signal = option("signal");
    const requestTimeout = limitOf("requestTimeout", option("requestTimeout"), DEFAULTS.requestTimeout);
    const queueTimeout = Math.min(
      requestTimeout,
      limitOf("connectTimeout", option("connectTimeout"), DEFAULTS.connectTimeout),
    );
    try {
      await slots.acquire({ signal, timeout: queueTimeout });
    } catch (error) {
      if (error instanceof TimeoutError) throw timeoutIn("queue");
      throw error;
    }
    const fetch = new UndiciFetch(this.ioLoop, undici, this.state, request, () => slots.release());
    return await fetch.run(requestTimeout, raiseError);
  }

  override close(): void {
    if (this.isClosed) return;
    super.close();
    this.state.ending.abort(new InvalidStateError("the HTTP client was closed"));
    for (const agent of this.state.agents.values()) void agent.destroy();
    this.state.agents.clear();
  }
}

type Loop = AsyncHTTPClient["ioLoop"];
type State = UndiciAsyncHTTPClient["state"];

/** One fetch. */
class UndiciFetch {
  readonly #loop: Loop;
  readonly #undici: Undici;
  readonly #state: State;
  readonly #request: HTTPRequest;
  readonly #release: () => void;
  readonly #option: ReturnType<typeof optionsOf>;
  readonly #abort = new AbortController();
  #phase: FetchPhase = "headers";
  #redirects = 0;
  #attempt = 1;
  readonly #startedAt: number;

  constructor(loop: Loop, undici: Undici, state: State, request: HTTPRequest, release: () => void) {
    this.#loop = loop;
    this.#undici = undici;
    this.#state = state;
    this.#request = request;
    this.#release = release;
    this.#option = optionsOf(request, state.settings.defaults);
    this.#startedAt = loop.time();
    request.startTime = loop.wallTime();
  }

  async run(timeout: number, raiseError: boolean): Promise<HTTPResponse> {
    const give = (reason: unknown): void => this.#abort.abort(reason);
    const unlisten = [onAbort(this.#option("signal"), give), onAbort(this.#state.ending.signal, give)];
    const timer =
      timeout === Number.POSITIVE_INFINITY
        ? undefined
        : this.#loop.callLater(timeout, () => give(timeoutIn(this.#phase)));
    const stopTimer = (): void => {
      if (timer !== undefined) this.#loop.removeTimeout(timer);
    };
    const end = (): void => {
      stopTimer();
      for (const stop of unlisten) stop();
      this.#release();
    };
    try {
      const { response, whole } = await this.#follow();
      stopTimer();
      // A streamed body keeps the slot and listens to the signal until it is over.
      void whole.then(end, end);
      if (raiseError) response.rethrow();
      return response;
    } catch (error) {
      end();
      throw this.#abort.signal.aborted ? this.#abort.signal.reason : error;
    }
  }

  async #follow(): Promise<{ response: HTTPResponse; whole: Promise<void> }> {
    const policy = this.#option("retry");
    const resolved = policy === undefined ? undefined : resolveRetryPolicy(policy);
    let intent: Intent = firstIntent(this.#request, this.#option);
    for (;;) {
      const cookie = (await this.#option("cookieJar")?.getCookieString(intent.url)) ?? "";
      const hop = hopOf(intent, this.#option, this.#state.settings, cookie);
      const progress: Progress = {
        hop,
        option: this.#option,
        redirects: this.#redirects,
        attempt: this.#attempt,
        policy: resolved,
        now: this.#loop.wallTime(),
      };
      let next: Next | undefined;
      try {
        const raw = await this.#send(hop);
        const answer = await this.#answer(raw, hop, progress);
        if ("response" in answer) return answer;
        next = answer.next;
      } catch (error) {
        if (error instanceof HTTPRedirectError || this.#abort.signal.aborted) throw error;
        next = error instanceof HTTPClientError ? afterFailure(progress, false) : undefined;
        if (next === undefined) throw error;
      }
      if (next.kind === "hop") {
        intent = next.intent;
        if (next.isRedirect) this.#redirects++;
      } else if (next.kind === "retry") {
        this.#attempt++;
        await sleep(next.delay, { signal: this.#abort.signal });
      }
    }
  }

  async #send(hop: Hop): Promise<UndiciResponse> {
    const { intent, startLine, headers, route } = hop;
    const { target } = intent;
    this.#phase = "headers";
    const fields = headers
      .toRaw()
      .filter(
        (_, index, all) => !/^(?:transfer-encoding|expect|connection)$/i.test(all[index - (index % 2)]!),
      );
    try {
      return await this.#undici.request(target.url.origin + target.path, {
        dispatcher: this.#state.dispatcher ?? this.#agentFor(route),
        method: startLine.method,
        headers: [...fields],
        body: intent.body === undefined ? null : bodyOf(intent.body),
        signal: this.#abort.signal,
        responseHeaders: "raw",
        headersTimeout: 0,
        bodyTimeout: this.#state.settings.params.bodyStallTimeout,
      });
    } catch (error) {
      const code = String((error as { code?: unknown }).code);
      if (/SOCKET|HTTP_PARSER|HTTP2|HPE_|BODY|HEADERS|ECONNRESET|EPIPE/.test(code)) {
        throw new HTTPStreamClosedError(`Stream closed: ${(error as Error).message}`, {
          cause: error,
          phase: this.#phase,
        });
      }
      throw new HTTPConnectError(
        `no connection to ${target.authority}: ${(error as Error).message}`,
        "connect",
        {
          cause: error,
        },
      );
    }
  }

  async #answer(
    raw: UndiciResponse,
    hop: Hop,
    progress: Progress,
  ): Promise<{ response: HTTPResponse; whole: Promise<void> } | { next: Next }> {
    const code = raw.statusCode;
    const headers = HTTPHeaders.fromRaw(raw.headers.map((text) => text.toString("latin1" as never)));
    const reason = raw.statusText ?? reasonPhrase(code);
    raw.body.on("error", () => {});
    const jar = this.#option("cookieJar");
    if (jar !== undefined) await storeCookies(jar, headers.getList("Set-Cookie"), hop.intent.url);
    const facts = (more: { buffer?: Buffer; stream?: BodySink["stream"] }): HTTPResponse =>
      new HTTPResponse(this.#request, code, {
        ...more,
        headers,
        reason,
        effectiveUrl: hop.intent.url,
        requestTime: this.#loop.time() - this.#startedAt,
        startTime: this.#request.startTime,
      });
    let next: Next | undefined;
    try {
      next = afterResponse(progress, code, headers, (why, location) => {
        throw new HTTPRedirectError(why, location, facts({ buffer: NO_BYTES }));
      });
    } catch (error) {
      raw.body.destroy();
      throw error;
    }
    if (next !== undefined) {
      raw.body.destroy();
      return { next };
    }
    this.#phase = "body";
    const { settings } = this.#state;
    const sink = new BodySink({
      loop: this.#loop,
      headers,
      unpacks: unpacks(this.#option),
      callback: this.#option("streamingCallback"),
      streams: this.#option("streamBody") === true,
      settings,
      giveUp: (error) => void raw.body.destroy(error),
    });
    const show = this.#option("headerCallback");
    if (show !== undefined) showHead(show, { version: "HTTP/1.1", code, reason }, headers);
    const whole = sink.readFrom(raw.body).catch((error: unknown) => {
      const reported = this.#abort.signal.aborted ? this.#abort.signal.reason : closed(error);
      sink.stream?.fail(reported);
      throw reported;
    });
    if (sink.stream !== undefined) return { response: facts({ stream: sink.stream }), whole };
    await whole;
    return { response: facts({ buffer: sink.body() }), whole: Promise.resolve() };
  }

  #agentFor(route: Route): UndiciDispatcher {
    const { agents, allowH2, settings } = this.#state;
    const known = agents.get(route.key);
    if (known !== undefined) return known;
    const connect = {
      ...(route.ssl === undefined ? {} : tlsFor(route.ssl)),
      ...(route.unixSocket === undefined ? {} : { socketPath: route.unixSocket }),
      ...(route.sourceIp === undefined ? {} : { localAddress: route.sourceIp }),
      ...(route.family === 4 ? { family: 4 } : {}),
      timeout: this.#option("connectTimeout") ?? DEFAULTS.connectTimeout,
    };
    const common = {
      keepAliveTimeout: settings.keepAliveTimeout,
      allowH2,
      maxHeaderSize: settings.maxHeaderSize,
    };
    const { proxy } = route;
    const agent =
      proxy === undefined
        ? new this.#undici.Agent({ ...common, connect })
        : new this.#undici.ProxyAgent({
            ...common,
            uri: `${proxy.ssl === undefined ? "http" : "https"}://${proxy.host.includes(":") ? `[${proxy.host}]` : proxy.host}:${proxy.port}`,
            requestTls: connect,
            ...(proxy.ssl === undefined ? {} : { proxyTls: tlsFor(proxy.ssl) }),
            ...(proxy.credentials === undefined ? {} : { token: basicAuthorization(proxy.credentials) }),
          });
    agents.set(route.key, agent);
    return agent;
  }
}

/** TLS options as `undici` hands them to Node. */
function tlsFor(options: SSLOptions | SSLContext): object {
  const ssl = sslOptionsToContext(options);
  return {
    secureContext: ssl.secureContext,
    rejectUnauthorized: ssl.certReqs !== "none",
    ...(ssl.checkHostname ? {} : { checkServerIdentity: () => undefined }),
  };
}

function closed(error: unknown): Error {
  if (error instanceof HTTPClientError) return error;
  const { message } = error as Error;
  return new HTTPStreamClosedError(`Connection closed: ${message}`, { cause: error, phase: "body" });
}

/** A body as `undici` takes it. */
function bodyOf(body: RequestBody): Buffer | AsyncIterable<Uint8Array> {
  const { bytes, produce } = body;
  if (produce === undefined) return bytes ?? NO_BYTES;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const write = (chunk: string | Uint8Array): Promise<void> =>
    writer.write(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  Promise.resolve(produce(write))
    .then(
      () => writer.close(),
      (error: unknown) => writer.abort(error),
    )
    .catch(() => {});
  return readable as unknown as AsyncIterable<Uint8Array>;
}
