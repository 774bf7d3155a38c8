/**
 * A plain second reading of requests, as RFC 9112 has them and with the limits that our manual documents. It shares no
 * code with the receiver and trades speed for being easy to check against the RFC: the property tests compare the
 * receiver with it, and the vectors of the wire are judged by it.
 *
 * A refusal carries its cause. That is what the rules about Tornado's departures are made of.
 */

/** Why a request is refused. Each is the name of a rule, or a fault for which Tornado's answer is ours. */
export type Cause =
  | "blank-lines"
  | "body-too-large"
  | "chunk-data-end"
  | "chunk-extension-grammar"
  | "chunk-size"
  | "content-length"
  | "control-character"
  | "field-name"
  | "gzip-corrupt"
  | "gzip-trailing-bytes"
  | "head-too-large"
  | "host"
  | "line-feed-alone"
  | "method-too-long"
  | "carriage-return-alone"
  | "folded-field"
  | "request-line"
  | "target-characters"
  | "target-form"
  | "target-too-long"
  | "timeout"
  | "too-many-fields"
  | "transfer-coding-unknown"
  | "transfer-encoding"
  | "version"
  | "version-not-supported";

/** The input breaks a rule: this status, and the connection ends. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  readonly cause: Cause;
  /** The head, where that was whole. */
  readonly head?: Head | undefined;
}

/** More input is needed. */
export interface Waiting {
  readonly kind: "waiting";
  /** Something of a message is there. */
  readonly begun: boolean;
  /** What has been seen of it that Tornado takes otherwise. */
  readonly themes?: readonly string[];
}

/** The lines of a header block or trailer section. */
export type FieldLines = readonly (readonly [name: string, value: string])[];

/** A head that is well-formed and means something. */
export interface Head {
  readonly kind: "head";
  readonly end: number;
  readonly blankLines: number;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: FieldLines;
}

/** The limits that a case may set. */
export interface Limits {
  readonly header: number;
  readonly body: number;
}

const MAX_BLANK_LINES = 4;
const MAX_LINE = 8 * 1024;
const MAX_FIELDS = 100;

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]*/y;
/** Visible ASCII without the four that can neither stand in a URL nor come from a browser. */
const TARGET = /[!$-;=?-~]*/y;
const VALUE = /[\t\x20-\x7e\x80-\xff]*/y;

export function refused(status: number, cause: Cause, head?: Head): Refused {
  return { kind: "refused", status, cause, head };
}

/** Walks over latin1 text; stops at `end`, which may be a limit. */
class Cursor {
  readonly text: string;
  at: number;
  end: number;

  constructor(text: string, at: number, end: number) {
    this.text = text;
    this.at = at;
    this.end = end;
  }

  get next(): string | undefined {
    return this.at < this.end ? this.text[this.at] : undefined;
  }

  take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)![0].slice(0, this.end - this.at);
    this.at += found.length;
    return found;
  }
}

/** A line ends with CRLF: true, or what is wrong, or undefined while the end is not there. */
function lineEnd(cursor: Cursor): true | Refused | undefined {
  const first = cursor.next;
  if (first === "\n") return refused(400, "line-feed-alone");
  if (first !== "\r") return first === undefined ? undefined : refused(400, "control-character");
  cursor.at++;
  const second = cursor.next;
  if (second === undefined) return undefined;
  if (second !== "\n") return refused(400, "carriage-return-alone");
  cursor.at++;
  return true;
}

/** Field lines up to the blank line behind them; the fields, or what is wrong, or undefined for more. */
function fieldLines(cursor: Cursor): [string, string][] | Refused | undefined {
  const fields: [string, string][] = [];
  while (true) {
    if (cursor.next === "\r" || cursor.next === "\n") {
      const end = lineEnd(cursor);
      return end === true ? fields : end;
    }
    if (cursor.next === " " || cursor.next === "\t") return refused(400, "folded-field");
    if (cursor.next === undefined) return undefined;
    if (fields.length === MAX_FIELDS && /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(cursor.next)) {
      return refused(431, "too-many-fields");
    }
    const name = cursor.take(TOKEN);
    if (cursor.next === undefined) return undefined;
    if (name === "" || cursor.next !== ":") return refused(400, "field-name");
    cursor.at++;
    const value = cursor.take(VALUE);
    const end = lineEnd(cursor);
    if (end !== true) return end;
    fields.push([name, value.replace(/^[ \t]+|[ \t]+$/g, "")]);
  }
}

/** Reads a trailer section from `at` on. */
export function readTrailers(
  text: string,
  at: number,
  limits: Limits,
): { end: number; fields: FieldLines } | Refused | Waiting {
  const cursor = new Cursor(text, at, Math.min(text.length, at + limits.header));
  const fields = fieldLines(cursor);
  if (fields === undefined) {
    return cursor.end < text.length ? refused(431, "head-too-large") : { kind: "waiting", begun: true };
  }
  return Array.isArray(fields) ? { end: cursor.at, fields } : (fields as Refused);
}

/** Reads a request head from `start` on: its grammar and its limits. */
export function readHead(text: string, start: number, limits: Limits): Head | Refused | Waiting {
  const headEnd = start + limits.header;
  const cursor = new Cursor(text, start, Math.min(text.length, headEnd));
  let blankLines = 0;
  while (cursor.next === "\r") {
    const end = lineEnd(cursor);
    if (end !== true) return end ?? { kind: "waiting", begun: false };
    if (++blankLines > MAX_BLANK_LINES) return refused(400, "blank-lines");
  }
  if (cursor.next === undefined) return { kind: "waiting", begun: false };

  cursor.end = Math.min(cursor.end, cursor.at + MAX_LINE);
  const waiting = (status: number, cause: Cause): Refused | Waiting =>
    cursor.end < text.length || cursor.at >= headEnd
      ? refused(status, cause)
      : { kind: "waiting", begun: true };

  const method = cursor.take(TOKEN);
  if (cursor.next === undefined) return waiting(501, "method-too-long");
  if (method === "" && cursor.next === "\n") return refused(400, "line-feed-alone");
  if (method === "" || cursor.next !== " ") return refused(400, "request-line");
  cursor.at++;
  const target = cursor.take(TARGET);
  if (cursor.next === undefined) return waiting(414, "target-too-long");
  if (cursor.next !== " " && !"\r\n".includes(cursor.next)) return refused(400, "target-characters");
  if (target === "" || cursor.next !== " ") return refused(400, "request-line");
  cursor.at++;
  const version = cursor.take(TARGET);
  if (cursor.next !== undefined && !"\r\n".includes(cursor.next)) return refused(400, "request-line");
  const end = lineEnd(cursor);
  if (end === undefined) return waiting(414, "target-too-long");
  if (end !== true) return end;

  cursor.end = Math.min(text.length, headEnd);
  const fields = fieldLines(cursor);
  if (fields === undefined) return waiting(431, "head-too-large");
  if (!Array.isArray(fields)) return fields as Refused;
  return { kind: "head", end: cursor.at, blankLines, method, target, version, fields };
}

/** The values of all fields with this name. */
export function valuesOf(head: Head, name: string): string[] {
  return head.fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

/** The members of a list field, in lower case. */
export function membersOf(head: Head, name: string): string[] {
  return valuesOf(head, name)
    .flatMap((value) => value.split(","))
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, "").toLowerCase());
}

const REG_NAME = String.raw`(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+`;
const IP_LITERAL = String.raw`\[[A-Za-z0-9\-._~!$&'()*+,;=:]+\]`;
/** uri-host [ ":" port ] of RFC 9110 §7.2. */
const HOST = new RegExp(`^(?:${IP_LITERAL}|${REG_NAME})(?::[0-9]*)?$`);
const AUTHORITY_FORM = new RegExp(`^(?:${IP_LITERAL}|${REG_NAME}):[0-9]+$`);

/** Scheme, authority and rest of an absolute target. */
export const ABSOLUTE_TARGET: RegExp = /^https?:\/\/([^/?]*)(.*)$/i;

/** How the body is delimited. */
export type Framing = { readonly kind: "chunked" } | { readonly kind: "length"; readonly length: bigint };

/** What a well-formed head means: its framing, or why it is refused. The order is that of the status codes. */
export function interpret(head: Head): Framing | Refused {
  const fail = (status: number, cause: Cause) => refused(status, cause, head);
  if (!/^HTTP\/[0-9]\.[0-9]$/.test(head.version) || head.version.startsWith("HTTP/0")) {
    return fail(400, "version");
  }
  if (!head.version.startsWith("HTTP/1")) return fail(505, "version-not-supported");
  const isHTTP10 = head.version === "HTTP/1.0";

  const lengths = membersOf(head, "content-length");
  if (lengths.some((text) => !/^[0-9]+$/.test(text) || text !== lengths[0]))
    return fail(400, "content-length");
  const hosts = valuesOf(head, "host");
  if (hosts.length > 1 || (hosts.length === 0 && !isHTTP10)) return fail(400, "host");
  if (hosts.length === 1 && hosts[0] !== "" && !HOST.test(hosts[0]!)) return fail(400, "host");
  if (!isTargetAllowed(head)) return fail(400, "target-form");
  return framingOf(head, isHTTP10, lengths[0], fail);
}

function isTargetAllowed({ method, target }: Head): boolean {
  if (method === "CONNECT") return AUTHORITY_FORM.test(target);
  if (target.startsWith("/")) return true;
  if (target === "*") return method === "OPTIONS";
  const absolute = ABSOLUTE_TARGET.exec(target);
  return absolute !== null && HOST.test(absolute[1]!);
}

function framingOf(
  head: Head,
  isHTTP10: boolean,
  length: string | undefined,
  fail: (status: number, cause: Cause) => Refused,
): Framing | Refused {
  const encodings = valuesOf(head, "transfer-encoding");
  if (encodings.length > 0) {
    if (length !== undefined || isHTTP10 || encodings.length > 1) return fail(400, "transfer-encoding");
    const codings = membersOf(head, "transfer-encoding");
    if (codings.length === 1 && codings[0] === "chunked") return { kind: "chunked" };
    const isKnownKind =
      codings.at(-1) === "chunked" && codings.every((coding) => /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(coding));
    return isKnownKind ? fail(501, "transfer-coding-unknown") : fail(400, "transfer-encoding");
  }
  const bytes = BigInt(length ?? 0);
  return bytes > BigInt(Number.MAX_SAFE_INTEGER)
    ? fail(413, "body-too-large")
    : { kind: "length", length: bytes };
}

/** True when the connection goes on after a request with this head (RFC 9112 §9.3). */
export function persists(head: Head): boolean {
  const options = membersOf(head, "connection");
  return !options.includes("close") && (head.version !== "HTTP/1.0" || options.includes("keep-alive"));
}
