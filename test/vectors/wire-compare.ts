/** Cuts what a server sent into responses, as the wire families do, and compares two such answers. */
import type { RawResponse } from "../support/raw-client.js";

/** What came back over one connection. */
export interface WireAnswer {
  /** The connection was still open after a silence. */
  readonly open: boolean;
  /** Everything that came, normalised, as latin1 text. */
  readonly raw: string;
  /** The same, cut into messages. */
  readonly responses: readonly RawResponse[];
}

/** How a vector writes one of the responses. */
export interface VectorResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly chunks?: readonly number[];
  readonly truncated?: boolean;
}

/** How a vector writes an answer. */
export interface VectorAnswer {
  readonly open: boolean;
  readonly raw: Buffer | null;
  readonly responses: readonly VectorResponse[] | null;
}

/** Replaces what is free on the wire (dates, the Server value, …) in latin1 text. */
export function normaliser(pairs: unknown): (text: string) => string {
  const rules = (pairs as readonly (readonly [string, string])[]).map(
    ([pattern, replacement]) => [new RegExp(pattern, "g"), replacement] as const,
  );
  return (text) =>
    rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

/** What the comparison leaves out; the run prints it. */
export const IGNORED =
  "the order of fields, the wording of reasons, Keep-Alive for keep-alive, and Content-Length: 0 and Date of a bare refusal";

function fieldSet(headers: readonly (readonly [string, string])[]): string {
  return headers
    .map(
      ([name, value]) =>
        `${name.toLowerCase()}: ${name.toLowerCase() === "connection" ? value.toLowerCase() : value}`,
    )
    .sort()
    .join("\n");
}

/** A refusal of the protocol itself: no body, and no handler has seen the request. */
function isBareRefusal(response: VectorResponse): boolean {
  return response.status >= 400 && response.headers.length === 0 && response.body.length === 0;
}

/** The error page without the wording of the reason, and a Content-Length that fits. */
function withoutReason<T extends Pick<VectorResponse, "status" | "reason" | "headers" | "body">>(
  response: T,
): T {
  const page = `<title>${response.status}: ${response.reason}</title>`;
  const text = response.body.toString("latin1");
  if (!text.includes(page)) return response;
  const body = Buffer.from(
    text.replaceAll(`${response.status}: ${response.reason}`, `${response.status}`),
    "latin1",
  );
  const headers = response.headers.map(([name, value]): readonly [string, string] =>
    name.toLowerCase() === "content-length" && Number(value) === response.body.length
      ? [name, String(body.length)]
      : [name, value],
  );
  return { ...response, headers, body };
}

/** True when two responses say the same. */
export function sameResponse(actual: RawResponse, expected: VectorResponse): boolean {
  if (actual.status !== expected.status || (expected.truncated ?? false) !== actual.truncated) return false;
  if (isBareRefusal(expected)) return actual.body.length === 0;
  const [ours, theirs] = [withoutReason(actual), withoutReason(expected)];
  return (
    ours.body.equals(theirs.body) &&
    fieldSet(ours.headers) === fieldSet(theirs.headers) &&
    String(actual.chunks ?? "") === String(expected.chunks ?? "")
  );
}

/** True when two answers say the same. */
export function sameAnswer(actual: WireAnswer, expected: VectorAnswer): boolean {
  if (actual.open !== expected.open || expected.responses === null) return false;
  return (
    actual.responses.length === expected.responses.length &&
    expected.responses.every((response, i) => sameResponse(actual.responses[i]!, response))
  );
}
