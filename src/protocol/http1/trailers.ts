/**
 * Which fields of a trailer section may be kept. A trailer arrives after the message has been acted upon, so
 * one that steers framing, routing, authentication, caching or how the content is read must not be believed
 * (RFC 9110 §6.5.1). The rest is handed over apart from the header fields.
 */

import type { RawFields } from "../fields/raw-fields.js";
import type { HeadScanner } from "./head-scanner.js";
import { cutFields } from "./head-text.js";

const FORBIDDEN = new Set([
  // framing and connection
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  // routing and origin
  "forwarded",
  "host",
  "origin",
  "referer",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-scheme",
  // request modifiers and conditions
  "cache-control",
  "expect",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "max-forwards",
  "pragma",
  "range",
  // authentication and state
  "authorization",
  "cookie",
  "proxy-authenticate",
  "proxy-authorization",
  "set-cookie",
  "www-authenticate",
  // response control
  "age",
  "date",
  "expires",
  "location",
  "retry-after",
  "vary",
  "warning",
  // how the content is read
  "content-disposition",
  "content-encoding",
  "content-location",
  "content-range",
  "content-type",
]);

/** True when a field of this name is ignored in a trailer section, and cannot be sent in one. */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}

/** The fields of a scanned trailer section that may be kept; `undefined` without any. */
export function buildTrailers(scanner: HeadScanner): RawFields | undefined {
  if (scanner.fieldCount === 0) return undefined;
  const fields = cutFields(scanner, undefined);
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!isForbiddenTrailer(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept.length === 0 ? undefined : kept;
}
