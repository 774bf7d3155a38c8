/**
 * Which proxy a request goes through: the one that its options name, or that of the environment when asked
 * for.
 *
 * The environment means what it means to curl: `http_proxy` (in small letters alone, since a CGI script gets
 * the client's `Proxy` field as `HTTP_PROXY`; under CGI, where `REQUEST_METHOD` is set, none of them counts
 * for http), `https_proxy`, `all_proxy`, and `no_proxy` with hosts that are reached directly.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { ipFamily } from "../../net/address.js";
import type { SSLContext, SSLOptions } from "../../net/tls/ssl-options.js";
import type { Credentials } from "./credentials.js";
import type { AuthMode } from "./request.js";
import type { Target } from "./target.js";

/** A proxy. */
export interface HTTPProxy {
  readonly host: string;
  readonly port: number;
  /** TLS to the proxy; undefined for none. */
  readonly ssl: SSLOptions | SSLContext | undefined;
  readonly credentials: Credentials | undefined;
  readonly authMode: AuthMode;
}

/**
 * TLS to a proxy without options: Node's authorities, and the name is checked. One object, for the pool's
 * key.
 */
export const DEFAULT_TLS: SSLOptions = Object.freeze({});

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a target; undefined for none. `ssl` is for one with an https URL.
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for one that is not an http or https URL.
 */
export function proxyFromEnvironment(
  target: Target,
  environment: Environment,
  ssl: SSLOptions | SSLContext = DEFAULT_TLS,
): HTTPProxy | undefined {
  const scheme = target.isSecure ? "https" : "http";
  // httpoxy: in a CGI script HTTP_PROXY comes from the client of the script.
  const isCgi = environment.REQUEST_METHOD !== undefined;
  const text =
    environment[`${scheme}_proxy`] ??
    (target.isSecure ? environment.HTTPS_PROXY : undefined) ??
    environment.all_proxy ??
    environment.ALL_PROXY;
  if (text === undefined || text === "" || (isCgi && !target.isSecure)) return undefined;
  if (goesDirectly(target, environment.no_proxy ?? environment.NO_PROXY ?? "")) return undefined;
  return parseProxy(text, ssl);
}

/** Whether `no_proxy` names the target: a host, a domain with its subdomains, `host:port`, or `*` for all. */
export function goesDirectly({ host, port }: Target, noProxy: string): boolean {
  for (const entry of noProxy.toLowerCase().split(/[\s,]+/)) {
    if (entry === "*") return true;
    const [, bracketed, plain, portText] =
      /^(?:\[([^\]]*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
    const name = (bracketed ?? plain ?? "").replace(/^\*?\./, "").replace(/\.$/, "");
    if (name === "" || (portText !== undefined && Number(portText) !== port)) continue;
    if (host === name || (ipFamily(host) === 0 && host.endsWith(`.${name}`))) return true;
  }
  return false;
}

function parseProxy(text: string, ssl: SSLOptions | SSLContext): HTTPProxy {
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const isSecure = url?.protocol === "https:";
  if (url === undefined || (url.protocol !== "http:" && !isSecure) || url.hostname === "") {
    throw new InvalidArgumentError("a proxy of the environment is not an http: or https: URL with a host");
  }
  const { username, password } = url;
  return {
    host: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
    port: url.port === "" ? (isSecure ? 443 : 80) : Number(url.port),
    ssl: isSecure ? ssl : undefined,
    credentials:
      username === "" && password === ""
        ? undefined
        : { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    authMode: "basic",
  };
}
