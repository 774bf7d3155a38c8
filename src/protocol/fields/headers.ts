/**
 * The header fields of a message: a map from names to one or more values, in which case does not matter
 * (RFC 9110 §5.1) and a repeated field is a list (§5.3).
 *
 * One such object is made for every request and every response, so its form is the cheapest that works: one
 * flat array `[name, value, name, value, …]` in the order of the lines. A look-up compares lengths first and
 * then letters, which beats hashing for the dozen fields that a message has. Beyond {@link INDEX_THRESHOLD}
 * lines an index is built when it is first needed, so that three thousand lines stay linear too.
 *
 * The array that the HTTP/1 receiver filled is borrowed as it is ({@link HTTPHeaders.fromRaw}): names keep
 * the peer's spelling until they are shown, and the array is copied before it is changed.
 */

import { equalsIgnoreCase } from "../../base/bytes.js";
import { trimWhitespace } from "./abnf.js";
import {
  checkHeaderName,
  checkHeaderValue,
  nothingToContinue,
  notText,
  parseHeaderLine,
  splitHeaderLines,
} from "./header-block.js";
import { normalizeHeaderName } from "./header-names.js";
import type { RawFields } from "./raw-fields.js";

/** What {@link HTTPHeaders} can be made from. In an object, a list of values means one line for each. */
export type HTTPHeadersInit =
  | HTTPHeaders
  | Iterable<readonly [name: string, value: string]>
  | { readonly [name: string]: string | readonly string[] | undefined };

/** How the text of a header block is to be read. */
export interface HTTPHeadersParseOptions {
  /**
   * Allow characters above U+00FF: the text was decoded as UTF-8 (the head of a multipart part,
   * RFC 7578 §5.1) instead of octet by octet. Default false.
   */
  readonly unicode?: boolean | undefined;
}

/** From this many lines on, look-ups go through an index. */
const INDEX_THRESHOLD = 16;

/** The fields of an object that has none yet; never written into, because no object owns it. */
const NO_FIELDS: string[] = [];

// What an object may do with its array.
/** It is {@link NO_FIELDS}: another takes its place before anything is written. */
const NONE = 0;
/** It belongs to a receiver, and its names are as the peer spelt them: it is copied before it is changed. */
const BORROWED = 1;
/** It is the object's own, and all names are in the form that {@link normalizeHeaderName} gives. */
const OWN = 2;

/**
 * A map of header fields, made for the wire: names are tokens and values hold nothing that could end a line,
 * or the call that would put them there throws an {@link HTTPInputError} (`ERR_SQUALL_HTTP_INPUT`).
 *
 * Names are shown as `Http-Header-Case`. `get` joins repeated fields with a comma; `getList` keeps them
 * apart, which `Set-Cookie` needs. Iterating gives the distinct names in the order of their first lines.
 *
 * ```ts
 * const headers = new HTTPHeaders({ "content-type": "text/html" });
 * headers.add("Set-Cookie", "a=b");
 * headers.add("set-cookie", "c=d");
 * headers.get("SET-COOKIE"); // "a=b,c=d"
 * headers.getList("Set-Cookie"); // ["a=b", "c=d"]
 * ```
 */
export class HTTPHeaders {
  static {
    // What console.log() shows. Defined here because an exported class may not have a computed member name.
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value(this: HTTPHeaders): Record<string, string | string[]> {
        const lines: Record<string, string | string[]> = Object.create(null);
        for (const [name, values] of this.#groups()) lines[name] = values.length === 1 ? values[0]! : values;
        return lines;
      },
    });
  }

  #fields: string[];
  /** {@link NONE}, {@link BORROWED} or {@link OWN}. */
  #form: number;
  /** Lower-case name → positions of its lines; undefined when not built, or out of date. */
  #index: Map<string, number[]> | undefined;
  /** The name whose last line a continuation line extends; see {@link HTTPHeaders.parseLine}. */
  #added: string | undefined;

  /**
   * Starts with the fields of `init`: a copy of another `HTTPHeaders` with its repeats, else as
   * {@link HTTPHeaders.update} does, so that of two pairs with one name the later wins. Tornado
   * `HTTPHeaders()`.
   */
  constructor(init?: HTTPHeadersInit) {
    this.#fields = NO_FIELDS;
    this.#form = NONE;
    this.#index = undefined;
    this.#added = undefined;
    if (init instanceof HTTPHeaders) {
      this.#fields = init.toRaw().slice();
      this.#form = OWN;
    } else if (init !== undefined) {
      this.update(init);
    }
  }

  /**
   * Wraps checked field lines without copying them: what the HTTP/1 receiver hands over. The array must not
   * be changed afterwards by its owner; this object copies it before it changes anything itself.
   */
  static fromRaw(fields: RawFields): HTTPHeaders {
    const headers = new HTTPHeaders();
    // Sound although readonly: nothing is written into an array that is not owned.
    headers.#fields = fields as string[];
    headers.#form = BORROWED;
    return headers;
  }

  /**
   * Takes an array of lines over: its names are normalised tokens, its values free of control characters, and
   * its maker does not use it any more.
   */
  static fromTrusted(fields: string[]): HTTPHeaders {
    const headers = new HTTPHeaders();
    headers.#fields = fields;
    headers.#form = OWN;
    return headers;
  }

  /**
   * Parses a header block: lines ended by CRLF or a bare LF, an empty line is skipped. Tornado
   * `HTTPHeaders.parse`.
   * @throws HTTPInputError at the first line that is not a field.
   */
  static parse(text: string, options?: HTTPHeadersParseOptions): HTTPHeaders {
    const headers = new HTTPHeaders();
    for (const line of splitHeaderLines(text)) headers.parseLine(line, options);
    return headers;
  }

  /** How many distinct names there are (Tornado `len(headers)`). */
  get size(): number {
    return this.#groups().size;
  }

  /**
   * Appends a field line.
   * @throws HTTPInputError when the name is not a token or the value cannot be sent.
   */
  add(name: string, value: string): void {
    const normal = checkHeaderName(name);
    checkHeaderValue(value);
    this.#append(normal, value);
  }

  /**
   * Replaces all lines of a name by one, which takes the place of the first. Spaces and tabs around the value
   * do not belong to it (RFC 9110 §5.5) and are dropped. Throws as {@link HTTPHeaders.add} does.
   */
  set(name: string, value: string): void {
    const normal = checkHeaderName(name);
    if (typeof value !== "string") throw notText(value);
    const trimmed = trimWhitespace(value);
    checkHeaderValue(trimmed);
    this.setTrusted(normal, trimmed);
  }

  /**
   * {@link HTTPHeaders.set} without checks, for callers that know: `name` must be a normalised token and
   * `value` free of control characters, such as a constant or a formatted date.
   */
  setTrusted(name: string, value: string): void {
    const at = this.#find(name, 0);
    this.#own();
    if (at === -1) {
      this.#push(name, value);
      return;
    }
    const fields = this.#fields;
    fields[at] = name;
    fields[at + 1] = value;
    if (this.#find(name, at + 2) !== -1) this.#remove(name, at + 2);
  }

  /** {@link HTTPHeaders.setTrusted} for a name that is known not to be there yet. */
  addTrusted(name: string, value: string): void {
    this.#own();
    this.#push(name, value);
  }

  /**
   * All values joined by commas (RFC 9110 §5.3); `fallback` (`undefined` unless given) when there is none.
   */
  get(name: string): string | undefined;
  get<T>(name: string, fallback: T): string | T;
  get(name: string, fallback?: unknown): unknown {
    let at = this.#find(name, 0);
    if (at === -1) return fallback;
    const first = this.#fields[at + 1]!;
    at = this.#find(name, at + 2);
    return at === -1 ? first : this.getList(name).join(",");
  }

  /** The values of a name, one for each line; `[]` when there is none. Tornado `get_list`. */
  getList(name: string): string[] {
    const values: string[] = [];
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 2)) {
      values.push(this.#fields[at + 1]!);
    }
    return values;
  }

  /**
   * For code that asks on every message: as {@link HTTPHeaders.get}, but with the name in lower case and the
   * answer being the first line only. Enough for fields of which there is one, as the receiver saw to.
   */
  rawGet(lowerCaseName: string): string | undefined {
    const at = this.#find(lowerCaseName, 0);
    return at === -1 ? undefined : this.#fields[at + 1];
  }

  /** True when there is such a field. */
  has(name: string): boolean {
    return this.#find(name, 0) !== -1;
  }

  /**
   * Removes all lines of a name; true when there were some, false where Tornado raises `KeyError`. Takes time
   * in the number of lines.
   */
  delete(name: string): boolean {
    const at = this.#find(name, 0);
    if (at === -1) return false;
    this.#own();
    this.#remove(name, at);
    return true;
  }

  /** Every line as a pair, the lines of one name together, names in the order of their first lines. */
  *getAll(): IterableIterator<[name: string, value: string]> {
    for (const [name, values] of this.#groups()) {
      for (const value of values) yield [name, value];
    }
  }

  /** The distinct names, in the order of their first lines. */
  keys(): IterableIterator<string> {
    return this.#groups().keys();
  }

  /** The joined value of each distinct name. */
  *values(): IterableIterator<string> {
    for (const values of this.#groups().values()) yield values.join(",");
  }

  /** Pairs of each distinct name and its joined value (Tornado `items()`). */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const [name, values] of this.#groups()) yield [name, values.join(",")];
  }

  /** As {@link HTTPHeaders.keys}: iterating gives names, as in Tornado. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.keys();
  }

  /**
   * Sets each name of `init`, replacing what was there; a list of values in an object, and the repeats of
   * another `HTTPHeaders`, become one line each; a member that is `undefined` is skipped.
   */
  update(init: HTTPHeadersInit): void {
    if (init instanceof HTTPHeaders) {
      // The groups are a snapshot, so that updating from itself is harmless.
      for (const [name, values] of init.#groups()) this.#replace(name, values);
    } else if (Symbol.iterator in init) {
      for (const [name, value] of init as Iterable<readonly [string, string]>) this.set(name, value);
    } else {
      for (const [name, value] of Object.entries(init)) {
        if (value !== undefined) this.#replace(name, typeof value === "string" ? [value] : value);
      }
    }
  }

  /** The joined value; when there is none, sets `value` first. */
  setDefault(name: string, value: string): string {
    if (!this.has(name)) this.set(name, value);
    return this.get(name)!;
  }

  /**
   * Removes a name and returns its joined value; `fallback` (`undefined` unless given) when there is none.
   */
  pop(name: string): string | undefined;
  pop<T>(name: string, fallback: T): string | T;
  pop(name: string, fallback?: unknown): unknown {
    const value = this.get(name);
    if (value === undefined) return fallback;
    this.delete(name);
    return value;
  }

  /** Removes everything. */
  clear(): void {
    this.#fields = [];
    this.#form = OWN;
    this.#index = undefined;
    this.#added = undefined;
  }

  /** An independent copy, repeats included. */
  copy(): HTTPHeaders {
    return new HTTPHeaders(this);
  }

  /**
   * Takes one line of a header block, with or without its line end. A line that begins with a space or tab
   * continues the field that was added last, joined by one space (the reading that RFC 9112 §5.2 allows for
   * obs-fold), also when there is nothing else in it; an empty line is ignored. Tornado
   * `HTTPHeaders.parse_line`.
   * @throws HTTPInputError for a line that is not a field, and for a continuation without a field before it.
   */
  parseLine(line: string, options?: HTTPHeadersParseOptions): void {
    const parsed = parseHeaderLine(line, options?.unicode === true);
    if (parsed === undefined) return;
    if (parsed.name === undefined) this.#continueLast(parsed.value);
    else this.#append(parsed.name, parsed.value);
  }

  /**
   * The lines as one flat array, names normalised, in the order in which they were added; for senders. The
   * array is this object's own: read it before the next change, and do not write into it.
   */
  toRaw(): RawFields {
    this.#normalize();
    return this.#fields;
  }

  /** Lines of `Name: value` in the order of {@link HTTPHeaders.getAll}, each ended by a line feed. */
  toString(): string {
    let text = "";
    for (const [name, values] of this.#groups()) {
      for (const value of values) text += `${name}: ${value}\n`;
    }
    return text;
  }

  /** The position of the next line of `name` at or after `from`; -1 when there is none. */
  #find(name: string, from: number): number {
    const fields = this.#fields;
    if (fields.length > 2 * INDEX_THRESHOLD) return this.#findIndexed(name, from);
    for (let at = from; at < fields.length; at += 2) {
      if (equalsIgnoreCase(fields[at]!, name)) return at;
    }
    return -1;
  }

  #findIndexed(name: string, from: number): number {
    this.#index ??= indexFields(this.#fields);
    const positions = this.#index.get(name.toLowerCase());
    if (positions === undefined) return -1;
    if (from <= positions[0]!) return positions[0]!;
    // The first position that is not before `from`, by halving.
    let low = 0;
    let high = positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (positions[middle]! < from) low = middle + 1;
      else high = middle;
    }
    return positions[low] ?? -1;
  }

  #append(name: string, value: string): void {
    this.#own();
    this.#added = name;
    this.#push(name, value);
  }

  #push(name: string, value: string): void {
    if (this.#index !== undefined) addToIndex(this.#index, name, this.#fields.length);
    this.#fields.push(name, value);
  }

  /** Removes the lines of `name` from position `from` on, in place. */
  #remove(name: string, from: number): void {
    const fields = this.#fields;
    let to = from;
    for (let at = from; at < fields.length; at += 2) {
      if (equalsIgnoreCase(fields[at]!, name)) continue;
      fields[to] = fields[at]!;
      fields[to + 1] = fields[at + 1]!;
      to += 2;
    }
    fields.length = to;
    this.#index = undefined;
  }

  #replace(name: string, values: readonly string[]): void {
    if (values.length === 0) {
      this.delete(name);
      return;
    }
    this.set(name, values[0]!);
    for (let i = 1; i < values.length; i++) this.add(name, values[i]!);
  }

  /** Extends the last line of the name that was added last. */
  #continueLast(more: string): void {
    const name = this.#added;
    // From the end, where it is when a block is read: thousands of folded lines stay linear.
    let at = name === undefined ? -1 : this.#fields.length - 2;
    while (at >= 0 && !equalsIgnoreCase(this.#fields[at]!, name!)) at -= 2;
    if (at < 0) throw nothingToContinue(more);
    this.#own();
    this.#fields[at + 1] = `${this.#fields[at + 1]!} ${more}`;
  }

  #own(): void {
    if (this.#form === BORROWED) this.#normalize();
    else if (this.#form === NONE) {
      this.#fields = [];
      this.#form = OWN;
    }
  }

  #normalize(): void {
    if (this.#form !== BORROWED) return;
    const fields = this.#fields.slice();
    for (let at = 0; at < fields.length; at += 2) fields[at] = normalizeHeaderName(fields[at]!);
    this.#fields = fields;
    this.#form = OWN;
  }

  /** Normalised name → values, in the order of first lines. A new map each time. */
  #groups(): Map<string, string[]> {
    this.#normalize();
    const groups = new Map<string, string[]>();
    const fields = this.#fields;
    for (let at = 0; at < fields.length; at += 2) {
      const values = groups.get(fields[at]!);
      if (values === undefined) groups.set(fields[at]!, [fields[at + 1]!]);
      else values.push(fields[at + 1]!);
    }
    return groups;
  }
}

function indexFields(fields: readonly string[]): Map<string, number[]> {
  const index = new Map<string, number[]>();
  for (let at = 0; at < fields.length; at += 2) addToIndex(index, fields[at]!, at);
  return index;
}

function addToIndex(index: Map<string, number[]>, name: string, at: number): void {
  const key = name.toLowerCase();
  const positions = index.get(key);
  if (positions === undefined) index.set(key, [at]);
  else positions.push(at);
}
