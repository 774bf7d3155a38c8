/**
 * Start lines for sending (RFC 9112 §3 and §4), checked so that nothing in them can end the line early, and
 * the status lines remembered: an application has a handful of them and sends each a million times.
 */
import { isFieldValue, isToken } from "../fields/abnf.js";
import type { RequestStartLine, ResponseStartLine } from "../fields/start-line.js";
import { shown } from "./errors.js";
import { TARGET, URI_CLASS } from "./octets.js";
import { HTTP1OutputError } from "./output-errors.js";

/** Reasons can be made from input, so the memory is bounded; it is emptied when full. */
const MAX_REMEMBERED = 256;

const checkedLines = new Set<string>();
let lastCode = 0;
let lastReason = "";
let lastVersion = "";
let lastLine = "";

/** The status line with its CRLF. Throws `ERR_SQUALL_HTTP_OUTPUT_START_LINE` when it cannot be sent. */
export function statusLine({ version, code, reason }: ResponseStartLine): string {
  if (code === lastCode && reason === lastReason && version === lastVersion) return lastLine;
  checkVersion(version);
  checkCode(code);
  const line = `${version} ${code} ${reason}\r\n`;
  if (!checkedLines.has(line)) {
    checkReason(reason);
    if (checkedLines.size >= MAX_REMEMBERED) checkedLines.clear();
    checkedLines.add(line);
  }
  lastCode = code;
  lastReason = reason;
  lastVersion = version;
  lastLine = line;
  return line;
}

/** The request line with its CRLF. Throws `ERR_SQUALL_HTTP_OUTPUT_START_LINE` when it cannot be sent. */
export function requestLine({ method, path, version }: RequestStartLine): string {
  checkVersion(version);
  if (!isToken(method)) throw bad(`a method must be a token, got ${shown(method)}`);
  if (!isTarget(path)) {
    throw bad(`a request target must be visible ASCII without space, quotes, < > and #, got ${shown(path)}`);
  }
  return `${method} ${path} ${version}\r\n`;
}

function isTarget(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code > 0xff || (URI_CLASS[code]! & TARGET) === 0) return false;
  }
  return path.length > 0;
}

function checkCode(code: number): void {
  if (Number.isInteger(code) && code >= 100 && code <= 999) return;
  throw bad(`a status code must be an integer from 100 to 999, got ${code}`);
}

function checkReason(reason: string): void {
  if (isFieldValue(reason)) return;
  throw bad(`a reason cannot hold control characters or U+0100 and up, got ${shown(reason)}`);
}

function checkVersion(version: string): void {
  if (version === "HTTP/1.1" || version === "HTTP/1.0") return;
  throw bad(`the version must be HTTP/1.1 or HTTP/1.0, got ${shown(version)}`);
}

function bad(message: string): HTTP1OutputError {
  return new HTTP1OutputError("ERR_SQUALL_HTTP_OUTPUT_START_LINE", message);
}
