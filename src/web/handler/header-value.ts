/**
 * What handlers may give as a header's value, as text that can be sent. HTTP's own rules (RFC 9110 §5.5) are
 * checked here, where the mistake is made, so that nothing has been sent when the error is thrown.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { isFieldValue, isToken } from "../../protocol/fields/abnf.js";
import { HTTPOutputError } from "../../protocol/fields/errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";

/** Text (each character an octet, so up to U+00FF), bytes, integers, and dates (written as HTTP dates). */
export type HeaderValue = string | Uint8Array | number | bigint | Date;

function textOf(name: string, value: HeaderValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value)))
    return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toUTCString();
  throw new InvalidArgumentError(
    `the header ${name} takes text, bytes, an integer or a valid Date, got ${value === null ? "null" : typeof value}`,
  );
}

/**
 * The text of a header's value.
 * @throws InvalidArgumentError for another type.
 * @throws HTTPOutputError (`ERR_SQUALL_HTTP_OUTPUT`) if it holds CR, LF, NUL, another control character
 * but tab, or a character above U+00FF.
 */
export function headerText(name: string, value: HeaderValue): string {
  const text = textOf(name, value);
  if (isFieldValue(text)) return text;
  throw new HTTPOutputError(
    `Unsafe header value for ${name}: ${JSON.stringify(text.slice(0, 80))} has a control character or one above U+00FF`,
  );
}

// Controls, and what could open a tag where a phrase is shown as HTML.
const UNSAFE_IN_REASON = /[^\t\x20-\x7e\x80-\xff]|</;

/**
 * A reason phrase as it may be sent: an empty one, and one with control characters, `<` or characters above
 * U+00FF, is "Unknown".
 */
export function safeReason(reason: string): string {
  return reason === "" || UNSAFE_IN_REASON.test(reason) ? "Unknown" : reason;
}

/** Throws an {@link HTTPOutputError} if a name cannot be sent. */
export function checkHeaderName(name: string): void {
  if (typeof name === "string" && isToken(name)) return;
  throw new HTTPOutputError(
    `Unsafe header name ${JSON.stringify(String(name).slice(0, 80))}: it must be a token`,
  );
}

/** Adds a name to `Vary`, unless it is there or everything is. */
export function addToVary(headers: HTTPHeaders, name: string): void {
  const vary = headers.get("Vary");
  if (vary === undefined || vary.trim() === "") {
    headers.set("Vary", name);
    return;
  }
  const names = vary
    .toLowerCase()
    .split(",")
    .map((part) => part.trim());
  if (names.includes("*") || names.includes(name.toLowerCase())) return;
  headers.set("Vary", `${vary}, ${name}`);
}
