/** The protocol version of a start line (RFC 9112 §2.3, RFC 9110 §2.5). */
import type { HTTPVersion } from "../message/head.js";
import { HTTP1Error, shown } from "./errors.js";

/**
 * The version at `start` to `end` of `text`. A higher minor version is served as 1.1, the highest that we
 * know.
 * @throws HTTP1Error with status 505 for another major version, 400 for text that is not a version.
 */
export function parseVersion(text: string, start: number, end: number): HTTPVersion {
  if (end - start === 8) {
    if (text.startsWith("HTTP/1.1", start)) return "HTTP/1.1";
    if (text.startsWith("HTTP/1.0", start)) return "HTTP/1.0";
  }
  const version = text.slice(start, end);
  const match = /^HTTP\/([0-9])\.[0-9]$/.exec(version);
  if (match === null) {
    throw new HTTP1Error("ERR_SQUALL_HTTP_VERSION", `expected HTTP/1.0 or HTTP/1.1, got ${shown(version)}`);
  }
  if (match[1] === "1") return "HTTP/1.1";
  const code = match[1] === "0" ? "ERR_SQUALL_HTTP_VERSION" : "ERR_SQUALL_HTTP_VERSION_NOT_SUPPORTED";
  throw new HTTP1Error(code, `expected HTTP version 1.x, got ${version}`);
}
