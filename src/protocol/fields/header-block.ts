/**
 * The lines of a header block as text (RFC 9112 §5), taken apart and checked; what they become is the
 * business of `HTTPHeaders`. The HTTP/1 receiver has its own scanner for bytes.
 *
 *     field-line   = field-name ":" OWS field-value OWS
 *     continuation = 1*( SP / HTAB ) field-value          obs-fold: more of the value before (§5.2)
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { isFieldValue, isWhitespace, trimWhitespace } from "./abnf.js";
import { HTTPInputError, shown } from "./errors.js";
import { normalizeIfToken } from "./header-names.js";

/** CTL but tab: what may not stand in a value even where any character may. */
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** A line taken apart. */
export interface HeaderLine {
  /** The name in its normal form; `undefined` for a continuation line. */
  readonly name: string | undefined;
  /** The value, or what a continuation line adds to one, without spaces around it. */
  readonly value: string;
}

/**
 * Takes a line apart, with or without its line end; `undefined` for an empty line. `unicode` allows
 * characters above U+00FF.
 * @throws HTTPInputError when the line is neither a field nor a continuation, or holds what no value may
 * hold.
 */
export function parseHeaderLine(line: string, unicode: boolean): HeaderLine | undefined {
  const text = withoutLineEnd(line);
  if (text === "") return undefined;
  if (isWhitespace(text.charCodeAt(0))) {
    const more = trimWhitespace(text);
    checkHeaderValue(more, unicode, "continuation of a header value");
    return { name: undefined, value: more };
  }
  const colon = text.indexOf(":");
  if (colon === -1) {
    throw new HTTPInputError(`no colon in header line: expected "Name: value", got ${shown(text)}`);
  }
  const name = checkHeaderName(text.slice(0, colon));
  const value = trimWhitespace(text.slice(colon + 1));
  checkHeaderValue(value, unicode);
  return { name, value };
}

/** The error for a continuation line that has no field before it. */
export function nothingToContinue(more: string): HTTPInputError {
  return new HTTPInputError(`the first header line cannot start with whitespace, got ${shown(more)}`);
}

/** The lines of a block, each with its line end (CRLF or a bare LF). */
export function* splitHeaderLines(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf("\n", start);
    if (end === -1) end = text.length - 1;
    yield text.slice(start, end + 1);
    start = end + 1;
  }
}

/** The normal form of a name; throws an {@link HTTPInputError} unless it is a token. */
export function checkHeaderName(name: string): string {
  if (typeof name !== "string") {
    throw new InvalidArgumentError(`the name of a header must be a string, got ${typeof name}`);
  }
  const normal = normalizeIfToken(name);
  if (normal !== undefined) return normal;
  throw new HTTPInputError(
    `invalid header name ${shown(name)}: expected a token, that is letters, digits and !#$%&'*+-.^_\`|~`,
  );
}

/** @throws HTTPInputError for a value that cannot be sent, or has spaces at its ends. */
export function checkHeaderValue(value: string, unicode = false, what = "header value"): void {
  if (typeof value !== "string") throw notText(value);
  const isPadded =
    value.length > 0 &&
    (isWhitespace(value.charCodeAt(0)) || isWhitespace(value.charCodeAt(value.length - 1)));
  if (!isPadded && (unicode ? !CONTROL.test(value) : isFieldValue(value))) return;
  throw new HTTPInputError(
    `invalid ${what} ${shown(value)}: expected no control characters but tab, no character above U+00FF and no space at the ends`,
  );
}

/** The error for a value that is not text. */
export function notText(value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`the value of a header must be a string, got ${typeof value}`);
}

function withoutLineEnd(line: string): string {
  if (!line.endsWith("\n")) return line;
  return line.endsWith("\r\n") ? line.slice(0, -2) : line.slice(0, -1);
}
