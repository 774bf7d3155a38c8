/**
 * Percent coding of path groups: decoding without the form rule (a plus sign is a plus sign), and encoding
 * that keeps slashes (RFC 3986 §2.1).
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { urlEscape, urlUnescape } from "../../base/url-escape.js";

/** The bytes of a group; a percent sign without two hexadecimal digits stays as it is. */
export function unquoteBytes(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  return text.includes("%") ? urlUnescape(text, { encoding: null, plus: false }) : Buffer.from(text, "utf8");
}

/**
 * The text of an argument for a path: everything but unreserved characters and slashes is percent-encoded as
 * UTF-8. Takes text, bytes, numbers, bigints and booleans.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) for anything else, `undefined` and `null`
 * included.
 */
export function percentEncodePath(value: unknown): string {
  if (typeof value === "string" || value instanceof Uint8Array) return urlEscape(value, { plus: false });
  if (["number", "bigint", "boolean"].includes(typeof value))
    return urlEscape(String(value), { plus: false });
  throw new InvalidArgumentError(
    `an argument of a url must be text, bytes, a number or a boolean, got ${value === null ? "null" : typeof value}`,
  );
}
