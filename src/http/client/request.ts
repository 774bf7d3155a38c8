/**
 * What to fetch. Tornado `HTTPRequest`: each option is a property that may be read and changed until the
 * fetch; one that is not set falls back to the client's `defaults`, then to the default that is written here.
 */
import type { WaitOptions } from "../../async/wait-options.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { utf8 } from "../../base/escape.js";
import { hintOf } from "../../base/nearest-name.js";
import type { ResolvedEndpoint } from "../../net/resolver.js";
import type { SSLContext, SSLOptions } from "../../net/tls/ssl-options.js";
import { HTTPHeaders, type HTTPHeadersInit } from "../../protocol/fields/headers.js";
import type { Chunk } from "../delegates.js";
import type { CookieJar } from "./cookies.js";
import type { RetryPolicy } from "./retry.js";

/** What can be sent as a body. Text goes as UTF-8; pieces of an iterable or a web stream go as they come. */
export type BodyInput =
  | Chunk
  | ArrayBuffer
  | URLSearchParams
  | FormData
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Chunk>
  | Iterable<Chunk>;

/**
 * Writes a body: calls `write` for each piece and awaits it, for back-pressure; the body ends when its
 * promise resolves. It is called again if the request has to be sent a second time.
 */
export type BodyProducer = (write: (chunk: Chunk) => Promise<void>) => void | Promise<void>;

/** Basic (RFC 7617) or digest (RFC 7616) authentication. */
export type AuthMode = "basic" | "digest";

/** A redirect that is about to be followed; see {@link HTTPRequestOptions.redirectPolicy}. */
export interface Redirect {
  /** The URL that redirects. */
  readonly from: URL;
  /** The URL that it leads to. */
  readonly to: URL;
  /** The status of the response that redirects. */
  readonly code: number;
}

/**
 * Options of {@link HTTPRequest}, and of `fetch()`. Times are in milliseconds; `0` and `Infinity` mean no
 * limit.
 */
export interface HTTPRequestOptions extends Pick<WaitOptions, "signal"> {
  /** The method; default "GET". Others than the usual seven need `allowNonstandardMethods`. */
  readonly method?: string | undefined;
  /**
   * Header fields; default none. Host, User-Agent, Accept-Encoding and the like are added where they are
   * missing.
   */
  readonly headers?: HTTPHeaders | HTTPHeadersInit | undefined;
  /**
   * The body; default none. POST, PUT and PATCH need one (it may be empty), other methods must not have one.
   */
  readonly body?: BodyInput | null | undefined;
  /** Writes the body piece by piece; default none. Sent chunked unless Content-Length is given. */
  readonly bodyProducer?: BodyProducer | undefined;
  /** User name; default none. One in the URL wins. */
  readonly authUsername?: string | undefined;
  /** Password; default empty. */
  readonly authPassword?: string | undefined;
  /** How to sign in; default "basic". With "digest" the first request goes without credentials. */
  readonly authMode?: AuthMode | undefined;
  /** Time for lookup, connecting, proxy and TLS together; default 20 s. */
  readonly connectTimeout?: number | undefined;
  /** Time for the whole fetch with its redirects, without the time in the queue; default 20 s. */
  readonly requestTimeout?: number | undefined;
  /** Sent as If-Modified-Since; default none. A number counts milliseconds as `Date` does. */
  readonly ifModifiedSince?: Date | number | undefined;
  /** Follow redirects; default true. */
  readonly followRedirects?: boolean | undefined;
  /** How many redirects to follow; default 5. The response of the next one is the answer then. */
  readonly maxRedirects?: number | undefined;
  /** Follow a redirect from https to http; default false: `HTTPRedirectError`. */
  readonly allowDowngrade?: boolean | undefined;
  /** Asked before each redirect is followed; what it throws rejects the fetch. Default: all are followed. */
  readonly redirectPolicy?: ((redirect: Redirect) => void) | undefined;
  /**
   * Names of further fields that are dropped when a redirect leaves the origin, as Authorization, Cookie and
   * Proxy-Authorization are; default none.
   */
  readonly secretHeaders?: readonly string[] | undefined;
  /** The User-Agent field; default `squall/<version>`. */
  readonly userAgent?: string | undefined;
  /** Tornado's older name of {@link HTTPRequestOptions.decompressResponse}; default that. */
  readonly useGzip?: boolean | undefined;
  /** Ask for gzip, deflate and brotli, and unpack; default true. */
  readonly decompressResponse?: boolean | undefined;
  /** The local IP address to connect from; default the system's choice. */
  readonly networkInterface?: string | undefined;
  /** Gets the body piece by piece instead of the response; a promise holds the server back. Default none. */
  readonly streamingCallback?: ((chunk: Buffer) => void | Promise<void>) | undefined;
  /** Gets each line of the head, with its CRLF: the status line first, an empty line last. Default none. */
  readonly headerCallback?: ((line: string) => void) | undefined;
  /**
   * Called with the URL and the fields of each hop just before it is sent, and may change the fields. Default
   * none.
   */
  readonly prepareCallback?:
    | ((hop: { readonly url: string; readonly headers: HTTPHeaders }) => void)
    | undefined;
  /** Resolve as soon as the head is there; `response.stream` is the body. Default false. */
  readonly streamBody?: boolean | undefined;
  /** A proxy; default none. Plain http is sent through it, https through a tunnel of it (CONNECT). */
  readonly proxyHost?: string | undefined;
  /** The proxy's port; needed with `proxyHost`, no default. */
  readonly proxyPort?: number | undefined;
  /**
   * Speak TLS with the proxy, whatever is sent through it; its certificate is checked as `proxySslOptions`
   * say. Default false.
   */
  readonly proxySecure?: boolean | undefined;
  /**
   * TLS options or a context for the proxy, with `proxySecure`; default Node's authorities. Those of the
   * server do not count for the proxy. One object for many requests shares connections.
   */
  readonly proxySslOptions?: SSLOptions | SSLContext | undefined;
  /** User name for the proxy; default none. */
  readonly proxyUsername?: string | undefined;
  /** Password for the proxy; default empty. */
  readonly proxyPassword?: string | undefined;
  /** How to sign in to the proxy; default "basic". */
  readonly proxyAuthMode?: AuthMode | undefined;
  /**
   * Take the proxy from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`; default false. One that
   * begins with `https:` is reached by TLS.
   */
  readonly proxyFromEnvironment?: boolean | undefined;
  /** The path of a unix socket to connect to instead of the URL's host and port; default none. */
  readonly unixSocket?: string | undefined;
  /** Allow any method, and a body or none with any; default false. */
  readonly allowNonstandardMethods?: boolean | undefined;
  /** Check the server's certificate; default true. */
  readonly validateCert?: boolean | undefined;
  /** File with the authorities to trust, in PEM; default Node's. */
  readonly caCerts?: string | URL | undefined;
  /** File with the key of the client, in PEM; default none. */
  readonly clientKey?: string | URL | undefined;
  /** File with the certificate of the client, in PEM; default none. */
  readonly clientCert?: string | URL | undefined;
  /**
   * TLS options or a context; default made of the four above, which it beats. One object for many requests
   * shares connections.
   */
  readonly sslOptions?: SSLOptions | SSLContext | undefined;
  /** Connect by IPv6 too; default true. */
  readonly allowIpv6?: boolean | undefined;
  /**
   * Send the body only when the server says so by a 100 (Continue), or says nothing for a second; default
   * false.
   */
  readonly expect100Continue?: boolean | undefined;
  /**
   * Chooses among the addresses of the host before they are connected to, and may throw: the place to refuse
   * private networks. Not asked about proxies and unix sockets. Default: all.
   */
  readonly filterAddresses?:
    | ((addresses: readonly ResolvedEndpoint[], host: string) => readonly ResolvedEndpoint[])
    | undefined;
  /** Where cookies come from and go; default none. */
  readonly cookieJar?: CookieJar | undefined;
  /** Fetch again when that may help; default no. */
  readonly retry?: RetryPolicy | undefined;
}

/** The defaults of the options that are numbers. */
export const DEFAULTS: {
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly maxRedirects: number;
} = Object.freeze({ connectTimeout: 20_000, requestTimeout: 20_000, maxRedirects: 5 });

/** The options by name. */
export const REQUEST_OPTION_NAMES: ReadonlySet<string> = new Set<keyof HTTPRequestOptions>([
  "method",
  "headers",
  "body",
  "bodyProducer",
  "authUsername",
  "authPassword",
  "authMode",
  "signal",
  "connectTimeout",
  "requestTimeout",
  "ifModifiedSince",
  "followRedirects",
  "maxRedirects",
  "allowDowngrade",
  "redirectPolicy",
  "secretHeaders",
  "userAgent",
  "useGzip",
  "decompressResponse",
  "networkInterface",
  "streamingCallback",
  "headerCallback",
  "prepareCallback",
  "streamBody",
  "proxyHost",
  "proxyPort",
  "proxySecure",
  "proxySslOptions",
  "proxyUsername",
  "proxyPassword",
  "proxyAuthMode",
  "proxyFromEnvironment",
  "unixSocket",
  "allowNonstandardMethods",
  "validateCert",
  "caCerts",
  "clientKey",
  "clientCert",
  "sslOptions",
  "allowIpv6",
  "expect100Continue",
  "filterAddresses",
  "cookieJar",
  "retry",
]);

/** Whether {@link HTTPRequestOptions} has an option of that name. */
export function isRequestOption(name: string): name is keyof HTTPRequestOptions {
  return REQUEST_OPTION_NAMES.has(name);
}

/** A request. The headers are copied, so an object that the caller uses again is not changed. */
export class HTTPRequest implements HTTPRequestOptions {
  /** The absolute URL. */
  url: string;
  /** When the fetch of this request began, as `Date` counts milliseconds; undefined before. */
  startTime: number | undefined;
  #headers: HTTPHeaders | undefined;
  #body: BodyInput | undefined;

  declare method?: string | undefined;
  declare bodyProducer?: BodyProducer | undefined;
  declare authUsername?: string | undefined;
  declare authPassword?: string | undefined;
  declare authMode?: AuthMode | undefined;
  declare connectTimeout?: number | undefined;
  declare requestTimeout?: number | undefined;
  declare ifModifiedSince?: Date | number | undefined;
  declare followRedirects?: boolean | undefined;
  declare maxRedirects?: number | undefined;
  declare allowDowngrade?: boolean | undefined;
  declare redirectPolicy?: ((redirect: Redirect) => void) | undefined;
  declare secretHeaders?: readonly string[] | undefined;
  declare userAgent?: string | undefined;
  declare decompressResponse?: boolean | undefined;
  declare networkInterface?: string | undefined;
  declare streamingCallback?: ((chunk: Buffer) => void | Promise<void>) | undefined;
  declare headerCallback?: ((line: string) => void) | undefined;
  declare prepareCallback?: HTTPRequestOptions["prepareCallback"];
  declare streamBody?: boolean | undefined;
  declare proxyHost?: string | undefined;
  declare proxyPort?: number | undefined;
  declare proxySecure?: boolean | undefined;
  declare proxySslOptions?: SSLOptions | SSLContext | undefined;
  declare proxyUsername?: string | undefined;
  declare proxyPassword?: string | undefined;
  declare proxyAuthMode?: AuthMode | undefined;
  declare proxyFromEnvironment?: boolean | undefined;
  declare unixSocket?: string | undefined;
  declare allowNonstandardMethods?: boolean | undefined;
  declare validateCert?: boolean | undefined;
  declare caCerts?: string | URL | undefined;
  declare clientKey?: string | URL | undefined;
  declare clientCert?: string | URL | undefined;
  declare sslOptions?: SSLOptions | SSLContext | undefined;
  declare allowIpv6?: boolean | undefined;
  declare expect100Continue?: boolean | undefined;
  declare filterAddresses?: HTTPRequestOptions["filterAddresses"];
  declare cookieJar?: CookieJar | undefined;
  declare retry?: RetryPolicy | undefined;
  declare signal?: AbortSignal | undefined;

  /** @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for an option that does not exist. */
  constructor(url: string | URL, options?: HTTPRequestOptions) {
    this.url = typeof url === "string" ? url : String(url);
    this.startTime = undefined;
    this.#headers = undefined;
    this.#body = undefined;
    if (options !== undefined) this.#take(options);
  }

  /**
   * The header fields, made when first asked for. Assigning takes what `HTTPHeaders` takes; undefined empties
   * it.
   */
  get headers(): HTTPHeaders {
    this.#headers ??= new HTTPHeaders();
    return this.#headers;
  }

  set headers(value: HTTPHeaders | HTTPHeadersInit | null | undefined) {
    this.#headers = value === undefined || value === null ? undefined : new HTTPHeaders(value);
  }

  /** The body; text has become octets in UTF-8. */
  get body(): BodyInput | undefined {
    return this.#body;
  }

  set body(value: BodyInput | null | undefined) {
    this.#body = typeof value === "string" ? utf8(value) : (value ?? undefined);
  }

  /** Tornado's older name of `decompressResponse`. */
  get useGzip(): boolean | undefined {
    return this.decompressResponse;
  }

  set useGzip(value: boolean | undefined) {
    this.decompressResponse = value;
  }

  /** @internal The fields, if there are any. */
  get ownHeaders(): HTTPHeaders | undefined {
    return this.#headers;
  }

  #take(options: HTTPRequestOptions): void {
    for (const [name, value] of Object.entries(options)) {
      if (!isRequestOption(name)) {
        throw new InvalidArgumentError(
          `HTTPRequest has no option ${JSON.stringify(name)}${hintOf(name, REQUEST_OPTION_NAMES)}`,
        );
      }
      if (value !== undefined) (this as Record<string, unknown>)[name] = value;
    }
  }

  toString(): string {
    return `HTTPRequest(${this.method ?? "GET"} ${this.url})`;
  }
}
