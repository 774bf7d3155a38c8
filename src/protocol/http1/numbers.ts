/**
 * Numbers from the wire. JavaScript's own `parseInt` and `Number` take signs, spaces, fractions, exponents
 * and prefixes, and round what they cannot hold; a length that two servers read differently is a smuggled
 * request.
 */
import { HEX_VALUE } from "../../base/percent.js";
import { HTTPInputError } from "../fields/errors.js";
import { shown } from "./errors.js";

/** One or more decimal digits. Tornado `DIGITS`. */
export const DIGITS: RegExp = /^[0-9]+$/;
/** One or more hexadecimal digits. Tornado `HEXDIGITS`. */
export const HEXDIGITS: RegExp = /^[0-9a-fA-F]+$/;
/** A carriage return or a line feed: what would end a line. Tornado `CR_OR_LF_RE`. */
export const CR_OR_LF_RE: RegExp = /\r|\n/;

/**
 * The value of a text of decimal digits, exactly as written: `010` is ten. Tornado `parse_int`.
 * @throws HTTPInputError for anything else, and for numbers above `Number.MAX_SAFE_INTEGER`, which would be
 * rounded (RFC 9110 §8.6).
 */
// biome-ignore lint/suspicious/noShadowRestrictedNames: Tornado's name, and the global one is not used here
export function parseInt(text: string): number {
  if (!DIGITS.test(text)) throw new HTTPInputError(`not an integer: expected digits, got ${shown(text)}`);
  return exact(Number(text), text);
}

/**
 * The value of a text of hexadecimal digits, without prefix. Throws as {@link parseInt} does. Tornado
 * `parse_hex_int`.
 */
export function parseHexInt(text: string): number {
  if (!HEXDIGITS.test(text)) {
    throw new HTTPInputError(`not a hexadecimal integer: expected hexadecimal digits, got ${shown(text)}`);
  }
  let value = 0;
  for (let i = 0; i < text.length && value <= Number.MAX_SAFE_INTEGER; i++) {
    value = value * 16 + HEX_VALUE[text.charCodeAt(i)]!;
  }
  return exact(value, text);
}

function exact(value: number, text: string): number {
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  throw new HTTPInputError(`the number ${shown(text)} is above ${Number.MAX_SAFE_INTEGER}`);
}
