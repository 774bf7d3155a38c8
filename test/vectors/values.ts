/**
 * How the vectors write what JSON cannot hold, and when two values count as equal.
 *
 * Python's `bytes` are `{"$bytes": base64}`, its dictionaries with keys that JavaScript would reorder or misread are
 * `{"$dict": pairs}`, and so on; `decode` turns each into the thing that our functions take and give.
 */
import { HTTPHeaders } from "squall/httputil";
import type { ExpectedError } from "./types.js";

/** Lines of header fields, in the order in which Tornado lists them. */
export class VectorHeaders {
  readonly lines: readonly (readonly [string, string])[];

  constructor(lines: readonly (readonly [string, string])[]) {
    this.lines = lines;
  }

  /** As an object that can be handed to our functions. */
  toHeaders(): HTTPHeaders {
    const headers = new HTTPHeaders();
    for (const [name, value] of this.lines) headers.add(name, value);
    return headers;
  }
}

/** A length of time, Python's `timedelta`. */
export class VectorTimedelta {
  readonly seconds: number;

  constructor(seconds: number) {
    this.seconds = seconds;
  }
}

/** A date; a naive one has no time zone and is written as if it were UTC. */
export class VectorDate extends Date {
  readonly naive: boolean;

  constructor(seconds: number, naive: boolean) {
    super(Math.round(seconds * 1000));
    this.naive = naive;
  }
}

/** What stands in the result of a script where an operation threw. */
export class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** For families: an error of one of Python's own kinds, where our API answers without throwing (a missing key). */
export class PythonError extends Error {
  static {
    this.prototype.name = "PythonError";
  }
}

/** Runs one operation of a script; what it throws becomes a {@link Thrown} in its place. */
export function attempt(operation: () => unknown): unknown {
  try {
    return operation();
  } catch (error) {
    return new Thrown(error);
  }
}

const text = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);

/** The functions that vectors name instead of holding code: text or UTF-8 bytes in, text out. */
export const NAMED_FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  reverse: (value) => [...text(value)].reverse().join(""),
  brackets: (value) => `[${text(value)}]`,
  bold: (value) => `<b>${text(value)}</b>`,
  join: (...values) => values.map(text).join("-"),
  add: (a, b) => (typeof a === "number" && typeof b === "number" ? a + b : text(a) + text(b)),
  identity: (value) => value,
  utf8_snowman: () => Buffer.from([0xe2, 0x98, 0x83]),
  fail: () => {
    throw new PythonError("this function fails on purpose");
  },
  module_repr: (...values) => `<m ${values.map(text).join(",")}>`,
  params_by_host: (href) =>
    text(href).startsWith("http://example.com") ? 'class="internal"' : 'class="external" rel="nofollow"',
  padded_params: (href) => `   data-n=${text(href).length}  `,
};

/** A JSON value of a vector as a JavaScript value; objects have no prototype. */
export function decode(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(decode);
  if (json === null || typeof json !== "object") return json;
  const entries = Object.entries(json);
  const special = entries.length > 0 && entries[0]![0].startsWith("$") ? decodeSpecial(json) : undefined;
  if (special !== undefined) return special.value;
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) object[key] = decode(value);
  return object;
}

function decodeSpecial(json: object): { value: unknown } | undefined {
  const fields = json as Record<string, unknown>;
  const [kind] = Object.keys(fields);
  const value = fields[kind!];
  switch (kind) {
    case "$bytes":
      return { value: Buffer.from(value as string, "base64") };
    case "$headers":
      return { value: new VectorHeaders(value as [string, string][]) };
    case "$epoch":
      return { value: new VectorDate(value as number, fields.naive === true) };
    case "$timedelta":
      return { value: new VectorTimedelta(value as number) };
    case "$dict":
      return { value: new Map((value as [unknown, unknown][]).map(([k, v]) => [decode(k), decode(v)])) };
    case "$int":
      return { value: BigInt(value as string) };
    case "$float":
      return { value: value === "nan" ? Number.NaN : value === "inf" ? Infinity : -Infinity };
    case "$fn": {
      const named = NAMED_FUNCTIONS[value as string];
      if (named === undefined)
        throw new Error(`the vectors name a function that is not known: ${String(value)}`);
      return { value: named };
    }
    default:
      return undefined;
  }
}

/** Tornado's own error classes: ours have the same names, or the family says which. Python's own match any. */
const TORNADO_ERRORS = new Set([
  "HTTPInputError",
  "HTTPOutputError",
  "HTTPError",
  "MissingArgumentError",
  "ParseError",
  "Error",
  "StreamClosedError",
  "WebSocketClosedError",
  "AuthError",
]);

/**
 * True when `error` is what `expected` asks for. The wording of messages is ours and is not compared. For an error
 * of Python's own, one that was thrown on purpose will do: a `TypeError` without a code is an accident, not a refusal.
 */
export function isExpectedError(
  error: unknown,
  expected: ExpectedError,
  names: Readonly<Record<string, string>> = {},
): boolean {
  if (!(error instanceof Error)) return false;
  if (expected.lineno !== undefined && !isPlacedAt(error, expected)) return false;
  if (TORNADO_ERRORS.has(expected.type)) return isNamed(error, names[expected.type] ?? expected.type);
  return (
    error instanceof PythonError ||
    "code" in error ||
    error instanceof SyntaxError ||
    error instanceof URIError
  );
}

/** True when the error says the same place in a template. */
function isPlacedAt(error: object, { filename, lineno }: ExpectedError): boolean {
  const ours = error as { filename?: unknown; lineno?: unknown };
  return (ours.filename ?? null) === filename && ours.lineno === lineno;
}

/** True when the error's class, or a class that it extends, has the name. */
function isNamed(error: Error, name: string): boolean {
  for (let type: unknown = error; type instanceof Error; type = Object.getPrototypeOf(type)) {
    if (type.name === name) return true;
  }
  return false;
}

/**
 * True when what our function gave equals what Tornado gave. `null` and `undefined` are the same, a member that is
 * absent is `undefined`, bytes compare by content, and dictionaries without regard to order unless they came as
 * `$dict`, where the order counts as far as JavaScript's objects can keep one.
 */
export function equivalent(
  actual: unknown,
  expected: unknown,
  names: Readonly<Record<string, string>> = {},
): boolean {
  if (actual === null || actual === undefined) return expected === null || expected === undefined;
  if (expected === null || expected === undefined) return false;
  if (actual instanceof Thrown) return matchesThrown(actual, expected, names);
  if (expected instanceof Uint8Array) return actual instanceof Uint8Array && sameBytes(actual, expected);
  if (actual instanceof Uint8Array) return false;
  if (expected instanceof VectorHeaders) return sameHeaders(actual, expected);
  if (expected instanceof Date) return actual instanceof Date && actual.getTime() === expected.getTime();
  if (expected instanceof VectorTimedelta) {
    return actual instanceof VectorTimedelta && actual.seconds === expected.seconds;
  }
  if (expected instanceof Map) return sameDict(actual, expected, names);
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return false;
    return expected.every((item, i) => equivalent(actual[i], item, names));
  }
  if (typeof expected === "object") return sameObject(actual, expected, names);
  return Object.is(actual, expected) || actual === expected;
}

function matchesThrown(thrown: Thrown, expected: unknown, names: Readonly<Record<string, string>>): boolean {
  if (typeof expected !== "object" || expected === null || !("error" in expected)) return false;
  const error = expected.error;
  return isExpectedError(
    thrown.error,
    typeof error === "string" ? { type: error } : (error as ExpectedError),
    names,
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function sameHeaders(actual: unknown, expected: VectorHeaders): boolean {
  const lines = actual instanceof HTTPHeaders ? [...actual.getAll()] : actual;
  return equivalent(lines, expected.lines);
}

function sameDict(
  actual: unknown,
  expected: Map<unknown, unknown>,
  names: Readonly<Record<string, string>>,
): boolean {
  const keys = [...expected.keys()].map(String);
  const pairs: [string, unknown][] =
    actual instanceof Map
      ? [...actual].map(([key, value]) => [String(key), value])
      : typeof actual === "object" && actual !== null
        ? Object.entries(actual)
        : [["", undefined]];
  if (pairs.length !== keys.length) return false;
  const ordered = actual instanceof Map || !keys.some((key) => /^\d+$/.test(key));
  if (ordered && !pairs.every(([key], i) => key === keys[i])) return false;
  const values = new Map([...expected].map(([key, value]) => [String(key), value]));
  return pairs.every(([key, value]) => values.has(key) && equivalent(value, values.get(key), names));
}

function sameObject(actual: unknown, expected: object, names: Readonly<Record<string, string>>): boolean {
  if (typeof actual !== "object" || actual === null || Array.isArray(actual)) return false;
  const ours: Record<string, unknown> =
    actual instanceof Map
      ? Object.assign(Object.create(null), Object.fromEntries(actual))
      : (actual as Record<string, unknown>);
  const theirs = expected as Record<string, unknown>;
  const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  for (const key of keys) {
    const mine = Object.hasOwn(ours, key) ? ours[key] : undefined;
    if (!equivalent(mine, theirs[key], names)) return false;
  }
  return true;
}
