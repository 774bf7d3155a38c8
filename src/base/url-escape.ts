/**
 * Percent-encoding (RFC 3986 §2.1) and query strings, with the rules of HTML forms: `+` is a space, what cannot be decoded
 * stays, nothing throws for what a client sent unless it is asked to.
 */
import { type Chunk, fromLatin1, isLatin1, latin1 } from "./bytes.js";
import { DecodeError } from "./decode-error.js";
import { InvalidArgumentError } from "./errors.js";
import { toUnicode, utf8 } from "./escape.js";

/** What {@link urlEscape} can be told. */
export interface UrlEscapeOptions {
  /**
   * `true` (default): for a query or form, a space becomes `+`. `false`: for a path, a space becomes `%20` and a slash
   * stays.
   */
  readonly plus?: boolean | undefined;
}

// Unreserved characters (RFC 3986 §2.3) need no escape.
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[\w.~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/**
 * Percent-encodes text (as UTF-8) or bytes; only letters, digits and `_.-~` stay, and `/` in paths. Throws an
 * {@link InvalidArgumentError} for text with half a surrogate pair.
 */
export function urlEscape(value: Chunk, options: UrlEscapeOptions = {}): string {
  if (typeof value === "string" && /^[\w.~-]*$/.test(value)) return value;
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
    throw new InvalidArgumentError("the text has half a surrogate pair, which has no bytes in UTF-8");
  }
  const plus = options.plus ?? true;
  let escaped = "";
  for (const byte of utf8(value)) {
    if (byte === 0x20 && plus) escaped += "+";
    else if (byte === 0x2f && !plus) escaped += "/";
    else escaped += ESCAPES[byte];
  }
  return escaped;
}

/** What {@link urlUnescape} can be told. */
export interface UrlUnescapeOptions {
  /**
   * How the bytes behind percent signs become text: default `utf-8`, bad sequences become U+FFFD; or `latin1` or another
   * label that `TextDecoder` knows. `null`: the answer is bytes.
   */
  readonly encoding?: string | null | undefined;
  /** `true` (default): `+` is a space. `false`: for paths, where it is a plus. */
  readonly plus?: boolean | undefined;
}

function decoderFor(encoding: string): (bytes: Buffer) => string {
  const label = encoding.toLowerCase();
  if (label === "utf-8" || label === "utf8") return (bytes) => bytes.toString("utf8");
  // For TextDecoder, latin1 is another name of windows-1252.
  if (label === "latin1" || label === "iso-8859-1") return (bytes) => bytes.toString("latin1");
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(encoding, { ignoreBOM: true });
  } catch (cause) {
    throw new InvalidArgumentError(`encoding ${JSON.stringify(encoding)} is not known`, { cause });
  }
  return (bytes) => decoder.decode(bytes);
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Decodes `%XX` in place where it is one, and leaves every other percent sign alone; `+` as a space if asked. */
export function percentDecode(bytes: Uint8Array, plus: boolean): Buffer {
  const decoded = Buffer.allocUnsafe(bytes.length);
  let end = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i] as number;
    if (byte === 0x2b && plus) byte = 0x20;
    else if (byte === 0x25 && i + 2 < bytes.length) {
      const high = hexValue(bytes[i + 1] as number);
      const low = hexValue(bytes[i + 2] as number);
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        i += 2;
      }
    }
    decoded[end++] = byte;
  }
  return decoded.subarray(0, end);
}

/**
 * Percent-decodes text or UTF-8 bytes. A percent sign without two hexadecimal digits stays. With `encoding: null` the
 * answer is bytes. Throws only for bytes that are not UTF-8 and for an unknown encoding.
 */
export function urlUnescape(value: Chunk, options: UrlUnescapeOptions & { readonly encoding: null }): Buffer;
export function urlUnescape(
  value: Chunk,
  options?: UrlUnescapeOptions & { readonly encoding?: string | undefined },
): string;
export function urlUnescape(value: Chunk, options?: UrlUnescapeOptions): string | Buffer;
export function urlUnescape(value: Chunk, options: UrlUnescapeOptions = {}): string | Buffer {
  const plus = options.plus ?? true;
  if (options.encoding === null) return percentDecode(utf8(value), plus);
  const decode = decoderFor(options.encoding ?? "utf-8");
  let text = toUnicode(value);
  if (plus) text = text.replaceAll("+", " ");
  if (!text.includes("%")) return text;
  // Each run of escapes is decoded on its own: what stands unescaped beside it is text already.
  return text.replace(/(?:%[\da-fA-F]{2})+/g, (run) => decode(Buffer.from(run.replaceAll("%", ""), "hex")));
}

/** What {@link parseQsBytes} can be told. */
export interface ParseQsOptions {
  /** Keep fields whose value is empty or missing; default false. */
  readonly keepBlankValues?: boolean | undefined;
  /** Throw for a field without `=`; default false: it counts as blank. */
  readonly strictParsing?: boolean | undefined;
}

/**
 * Parses a query or form: names as latin1 text, which keeps every byte, and for each the values as bytes, in order.
 * The object has no prototype. Text must be latin1, each character standing for a byte. Throws an
 * {@link InvalidArgumentError} for other text, and a {@link DecodeError} if `strictParsing` finds something.
 */
export function parseQsBytes(query: Chunk, options: ParseQsOptions = {}): Record<string, Buffer[]> {
  const { keepBlankValues = false, strictParsing = false } = options;
  const result: Record<string, Buffer[]> = Object.create(null);
  if (typeof query === "string" && !isLatin1(query)) {
    throw new InvalidArgumentError(
      "a query as text must have only characters up to U+00FF; give it as bytes",
    );
  }
  const text = typeof query === "string" ? query : latin1(query);
  if (text === "") return result;
  for (const field of text.split("&")) {
    const equals = field.indexOf("=");
    if (equals < 0) {
      if (strictParsing) throw new DecodeError(`the field ${JSON.stringify(field.slice(0, 80))} has no "="`);
      if (!keepBlankValues || field === "") continue;
    }
    const name = equals < 0 ? field : field.slice(0, equals);
    const value = equals < 0 ? "" : field.slice(equals + 1);
    if (value === "" && !keepBlankValues) continue;
    const key = latin1(percentDecode(fromLatin1(name), true));
    const values = result[key];
    const bytes = percentDecode(fromLatin1(value), true);
    if (values === undefined) result[key] = [bytes];
    else values.push(bytes);
  }
  return result;
}
