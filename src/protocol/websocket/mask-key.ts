/**
 * Masking keys. Each frame of a client has an unpredictable one (RFC 6455 §5.3, §10.3), so that the author of
 * the payload cannot choose the octets on the wire. They come from the system's generator, many at a time,
 * since one call costs more than the frame.
 */
import { randomFillSync } from "node:crypto";

const KEYS = 256;

let pool: Int32Array | undefined;
let left = 0;

/** A key of 32 random bits. */
export function randomMaskKey(): number {
  if (left === 0) {
    pool ??= new Int32Array(KEYS);
    randomFillSync(pool);
    left = KEYS;
  }
  return pool![--left]!;
}
