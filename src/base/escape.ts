/**
 * Text for other languages: HTML, JSON, URLs and UTF-8, there and back. Tornado `tornado.escape`; `linkify`
 * is in `text/linkify.ts`.
 */
import { isUtf8 } from "node:buffer";
import { inspect } from "node:util";
import { asBuffer, type Chunk } from "./bytes.js";
import { DecodeError } from "./decode-error.js";
import { InvalidArgumentError } from "./errors.js";
import { barePrefix, namedReference } from "./html-entities.js";
import { lostInJson } from "./lost-in-json.js";

function wrongType(value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `expected text, bytes, null or undefined, got ${inspect(value, { depth: 0, maxStringLength: 80 })}`,
  );
}

/**
 * Text as UTF-8 bytes; bytes come back as they are, null and undefined too. Half a surrogate pair becomes
 * U+FFFD.
 * @throws InvalidArgumentError for anything else.
 */
export function utf8(value: Chunk): Buffer;
export function utf8<T extends null | undefined>(value: Chunk | T): Buffer | T;
export function utf8(value: Chunk | null | undefined): Buffer | null | undefined {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof Uint8Array) return asBuffer(value);
  if (value === null || value === undefined) return value;
  throw wrongType(value);
}

/**
 * UTF-8 bytes as text; text comes back as it is, null and undefined too.
 * @throws DecodeError if the bytes are not UTF-8, and an {@link InvalidArgumentError} for anything else.
 */
export function toUnicode(value: Chunk): string;
export function toUnicode<T extends null | undefined>(value: Chunk | T): string | T;
export function toUnicode(value: Chunk | null | undefined): string | null | undefined {
  if (typeof value === "string" || value === null || value === undefined) return value;
  if (!(value instanceof Uint8Array)) throw wrongType(value);
  if (!isUtf8(value)) throw new DecodeError("the bytes are not valid UTF-8");
  return asBuffer(value).toString("utf8");
}

/** The same as {@link toUnicode}; the name for those who come from Tornado. */
export const nativeStr: typeof toUnicode = toUnicode;

/** The same as {@link toUnicode}; the name for those who come from Tornado. */
export const toBasestring: typeof toUnicode = toUnicode;

/**
 * Turns all bytes into text in arrays, plain objects and maps (their keys too), at any depth; everything else
 * stays.
 * @throws DecodeError for bytes that are not UTF-8.
 */
export function recursiveUnicode(value: unknown): unknown {
  if (value instanceof Uint8Array) return toUnicode(value);
  if (Array.isArray(value)) return value.map(recursiveUnicode);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [recursiveUnicode(key), recursiveUnicode(item)]));
  }
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  // fromEntries defines, so that a key `__proto__` is a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, recursiveUnicode(item)]));
}

const HTML_SPECIAL = /[&<>"']/;

/**
 * Makes text safe for HTML, between tags and in quoted attributes: `&`, `<`, `>`, `"` and `'` become
 * references. Bytes are taken as UTF-8.
 */
export function xhtmlEscape(value: Chunk): string {
  return escapeHtml(toUnicode(value));
}

/**
 * {@link xhtmlEscape} for what is known to be a string. Text without special characters comes back as it is.
 */
export function escapeHtml(text: string): string {
  return HTML_SPECIAL.test(text) ? escapeSpecial(text) : text;
}

// Several times as fast as a replace() with a function where there is something to escape.
function escapeSpecial(text: string): string {
  let escaped = "";
  let done = 0;
  for (let i = 0; i < text.length; i++) {
    let reference: string;
    switch (text.charCodeAt(i)) {
      case 0x26:
        reference = "&amp;";
        break;
      case 0x3c:
        reference = "&lt;";
        break;
      case 0x3e:
        reference = "&gt;";
        break;
      case 0x22:
        reference = "&quot;";
        break;
      case 0x27:
        reference = "&#x27;";
        break;
      default:
        continue;
    }
    escaped += text.slice(done, i) + reference;
    done = i + 1;
  }
  return escaped + text.slice(done);
}

// What the numbers 128 to 159 mean in a reference: Windows-1252, for the sake of old pages (WHATWG HTML
// §13.2.5.80).
const WINDOWS_1252 =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

function numericReference(point: number): string {
  if (point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return "\ufffd";
  if (point >= 0x80 && point <= 0x9f) return WINDOWS_1252[point - 0x80] as string;
  // Controls and noncharacters stand for nothing.
  if (point < 0x20 ? point < 9 || point === 0xb || point > 0xd : point === 0x7f) return "";
  if ((point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) === 0xfffe) return "";
  return String.fromCodePoint(point);
}

function decodeReference(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (decimal !== undefined) return numericReference(Number.parseInt(decimal, 10));
  if (hex !== undefined) return numericReference(Number.parseInt(hex, 16));
  if (name === undefined) return whole;
  const reference = namedReference(name);
  if (reference !== undefined && (reference.bare || whole.endsWith(";"))) return reference.text;
  const prefix = barePrefix(name);
  if (prefix === undefined) return whole;
  return (namedReference(prefix)?.text ?? "") + whole.slice(1 + prefix.length);
}

/**
 * Undoes {@link xhtmlEscape} and whatever else HTML knows: decimal, hexadecimal and all named references
 * (WHATWG HTML §13.5), the old ones also without their semicolon. Unknown ones stay as they are. Linear in
 * the input.
 */
export function xhtmlUnescape(value: Chunk): string {
  const text = toUnicode(value);
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|([a-zA-Z][\da-zA-Z]{0,31});?)/g, decodeReference);
}

/**
 * JSON that can be put in a `<script>` element: `</`, `<!--` and the line separators U+2028 and U+2029 are
 * written with escapes, which any JSON parser reads back.
 * @throws InvalidArgumentError for what has no JSON: undefined, functions, symbols, bytes, cycles, BigInt;
 *   and for what JSON would show as `{}`, at any depth: maps, sets, promises, errors, streams.
 */
export function jsonEncode(value: unknown): string {
  if (value instanceof Uint8Array) {
    throw new InvalidArgumentError(
      "bytes cannot be written as JSON; make text of them first, for instance with toUnicode()",
    );
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new InvalidArgumentError(`the value cannot be written as JSON: ${why}`, { cause });
  }
  if (json === undefined)
    throw new InvalidArgumentError(`a value of type ${typeof value} cannot be written as JSON`);
  const lost = lostInJson(value, json);
  if (lost !== undefined) {
    const place = lost.place === "" ? "" : ` at ${lost.place}`;
    throw new InvalidArgumentError(`JSON would lose ${lost.what}${place}; ${lost.advice}`);
  }
  // Both searches are over in no time for the usual text, which has neither.
  if (json.includes("<")) json = json.replaceAll("</", "<\\/").replaceAll("<!--", "\\u003c!--");
  return /[\u2028\u2029]/.test(json)
    ? json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")
    : json;
}

/**
 * Parses JSON, given as text or UTF-8 bytes.
 * @throws DecodeError whose cause is the parser's error.
 */
export function jsonDecode(value: Chunk): unknown {
  const text = toUnicode(value);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DecodeError(`invalid JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

// White space as Python's strip() has it: the information separators and NEL too, but no byte order mark.
const SPACE = /[\s\x1c-\x1f\x85]/;

/** Makes one space of each run of control characters and spaces, and none at both ends. */
export function squeeze(value: string): string {
  const text = value.replace(/[\0-\x20]+/g, " ");
  let start = 0;
  let end = text.length;
  // Not by a pattern, which would try each run of exotic spaces from each of its characters.
  while (start < end && isSpace(text.charAt(start))) start++;
  while (end > start && isSpace(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(char: string): boolean {
  return char !== "\ufeff" && SPACE.test(char);
}
