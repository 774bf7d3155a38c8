/** Methods as Fetch spells them (Fetch Standard §2.2.1). */

/** What a method becomes in Fetch, if that is not what it was; undefined: there are no such requests. */
const OTHER_METHODS: ReadonlyMap<string, string | undefined> = new Map([
  ...["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"].map((name) => [name, name] as const),
  ...["CONNECT", "TRACE", "TRACK"].map((name) => [name, undefined] as const),
]);

/**
 * The method as Fetch has it: six names in upper case, whatever their spelling. Undefined for CONNECT, TRACE
 * and TRACK.
 */
export function fetchMethod(method: string): string | undefined {
  if (method === "GET" || method === "POST") return method;
  const upper = method.toUpperCase();
  return OTHER_METHODS.has(upper) ? OTHER_METHODS.get(upper) : method;
}
