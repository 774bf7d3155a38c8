/**
 * How to reach a server: directly, over a unix socket or through a proxy, with which TLS. Two requests may
 * share a connection exactly if the keys of their routes are equal, so everything that makes a connection
 * different is in it.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { checkBoolean, checkInteger, checkString } from "../../base/validate.js";
import { ipFamily } from "../../net/address.js";
import type { SSLContext, SSLOptions } from "../../net/tls/ssl-options.js";
import { DEFAULT_TLS, type HTTPProxy, proxyFromEnvironment } from "./proxy.js";
import type { HTTPRequest, HTTPRequestOptions } from "./request.js";
import type { Target } from "./target.js";

/** See the head of this file. */
export interface Route {
  /** Equal for two routes that may share connections. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
  /** TLS to the server; undefined for none. */
  readonly ssl: SSLOptions | SSLContext | undefined;
  readonly proxy: HTTPProxy | undefined;
  readonly unixSocket: string | undefined;
  readonly sourceIp: string | undefined;
  readonly family: 0 | 4;
  readonly filterAddresses: HTTPRequestOptions["filterAddresses"];
}

/** One option of a request, or the client's default for it. */
export type Lookup = <K extends keyof HTTPRequestOptions>(name: K) => HTTPRequestOptions[K];

/** One object for each choice of files, so that what is read from them is read once. */
const tlsMemo = new Map<string, SSLOptions>();
const TLS_MEMO_SIZE = 64;

/** Numbers for objects that belong to a key: TLS options, policies. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

function numberOf(object: object): number {
  let number = numbers.get(object);
  if (number === undefined) {
    number = ++lastNumber;
    numbers.set(object, number);
  }
  return number;
}

/** The options of a request, with the client's defaults behind them. */
export function optionsOf(request: HTTPRequest, defaults: HTTPRequestOptions): Lookup {
  return (name) => {
    // The getter of `headers` makes them; the caller did not ask for that.
    const own = name === "headers" ? request.ownHeaders : request[name];
    return (own ?? defaults[name]) as HTTPRequestOptions[typeof name];
  };
}

/**
 * The route to a target.
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for options that are wrong or contradict each
 * other.
 */
export function routeTo(target: Target, option: Lookup): Route {
  const unixSocket = option("unixSocket");
  const proxy = unixSocket === undefined ? proxyFor(target, option) : undefined;
  const sourceIp = option("networkInterface");
  if (sourceIp !== undefined && ipFamily(sourceIp) === 0) {
    throw new InvalidArgumentError(`networkInterface must be an IP address, got ${JSON.stringify(sourceIp)}`);
  }
  const family = option("allowIpv6") === false ? 4 : 0;
  const filterAddresses = option("filterAddresses");
  const [ssl, sslKey] = target.isSecure ? tlsOf(option) : [undefined, "-"];
  const where = unixSocket !== undefined && !target.isSecure ? "" : `${target.host}:${target.port}`;
  const parts: unknown[] = [sslKey];
  if (unixSocket !== undefined) parts.push("unix", checkString("unixSocket", unixSocket));
  if (proxy !== undefined) {
    const { username, password } = proxy.credentials ?? {};
    const proxyKey = proxy.ssl === undefined ? "-" : numberOf(proxy.ssl);
    parts.push("proxy", proxyKey, proxy.host, proxy.port, proxy.authMode, username, password);
  }
  // One connection to a proxy serves requests to all servers, unless it is a tunnel.
  if (proxy === undefined || target.isSecure) parts.push(where);
  if (sourceIp !== undefined || family !== 0) parts.push("from", sourceIp, family);
  if (filterAddresses !== undefined) parts.push("filter", numberOf(filterAddresses));
  return {
    key: parts.length === 2 && sslKey === "-" ? where : JSON.stringify(parts),
    host: target.host,
    port: target.port,
    ssl,
    proxy,
    unixSocket,
    sourceIp,
    family,
    filterAddresses,
  };
}

function proxyFor(target: Target, option: Lookup): HTTPProxy | undefined {
  const host = option("proxyHost");
  const ssl = option("proxySslOptions") ?? DEFAULT_TLS;
  if (host === undefined) {
    if (option("proxyFromEnvironment") !== true) return undefined;
    return proxyFromEnvironment(target, process.env, ssl);
  }
  const port = checkInteger("proxyPort", option("proxyPort"), { min: 1, max: 65_535 });
  const username = option("proxyUsername");
  return {
    host: checkString("proxyHost", host),
    port,
    ssl: checkBoolean("proxySecure", option("proxySecure") ?? false) ? ssl : undefined,
    credentials: username === undefined ? undefined : { username, password: option("proxyPassword") ?? "" },
    authMode: option("proxyAuthMode") ?? "basic",
  };
}

function tlsOf(option: Lookup): [ssl: SSLOptions | SSLContext, key: string | number] {
  const given = option("sslOptions");
  if (given !== undefined) return [given, numberOf(given)];
  const caCerts = option("caCerts");
  const clientCert = option("clientCert");
  const clientKey = option("clientKey");
  const isUnchecked = option("validateCert") === false;
  const key = JSON.stringify([isUnchecked, caCerts, clientCert, clientKey]);
  const known = tlsMemo.get(key);
  if (known !== undefined) return [known, key];
  const ssl: SSLOptions = {
    ...(isUnchecked ? { certReqs: "none", checkHostname: false } : {}),
    ...(caCerts === undefined ? {} : { caCerts }),
    ...(clientCert === undefined ? {} : { certfile: clientCert }),
    ...(clientKey === undefined ? {} : { keyfile: clientKey }),
  };
  if (tlsMemo.size >= TLS_MEMO_SIZE) tlsMemo.clear();
  tlsMemo.set(key, ssl);
  return [ssl, key];
}
