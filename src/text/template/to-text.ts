/**
 * How values become text: what `{{ }}` does in the end.
 *
 * Text stays, bytes are UTF-8, null and undefined are nothing, everything else is what `String()` makes of
 * it. A promise is refused: what it shows as is never what was meant, and an `await` was forgotten.
 */
import { escapeHtml, toUnicode } from "../../base/escape.js";
import { TemplateError } from "./errors.js";

/** A value as text, not escaped. */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return `${value}`;
  if (value === null || value === undefined) return "";
  if (value instanceof Uint8Array) return toUnicode(value);
  if (typeof value === "object" && typeof (value as { then?: unknown }).then === "function") {
    throw new TemplateError(
      "ERR_SQUALL_TEMPLATE_VALUE",
      "a promise has no text: write {{ await … }} and render with generateAsync()",
    );
  }
  return String(value);
}

/** A value as text that is safe in HTML. */
export function toEscapedText(value: unknown): string {
  if (typeof value === "string") return escapeHtml(value);
  // The text of a number has nothing to escape.
  if (typeof value === "number") return `${value}`;
  return escapeHtml(toText(value));
}
