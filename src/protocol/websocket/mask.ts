/**
 * Masking (RFC 6455 §5.3): XOR with the four octets of a key, over and over. It is its own inverse.
 *
 * A key is an integer of 32 bits whose highest octet is the first of the key on the wire. Payload is masked
 * in place, by words where it is long enough.
 */
import { InvalidArgumentError } from "../../base/errors.js";

/**
 * Below this size, going octet by octet is quicker than a view of words, which costs as much as a hundred
 * octets.
 */
const SHORT = 128;

/** Whether the machine keeps the lowest octet of a word first. */
const LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The octets of a word in reverse order. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** The key for the payload behind its first `offset` octets. */
function turned(key: number, offset: number): number {
  const turn = (offset & 3) << 3;
  return turn === 0 ? key : (key << turn) | (key >>> (32 - turn));
}

/**
 * Masks, or unmasks, the octets `start` to `end` of `data` in place, as if the first of them were octet
 * `offset` of the payload. Returns true when every octet is ASCII afterwards.
 */
export function maskInPlace(
  data: Uint8Array,
  start: number,
  end: number,
  key: number,
  offset: number,
): boolean {
  return end - start < SHORT
    ? maskOctets(data, start, end, turned(key, offset)) < 0x80
    : maskWords(data, start, end, turned(key, offset)) < 0x80;
}

/** Four octets a turn; returns all of them, or-ed. */
function maskOctets(data: Uint8Array, start: number, end: number, key: number): number {
  const key0 = key >>> 24;
  const key1 = (key >>> 16) & 0xff;
  const key2 = (key >>> 8) & 0xff;
  let seen = 0;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    seen |= data[at]! ^= key0;
    seen |= data[at + 1]! ^= key1;
    seen |= data[at + 2]! ^= key2;
    seen |= data[at + 3]! ^= key & 0xff;
  }
  if (at < end) seen |= data[at]! ^= key0;
  if (at + 1 < end) seen |= data[at + 1]! ^= key1;
  if (at + 2 < end) seen |= data[at + 2]! ^= key2;
  return seen;
}

/**
 * Octets up to the first word, four words a turn, and the octets that are left; at least 0x80 if one octet
 * is.
 */
function maskWords(data: Uint8Array, start: number, end: number, key: number): number {
  const lead = -(data.byteOffset + start) & 3;
  const first = start + lead;
  let seen = maskOctets(data, start, first, key);
  const aligned = turned(key, lead);
  const word = LITTLE_ENDIAN ? swapped(aligned) : aligned;
  const words = new Int32Array(data.buffer, data.byteOffset + first, (end - first) >> 2);
  const { length } = words;
  let all = 0;
  let i = 0;
  for (const last = length - 3; i < last; i += 4) {
    all |= words[i]! ^= word;
    all |= words[i + 1]! ^= word;
    all |= words[i + 2]! ^= word;
    all |= words[i + 3]! ^= word;
  }
  for (; i < length; i++) all |= words[i]! ^= word;
  if ((all & 0x80808080) !== 0) seen |= 0x80;
  return seen | maskOctets(data, first + (length << 2), end, aligned);
}

/**
 * A masked copy of `data`. Tornado `_websocket_mask`.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when `mask` is not 4 bytes long.
 */
export function websocketMask(mask: Uint8Array, data: Uint8Array): Buffer {
  if (mask.length !== 4) throw new InvalidArgumentError(`a mask has 4 bytes, got ${mask.length}`);
  const masked = Buffer.from(data);
  const key = (mask[0]! << 24) | (mask[1]! << 16) | (mask[2]! << 8) | mask[3]!;
  maskInPlace(masked, 0, masked.length, key, 0);
  return masked;
}
