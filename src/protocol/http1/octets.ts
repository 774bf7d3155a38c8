/**
 * Octets by name, and the character classes that only messages need; the common ones are in `fields/abnf.ts`.
 */
import { CHAR_CLASS, VCHAR } from "../fields/abnf.js";

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const PERCENT = 0x25;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;

/** May stand in a request target. */
export const TARGET = 1;
/** May stand in a host name or address without brackets: unreserved, sub-delims, `%` (RFC 3986 §3.2.2). */
export const REG_NAME = 2;
/** May stand between the brackets of an IP literal. */
export const IP_LITERAL = 4;

/**
 * Which of the classes of this file an octet belongs to.
 *
 * A target is visible ASCII without `"`, `<`, `>` and `#`. That is wider than RFC 3986: browsers send `|`,
 * `^`, `{`, `}`, `[`, `]`, `\` and the backtick as they are in queries, and refusing them would break live
 * sites. What is left out cannot come from a browser, and could escape from a log line, a page or a URL.
 */
export const URI_CLASS: Uint8Array = /* @__PURE__ */ buildClasses();

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let octet = 0; octet < 256; octet++) {
    if ((CHAR_CLASS[octet]! & VCHAR) !== 0) table[octet] = TARGET;
  }
  for (const forbidden of '"<>#') table[forbidden.charCodeAt(0)]! &= ~TARGET;
  const mark = (characters: string, bit: number) => {
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)]! |= bit;
  };
  const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  mark(`${alphanumeric}-._~!$&'()*+,;=%`, REG_NAME);
  mark(`${alphanumeric}-._~!$&'()*+,;=:`, IP_LITERAL);
  return table;
}
