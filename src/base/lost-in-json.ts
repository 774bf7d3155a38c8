/**
 * What `JSON.stringify` makes `{}` of without complaint: maps, sets, promises, errors, streams. Python's
 * `json.dumps` refuses such values, and so do we.
 *
 * A value is searched only if its JSON has a `{}` in it, which little JSON has, so that the usual text costs
 * one search for two characters.
 */

/** An object that JSON would lose. */
export interface Lost {
  /** What it is: `a promise`, `an object of class Map`. */
  readonly what: string;
  /** Where it stands in the value, as in `a[1].tags`; the empty string for the value itself. */
  readonly place: string;
  /** What to write instead. */
  readonly advice: string;
}

/** Asked for when it is needed: Node loads its streams when `ReadableStream` is read. */
const instead = (): readonly (readonly [type: new (...args: never[]) => object, advice: string])[] => [
  [Map, "write Object.fromEntries(map)"],
  [Set, "write [...set]"],
  [Error, "write error.message"],
  [URLSearchParams, "write String(params)"],
  [Blob, "write await blob.text()"],
  [ArrayBuffer, "make text of its bytes"],
  [ReadableStream, "read it first"],
];

/** An object by its class, for messages. */
export function objectOfClass(value: object): string {
  const name = (value.constructor as { readonly name?: unknown } | undefined)?.name;
  return typeof name === "string" && name !== "" ? `an object of class ${name}` : "an object of a class";
}

/** What an object is for the messages of this file; undefined if JSON may hold it. */
function lost(value: object): Omit<Lost, "place"> | undefined {
  const { then, toJSON } = value as { readonly then?: unknown; readonly toJSON?: unknown };
  // URLSearchParams have a toJSON() in Bun and none elsewhere.
  if (typeof toJSON === "function" && !(value instanceof URLSearchParams)) return undefined;
  if (Object.keys(value).length > 0 || ArrayBuffer.isView(value) || value instanceof String) return undefined;
  if (typeof then === "function") return { what: "a promise", advice: "await it" };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  const what = objectOfClass(value);
  const advice = instead().find(([type]) => value instanceof type)?.[1];
  if (advice !== undefined) return { what, advice };
  if (Symbol.iterator in value) return { what, advice: "write [...it]" };
  return Symbol.asyncIterator in value ? { what, advice: "read it first" } : undefined;
}

/** An object to look at, and the way to it. */
interface Step {
  readonly value: object;
  readonly key: string;
  readonly from: Step | undefined;
}

function placeOf(step: Step): string {
  const keys: string[] = [];
  for (let at: Step | undefined = step; at?.from !== undefined; at = at.from) {
    const { key } = at;
    if (Array.isArray(at.from.value)) keys.push(`[${key}]`);
    else keys.push(/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
  }
  return keys.reverse().join("").replace(/^\./, "");
}

/** The first object in a value that its JSON does not show; undefined if there is none. */
export function lostInJson(value: unknown, json: string): Lost | undefined {
  if (typeof value !== "object" || value === null || !json.includes("{}")) return undefined;
  // Not recursive, because JSON may be deep. JSON has no cycles, so the search ends.
  const steps: Step[] = [{ value, key: "", from: undefined }];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const found = lost(step.value);
    if (found !== undefined) return { ...found, place: placeOf(step) };
    if (typeof (step.value as { toJSON?: unknown }).toJSON === "function") continue;
    for (const [key, inner] of Object.entries(step.value).reverse()) {
      if (typeof inner === "object" && inner !== null) steps.push({ value: inner, key, from: step });
    }
  }
  return undefined;
}
