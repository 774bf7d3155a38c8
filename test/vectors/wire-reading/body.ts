/** A second opinion on bodies: chunked coding (RFC 9112 §7.1) and gzip, read whole. See `head.ts`. */
import { constants, gunzipSync } from "node:zlib";
import type { Framing, Limits, Refused, Waiting } from "./head.js";
import { readTrailers, refused } from "./head.js";

/** A body that is all there. */
export interface Body {
  readonly kind: "body";
  readonly end: number;
  /** As latin1 text, without coding. */
  readonly text: string;
  readonly hasExtensions: boolean;
  readonly trailers: number;
}

const MAX_SIZE_DIGITS = 16;
const MAX_EXTENSIONS = 16 * 1024;
const WORD = String.raw`[!#$%&'*+\-.^_\`|~0-9A-Za-z]+`;
const QUOTED = String.raw`"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"`;
/** chunk-ext of RFC 9112 §7.1.1. */
const EXTENSIONS = new RegExp(`^(?:[ \\t]*;[ \\t]*${WORD}(?:[ \\t]*=[ \\t]*(?:${WORD}|${QUOTED}))?)+$`);
const WAITING: Waiting = { kind: "waiting", begun: true };

/** Reads the body that starts at `start`. */
export function readBody(
  text: string,
  start: number,
  framing: Framing,
  limits: Limits,
): Body | Refused | Waiting {
  if (framing.kind === "chunked") return readChunked(text, start, limits);
  if (framing.length > BigInt(limits.body)) return refused(413, "body-too-large");
  const end = start + Number(framing.length);
  if (end > text.length) return WAITING;
  return { kind: "body", end, text: text.slice(start, end), hasExtensions: false, trailers: 0 };
}

function readChunked(text: string, start: number, limits: Limits): Body | Refused | Waiting {
  let data = "";
  let announced = 0;
  let extensionBytes = 0;
  let at = start;
  while (true) {
    const digits = /^[0-9A-Fa-f]*/.exec(text.slice(at, at + MAX_SIZE_DIGITS + 1))![0];
    if (digits.length > MAX_SIZE_DIGITS) return refused(400, "chunk-size");
    at += digits.length;
    if (at === text.length) return WAITING;
    if (digits === "" || !"\r; \t".includes(text[at]!)) return refused(400, "chunk-size");
    const extension = /^[^\r]*/.exec(text.slice(at))![0];
    if (extension !== "") {
      extensionBytes += extension.length;
      const isWhole = at + extension.length < text.length;
      // A line that may yet become an extension: cut at a token or inside a quoted string.
      if (!isWhole && extensionBytes <= MAX_EXTENSIONS && couldBecomeExtension(extension)) return WAITING;
      if (extensionBytes > MAX_EXTENSIONS) return refused(413, "body-too-large");
      if (!EXTENSIONS.test(extension)) return refused(400, "chunk-extension-grammar");
      at += extension.length;
    }
    if (at + 1 === text.length) return WAITING;
    if (text[at + 1] !== "\n") return refused(400, "chunk-size");
    at += 2;
    const size = Number.parseInt(digits, 16);
    if (size === 0) break;
    announced += size;
    if (announced > limits.body) return refused(413, "body-too-large");
    data += text.slice(at, at + size);
    at += size;
    if (at >= text.length) return WAITING;
    if (text[at] !== "\r") return refused(400, "chunk-data-end");
    if (at + 1 === text.length) return WAITING;
    if (text[at + 1] !== "\n") return refused(400, "chunk-data-end");
    at += 2;
    if (at === text.length) return WAITING;
  }
  const trailers = readTrailers(text, at, limits);
  if ("kind" in trailers) {
    if (trailers.kind === "refused") return trailers;
    return { ...trailers, themes: extensionBytes > 0 ? ["chunk-extensions", "trailers"] : ["trailers"] };
  }
  return {
    kind: "body",
    end: trailers.end,
    text: data,
    hasExtensions: extensionBytes > 0,
    trailers: trailers.count,
  };
}

function couldBecomeExtension(beginning: string): boolean {
  return ["", "x", ";x", "=x", '"', 'x"', ";x=y"].some((rest) => EXTENSIONS.test(beginning + rest));
}

/** What a gzip body holds. */
export type Unpacked = { readonly kind: "unpacked"; readonly text: string } | Refused;

/** Unpacks a gzip body (RFC 1952), which may have several members; everything after them is refused. */
export function unpack(packed: string, limit: number): Unpacked {
  const bytes = Buffer.from(packed, "latin1");
  if (bytes.length === 0) return { kind: "unpacked", text: "" };
  let text: string;
  let used: number;
  try {
    // The typings know nothing of `info`; `bytesWritten` is how much of the input zlib took.
    const whole = gunzipSync(bytes, { info: true } as object) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    text = whole.buffer.toString("latin1");
    used = whole.engine.bytesWritten;
  } catch {
    if (lengthWhenCut(bytes) > limit) return refused(413, "body-too-large");
    return refused(400, beginsWithMember(bytes) ? "gzip-trailing-bytes" : "gzip-corrupt");
  }
  if (used < bytes.length) return refused(400, "gzip-trailing-bytes");
  if (text.length > limit) return refused(413, "body-too-large");
  return { kind: "unpacked", text };
}

/** How much a stream that stops too early holds; -1 for one that is wrong in its middle. */
function lengthWhenCut(bytes: Buffer): number {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).length;
  } catch {
    return -1;
  }
}

/** What is known of a gzip body that is not all there: it may be wrong, or too much, already. */
export function unpackBeginning(packed: string, limit: number): Refused | undefined {
  const bytes = Buffer.from(packed, "latin1");
  if (bytes.length === 0) return undefined;
  const length = lengthWhenCut(bytes);
  if (length === -1) return refused(400, beginsWithMember(bytes) ? "gzip-trailing-bytes" : "gzip-corrupt");
  return length > limit ? refused(413, "body-too-large") : undefined;
}

function beginsWithMember(bytes: Buffer): boolean {
  for (let end = 18; end < bytes.length; end++) {
    try {
      gunzipSync(bytes.subarray(0, end));
      return true;
    } catch {
      // not yet whole
    }
  }
  return false;
}
