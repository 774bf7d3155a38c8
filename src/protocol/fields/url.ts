/**
 * The small jobs that servers and clients do on URLs as text: query arguments, hosts and ports. They cut at
 * the delimiters of RFC 3986 and leave everything else as it came; the `URL` class would rewrite it.
 */
import type { Chunk } from "../../base/bytes.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { decodePercent, encodePercent } from "../../base/percent.js";

/**
 * What browsers drop when they read a URL (URL Standard §4.4): blanks before it, tabs and line ends anywhere.
 */
const LOST_CHARACTERS = /^[\0-\x20]+|[\t\n\r]/g;

/** A value of a query argument: text, octets as they are, or anything else as `String()` writes it. */
export type QueryValue = string | Uint8Array | number | bigint | boolean;

/** Arguments for a query: an object (a list of values repeats the name, `undefined` is left out) or pairs. */
export type QueryArguments =
  | { readonly [name: string]: QueryValue | readonly QueryValue[] | undefined }
  | Iterable<readonly [name: string | Uint8Array, value: QueryValue]>;

/**
 * The URL with `args` added to its query; what was there comes first and is encoded anew, the fragment stays
 * at the end. Blanks before the URL, and tabs and line ends in it, are dropped. Without `args` (`undefined`
 * or `null`) the URL comes back as it is. Works on relative URLs too. Tornado `url_concat`.
 * @throws InvalidArgumentError when `args` is neither an object nor pairs.
 *
 * ```ts
 * urlConcat("/search?q=a#top", { page: 2 }); // "/search?q=a&page=2#top"
 * ```
 */
export function urlConcat(url: string, args?: QueryArguments | null): string {
  if (args === undefined || args === null) return url;
  if (typeof args !== "object") {
    throw new InvalidArgumentError(
      `query arguments must be an object or a list of pairs, got ${typeof args}`,
    );
  }
  const [location, fragment] = cut(url.replace(LOST_CHARACTERS, ""), "#");
  const [path, query] = cut(location, "?");
  const pairs = [...queryPairs(query ?? ""), ...argumentPairs(args)];
  let result = path.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/, (scheme) => scheme.toLowerCase());
  if (pairs.length > 0) {
    result += `?${pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&")}`;
  }
  return fragment === undefined || fragment === "" ? result : `${result}#${fragment}`;
}

function encoded(value: Chunk): string {
  return encodePercent(value, { plus: true });
}

function asChunk(value: QueryValue): Chunk {
  return value instanceof Uint8Array ? value : String(value);
}

function* argumentPairs(args: QueryArguments): Generator<[Chunk, Chunk]> {
  if (Symbol.iterator in args) {
    for (const [name, value] of args as Iterable<readonly [string | Uint8Array, QueryValue]>)
      yield [asChunk(name), asChunk(value)];
    return;
  }
  for (const [name, value] of Object.entries(args)) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) yield [name, asChunk(each)];
  }
}

/** The pairs of a query, decoded as UTF-8; a name without `=` has the empty value. */
function* queryPairs(query: string): Generator<[string, string]> {
  for (const piece of query.split("&")) {
    if (piece === "") continue;
    const [name, value] = cut(piece, "=");
    yield [decodeText(name), decodeText(value ?? "")];
  }
}

function decodeText(text: string): string {
  return decodePercent(Buffer.from(text, "utf8").toString("latin1"), { plus: true }).toString("utf8");
}

function cut(text: string, delimiter: string): [before: string, after: string | undefined] {
  const at = text.indexOf(delimiter);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Host and port of `host:port`; the port is `undefined` when there is none, or when what follows the last
 * colon is not ASCII digits. The brackets of an IPv6 address stay. Checks nothing else. Tornado
 * `split_host_and_port`.
 */
export function splitHostAndPort(netloc: string): [host: string, port: number | undefined] {
  const match = /^(.+):([0-9]+)$/.exec(netloc);
  return match === null ? [netloc, undefined] : [match[1]!, Number(match[2])];
}

/**
 * A dictionary of lists as a list of pairs: `{ a: ["1", "2"] }` → `[["a", "1"], ["a", "2"]]`. Tornado
 * `qs_to_qsl`.
 */
export function qsToQsl<T>(args: { readonly [name: string]: Iterable<T> }): [name: string, value: T][] {
  const pairs: [string, T][] = [];
  for (const [name, values] of Object.entries(args)) {
    for (const value of values) pairs.push([name, value]);
  }
  return pairs;
}
