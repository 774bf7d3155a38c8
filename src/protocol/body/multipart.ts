/**
 * `multipart/form-data` (RFC 7578, on the ground of RFC 2046 §5.1): what browsers send for forms with files.
 *
 *     --boundary CRLF            a delimiter line begins each part
 *     name: value CRLF           the part's head
 *     CRLF
 *     the part's body CRLF       the CRLF before a delimiter belongs to the delimiter
 *     --boundary-- CRLF          the last one
 *
 * A delimiter counts only at the beginning of a line and with its line end; what stands before the first and
 * after the last is ignored (RFC 2046 §5.1.1). The body is searched once, front to back; the values are views
 * of it, not copies. The first thing wrong ends the parsing with one error, and nothing is handed over.
 */
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkBoolean, checkLimit } from "../../base/validate.js";
import { HTTPInputError } from "../fields/errors.js";
import { HTTPHeaders } from "../fields/headers.js";
import { parseParameters, unquote } from "../fields/parameters.js";
import { type ArgumentMap, addValue } from "./form.js";

/** Limits for multipart bodies. */
export interface ParseMultipartConfig {
  /** False refuses every multipart body; default true. */
  readonly enabled?: boolean | undefined;
  /** Parts in one body at most; default 100, `Infinity` for no limit. */
  readonly maxParts?: number | undefined;
  /** Bytes of one part's head at most; default 10 KiB, `Infinity` for no limit. */
  readonly maxPartHeaderSize?: number | undefined;
}

/** {@link ParseMultipartConfig} with its defaults filled in. */
export type ResolvedMultipartConfig = {
  readonly [K in keyof ParseMultipartConfig]-?: NonNullable<ParseMultipartConfig[K]>;
};

const LIMITS = optionNames<ParseMultipartConfig>({ enabled: 1, maxParts: 1, maxPartHeaderSize: 1 });

/**
 * Fills in the defaults; throws an `InvalidArgumentError` for a value that makes no sense, and for a name
 * that is none of `names`.
 */
export function resolveMultipartConfig(
  config: ParseMultipartConfig = {},
  names: ReadonlySet<string> = LIMITS,
): ResolvedMultipartConfig {
  checkNames("limit of multipart", config, names);
  return {
    enabled: checkBoolean("enabled", config.enabled ?? true),
    maxParts: checkLimit("maxParts", config.maxParts ?? 100),
    maxPartHeaderSize: checkLimit("maxPartHeaderSize", config.maxPartHeaderSize ?? 10 * 1024),
  };
}

/** An uploaded file. Tornado `HTTPFile`. */
export class HTTPFile {
  /** The name as the client sent it: data, never a path. See {@link HTTPFile.baseName}. */
  readonly filename: string;
  /** The content: a view of the request's body. */
  readonly body: Buffer;
  /** The type as the client sent it; `application/unknown` when it sent none. */
  readonly contentType: string;

  constructor(filename: string, body: Buffer, contentType: string) {
    this.filename = filename;
    this.body = body;
    this.contentType = contentType;
  }

  /**
   * The last part of the file name, without folders of Unix or Windows and without control characters; `""`
   * when nothing that could name a file is left (`..`). Still the client's choice: it may be any name, also
   * one that exists.
   */
  get baseName(): string {
    return baseNameOf(this.filename);
  }
}

/** See {@link HTTPFile.baseName}. */
export function baseNameOf(filename: string): string {
  const name = filename.slice(1 + Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")));
  const clean = name.replace(/[\0-\x1f\x7f]/g, "");
  return clean === "." || clean === ".." ? "" : clean;
}

/** Field name → uploaded files; without a prototype. */
export type FileMap = Record<string, HTTPFile[]>;

/** RFC 2046 §5.1.1. */
const MAX_BOUNDARY = 70;
const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

/**
 * Parses a body and adds what it holds to `args` and `files`: parts with a file name become
 * {@link HTTPFile}s, the others arguments. `boundary` may be in quotes. Tornado `parse_multipart_form_data`.
 * @throws HTTPInputError for a body that is not multipart, has no end, has a part without name, or is over a
 * limit; then nothing has been added.
 */
export function parseMultipartFormData(
  boundary: string | Uint8Array,
  data: Uint8Array,
  args: ArgumentMap,
  files: FileMap,
  options?: { readonly config?: ParseMultipartConfig | undefined },
): void {
  const config = resolveMultipartConfig(options?.config);
  if (!config.enabled) throw invalidMultipart("multipart bodies are not accepted here");
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const parts: Part[] = [];
  for (const [start, end] of splitParts(body, checkBoundary(boundary), config.maxParts)) {
    // Two delimiter lines in a row have nothing between them.
    if (end > start) parts.push(parsePart(body.subarray(start, end), config.maxPartHeaderSize));
  }
  for (const part of parts) {
    if (part.file !== undefined) addValue(files, part.name, part.file);
    else addValue(args, part.name, part.value);
  }
}

/** The octets of a boundary, without quotes. */
export function checkBoundary(boundary: string | Uint8Array): Buffer {
  const text = unquote(typeof boundary === "string" ? boundary : Buffer.from(boundary).toString("latin1"));
  if (text.length >= 1 && text.length <= MAX_BOUNDARY) return Buffer.from(text, "latin1");
  throw invalidMultipart(`expected a boundary of 1 to ${MAX_BOUNDARY} characters, got ${text.length}`);
}

/**
 * The stretches between the delimiter lines: head, empty line and value, without the CRLF before the next
 * delimiter. The search is for the delimiter with the line end before it, so that a body of nothing but
 * dashes costs one pass.
 */
function* splitParts(
  body: Buffer,
  boundary: Buffer,
  maxParts: number,
): Generator<[start: number, end: number]> {
  const delimiter = Buffer.concat([Buffer.from("\r\n--"), boundary]);
  let count = 0;
  let start = -1;
  // The first line of the body has no line end before it.
  let found = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2))
    ? -2
    : body.indexOf(delimiter);
  while (found !== -1) {
    const after = found + delimiter.length;
    const isLast = body[after] === DASH && body[after + 1] === DASH;
    const next = isLast ? after : afterLineEnd(body, after);
    if (next === -1) {
      found = body.indexOf(delimiter, found + 2);
      continue;
    }
    if (start !== -1) yield [start, Math.max(start, found)];
    if (isLast) return;
    if (++count > maxParts)
      throw invalidMultipart(`too many parts: at most ${maxParts} are taken from one body`);
    start = next;
    // The line end just read may be the one before the next delimiter.
    found = body.indexOf(delimiter, next - 2);
  }
  throw invalidMultipart("no final boundary found");
}

function isLineEnd(body: Buffer, at: number): boolean {
  return at >= 0 && body[at] === CR && body[at + 1] === LF;
}

/** The position after optional padding and a CRLF (RFC 2046 §5.1.1); -1 when something else stands there. */
export function afterLineEnd(body: Buffer, from: number): number {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x09) at++;
  return isLineEnd(body, at) ? at + 2 : -1;
}

interface Part {
  readonly name: string;
  readonly value: Buffer;
  readonly file: HTTPFile | undefined;
}

function parsePart(part: Buffer, maxHeaderSize: number): Part {
  const headEnd = part.indexOf("\r\n\r\n");
  // A part without a value ends with its head: the CRLF of the empty line was the delimiter's.
  const size =
    headEnd !== -1 ? headEnd : part.length >= 2 && isLineEnd(part, part.length - 2) ? part.length - 2 : -1;
  if (size === -1) throw invalidMultipart("a part has no empty line after its head");
  if (size > maxHeaderSize)
    throw invalidMultipart(`the head of a part is too large: at most ${maxHeaderSize} bytes, got ${size}`);
  const { name, filename, headers } = parsePartHead(part.subarray(0, size));
  const value = part.subarray(Math.min(size + 4, part.length));
  if (filename === undefined) return { name, value, file: undefined };
  const file = new HTTPFile(filename, value, headers.get("Content-Type", UNKNOWN_TYPE));
  return { name, value, file };
}

/** The type of a file whose part names none. */
export const UNKNOWN_TYPE: string = "application/unknown";

/** What the head of a part says. */
export interface PartHead {
  /** The name of the form's field. */
  readonly name: string;
  /** The file name as the client sent it; undefined for a plain field. */
  readonly filename: string | undefined;
  /** All fields of the head. */
  readonly headers: HTTPHeaders;
}

/**
 * Parses the head of a part.
 * @throws HTTPInputError if it is not UTF-8, not that of form data, or has no name.
 */
export function parsePartHead(head: Buffer): PartHead {
  const headers = HTTPHeaders.parse(decodeHead(head), { unicode: true });
  const disposition = parseParameters(headers.get("Content-Disposition", ""));
  if (disposition.value.toLowerCase() !== "form-data") {
    throw invalidMultipart('a part has no "Content-Disposition: form-data"');
  }
  const { name, filename } = disposition.parameters;
  if (name === undefined || name === "") throw invalidMultipart("a part has no name");
  return { name, filename: filename === "" ? undefined : filename, headers };
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Browsers send names and file names as raw UTF-8 (RFC 7578 §5.1). */
function decodeHead(head: Buffer): string {
  try {
    return UTF_8.decode(head);
  } catch (error) {
    throw invalidMultipart("the head of a part is not UTF-8", error);
  }
}

/** The error for a body that is not what it says. */
export function invalidMultipart(what: string, cause?: unknown): HTTPInputError {
  return new HTTPInputError(`invalid multipart/form-data: ${what}`, {
    code: "ERR_SQUALL_INVALID_MULTIPART",
    ...(cause === undefined ? {} : { cause }),
  });
}
