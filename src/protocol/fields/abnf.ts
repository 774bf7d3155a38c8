/**
 * The character classes of HTTP's grammar (RFC 9110 §5.5, §5.6), as one table of bits for the octets 0 to
 * 255.
 *
 * A class test is `(CHAR_CLASS[octet] & TOKEN) !== 0`: one load and one AND, no branches over ranges. Text is
 * latin1 throughout this layer, so that a character code is an octet; a code above 255 is in no class.
 */

/** Octets of a token: the names of fields, methods, parameters, cookies (RFC 9110 §5.6.2). */
export const TOKEN = 1;
/** Octets of a field value: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5). No CTL, no DEL. */
export const FIELD_VALUE = 2;
/** `0` to `9`. */
export const DIGIT = 4;
/** Hexadecimal digits, both cases. */
export const HEXDIG = 8;
/** Space and horizontal tab: the only whitespace that HTTP knows (RFC 9110 §5.6.3). */
export const WHITESPACE = 16;
/** Visible ASCII, 0x21 to 0x7E. */
export const VCHAR = 32;

/** The space and the tab, as Tornado's constant of the same name. */
export const HTTP_WHITESPACE = " \t";

/** The classes of each octet; see the constants of this file. */
export const CHAR_CLASS: Uint8Array = /* @__PURE__ */ buildTable();

function buildTable(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (characters: string, bit: number) => {
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)]! |= bit;
  };
  const markRange = (from: number, to: number, bit: number) => {
    for (let octet = from; octet <= to; octet++) table[octet]! |= bit;
  };
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const digits = "0123456789";
  mark(`${letters}${digits}!#$%&'*+-.^_\`|~`, TOKEN);
  mark("\t ", FIELD_VALUE);
  markRange(0x21, 0x7e, FIELD_VALUE);
  markRange(0x80, 0xff, FIELD_VALUE);
  mark(digits, DIGIT);
  mark(`${digits}ABCDEFabcdef`, HEXDIG);
  mark(HTTP_WHITESPACE, WHITESPACE);
  markRange(0x21, 0x7e, VCHAR);
  return table;
}

/** True when every character of `text` is of the class; also for the empty text. Linear. */
export function isAll(text: string, charClass: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || (CHAR_CLASS[code]! & charClass) === 0) return false;
  }
  return true;
}

/** True for a non-empty token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return text.length > 0 && isAll(text, TOKEN);
}

/** True when `text` may be sent as a field value: no CTL but tab, nothing above U+00FF (RFC 9110 §5.5). */
export function isFieldValue(text: string): boolean {
  return isAll(text, FIELD_VALUE);
}

/** True for one or more ASCII digits and nothing else: no sign, no space, no other script's digits. */
export function isDigits(text: string): boolean {
  return text.length > 0 && isAll(text, DIGIT);
}

/** True for space and tab. */
export function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** `text` without spaces and tabs at its ends, and with every other "blank" character kept. Linear. */
export function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start++;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}
