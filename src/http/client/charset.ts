/** The charset of a text body (RFC 9110 §8.3.2). */
import { TextDecoder } from "node:util";
import { parseParameters } from "../../protocol/fields/parameters.js";

/**
 * A decoder for the charset that a Content-Type names; undefined for UTF-8, for none, and for one that the platform
 * does not know.
 */
export function mediaTypeCharset(contentType: string | undefined): TextDecoder | undefined {
  if (contentType === undefined || !/charset/i.test(contentType)) return undefined;
  const charset = parseParameters(contentType).parameters.charset?.toLowerCase();
  if (charset === undefined || charset === "utf-8" || charset === "utf8") return undefined;
  try {
    return new TextDecoder(charset);
  } catch {
    return undefined;
  }
}
