/**
 * Putting text, body and text on the wire in as few writes as possible.
 *
 * A write of one string is the cheapest that Node has (1.8 to 2.5 µs for head and small body, against 3.4 for a
 * `writev` and 3.9 for two writes), so what is small is joined. latin1 carries any octet, hence bytes join a string
 * as well as ASCII does; only text with characters above U+007F, which goes out as UTF-8, needs a buffer.
 */

/** A piece of body: text (sent as UTF-8) or bytes. */
export type OutputChunk = string | Uint8Array;

/** Where the sender puts its bytes; `IOStream` is one. */
export interface HTTP1Output {
  /** Takes text or bytes; false when more than the high-water mark is queued. */
  send(data: string | Uint8Array, encoding?: "latin1" | "utf8"): boolean;
  /** What is sent between these two leaves in one write; optional. */
  cork?(): void;
  uncork?(): void;
}

/**
 * Up to this many bytes are joined. Node copies strings of up to 16 KiB to the stack and writes them at once
 * (`StreamBase::WriteString`); above, it allocates, and copying begins to cost more than a second write.
 */
const JOIN_LIMIT = 16 * 1024;
/** Shorter text is looked at in JavaScript; longer is left to simdutf behind `Buffer.byteLength`. */
const LOOP_LIMIT = 64;

/** How many bytes `chunk` has on the wire. */
export function chunkLength(chunk: OutputChunk): number {
  if (typeof chunk !== "string") return chunk.byteLength;
  if (chunk.length < LOOP_LIMIT && isShortASCII(chunk)) return chunk.length;
  return Buffer.byteLength(chunk);
}

function isShortASCII(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}

/**
 * Sends `before` (latin1), `chunk` of `length` bytes, and `after` (latin1), in one write when they are small.
 * Returns what the last `send` returned.
 */
export function sendJoined(
  out: HTTP1Output,
  before: string,
  chunk: OutputChunk,
  length: number,
  after: string,
): boolean {
  if (length === 0) return out.send(before + after, "latin1");
  if (length > JOIN_LIMIT) return sendApart(out, before, chunk, length, after);
  if (typeof chunk !== "string") return out.send(before + latin1(chunk) + after, "latin1");
  if (length === chunk.length) return out.send(before + chunk + after, "latin1");
  const joined = Buffer.allocUnsafe(before.length + length + after.length);
  joined.write(before, 0, "latin1");
  joined.write(chunk, before.length, "utf8");
  if (after !== "") joined.write(after, before.length + length, "latin1");
  return out.send(joined);
}

function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

function sendApart(
  out: HTTP1Output,
  before: string,
  chunk: OutputChunk,
  length: number,
  after: string,
): boolean {
  const isAlone = before === "" && after === "";
  if (!isAlone) out.cork?.();
  if (before !== "") out.send(before, "latin1");
  let hasRoom: boolean;
  if (typeof chunk !== "string") hasRoom = out.send(chunk);
  else hasRoom = out.send(chunk, length === chunk.length ? "latin1" : "utf8");
  if (after !== "") hasRoom = out.send(after, "latin1");
  if (!isAlone) out.uncork?.();
  return hasRoom;
}
