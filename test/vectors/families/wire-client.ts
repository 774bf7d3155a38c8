/** The vectors of `wire-client`: fetches with scripted servers, on the memory network in virtual time. */
import type { Family, VectorCase } from "../types.js";
import { equivalent, type VectorHeaders } from "../values.js";
import { type ClientOutcome, fetchInMemory, requestParts } from "../wire-client-exchange.js";
import { quietly } from "./wire.js";

/** A result as the vectors have it. */
export interface VectorClientResult {
  readonly response?: {
    readonly code: number;
    readonly reason: string;
    readonly headers: VectorHeaders;
    readonly body: Buffer;
    readonly effective_url: string;
    readonly error?: string;
  };
  readonly error?: { readonly type: string; readonly code?: number };
  readonly requests: readonly (readonly [string, Buffer])[];
  readonly header_lines?: readonly string[];
  readonly streamed?: Buffer | string;
}

const OURS = new Set(["HTTPTimeoutError", "HTTPStreamClosedError", "HTTPOutputError"]);

/** Whether the error is of the class that Tornado has; of Python's own classes any that was thrown on purpose. */
function sameError(
  error: Error | undefined,
  expected: { readonly type: string; readonly code?: number },
): boolean {
  if (error === undefined || !("code" in error)) return false;
  if (!OURS.has(expected.type)) return expected.type !== "never";
  for (let type: unknown = error; type instanceof Error; type = Object.getPrototypeOf(type)) {
    if (type.name !== expected.type) continue;
    return expected.code === undefined || (error as { status?: unknown }).status === expected.code;
  }
  return false;
}

/** What was sent; a connection on which nothing is sent is not counted. */
export function sameRequests(actual: ClientOutcome, expected: VectorClientResult): boolean {
  const ours = actual.requests.filter(([, text]) => text !== "");
  const theirs = expected.requests.filter(([, bytes]) => bytes.length > 0);
  return equivalent(
    ours.map(([server, text]) => [server, requestParts(text)]),
    theirs.map(([server, bytes]) => [server, requestParts(bytes.toString("latin1"))]),
  );
}

/** What came back. */
export function sameResponse(actual: ClientOutcome, expected: VectorClientResult): boolean {
  const { response } = expected;
  if (response === undefined)
    return actual.response === undefined && sameError(actual.error, expected.error!);
  if (actual.response === undefined) return false;
  const { effectiveUrl, error, ...more } = actual.response;
  const { effective_url, error: theirError, ...rest } = response;
  return (
    effectiveUrl.replace(/^(https?:\/\/[^/?#]*)\/?/i, (_, origin: string) => origin.toLowerCase()) ===
      effective_url.replace(/^(https?:\/\/[^/?#]*)\/?/i, (_, origin: string) => origin.toLowerCase()) &&
    error === theirError &&
    equivalent(more, { ...rest, headers: rest.headers.lines })
  );
}

/** The recorded callbacks. */
function sameCallbacks(actual: ClientOutcome, expected: VectorClientResult): boolean {
  return (
    equivalent(actual.headerLines, expected.header_lines) &&
    equivalent(actual.streamed, expected.streamed === undefined ? undefined : String(expected.streamed))
  );
}

export const family: Family = {
  ignores:
    "the order of fields in a request and the case of their names, which codings beside gzip are asked for, connections on which nothing is sent, and the slash behind a host in a URL",
  functions: {
    "httpclient.fetch": (
      [request, responses]: readonly [Readonly<Record<string, unknown>>, readonly Buffer[]],
      kwargs: Readonly<Record<string, unknown>>,
    ) => quietly(() => fetchInMemory(request, responses, kwargs)),
  },
  same(actual, vector: VectorCase) {
    const ours = actual as ClientOutcome;
    const theirs = vector.result as VectorClientResult;
    return sameRequests(ours, theirs) && sameResponse(ours, theirs) && sameCallbacks(ours, theirs);
  },
};
