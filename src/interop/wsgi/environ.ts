/**
 * The environment of a request (PEP 3333, "environ Variables"; the names are those of CGI, RFC 3875 §4.1).
 *
 * WSGI has text in which every character stands for one octet ("bytes-as-unicode", PEP 3333, "Unicode
 * Issues"): the decoded path `/caf%C3%A9` is `/cafÃ©`. What Python adds to these texts, the keys `wsgi.…`, is
 * in `interop/python/squall_wsgi/exchange.py`.
 */
import type { Chunk } from "../../base/bytes.js";
import { asBuffer, latin1 } from "../../base/bytes.js";
import { decodePercent } from "../../base/percent.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { splitHostAndPort } from "../../protocol/fields/url.js";

/** The texts of a WSGI environment, by name; without prototype. */
export type WSGIEnviron = Record<string, string>;

/** Octets as WSGI's text: one character for each. Text counts as UTF-8. Tornado `to_wsgi_str`. */
export function toWsgiStr(value: Chunk): string {
  return latin1(typeof value === "string" ? Buffer.from(value) : asBuffer(value));
}

/**
 * The octets that WSGI's text stands for; a character above U+00FF loses its high bits. Tornado
 * `from_wsgi_str`.
 */
export function fromWsgiStr(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/**
 * Fields that do not become `HTTP_…`. Content-Type and Content-Length have names of their own.
 * Transfer-Encoding speaks of the connection: the application gets the body decoded. `Proxy` would become
 * HTTP_PROXY, which HTTP clients of the application take for their own configuration (CVE-2016-5385).
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "CONTENT_TYPE",
  "CONTENT_LENGTH",
  "TRANSFER_ENCODING",
  "PROXY",
  // Set from the host that the request is for, which need not be what the field says (RFC 9112 §3.2.2).
  "HOST",
]);

/**
 * The environment of a request, without the keys `wsgi.…` that only Python can give; `wsgi.url_scheme` is
 * there. `scriptName` is the prefix at which the application is mounted. Returns undefined if the path is not
 * below it. `environ` is filled and returned; by default it has no prototype. No key can meet a member of a
 * prototype (the variable ones begin with `HTTP_`), so an ordinary object does where it is only written out:
 * that costs a quarter.
 */
export function environOf(
  request: HTTPServerRequest,
  scriptName: string,
  environ: WSGIEnviron = Object.create(null) as WSGIEnviron,
): WSGIEnviron | undefined {
  const path = pathOf(request);
  if (!isBelow(path, scriptName)) return undefined;
  const { headers, protocol } = request;
  const [name, port] = splitHostAndPort(request.host);
  environ.REQUEST_METHOD = request.method;
  environ.SCRIPT_NAME = scriptName;
  environ.PATH_INFO = path.slice(scriptName.length);
  environ.QUERY_STRING = request.query;
  environ.REQUEST_URI = request.uri;
  environ.SERVER_NAME = serverName(name);
  environ.SERVER_PORT = String(port ?? (protocol === "https" ? 443 : 80));
  environ.SERVER_PROTOCOL = request.version;
  environ.REMOTE_ADDR = request.remoteIp;
  const address = request.connection?.peer.address;
  if (address !== undefined && "port" in address && address.host === request.remoteIp) {
    environ.REMOTE_PORT = String(address.port);
  }
  environ["wsgi.url_scheme"] = protocol;
  const type = headers.get("Content-Type");
  if (type !== undefined) environ.CONTENT_TYPE = type;
  const length = headers.get("Content-Length");
  // Of an unpacked body it would be the length before.
  if (length !== undefined && !headers.has("X-Consumed-Content-Encoding")) environ.CONTENT_LENGTH = length;
  if (headers.has("Host") || request.version !== "HTTP/1.0") environ.HTTP_HOST = request.host;
  for (const field of headers.keys()) {
    // `X_Name` would pass for `X-Name`, which a proxy in front may have checked or set.
    if (field.includes("_")) continue;
    const key = field.toUpperCase().replaceAll("-", "_");
    if (LEFT_OUT.has(key)) continue;
    environ[`HTTP_${key}`] = headers.getList(field).join(key === "COOKIE" ? "; " : ",");
  }
  return environ;
}

/**
 * The name of the server can never be empty (PEP 3333, "environ Variables"), but Host can (RFC 9112 §3.2).
 * Then it is what it would be without Host. A colon without a port is not part of it.
 */
function serverName(host: string): string {
  return (host.endsWith(":") ? host.slice(0, -1) : host) || "127.0.0.1";
}

/** The decoded path; that of `OPTIONS *` is empty. */
function pathOf(request: HTTPServerRequest): string {
  const { path } = request;
  if (path === "*") return "";
  return path.includes("%") ? latin1(decodePercent(path)) : path;
}

function isBelow(path: string, prefix: string): boolean {
  return (
    path.startsWith(prefix) && (path.length === prefix.length || prefix === "" || path[prefix.length] === "/")
  );
}
