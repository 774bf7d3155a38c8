/**
 * The URL of a request, from scheme, host and target (RFC 9112 §3.3), written as the URL standard writes it.
 *
 * Parsing a URL costs more than a router does, and most targets come out of it as they went in. So an origin
 * is parsed once and remembered, and a target in which the standard changes nothing is only put behind it:
 * one that begins with a slash, has none of the characters that the path or the query percent-encodes, no
 * backslash or fragment, and no segment that begins with a dot, written as such or as `%2e`.
 */
import type { HTTPConnection } from "../../http/delegates.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";

/** Scheme and authority of an absolute-form target (RFC 9112 §3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\//i;

const UNCHANGED_TARGET = /^\/[\w!$&()*+,\-./:;=?@~%]*$/;
const DOT_SEGMENT = /\/(?:\.|%2e)/i;
/** A host whose authority ends where the text does; the parser may still change it. */
const PLAIN_HOST = /^[\w.-]{1,64}(?::\d{1,5})?$/;

/** Origins remembered at most; beyond that the memory is emptied and begins anew. */
const MAX_ORIGINS = 64;
/** Host as it came → origin, for each scheme. */
const origins = { http: new Map<string, string>(), https: new Map<string, string>() };

/**
 * The URL that the client asked for.
 * @throws TypeError if the URL is invalid.
 */
export function requestUrl(connection: HTTPConnection, target: string, headers: HTTPHeaders): string {
  if (target.charCodeAt(0) !== 0x2f /* / */ && ABSOLUTE_FORM.test(target)) return new URL(target).href;
  const { protocol } = connection.peer;
  const host = connection.requestHead?.host || headers.get("Host") || "127.0.0.1";
  if (UNCHANGED_TARGET.test(target) && !DOT_SEGMENT.test(target)) {
    const origin = originOf(protocol, host);
    if (origin !== undefined) return origin + target;
  }
  return new URL(`${protocol}://${host}${target.startsWith("/") ? target : `/${target}`}`).href;
}

/** Undefined for a scheme or a host that needs the parser each time. */
function originOf(protocol: string, host: string): string | undefined {
  if (protocol !== "http" && protocol !== "https") return undefined;
  const known = origins[protocol];
  const found = known.get(host);
  if (found !== undefined) return found;
  if (!PLAIN_HOST.test(host)) return undefined;
  const { origin } = new URL(`${protocol}://${host}/`);
  if (known.size >= MAX_ORIGINS) known.clear();
  known.set(host, origin);
  return origin;
}
