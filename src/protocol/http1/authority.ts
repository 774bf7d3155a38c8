/**
 * The host and port of a request: the Host field and the authority inside a target (RFC 9110 §7.2,
 * RFC 3986 §3.2).
 *
 *     uri-host [ ":" port ]      uri-host = "[" address "]" / reg-name      port = *DIGIT
 *
 * Everything else is refused: a host with a path, a user or a space in it would end up in links, caches and
 * virtual host look-ups of the application.
 */
import { CHAR_CLASS, DIGIT, HEXDIG } from "../fields/abnf.js";
import { COLON, IP_LITERAL, PERCENT, REG_NAME, URI_CLASS } from "./octets.js";

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * True when `text` is `host`, `host:` or `host:port`. The empty text is one as well: HTTP/1.1 clients send an
 * empty Host when the target has no authority (RFC 9112 §3.2). Linear; remembers the last good one.
 */
export function isHostAndPort(text: string): boolean {
  if (text === lastGood) return true;
  const isGood = isWellFormed(text);
  if (isGood && text.length <= LAST_MAX_LENGTH) lastGood = text;
  return isGood;
}

/** Most requests name the host that the request before named. Long ones are not kept alive for that. */
let lastGood = "";
const LAST_MAX_LENGTH = 255;

function isWellFormed(text: string): boolean {
  const end = hostEnd(text);
  if (end === text.length) return true;
  // A port needs a host before it.
  return end > 0 && text.charCodeAt(end) === COLON && isPort(text, end + 1);
}

/** True for `host:port` with both parts there, the target of CONNECT (RFC 9110 §9.3.6). */
export function isAuthorityForm(text: string): boolean {
  const end = hostEnd(text);
  return end > 0 && end + 1 < text.length && text.charCodeAt(end) === COLON && isPort(text, end + 1);
}

/**
 * Where the host part of `text` ends; 0 when it begins with something else, or with a bracket never closed.
 */
function hostEnd(text: string): number {
  return text.charCodeAt(0) === OPEN_BRACKET ? literalEnd(text) : regNameEnd(text);
}

function regNameEnd(text: string): number {
  let at = 0;
  while (at < text.length) {
    const octet = text.charCodeAt(at);
    if ((URI_CLASS[octet]! & REG_NAME) === 0) break;
    if (octet === PERCENT) {
      if (!isHexDigit(text, at + 1) || !isHexDigit(text, at + 2)) break;
      at += 2;
    }
    at++;
  }
  return at;
}

function literalEnd(text: string): number {
  let at = 1;
  while (at < text.length && (URI_CLASS[text.charCodeAt(at)]! & IP_LITERAL) !== 0) at++;
  return at > 1 && text.charCodeAt(at) === CLOSE_BRACKET ? at + 1 : 0;
}

function isHexDigit(text: string, at: number): boolean {
  return at < text.length && (CHAR_CLASS[text.charCodeAt(at)]! & HEXDIG) !== 0;
}

function isPort(text: string, start: number): boolean {
  // "host:" is legal, and so is any number of digits: port = *DIGIT.
  for (let at = start; at < text.length; at++) {
    if ((CHAR_CLASS[text.charCodeAt(at)]! & DIGIT) === 0) return false;
  }
  return true;
}
