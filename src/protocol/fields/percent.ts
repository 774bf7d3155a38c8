/**
 * Percent-encoding (RFC 3986 §2.1) and the `application/x-www-form-urlencoded` form of it, where a space is `+`.
 *
 * On the way in, text is latin1: one character for each octet of the wire. A `%` that no two hexadecimal digits
 * follow is kept as it is, as browsers and Tornado do. On the way out, text is encoded as UTF-8 first.
 */
import { CHAR_CLASS, HEXDIG } from "./abnf.js";

/** Half of a pair without the other: there is no UTF-8 for it. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/** How {@link decodePercent} reads a `+`. */
export interface DecodePercentOptions {
  /** Read `+` as a space, as in forms and queries; default false. */
  readonly plus?: boolean | undefined;
}

/** The octets that latin1 text with `%XX` stands for. Linear; text without `%` costs one copy. */
export function decodePercent(text: string, options?: DecodePercentOptions): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const plus = options?.plus === true;
  let at = firstEncoded(bytes, plus);
  if (at === -1) return bytes;
  let to = at;
  while (at < bytes.length) {
    let octet = bytes[at]!;
    if (octet === PERCENT && isHex(bytes[at + 1]) && isHex(bytes[at + 2])) {
      octet = (hexValue(bytes[at + 1]!) << 4) | hexValue(bytes[at + 2]!);
      at += 2;
    } else if (octet === PLUS && plus) {
      octet = SPACE;
    }
    bytes[to++] = octet;
    at++;
  }
  return bytes.subarray(0, to);
}

/**
 * Text as UTF-8 with all but letters, digits and `_.-~` as `%XX`, and a space as `+`: what Python's `quote_plus`
 * gives. A lone surrogate becomes U+FFFD.
 */
export function encodeQueryComponent(text: string): string {
  return encodeURIComponent(text.replace(LONE_SURROGATE, "\ufffd"))
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, "+");
}

function firstEncoded(bytes: Buffer, plus: boolean): number {
  const percent = bytes.indexOf(PERCENT);
  if (!plus) return percent;
  const sign = bytes.indexOf(PLUS);
  if (percent === -1 || sign === -1) return Math.max(percent, sign);
  return Math.min(percent, sign);
}

function isHex(octet: number | undefined): boolean {
  return octet !== undefined && (CHAR_CLASS[octet]! & HEXDIG) !== 0;
}

function hexValue(octet: number): number {
  return octet <= 0x39 ? octet - 0x30 : (octet | 0x20) - 0x57;
}
