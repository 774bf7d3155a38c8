/**
 * From the marks of a scanned block to a {@link HTTP1RequestHead}: the start line's rules (RFC 9112 §2.3,
 * §3), then the fields, then what they mean together.
 */
import { isAuthorityForm, isHostAndPort } from "./authority.js";
import { HTTP1Error, shown } from "./errors.js";
import { type FieldFacts, isPersistent, lengthOf, transferCodings } from "./framing.js";
import type { HeadScanner } from "./head-scanner.js";
import { cutFields } from "./head-text.js";
import { SLASH } from "./octets.js";
import { parseVersion } from "./version.js";
import type { HTTP1RequestHead } from "./visitor.js";

/**
 * Builds the head from a complete block.
 * @throws HTTP1Error when any part of it is invalid.
 */
export function buildRequestHead(scanner: HeadScanner, facts: FieldFacts): HTTP1RequestHead {
  const { text, marks } = scanner;
  const method = cutMethod(text, marks[0]!, marks[1]!);
  const target = text.slice(marks[1]! + 1, marks[2]!);
  const version = parseVersion(text, marks[2]! + 1, marks[3]!);
  const isHTTP10 = version === "HTTP/1.0";
  facts.reset();
  const fields = cutFields(scanner, facts);

  const host = hostOf(facts, isHTTP10);
  const authority = target.charCodeAt(0) === SLASH ? host : checkTarget(method, target, host);

  const codings = transferCodings(facts, isHTTP10);
  const contentLength = codings === undefined ? lengthOf(facts.contentLength) : -1;
  if (method === "CONNECT") checkConnect(target);
  return {
    method,
    path: target,
    version,
    fields,
    host: authority,
    framing: codings?.framing ?? (contentLength >= 0 ? "length" : "none"),
    contentLength,
    keepAlive: isPersistent(facts, isHTTP10),
    expectContinue: facts.expectContinue && !isHTTP10,
    upgrade: facts.upgrade && facts.connectionUpgrade && !isHTTP10,
  };
}

/** The method's name; for the usual ones a constant, so that comparing it later compares pointers. */
function cutMethod(text: string, start: number, end: number): string {
  switch (end - start) {
    case 3:
      if (text.startsWith("GET", start)) return "GET";
      if (text.startsWith("PUT", start)) return "PUT";
      break;
    case 4:
      if (text.startsWith("POST", start)) return "POST";
      if (text.startsWith("HEAD", start)) return "HEAD";
      break;
    case 5:
      if (text.startsWith("PATCH", start)) return "PATCH";
      break;
    case 6:
      if (text.startsWith("DELETE", start)) return "DELETE";
      break;
    case 7:
      if (text.startsWith("OPTIONS", start)) return "OPTIONS";
      break;
  }
  return text.slice(start, end);
}

/** The value of the one Host field (RFC 9112 §3.2): required in HTTP/1.1, never twice, always well-formed. */
function hostOf(facts: FieldFacts, isHTTP10: boolean): string | undefined {
  if (facts.hostLines === 0) {
    if (isHTTP10) return undefined;
    throw new HTTP1Error("ERR_SQUALL_HTTP_HOST", "an HTTP/1.1 request must have a Host field");
  }
  if (facts.hostLines > 1) throw new HTTP1Error("ERR_SQUALL_HTTP_HOST", "more than one Host field");
  const host = facts.host!;
  if (isHostAndPort(host)) return host;
  throw new HTTP1Error(
    "ERR_SQUALL_HTTP_HOST",
    `Host must be a host and an optional port, got ${shown(host)}`,
  );
}

/**
 * Checks a target that is not a path (RFC 9112 §3.2.2 to §3.2.4) and returns the authority that the request
 * is for: that of an absolute target wins over Host.
 */
function checkTarget(method: string, target: string, host: string | undefined): string | undefined {
  if (method === "CONNECT") return target;
  if (target === "*") {
    if (method === "OPTIONS") return host;
    throw new HTTP1Error("ERR_SQUALL_HTTP_TARGET", `the target * is only for OPTIONS, got ${shown(method)}`);
  }
  const scheme = /^https?:\/\//i.exec(target);
  if (scheme === null) {
    throw new HTTP1Error(
      "ERR_SQUALL_HTTP_TARGET",
      `a request target must be a path or an http(s) URL, got ${shown(target)}`,
    );
  }
  const start = scheme[0].length;
  const authority = target.slice(start, authorityEnd(target, start));
  if (authority === "" || !isHostAndPort(authority)) {
    // Userinfo in a URL is for phishing (RFC 9110 §4.2.4); an empty host names no server (§4.2.1).
    throw new HTTP1Error(
      "ERR_SQUALL_HTTP_TARGET",
      `an absolute target needs a host and an optional port, got ${shown(authority)}`,
    );
  }
  return authority;
}

function authorityEnd(target: string, start: number): number {
  const slash = target.indexOf("/", start);
  const query = target.indexOf("?", start);
  if (slash === -1) return query === -1 ? target.length : query;
  return query === -1 ? slash : Math.min(slash, query);
}

function checkConnect(target: string): void {
  if (isAuthorityForm(target)) return;
  throw new HTTP1Error(
    "ERR_SQUALL_HTTP_TARGET",
    `CONNECT needs host:port as its target, got ${shown(target)}`,
  );
}
