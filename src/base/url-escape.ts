/** Percent-encoding under Tornado's names: `url_escape` and `url_unescape`. */
import { asBuffer, type Chunk } from "./bytes.js";
import { InvalidArgumentError } from "./errors.js";
import { toUnicode, utf8 } from "./escape.js";
import { decodePercent, encodePercent } from "./percent.js";

/** Options of {@link urlEscape}. */
export interface UrlEscapeOptions {
  /**
   * `true` (default): for a query or form, a space becomes `+`. `false`: for a path, a space becomes `%20`
   * and a slash stays.
   */
  readonly plus?: boolean | undefined;
}

/**
 * Percent-encodes text (as UTF-8) or bytes; only letters, digits and `_.-~` stay, and `/` in paths. Tornado
 * `url_escape`.
 * @throws InvalidArgumentError for text with half a surrogate pair.
 */
export function urlEscape(value: Chunk, options: UrlEscapeOptions = {}): string {
  const plus = options.plus ?? true;
  const octets = typeof value === "string" ? value : utf8(value);
  return encodePercent(octets, { plus, slash: !plus, loneSurrogates: "throw" });
}

/** Options of {@link urlUnescape}. */
export interface UrlUnescapeOptions {
  /**
   * How the bytes behind percent signs become text: default `utf-8`, bad sequences become U+FFFD; or `latin1`
   * or another label that `TextDecoder` knows. `null`: the answer is bytes.
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

/**
 * Percent-decodes text or UTF-8 bytes. A percent sign without two hexadecimal digits stays. With
 * `encoding: null` the answer is bytes. Throws only for bytes that are not UTF-8 and for an unknown encoding.
 */
export function urlUnescape(value: Chunk, options: UrlUnescapeOptions & { readonly encoding: null }): Buffer;
export function urlUnescape(
  value: Chunk,
  options?: UrlUnescapeOptions & { readonly encoding?: string | undefined },
): string;
export function urlUnescape(value: Chunk, options?: UrlUnescapeOptions): string | Buffer;
export function urlUnescape(value: Chunk, options: UrlUnescapeOptions = {}): string | Buffer {
  const plus = options.plus ?? true;
  if (options.encoding === null) return decodePercent(asBuffer(utf8(value)).toString("latin1"), { plus });
  const decode = decoderFor(options.encoding ?? "utf-8");
  let text = toUnicode(value);
  if (plus) text = text.replaceAll("+", " ");
  if (!text.includes("%")) return text;
  // Each run of escapes is decoded on its own: what stands unescaped beside it is text already.
  return text.replace(/(?:%[\da-fA-F]{2})+/g, (run) => decode(Buffer.from(run.replaceAll("%", ""), "hex")));
}
