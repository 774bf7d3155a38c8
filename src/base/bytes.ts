/** Small helpers for bytes and for text made of single bytes. */

/** What writes accept: text (sent as UTF-8 unless told otherwise) or bytes. */
export type Chunk = string | Uint8Array;

/** An empty buffer, for results that hold nothing. */
export const NO_BYTES: Buffer = Buffer.alloc(0);

/** The same bytes as a `Buffer`, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes of a chunk: text as UTF-8, bytes as they are, without copying. */
export function toBytes(chunk: Chunk): Buffer {
  return typeof chunk === "string" ? Buffer.from(chunk) : asBuffer(chunk);
}

/** How many bytes a chunk has on the wire. */
export function byteLength(chunk: Chunk): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
}

/** The chunks in one buffer. One chunk alone is returned as it is; nothing gives an empty buffer. */
export function concatBytes(chunks: readonly Uint8Array[], total?: number): Buffer {
  if (chunks.length === 0) return NO_BYTES;
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return asBuffer(only);
  return Buffer.concat(chunks, total);
}

/** Bytes as text of one character each (U+0000 to U+00FF), which keeps every value. */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return asBuffer(bytes).toString("latin1", start, end);
}

/** Text of characters up to U+00FF as bytes; of others only the low byte is kept, so check first. */
export function fromLatin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Whether every character is below U+0080. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether every character fits in one byte, so that {@link fromLatin1} loses nothing. */
export function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

/** Whether both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && asBuffer(a).equals(b));
}

/**
 * Whether both texts are equal when A–Z count as a–z, and nothing else: unlike `toLowerCase()`, which takes the Kelvin
 * sign for a `k`. Header names, schemes and codings compare so (RFC 9110 §5.1).
 */
export function equalIgnoringCase(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const lower = x | 0x20;
    if (lower !== (y | 0x20) || lower < 0x61 || lower > 0x7a) return false;
  }
  return true;
}

/** A–Z as a–z, everything else as it is. */
export function lowerAscii(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x41 && code <= 0x5a) {
      return isAscii(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (run) => run.toLowerCase());
    }
  }
  return text;
}
