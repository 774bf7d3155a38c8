/**
 * The first line of a message (RFC 9112 §3 and §4), parsed from text and written out.
 *
 * Tornado's start lines are named tuples; ours are plain objects with the same members. The parsers are
 * strict: single spaces, a token for the method, one digit on either side of the version's dot, and only
 * major version 1.
 */
import { CHAR_CLASS, FIELD_VALUE, isAll, isDigits, isToken } from "./abnf.js";
import { HTTPInputError, shown } from "./errors.js";

/** The request line (RFC 9112 §3). */
export interface RequestStartLine {
  /** The verb as sent: a token, in which case counts. */
  readonly method: string;
  /** The request target as sent. */
  readonly path: string;
  /** `HTTP/1.1`, as sent. */
  readonly version: string;
}

/** The status line (RFC 9112 §4). */
export interface ResponseStartLine {
  /** `HTTP/1.1`, as sent. */
  readonly version: string;
  /** The status, three digits. */
  readonly code: number;
  /** Empty when the peer sent none. */
  readonly reason: string;
}

/**
 * Parses a request line without its line end. Tornado `parse_request_start_line`.
 * @throws HTTPInputError when it is malformed, or when the version is not HTTP/1.x (status 505 for a later
 * major version).
 */
export function parseRequestStartLine(line: string): RequestStartLine {
  const first = line.indexOf(" ");
  const second = line.indexOf(" ", first + 1);
  if (first <= 0 || second === -1) throw malformed("request", line);
  const method = line.slice(0, first);
  const path = line.slice(first + 1, second);
  const version = line.slice(second + 1);
  if (!isToken(method) || !isTarget(path) || !isVersion(version)) throw malformed("request", line);
  checkMajorVersion(version);
  return { method, path, version };
}

/**
 * Parses a status line without its line end; the space before an empty reason must be there (RFC 9112 §4).
 * Tornado `parse_response_start_line`.
 * @throws HTTPInputError as {@link parseRequestStartLine} does.
 */
export function parseResponseStartLine(line: string): ResponseStartLine {
  const version = line.slice(0, 8);
  const code = line.slice(9, 12);
  const wellFormed =
    isVersion(version) &&
    line[8] === " " &&
    code.length === 3 &&
    isDigits(code) &&
    line[12] === " " &&
    isAll(line.slice(13), FIELD_VALUE);
  if (!wellFormed) throw malformed("response", line);
  checkMajorVersion(version);
  return { version, code: Number(code), reason: line.slice(13) };
}

/** Octets above 0x7E are kept for the sake of raw UTF-8 paths; the HTTP/1 receiver refuses them before. */
function isTarget(path: string): boolean {
  if (path.length === 0) return false;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code <= 0x20 || code > 0xff || (CHAR_CLASS[code]! & FIELD_VALUE) === 0) return false;
  }
  return true;
}

function isVersion(text: string): boolean {
  return text.length === 8 && text.startsWith("HTTP/") && text[6] === "." && isDigits(text[5]! + text[7]!);
}

function checkMajorVersion(version: string): void {
  if (version.startsWith("HTTP/1")) return;
  const status = version.startsWith("HTTP/0") ? 400 : 505;
  throw new HTTPInputError(`expected HTTP version 1.x, got ${version}`, { status });
}

function malformed(kind: "request" | "response", line: string): HTTPInputError {
  const wanted = kind === "request" ? '"METHOD target HTTP/1.x"' : '"HTTP/1.x CODE reason"';
  return new HTTPInputError(`malformed ${kind} line: expected ${wanted}, got ${shown(line)}`);
}
