/**
 * Methods and the handler methods that answer them.
 *
 * A method that a handler class does not list gets 501 if HTTP does not know it either, else 405 with `Allow`
 * (RFC 9110 §9.1, §15.5.6). A listed one whose handler method was not written gets 405 from the base class.
 */
import { HTTPError } from "../errors.js";
import type { Handler } from "../types.js";

/** The static side of a handler class that is of interest here. */
interface MethodTable {
  readonly SUPPORTED_METHODS: readonly string[];
  /** Methods of the base class that do nothing but refuse. */
  readonly prototype: object;
}

const VERBS: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  GET: "get",
  HEAD: "head",
  POST: "post",
  DELETE: "delete",
  PATCH: "patch",
  PUT: "put",
  OPTIONS: "options",
});

const KNOWN_TO_HTTP = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

/** Handler methods that refuse, so that {@link allowedMethods} does not take them for answers. */
const refusals = new WeakSet<object>();

/** Marks the verbs of the base class. */
export function markRefusals(prototype: object): void {
  for (const verb of Object.values(VERBS))
    refusals.add((prototype as Record<string, object>)[verb] as object);
}

/** The name of the handler method for an HTTP method. */
export function verbOf(method: string): string {
  return VERBS[method] ?? method.toLowerCase();
}

function tableOf(handler: Handler): MethodTable {
  return handler.constructor as unknown as MethodTable;
}

/** The methods that the handler answers, in the order of `SUPPORTED_METHODS`. */
export function allowedMethods(handler: Handler): string[] {
  return tableOf(handler).SUPPORTED_METHODS.filter((method) => {
    const answer: unknown = (handler as unknown as Record<string, unknown>)[verbOf(method)];
    return typeof answer === "function" && !refusals.has(answer);
  });
}

/** Throws the {@link HTTPError} for a method that the handler's class does not support. */
export function checkMethod(handler: Handler): void {
  const { method } = handler.request;
  if (tableOf(handler).SUPPORTED_METHODS.includes(method)) return;
  throw new HTTPError(KNOWN_TO_HTTP.has(method) ? 405 : 501);
}

/** Calls the handler method with the path's arguments; what it returns may have to be waited for. */
export function callVerb(handler: Handler): unknown {
  const verb = verbOf(handler.request.method);
  const answer = (handler as unknown as Record<string, (...args: unknown[]) => unknown>)[verb];
  if (typeof answer !== "function") throw new HTTPError(405);
  const { pathArgs, pathKwargs } = handler;
  if (pathKwargs !== NO_KWARGS) return answer.call(handler, ...pathArgs, pathKwargs);
  return pathArgs.length === 0 ? answer.call(handler) : answer.apply(handler, pathArgs as unknown[]);
}

/** `pathKwargs` of a route without named groups. */
export const NO_KWARGS: Readonly<Record<string, string | undefined>> = Object.freeze(Object.create(null));

/** `pathArgs` of a route without groups. */
export const NO_ARGS: readonly (string | undefined)[] = Object.freeze([]);
