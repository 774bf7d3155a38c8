/**
 * Percent-encoding (RFC 3986 §2.1), the only place that knows it, and the form of it in which a space is `+`
 * (`application/x-www-form-urlencoded`, URL Standard §5).
 *
 * What is decoded is text of octets: latin1, one character for each octet of the wire. A `%` that no two
 * hexadecimal digits follow is kept as it is, as browsers and Tornado do. What is encoded is text, as UTF-8,
 * or octets.
 */
import { asBuffer, type Chunk } from "./bytes.js";
import { InvalidArgumentError } from "./errors.js";

const PERCENT = 0x25;
const PLUS = 0x2b;
const SLASH = 0x2f;
const SPACE = 0x20;

/** The value of each octet as a hexadecimal digit; 255 for any other octet. */
export const HEX_VALUE: Uint8Array = /* @__PURE__ */ buildHexValues();

function buildHexValues(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}

/** Each octet as it is written: itself if it is unreserved (RFC 3986 §2.3), else `%XX`. */
const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const character = String.fromCharCode(octet);
  return /[\w.~-]/.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
});

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
      octet = (HEX_VALUE[text.charCodeAt(at + 1)]! << 4) | HEX_VALUE[text.charCodeAt(at + 2)]!;
      at += 2;
    } else if (octet === PLUS && plus) {
      octet = SPACE;
    }
    bytes[to] = octet;
  }
  return bytes;
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
  return code < 256 && HEX_VALUE[code] !== 255;
}

/** How {@link encodePercent} writes what is not unreserved. */
export interface EncodePercentOptions {
  /** Write a space as `+`, as in forms and queries; default false: `%20`. */
  readonly plus?: boolean | undefined;
  /** Leave `/` as it is, as in paths; default false: `%2F`. */
  readonly slash?: boolean | undefined;
  /**
   * What becomes of half a surrogate pair, which UTF-8 does not have: default "replace" it by U+FFFD, or
   * "throw".
   */
  readonly loneSurrogates?: "replace" | "throw" | undefined;
}

/**
 * Text (as UTF-8) or octets with everything but letters, digits and `_.-~` as `%XX`. Linear.
 * @throws InvalidArgumentError for half a surrogate pair, if `loneSurrogates` says so.
 */
export function encodePercent(value: Chunk, options: EncodePercentOptions = {}): string {
  if (typeof value === "string") {
    if (/^[\w.~-]*$/.test(value)) return value;
    if (options.loneSurrogates === "throw" && /\p{Surrogate}/u.test(value)) {
      throw new InvalidArgumentError("the text has half a surrogate pair, which UTF-8 cannot encode");
    }
  }
  const octets = typeof value === "string" ? Buffer.from(value) : asBuffer(value);
  let encoded = "";
  for (const octet of octets) {
    if (octet === SPACE && options.plus === true) encoded += "+";
    else if (octet === SLASH && options.slash === true) encoded += "/";
    else encoded += ENCODED[octet];
  }
  return encoded;
}
