/** Bytes of catalogues as text. */
import { InvalidArgumentError } from "../../base/errors.js";
import { CatalogueError } from "./errors.js";

/** Python's names of encodings that `TextDecoder` spells differently. */
const ALIASES: Readonly<Record<string, string>> = {
  utf8: "utf-8",
  "utf-8-sig": "utf-8",
  "utf-16-le": "utf-16le",
  "utf-16-be": "utf-16be",
};

/** For `TextDecoder`, latin1 is another name of windows-1252. */
const LATIN1: ReadonlySet<string> = new Set(["latin1", "latin-1", "iso-8859-1", "iso8859-1", "l1"]);

/** The encoding that the first bytes indicate: UTF-16 for its byte order mark, otherwise UTF-8. */
function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
}

/**
 * The decoder for an encoding, named as in Python or as in `TextDecoder`; `utf-16` follows the byte order
 * mark. Throws an {@link InvalidArgumentError} for an unknown encoding.
 */
function decoderFor(encoding: string, bytes: Uint8Array): InstanceType<typeof TextDecoder> {
  const name = encoding.toLowerCase().replaceAll("_", "-");
  const label = name === "utf-16" ? encodingOf(bytes) : (ALIASES[name] ?? name);
  try {
    return new TextDecoder(label, { fatal: true });
  } catch (cause) {
    throw new InvalidArgumentError(`the encoding ${JSON.stringify(encoding)} is not known`, { cause });
  }
}

/** Throws an {@link InvalidArgumentError} for an unknown encoding. */
export function checkEncoding(encoding: string): void {
  if (!LATIN1.has(encoding.toLowerCase())) decoderFor(encoding, new Uint8Array());
}

/**
 * The text of a file, without its byte order mark. Without `encoding`, the first bytes decide between UTF-16
 * and UTF-8. Throws a {@link CatalogueError} for bytes that are invalid in the encoding, and an
 * {@link InvalidArgumentError} for an unknown encoding.
 */
export function decodeCatalogue(file: string, bytes: Buffer, encoding?: string): string {
  if (encoding !== undefined && LATIN1.has(encoding.toLowerCase())) return bytes.toString("latin1");
  const decoder = decoderFor(encoding ?? encodingOf(bytes), bytes);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const before = new TextDecoder(decoder.encoding).decode(bytes).split("\ufffd", 1)[0] as string;
    const line = before.split(/\r\n?|\n/).length;
    throw new CatalogueError(file, `the bytes are not valid ${decoder.encoding}`, { line, cause });
  }
}
