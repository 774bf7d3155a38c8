/**
 * Byte ranges (RFC 9110 §14). One range is served; a request for several is answered in full, which is always
 * allowed (§14.2), because a list of overlapping ranges is the classic way to make a server work for nothing.
 *
 *     bytes=0-499    first to last position, both included
 *     bytes=500-     from a position to the end
 *     bytes=-500     the last 500 bytes
 */
import { InvalidArgumentError } from "../../base/errors.js";
import { isDigits, trimWhitespace } from "./abnf.js";

/** A range as asked for: positions from the front, or a length from the back. */
export type RangeSpec =
  | { readonly kind: "positions"; readonly first: number; readonly last: number | undefined }
  | { readonly kind: "suffix"; readonly length: number };

/** What a Range field means for a representation of a known length. */
export type ResolvedRange =
  /** No range that is understood: answer 200 with everything. */
  | { readonly kind: "ignored" }
  /** Answer 416 with {@link formatUnsatisfiedRange}. */
  | { readonly kind: "unsatisfiable" }
  /** Answer 206 with the bytes from `start` up to, but not including, `end`. */
  | { readonly kind: "partial"; readonly start: number; readonly end: number };

/**
 * Parses a Range field with one byte range. Undefined for another unit, for several ranges and for everything
 * that the grammar does not allow; such a field is to be ignored. Numbers beyond 2^53 - 1 become that, which
 * is beyond the end of everything. The unit's case does not matter (§14.1).
 */
export function parseRange(field: string): RangeSpec | undefined {
  const equals = field.indexOf("=");
  if (equals === -1 || field.slice(0, equals).toLowerCase() !== "bytes") return undefined;
  const set = trimWhitespace(field.slice(equals + 1));
  const dash = set.indexOf("-");
  if (dash === -1) return undefined;
  const first = set.slice(0, dash);
  const last = set.slice(dash + 1);
  if (first === "") return isDigits(last) ? { kind: "suffix", length: toPosition(last) } : undefined;
  if (!isDigits(first)) return undefined;
  if (last === "") return { kind: "positions", first: toPosition(first), last: undefined };
  if (!isDigits(last) || toPosition(last) < toPosition(first)) return undefined;
  return { kind: "positions", first: toPosition(first), last: toPosition(last) };
}

/** What a Range field (`undefined` when there is none) means for `length` bytes. */
export function resolveRange(field: string | undefined, length: number): ResolvedRange {
  const spec = field === undefined ? undefined : parseRange(field);
  if (spec === undefined) return { kind: "ignored" };
  if (spec.kind === "suffix") {
    if (spec.length === 0 || length === 0) return { kind: "unsatisfiable" };
    return { kind: "partial", start: Math.max(0, length - spec.length), end: length };
  }
  if (spec.first >= length) return { kind: "unsatisfiable" };
  const end = spec.last === undefined ? length : Math.min(length, spec.last + 1);
  return { kind: "partial", start: spec.first, end };
}

/**
 * The Content-Range of a 206 with the bytes from `start` (default 0) up to, but not including, `end` (default
 * `length`).
 * @throws InvalidArgumentError for a range that is empty or beyond the end: such a field is invalid (§14.4).
 */
export function formatContentRange(
  start: number | undefined,
  end: number | undefined,
  length: number,
): string {
  const from = start ?? 0;
  const to = end ?? length;
  if (!(from >= 0 && from < to && to <= length)) {
    throw new InvalidArgumentError(
      `a content range must lie within ${length} bytes and not be empty, got ${from} to ${to}`,
    );
  }
  return `bytes ${from}-${to - 1}/${length}`;
}

/** The Content-Range of a 416: how long the representation is (§15.5.17). */
export function formatUnsatisfiedRange(length: number): string {
  return `bytes */${length}`;
}

function toPosition(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}
