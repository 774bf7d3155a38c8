/** What a proxy is told, checked and filled with defaults. */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkNames } from "../../base/nearest-name.js";
import { checkBoolean, checkInteger, checkMilliseconds, checkString } from "../../base/validate.js";
import type { Route } from "../../http/client/route.js";
import { HTTP1ConnectionParameters } from "../../http/connection/params.js";
import type { SSLContext, SSLOptions } from "../../net/tls/ssl-options.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";

/** Fields to set, or with null to remove, by name. */
export type HeaderRules = Readonly<Record<string, string | null>>;

/** Options of a proxy. Times are in milliseconds; `Infinity` switches a limit off. */
export interface ProxyOptions {
  /** Where requests go: an `http:` or `https:` URL. Its path is put in front of that of each request. */
  readonly upstream: string | URL;
  /**
   * What is taken off the front of each request's path, such as `/legacy`; a request with another path is a
   * 404. Default "": nothing.
   */
  readonly prefix?: string | undefined;
  /** Connect to this unix socket instead of the URL's host; default none. */
  readonly unixSocket?: string | undefined;
  /** TLS options for an `https:` upstream; default: its chain and its name are verified. */
  readonly sslOptions?: SSLOptions | SSLContext | undefined;
  /** Send the client's own `Host`; default false: that of the upstream. */
  readonly preserveHost?: boolean | undefined;
  /**
   * Keep what the request says of proxies before us and append to it; default false: it is replaced, since
   * any client can send it. Set it only where every request comes from a proxy of yours.
   */
  readonly appendForwarded?: boolean | undefined;
  /**
   * Applied to requests last, so that they win over everything but fields of the connection. Default none.
   */
  readonly requestHeaders?: HeaderRules | undefined;
  /** Applied to responses. Default none. */
  readonly responseHeaders?: HeaderRules | undefined;
  /** For looking up, connecting and TLS; then the client gets a 504. Default 10 s. */
  readonly connectTimeout?: number | undefined;
  /** From the end of the request to the head of the response; then the client gets a 504. Default 60 s. */
  readonly responseTimeout?: number | undefined;
  /** In which not an octet of a response's body comes; then the response is broken off. Default 60 s. */
  readonly stallTimeout?: number | undefined;
  /** How long a connection to the upstream is kept without a request; default 30 s. */
  readonly keepAliveTimeout?: number | undefined;
  /** How many are kept; default 100. 0: none. */
  readonly maxIdleConnections?: number | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof ProxyOptions>([
  "upstream",
  "prefix",
  "unixSocket",
  "sslOptions",
  "preserveHost",
  "appendForwarded",
  "requestHeaders",
  "responseHeaders",
  "connectTimeout",
  "responseTimeout",
  "stallTimeout",
  "keepAliveTimeout",
  "maxIdleConnections",
]);

/** {@link ProxyOptions}, complete and checked. */
export class ProxySettings {
  readonly route: Route;
  /** The upstream's `Host`. */
  readonly authority: string;
  /** The path of the upstream without a slash at its end. */
  readonly base: string;
  readonly prefix: string;
  readonly preserveHost: boolean;
  readonly appendForwarded: boolean;
  readonly requestHeaders: HeaderRules;
  readonly responseHeaders: HeaderRules;
  readonly connectTimeout: number;
  readonly responseTimeout: number;
  readonly maxIdleConnections: number;
  readonly params: HTTP1ConnectionParameters;

  /** @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for what is invalid. */
  constructor(options: ProxyOptions) {
    checkNames("option of a proxy", options, OPTION_NAMES, false);
    const url = upstreamOf(options.upstream);
    this.authority = url.host;
    this.base = url.pathname.replace(/\/$/, "");
    this.prefix = prefixOf(options.prefix);
    this.preserveHost = checkBoolean("preserveHost", options.preserveHost ?? false);
    this.appendForwarded = checkBoolean("appendForwarded", options.appendForwarded ?? false);
    this.requestHeaders = checkRules("requestHeaders", options.requestHeaders);
    this.responseHeaders = checkRules("responseHeaders", options.responseHeaders);
    this.connectTimeout = checkMilliseconds("connectTimeout", options.connectTimeout ?? 10_000);
    this.responseTimeout = checkMilliseconds("responseTimeout", options.responseTimeout ?? 60_000);
    this.maxIdleConnections = checkInteger("maxIdleConnections", options.maxIdleConnections ?? 100, {
      min: 0,
    });
    this.params = new HTTP1ConnectionParameters({
      // The proxy has a time of its own for the head, and the server's limits have judged the request's body.
      headerTimeout: Number.POSITIVE_INFINITY,
      maxBodySize: Number.POSITIVE_INFINITY,
      bodyStallTimeout: options.stallTimeout ?? 60_000,
      idleTimeout: options.keepAliveTimeout ?? 30_000,
    });
    this.route = routeOf(url, options);
  }
}

function upstreamOf(upstream: unknown): URL {
  const text = String(upstream);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isUsable =
    url !== undefined &&
    (url.protocol === "http:" || url.protocol === "https:") &&
    url.search === "" &&
    url.hash === "" &&
    url.username === "";
  if (isUsable) return url;
  throw new InvalidArgumentError(
    `upstream must be an http: or https: URL without query and credentials, got ${JSON.stringify(text)}`,
  );
}

function routeOf(url: URL, options: ProxyOptions): Route {
  const isSecure = url.protocol === "https:";
  return {
    // A proxy has one upstream, and a pool of its own.
    key: "upstream",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (isSecure ? 443 : 80) : Number(url.port),
    ssl: isSecure ? (options.sslOptions ?? {}) : undefined,
    proxy: undefined,
    unixSocket: options.unixSocket === undefined ? undefined : checkString("unixSocket", options.unixSocket),
    sourceIp: undefined,
    family: 0,
    filterAddresses: undefined,
  };
}

function prefixOf(prefix = ""): string {
  if (prefix === "" || (typeof prefix === "string" && /^\/[^?#]*[^/?#]$/.test(prefix))) return prefix;
  throw new InvalidArgumentError(
    `prefix must be a path such as "/legacy", without a slash at its end, got ${JSON.stringify(prefix)}`,
  );
}

/** A name or value that cannot be sent is refused now, not in the middle of a request. */
function checkRules(name: string, rules: HeaderRules = {}): HeaderRules {
  const headers = new HTTPHeaders();
  for (const [field, value] of Object.entries(rules)) {
    if (value !== null && typeof value !== "string") {
      throw new InvalidArgumentError(`${name} must have a text or null for ${JSON.stringify(field)}`);
    }
    headers.set(field, value ?? "");
  }
  return rules;
}
