/** The plain reading of bodies, with Content-Length or in chunks. See `head.ts`. */
import type { Framing, Limits, Refused, Waiting } from "./head.js";
import { type FieldLines, readTrailers, refused } from "./head.js";

/** A body that is all there. */
export interface Body {
  readonly kind: "body";
  readonly end: number;
  /** As latin1 text, without coding. */
  readonly text: string;
  readonly hasExtensions: boolean;
  readonly trailers: FieldLines;
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
  return { kind: "body", end, text: text.slice(start, end), hasExtensions: false, trailers: [] };
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
    trailers: trailers.fields,
  };
}

function couldBecomeExtension(beginning: string): boolean {
  return ["", "x", ";x", "=x", '"', 'x"', ";x=y"].some((rest) => EXTENSIONS.test(beginning + rest));
}
