/** The charset of a text body (RFC 9110 §8.3.2). */
import { TextDecoder } from "node:util";
import { parseParameters } from "../../protocol/fields/parameters.js";

/** The last Content-Type and its decoder: most responses that a program gets have the same. */
let lastType: string | undefined;
let lastDecoder: TextDecoder | undefined;

/**
 * A decoder for the charset that a Content-Type names; undefined for UTF-8, for none, and for one that the
 * platform does not know.
 */
export function mediaTypeCharset(contentType: string | undefined): TextDecoder | undefined {
  if (contentType !== lastType) {
    lastDecoder = contentType === undefined ? undefined : decoderFor(contentType);
    lastType = contentType;
  }
  return lastDecoder;
}

function decoderFor(contentType: string): TextDecoder | undefined {
  if (!/charset/i.test(contentType)) return undefined;
  const charset = parseParameters(contentType).parameters.charset?.toLowerCase();
  if (charset === undefined || charset === "utf-8" || charset === "utf8") return undefined;
  try {
    return new TextDecoder(charset);
  } catch {
    return undefined;
  }
}
