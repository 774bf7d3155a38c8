/**
 * One request of a fetch, ready to be sent: the first, or one that a redirect leads to. `Intent` is what is
 * wanted, `Hop` what goes on the wire for it.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { version } from "../../base/version.js";
import { isToken } from "../../protocol/fields/abnf.js";
import { httpDate } from "../../protocol/fields/date.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine } from "../../protocol/fields/start-line.js";
import { producedBody, type RequestBody, toRequestBody } from "./body.js";
import { basicAuthorization, type Credentials } from "./credentials.js";
import type { HTTPRequest } from "./request.js";
import { type Lookup, type Route, routeTo } from "./route.js";
import { parseTarget, type Target } from "./target.js";

/** What a hop is to do. */
export interface Intent {
  /** The URL as text; `effectiveUrl` of the response. */
  readonly url: string;
  readonly target: Target;
  readonly method: string;
  /** The caller's fields. */
  readonly fields: HTTPHeaders | undefined;
  readonly body: RequestBody | undefined;
  /** For Authorization; those of the URL win. */
  readonly credentials: Credentials | undefined;
  /** What Authorization says instead: the answer to a challenge. */
  readonly authorization: string | undefined;
  /** The same for the proxy. */
  readonly proxyAuthorization: string | undefined;
}

/** What is sent for an intent, and where. */
export interface Hop {
  readonly intent: Intent;
  readonly route: Route;
  readonly startLine: RequestStartLine;
  readonly headers: HTTPHeaders;
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS"]);
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PATCH", "PUT"]);
const USER_AGENT = `squall/${version}`;

/**
 * What the first hop is to do.
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a URL, method or body that cannot be sent.
 */
export function firstIntent(request: HTTPRequest, option: Lookup): Intent {
  const target = parseTarget(request.url);
  const method = option("method") ?? "GET";
  const body = bodyOf(option);
  checkMethod(method, body, option("allowNonstandardMethods") === true);
  const username = option("authUsername");
  return {
    url: request.url,
    target,
    method,
    fields: fieldsOf(request, option),
    body,
    credentials:
      target.credentials ??
      (username === undefined ? undefined : { username, password: option("authPassword") ?? "" }),
    authorization: undefined,
    proxyAuthorization: undefined,
  };
}

function fieldsOf(request: HTTPRequest, option: Lookup): HTTPHeaders | undefined {
  if (request.ownHeaders !== undefined) return request.ownHeaders;
  const given = option("headers");
  return given === undefined || given instanceof HTTPHeaders ? given : new HTTPHeaders(given);
}

function bodyOf(option: Lookup): RequestBody | undefined {
  const body = option("body") ?? undefined;
  const producer = option("bodyProducer");
  if (producer === undefined) return body === undefined ? undefined : toRequestBody(body);
  if (body !== undefined) throw new InvalidArgumentError("a request has either body or bodyProducer");
  return producedBody(producer, undefined);
}

function checkMethod(method: string, body: RequestBody | undefined, allowAll: boolean): void {
  if (typeof method !== "string" || !isToken(method)) {
    throw new InvalidArgumentError(`a method is a token such as "GET", got ${JSON.stringify(method)}`);
  }
  if (method === "CONNECT") throw new InvalidArgumentError("CONNECT is for proxies: see proxyHost");
  if (allowAll) return;
  if (!METHODS.has(method)) {
    throw new InvalidArgumentError(
      `unknown method ${JSON.stringify(method)}; allowNonstandardMethods lets it pass`,
    );
  }
  if (WITH_BODY.has(method) !== (body !== undefined)) {
    const problem = body === undefined ? "needs a body, which may be empty" : "must not have a body";
    throw new InvalidArgumentError(`a ${method} request ${problem}, unless with allowNonstandardMethods`);
  }
}

/** What a client adds to heads. */
export interface HeadSettings {
  /** Without: `Connection: close`. */
  readonly keepAlive: boolean;
}

/** What goes on the wire for an intent; `cookie` is the jar's part of the Cookie field. */
export function hopOf(intent: Intent, option: Lookup, settings: HeadSettings, cookie = ""): Hop {
  const { target, method, body } = intent;
  const route = routeTo(target, option);
  const headers = new HTTPHeaders(intent.fields);
  if (!settings.keepAlive && !headers.has("Connection")) headers.set("Connection", "close");
  if (!headers.has("Host")) headers.set("Host", target.authority);
  setCredentials(headers, intent, route, option);
  if (!headers.has("User-Agent")) headers.set("User-Agent", option("userAgent") ?? USER_AGENT);
  if (unpacks(option)) headers.setDefault("Accept-Encoding", "gzip, deflate, br");
  const since = option("ifModifiedSince");
  if (since !== undefined) headers.set("If-Modified-Since", httpDate(Number(since)));
  if (cookie !== "") {
    const own = headers.get("Cookie");
    headers.set("Cookie", own === undefined ? cookie : `${own}; ${cookie}`);
  }
  setFraming(headers, method, body, option("expect100Continue") === true);
  const isAbsolute = route.proxy !== undefined && !target.isSecure;
  const path = isAbsolute ? `http://${target.authority}${target.path}` : target.path;
  const startLine: RequestStartLine = { method, path, version: "HTTP/1.1" };
  option("prepareCallback")?.({ url: intent.url, headers });
  return { intent, route, startLine, headers };
}

/** Whether the response is to be unpacked. */
export function unpacks(option: Lookup): boolean {
  return option("decompressResponse") ?? option("useGzip") ?? true;
}

function setCredentials(headers: HTTPHeaders, intent: Intent, route: Route, option: Lookup): void {
  const { authorization, credentials } = intent;
  if (authorization !== undefined) headers.set("Authorization", authorization);
  else if (credentials !== undefined && option("authMode") !== "digest") {
    headers.set("Authorization", basicAuthorization(credentials));
  }
  // In a tunnel the proxy's credentials belong to CONNECT, and are not the server's business.
  const { proxy } = route;
  headers.delete("Proxy-Authorization");
  if (proxy === undefined || route.ssl !== undefined) return;
  const value =
    intent.proxyAuthorization ??
    (proxy.credentials !== undefined && proxy.authMode === "basic"
      ? basicAuthorization(proxy.credentials)
      : undefined);
  if (value !== undefined) headers.set("Proxy-Authorization", value);
}

function setFraming(
  headers: HTTPHeaders,
  method: string,
  body: RequestBody | undefined,
  expects: boolean,
): void {
  const needsLength = WITH_BODY.has(method);
  if (body === undefined) {
    if (needsLength && !headers.has("Content-Length")) headers.set("Content-Length", "0");
  } else {
    if (expects) headers.set("Expect", "100-continue");
    const isFramed = headers.has("Content-Length") || headers.has("Transfer-Encoding");
    if (!isFramed && body.length !== undefined) headers.set("Content-Length", String(body.length));
    else if (!isFramed) headers.set("Transfer-Encoding", "chunked");
    if (body.contentType !== undefined) headers.setDefault("Content-Type", body.contentType);
  }
  if (method === "POST") headers.setDefault("Content-Type", "application/x-www-form-urlencoded");
}
