/**
 * From the marks of a scanned block to a {@link HTTP1ResponseHead}: the status line (RFC 9112 §4), the
 * fields, and how the body ends (§6.3), which depends on the request that is answered.
 */
import { CHAR_CLASS, DIGIT } from "../fields/abnf.js";
import { endsWithHead, opensTunnel } from "../message/content.js";
import { HTTP1Error, shown } from "./errors.js";
import { type FieldFacts, isPersistent, lengthOf, transferCodings } from "./framing.js";
import type { HeadScanner } from "./head-scanner.js";
import { cutFields } from "./head-text.js";
import { SP } from "./octets.js";
import { parseVersion } from "./version.js";
import type { BodyFraming, HTTP1ResponseHead } from "./visitor.js";

/** Where the status line's parts begin: `HTTP/1.1 200 OK`. */
const CODE_AT = 9;
const REASON_AT = 13;

/**
 * Builds the head of a response to a request with that method.
 * @throws HTTP1Error when it is malformed.
 */
export function buildResponseHead(
  scanner: HeadScanner,
  facts: FieldFacts,
  requestMethod: string,
): HTTP1ResponseHead {
  const line = scanner.text.slice(scanner.marks[0]!, scanner.marks[1]!);
  const code = parseCode(line);
  const version = parseVersion(line, 0, CODE_AT - 1);
  const isHTTP10 = version === "HTTP/1.0";
  facts.reset();
  const fields = cutFields(scanner, facts);

  const isTunnel = opensTunnel(requestMethod, code);
  const upgrade = code === 101 || isTunnel;
  // In a 2xx to CONNECT both framing fields mean nothing (RFC 9110 §9.3.6).
  const codings = isTunnel ? undefined : transferCodings(facts, isHTTP10);
  const length = codings !== undefined || upgrade ? -1 : lengthOf(facts.contentLength);
  const announcesBody = codings !== undefined || length > 0;
  if (!upgrade && (code < 200 || code === 204) && announcesBody) throw forbiddenBody(code);
  let framing: BodyFraming;
  if (upgrade || endsWithHead(code) || requestMethod === "HEAD") framing = "none";
  else framing = codings?.framing ?? (length >= 0 ? "length" : "close");
  return {
    code,
    reason: line.slice(REASON_AT),
    version,
    fields,
    framing,
    contentLength: framing === "length" ? length : -1,
    keepAlive: framing !== "close" && isPersistent(facts, isHTTP10),
    upgrade,
  };
}

/**
 * Checks the status line's shape and returns its code. An empty reason may come without the space before it.
 */
function parseCode(line: string): number {
  const wellFormed =
    line.length >= CODE_AT + 3 &&
    line.charCodeAt(CODE_AT - 1) === SP &&
    isDigit(line, CODE_AT) &&
    isDigit(line, CODE_AT + 1) &&
    isDigit(line, CODE_AT + 2) &&
    (line.length === CODE_AT + 3 || line.charCodeAt(CODE_AT + 3) === SP);
  const code = wellFormed ? Number(line.slice(CODE_AT, CODE_AT + 3)) : 0;
  if (code >= 100) return code;
  throw new HTTP1Error(
    "ERR_SQUALL_HTTP_STATUS_LINE",
    `expected a status line such as "HTTP/1.1 200 OK", got ${shown(line)}`,
  );
}

function isDigit(text: string, at: number): boolean {
  return (CHAR_CLASS[text.charCodeAt(at)]! & DIGIT) !== 0;
}

function forbiddenBody(code: number): HTTP1Error {
  return new HTTP1Error("ERR_SQUALL_HTTP_FORBIDDEN_BODY", `a ${code} response cannot have a body`);
}
