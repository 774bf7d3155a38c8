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
  const plus = options?.plus === true;
  const first = text.indexOf("%");
  if (first === -1 && !(plus && text.includes("+"))) return Buffer.from(text, "latin1");
  // Counted first, because cutting a buffer to its length costs more than a second look at a short text.
  const bytes = Buffer.allocUnsafe(text.length - 2 * countEncoded(text, first));
  for (let at = 0, to = 0; to < bytes.length; at++, to++) {
    let octet = text.charCodeAt(at);
    if (octet === PERCENT && isEncoded(text, at)) {
      octet = (hexValue(text.charCodeAt(at + 1)) << 4) | hexValue(text.charCodeAt(at + 2));
      at += 2;
    } else if (octet === PLUS && plus) {
      octet = SPACE;
    }
    bytes[to] = octet;
  }
  return bytes;
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

/** How many octets are written as `%XX`, from the first percent sign (-1 for none) on. */
function countEncoded(text: string, first: number): number {
  let count = 0;
  for (let at = first; at !== -1; ) {
    const encoded = isEncoded(text, at);
    if (encoded) count++;
    at = text.indexOf("%", at + (encoded ? 3 : 1));
  }
  return count;
}

/** True when two hexadecimal digits follow the percent sign at `at`. */
function isEncoded(text: string, at: number): boolean {
  return at + 2 < text.length && isHex(text.charCodeAt(at + 1)) && isHex(text.charCodeAt(at + 2));
}

function isHex(code: number): boolean {
  return code < 128 && (CHAR_CLASS[code]! & HEXDIG) !== 0;
}

function hexValue(octet: number): number {
  return octet <= 0x39 ? octet - 0x30 : (octet | 0x20) - 0x57;
}
