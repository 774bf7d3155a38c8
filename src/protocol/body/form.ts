/**
 * `application/x-www-form-urlencoded`: the form of queries and of simple form bodies (URL Standard §5).
 *
 * Values are bytes, because nothing on the wire says which charset they are in; names are latin1 text, one
 * character for each byte. Arguments are kept in an object without a prototype, so `__proto__` is a name like any other.
 */
import { HTTPInputError } from "../fields/errors.js";
import { decodePercent } from "../fields/percent.js";

/** Name → values in the order of their coming; without a prototype. */
export type ArgumentMap = Record<string, Buffer[]>;

/** Arguments in one query or form at most, unless told otherwise; PHP and Go's `net/url` stop at 1,000 as well. */
export const DEFAULT_MAX_ARGUMENTS = 1000;

/** An object without prototype, for what comes from the wire. */
export function emptyArguments(): ArgumentMap {
  return Object.create(null) as ArgumentMap;
}

/**
 * Adds one value to a map of lists. The map is the caller's and may be a plain object with a prototype: what is
 * inherited from there is not in it, and `__proto__` becomes a member like any other.
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
 * Parses a query (latin1 text, as it stands in the request target) or a form body (bytes). Pairs are separated by
 * `&` only; a name without `=` has the empty value; empty pieces are skipped; a `%` without two hexadecimal digits is
 * kept. Throws an {@link HTTPInputError} (status 400) beyond `maxArguments` pairs (`Infinity` for no limit), before
 * more work is done. Linear.
 */
export function parseUrlencoded(
  input: string | Uint8Array,
  options?: { readonly maxArguments?: number | undefined },
): ArgumentMap {
  const text = typeof input === "string" ? toOctetText(input) : asBuffer(input).toString("latin1");
  const maxArguments = options?.maxArguments ?? DEFAULT_MAX_ARGUMENTS;
  const found = emptyArguments();
  let count = 0;
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf("&", start);
    if (end === -1) end = text.length;
    if (end > start) {
      if (++count > maxArguments) throw tooMany(maxArguments);
      addPair(found, text.slice(start, end));
    }
    start = end + 1;
  }
  return found;
}

function addPair(found: ArgumentMap, pair: string): void {
  const equals = pair.indexOf("=");
  const name = decodeName(equals === -1 ? pair : pair.slice(0, equals));
  const value = decodePercent(equals === -1 ? "" : pair.slice(equals + 1), { plus: true });
  addValue(found, name, value);
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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text that did not come from the wire may hold any character: it becomes UTF-8, one character for each byte. */
function toOctetText(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}
