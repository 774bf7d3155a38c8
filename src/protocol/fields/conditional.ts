/**
 * Entity tags and conditional requests (RFC 9110 §8.8.3 and §13).
 *
 * A client says what it has, and the server need not send it again (If-None-Match, If-Modified-Since), or
 * what it believes to be current, and the server must not act on something else (If-Match,
 * If-Unmodified-Since).
 */
import { parseDate } from "./date.js";

/**
 * The entity tags in a field, with `W/` where they are weak, in order. Lenient: anything but a tag is
 * skipped, and the commas may be missing. `"*"` alone means any. Linear.
 */
export function parseEntityTags(field: string): "*" | string[] {
  if (field.trim() === "*") return "*";
  const tags: string[] = [];
  let at = 0;
  for (;;) {
    const open = field.indexOf('"', at);
    const close = open === -1 ? -1 : field.indexOf('"', open + 1);
    if (close === -1) return tags;
    const weak = open >= at + 2 && field[open - 1] === "/" && field[open - 2] === "W";
    tags.push(field.slice(weak ? open - 2 : open, close + 1));
    at = close + 1;
  }
}

/** Weak comparison: the tags are the same but for `W/` (§8.8.3.2). For If-None-Match. */
export function weaklyEqual(a: string, b: string): boolean {
  return opaque(a) === opaque(b);
}

/** Strong comparison: the tags are the same and neither is weak (§8.8.3.2). For If-Match and If-Range. */
export function stronglyEqual(a: string, b: string): boolean {
  return a === b && !a.startsWith("W/");
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/** True when an If-None-Match field names `etag`, or any: the client has it already. Weak comparison. */
export function matchesIfNoneMatch(field: string, etag: string): boolean {
  const tags = parseEntityTags(field);
  return tags === "*" || tags.some((tag) => weaklyEqual(tag, etag));
}

/** The fields of a request that make it conditional; each undefined when there is none. */
export interface RequestConditions {
  /** `If-Match`: go on only if one of these tags is the present one (RFC 9110 §13.1.1). */
  readonly ifMatch?: string | undefined;
  /** `If-Unmodified-Since`: counts without `If-Match` (§13.1.4). */
  readonly ifUnmodifiedSince?: string | undefined;
  /** `If-None-Match`: go on only if none of these tags is the present one (§13.1.2). */
  readonly ifNoneMatch?: string | undefined;
  /** `If-Modified-Since`: counts without `If-None-Match`, for GET and HEAD (§13.1.3). */
  readonly ifModifiedSince?: string | undefined;
}

/** What is known of the current representation; no representation at all is `exists: false`. */
export interface CurrentRepresentation {
  /** Its entity tag, quoted; undefined when it has none. */
  readonly etag?: string | undefined;
  /** When it was last changed, milliseconds since 1970; seconds count. Undefined when not known. */
  readonly lastModified?: number | undefined;
  /** Default true. */
  readonly exists?: boolean | undefined;
}

/** What the conditions of a request ask for: go on, answer 304, or answer 412. */
export type ConditionResult = "proceed" | "not-modified" | "precondition-failed";

/**
 * Evaluates the conditions in the order of RFC 9110 §13.2.2: an entity tag makes the date beside it void, and
 * a date that is not an HTTP date is ignored. `method` decides between 304 (GET, HEAD) and 412; `now` is
 * milliseconds since 1970.
 */
export function evaluateConditions(
  method: string,
  conditions: RequestConditions,
  current: CurrentRepresentation,
  now: number,
): ConditionResult {
  const exists = current.exists ?? true;
  if (conditions.ifMatch !== undefined) {
    const tags = parseEntityTags(conditions.ifMatch);
    const { etag } = current;
    const matches =
      exists && (tags === "*" || (etag !== undefined && tags.some((tag) => stronglyEqual(tag, etag))));
    if (!matches) return "precondition-failed";
  } else if (changedSince(conditions.ifUnmodifiedSince, current, now) === true) {
    return "precondition-failed";
  }

  const reads = method === "GET" || method === "HEAD";
  if (conditions.ifNoneMatch !== undefined) {
    const { etag } = current;
    const any = parseEntityTags(conditions.ifNoneMatch) === "*";
    const matches =
      exists && (any || (etag !== undefined && matchesIfNoneMatch(conditions.ifNoneMatch, etag)));
    if (matches) return reads ? "not-modified" : "precondition-failed";
  } else if (reads && changedSince(conditions.ifModifiedSince, current, now) === false) {
    return "not-modified";
  }
  return "proceed";
}

/**
 * True when an If-Range field (`undefined` when there is none) allows a partial answer (§13.1.5): it names
 * the current entity tag, strongly, or the very date of the last change.
 */
export function allowsRange(field: string | undefined, current: CurrentRepresentation, now: number): boolean {
  if (field === undefined) return true;
  if (field.includes('"')) return current.etag !== undefined && stronglyEqual(field.trim(), current.etag);
  const date = parseDate(field, now);
  return (
    date !== undefined && current.lastModified !== undefined && date === wholeSeconds(current.lastModified)
  );
}

/** Undefined when the field is absent or no date, or the time of the last change is not known. */
function changedSince(
  field: string | undefined,
  { lastModified }: CurrentRepresentation,
  now: number,
): boolean | undefined {
  if (field === undefined || lastModified === undefined) return undefined;
  const date = parseDate(field, now);
  return date === undefined ? undefined : wholeSeconds(lastModified) > date;
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
