/** XOR with four bytes over and over, as WebSocket frames of clients are masked (RFC 6455 §5.3). */
import { InvalidArgumentError } from "./errors.js";

/** Below this size, going byte by byte is quicker than aligning. */
const SHORT = 48;

/**
 * Masks, or unmasks, which is the same, `data` in place, as if its first byte were byte `offset` of the payload. The
 * mask has four bytes.
 */
export function maskInPlace(data: Uint8Array, mask: Uint8Array, offset = 0): void {
  let at = 0;
  if (data.length >= SHORT) {
    // To the next word, then by words, in whatever byte order the machine has.
    while ((data.byteOffset + at) % 4 !== 0) {
      data[at] = (data[at] as number) ^ (mask[(at + offset) & 3] as number);
      at++;
    }
    const turned = new Uint8Array(4);
    for (let i = 0; i < 4; i++) turned[i] = mask[(at + offset + i) & 3] as number;
    const word = new Uint32Array(turned.buffer)[0] as number;
    const words = new Uint32Array(data.buffer, data.byteOffset + at, (data.length - at) >> 2);
    for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ word;
    at += words.length * 4;
  }
  for (; at < data.length; at++) data[at] = (data[at] as number) ^ (mask[(at + offset) & 3] as number);
}

/** A masked copy of `data`. Throws an {@link InvalidArgumentError} if the mask has not four bytes. */
export function websocketMask(mask: Uint8Array, data: Uint8Array): Buffer {
  if (mask.length !== 4) throw new InvalidArgumentError(`a mask has 4 bytes, got ${mask.length}`);
  const masked = Buffer.from(data);
  maskInPlace(masked, mask);
  return masked;
}
