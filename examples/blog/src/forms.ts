/** What is read from forms: trimmed, without control characters, of the right length, or a message for the reader. */
import type { RequestHandler } from "squall/web";

/** Messages by the name of their field, as keys of the catalogue. */
export type Problems = Readonly<Record<string, string>>;

/** A field of one line. */
export function line(handler: RequestHandler, name: string): string {
  return handler
    .getBodyArgument(name, "")
    .replace(/\p{Cc}+/gu, " ")
    .trim();
}

/** A field of several lines; ends of lines become `\n`. Control characters have no place in text, and none in XML. */
export function text(handler: RequestHandler, name: string): string {
  return handler
    .getBodyArgument(name, { default: "", strip: false })
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\n\t]+/gu, "")
    .trimEnd();
}

/** True if a text has from `min` to `max` characters. */
export function hasLength(value: string, { min = 1, max }: { min?: number; max: number }): boolean {
  return value.length >= min && value.length <= max;
}
