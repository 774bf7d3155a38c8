/**
 * `application/x-www-form-urlencoded`: the form of queries and of simple form bodies (URL Standard §5). One
 * reader of pairs serves requests ({@link parseUrlencoded}) and Tornado's function of the `escape` module
 * ({@link parseQsBytes}).
 *
 * Values are bytes, because nothing on the wire says which charset they are in; names are latin1 text, one
 * character for each byte. Arguments are kept in an object without a prototype, so `__proto__` is a name like
 * any other.
 */
import { type Chunk, isLatin1, latin1 } from "../../base/bytes.js";
import { DecodeError } from "../../base/decode-error.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { decodePercent } from "../../base/percent.js";
import { HTTPInputError } from "../fields/errors.js";

/** Name → values in the order in which they came; without a prototype. */
export type ArgumentMap = Record<string, Buffer[]>;

/**
 * Arguments in one query or form at most, unless told otherwise; PHP and Go's `net/url` stop at 1,000 as
 * well.
 */
export const DEFAULT_MAX_ARGUMENTS = 1000;

/** An object without prototype, for what comes from the wire. */
export function emptyArguments(): ArgumentMap {
  return Object.create(null) as ArgumentMap;
}

/**
 * Adds one value to a map of lists. The map is the caller's and may be a plain object with a prototype: what
 * is inherited from there is not in it, and `__proto__` becomes a member like any other.
 */
export function addValue<T>(map: Record<string, T[]>, name: string, value: T): void {
  const values = map[name];
  if (values !== undefined && Object.hasOwn(map, name)) values.push(value);
  else if (values === undefined) map[name] = [value];
  else
    Object.defineProperty(map, name, {
      value: [value],
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

/**
 * Parses a query (latin1 text, as it stands in the request target) or a form body (bytes). Pairs are
 * separated by `&` only; a name without `=` has the empty value; empty pieces are skipped; a `%` without two
 * hexadecimal digits is kept. Linear.
 * @throws HTTPInputError (status 400) beyond `maxArguments` pairs (`Infinity` for no limit), before more work
 * is done.
 */
export function parseUrlencoded(
  input: string | Uint8Array,
  options?: { readonly maxArguments?: number | undefined },
): ArgumentMap {
  const text = typeof input === "string" ? toOctetText(input) : latin1(input);
  const maxArguments = options?.maxArguments ?? DEFAULT_MAX_ARGUMENTS;
  const found = emptyArguments();
  let count = 0;
  for (let start = 0; start < text.length; ) {
    const end = pairEnd(text, start);
    if (end > start) {
      if (++count > maxArguments) throw tooMany(maxArguments);
      addPair(found, text.slice(start, end), true);
    }
    start = end + 1;
  }
  return found;
}

/** How {@link parseQsBytes} reads fields without a value. */
export interface ParseQsOptions {
  /** Keep fields whose value is empty or missing; default false. */
  readonly keepBlankValues?: boolean | undefined;
  /** Throw for a field without `=`; default false: it counts as blank. */
  readonly strictParsing?: boolean | undefined;
}

/**
 * Parses a query or form: names as latin1 text, which keeps every byte, and for each the values as bytes, in
 * order. The object has no prototype. Text must be latin1, each character standing for a byte. Tornado
 * `parse_qs_bytes`.
 * @throws InvalidArgumentError for text with other characters.
 * @throws DecodeError for a field without `=`, with `strictParsing`.
 */
export function parseQsBytes(query: Chunk, options: ParseQsOptions = {}): Record<string, Buffer[]> {
  const { keepBlankValues = false, strictParsing = false } = options;
  if (typeof query === "string" && !isLatin1(query)) {
    throw new InvalidArgumentError("a query as text may hold only characters up to U+00FF; pass it as bytes");
  }
  const text = typeof query === "string" ? query : latin1(query);
  const found = emptyArguments();
  if (text === "") return found;
  for (let start = 0; start <= text.length; ) {
    const end = pairEnd(text, start);
    const field = text.slice(start, end);
    if (strictParsing && !field.includes("=")) {
      throw new DecodeError(`the field ${JSON.stringify(field.slice(0, 80))} has no "="`);
    }
    if (field !== "") addPair(found, field, keepBlankValues);
    start = end + 1;
  }
  return found;
}

/** Where the pair that begins at `start` ends: before the next `&`. */
function pairEnd(text: string, start: number): number {
  const end = text.indexOf("&", start);
  return end === -1 ? text.length : end;
}

function addPair(found: ArgumentMap, pair: string, keepBlank: boolean): void {
  const equals = pair.indexOf("=");
  const value = equals === -1 ? "" : pair.slice(equals + 1);
  if (value === "" && !keepBlank) return;
  const name = decodeName(equals === -1 ? pair : pair.slice(0, equals));
  addValue(found, name, decodePercent(value, { plus: true }));
}

function decodeName(name: string): string {
  if (!name.includes("%") && !name.includes("+")) return name;
  return decodePercent(name, { plus: true }).toString("latin1");
}

function tooMany(maxArguments: number): HTTPInputError {
  return new HTTPInputError(`too many arguments: at most ${maxArguments} are taken from one query or form`, {
    code: "ERR_SQUALL_TOO_MANY_ARGUMENTS",
  });
}

/**
 * Text that did not come from the wire may hold any character: it becomes UTF-8, one character for each byte.
 */
function toOctetText(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}
