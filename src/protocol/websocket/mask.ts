/**
 * Masking (RFC 6455 §5.3): XOR with the four octets of a key, over and over. It is its own inverse.
 *
 * A key is an integer of 32 bits whose highest octet is the first of the key on the wire. Payload is masked in place, by
 * words where it is long enough.
 */
import { InvalidArgumentError } from "../../base/errors.js";

/** Below this size, going octet by octet is quicker than a view of words. */
const SHORT = 128;

/** Whether the machine keeps the lowest octet of a word first. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The octets of a word in reverse order. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/**
 * Masks, or unmasks, the octets `start` to `end` of `data` in place, as if the first of them were octet `offset` of the
 * payload. Returns true when every octet is ASCII afterwards.
 */
export function maskInPlace(
  data: Uint8Array,
  start: number,
  end: number,
  key: number,
  offset: number,
): boolean {
  // The octets in the order in which they are used: turned by as many places as the payload is already in.
  const turn = (offset & 3) << 3;
  let turned = turn === 0 ? key : (key << turn) | (key >>> (32 - turn));
  let seen = 0;
  let at = start;
  if (end - start >= SHORT) {
    for (; ((data.byteOffset + at) & 3) !== 0; at++) {
      turned = (turned << 8) | (turned >>> 24);
      const octet = (data[at]! ^ turned) & 0xff;
      data[at] = octet;
      seen |= octet;
    }
    const word = LITTLE_ENDIAN ? swapped(turned) : turned;
    const words = new Int32Array(data.buffer, data.byteOffset + at, (end - at) >> 2);
    let seenWords = 0;
    for (let i = 0; i < words.length; i++) {
      const plain = words[i]! ^ word;
      words[i] = plain;
      seenWords |= plain;
    }
    if ((seenWords & 0x80808080) !== 0) seen = 0x80;
    at += words.length << 2;
  }
  for (; at < end; at++) {
    turned = (turned << 8) | (turned >>> 24);
    const octet = (data[at]! ^ turned) & 0xff;
    data[at] = octet;
    seen |= octet;
  }
  return seen < 0x80;
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
