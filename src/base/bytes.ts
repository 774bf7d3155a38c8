/** Small helpers for bytes and for text made of single bytes. */
import { isArrayBuffer } from "node:util/types";

/** What writes accept: text (sent as UTF-8 unless told otherwise) or bytes. */
export type Chunk = string | Uint8Array;

/** An empty buffer, for results that hold nothing. */
export const NO_BYTES: Buffer = Buffer.alloc(0);

/** The same bytes as a `Buffer`, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes of a typed array, a `DataView` or an array buffer, not copied; `undefined` for anything else. */
export function viewOf(chunk: unknown): Buffer | undefined {
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return isArrayBuffer(chunk) ? Buffer.from(chunk) : undefined;
}

/** Shorter text is looked at in JavaScript; longer text is left to simdutf behind `Buffer.byteLength`. */
const LOOP_LIMIT = 64;

/** How many bytes a chunk has on the wire. */
export function byteLength(chunk: Chunk): number {
  if (typeof chunk !== "string") return chunk.byteLength;
  if (chunk.length < LOOP_LIMIT && isAscii(chunk)) return chunk.length;
  return Buffer.byteLength(chunk);
}

/** The chunks in one buffer. One chunk alone is returned as it is; nothing gives an empty buffer. */
export function concatBytes(chunks: readonly Uint8Array[], total?: number): Buffer {
  if (chunks.length === 0) return NO_BYTES;
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return asBuffer(only);
  return Buffer.concat(chunks, total);
}

/** Memory of up to this size may be held by a smaller view, as Node's own buffer pool did before Node 24. */
const HOLDABLE = 8192;

/** A view that uses less than this part of the memory behind it is copied before it is kept. */
const WASTE = 4;

/** Whether a view of `used` bytes would hold much more memory than it shows. */
export function isWasteful(used: number, memory: number): boolean {
  return memory > HOLDABLE && used * WASTE < memory;
}

/**
 * A copy with memory of its own. In Node's pool, which has 64 KiB from Node 24 on, a few bytes that are kept
 * would keep all of it.
 */
export function copyApart(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The bytes for keeping: as they are, or copied if they would hold much more memory than they show. */
export function keepable(bytes: Buffer): Buffer {
  return isWasteful(bytes.length, bytes.buffer.byteLength) ? copyApart(bytes) : bytes;
}

/** Bytes as text of one character each (U+0000 to U+00FF), which keeps every value. */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return asBuffer(bytes).toString("latin1", start, end);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether every character fits in one byte, so that it can be written as latin1 without loss. */
export function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

/** Whether both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && asBuffer(a).equals(b));
}

/**
 * Whether both texts are equal when A–Z count as a–z, and nothing else: unlike `toLowerCase()`, which takes
 * the Kelvin sign for a `k`. Names of fields, schemes and codings are compared so (RFC 9110 §5.1). Faster
 * than lowering both.
 */
export function equalsIgnoreCase(a: string, b: string): boolean {
  // The lengths first: they are at hand, and comparing two strings is a call.
  if (a.length !== b.length) return false;
  if (a === b) return true;
  for (let i = 0; i < a.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y && lowered(x) !== lowered(y)) return false;
  }
  return true;
}

function lowered(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
