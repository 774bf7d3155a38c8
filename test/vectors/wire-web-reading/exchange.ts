/**
 * The requests of a case of `wire-web`, read from its bytes, and small changes to Tornado's responses.
 *
 * An amendment looks at one request and at the response that Tornado gave to it. Where Tornado departs from
 * an RFC or from plain sense, it says what the response should have been; everything that it leaves alone has
 * to be as Tornado has it.
 */
import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { VectorResponse } from "../wire-compare.js";

/** A request as it was sent; all text is latin1. */
export interface SentRequest {
  readonly method: string;
  readonly target: string;
  /** The target without its query. */
  readonly path: string;
  readonly query: string;
  readonly version: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A request and what Tornado, or an amendment before this one, answers to it. */
export interface Exchange {
  readonly request: SentRequest;
  readonly response: VectorResponse;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** What is owed instead. */
export interface Amended {
  readonly response: VectorResponse;
  /** The connection ends after it. */
  readonly ends?: boolean;
}

/**
 * Gives what is owed instead, or undefined where Tornado's response is right as far as this departure goes.
 */
export type Amendment = (exchange: Exchange) => Amended | undefined;

/** Cuts the bytes of a connection into requests; stops where a body is not framed by its length. */
export function requestsOf(text: string): SentRequest[] {
  const requests: SentRequest[] = [];
  for (let at = 0; at < text.length; ) {
    const headEnd = text.indexOf("\r\n\r\n", at);
    if (headEnd < 0) break;
    const [line = "", ...lines] = text.slice(at, headEnd).split("\r\n");
    const [, method, target, version] = /^(\S+) (.*) (\S+)$/.exec(line) ?? [];
    if (method === undefined || target === undefined || version === undefined) break;
    const fields = lines.map((field): [string, string] => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    });
    const question = target.indexOf("?");
    const path = question < 0 ? target : target.slice(0, question);
    const query = question < 0 ? "" : target.slice(question + 1);
    const length = Number(fields.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
    const body = text.slice(headEnd + 4, headEnd + 4 + length);
    requests.push({ method, target, path, query, version, fields, body });
    if (fields.some(([name]) => name.toLowerCase() === "transfer-encoding")) break;
    at = headEnd + 4 + length;
  }
  return requests;
}

/** The values of all fields with a name. */
export function fieldsOf(message: SentRequest | VectorResponse, name: string): string[] {
  const lines = "fields" in message ? message.fields : message.headers;
  return lines.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** The value of the first field with a name. */
export function fieldOf(message: SentRequest | VectorResponse, name: string): string | undefined {
  return fieldsOf(message, name)[0];
}

/** The response with these fields instead of those that it has; undefined takes a field away. */
export function withFields(
  response: VectorResponse,
  fields: Readonly<Record<string, string | undefined>>,
): VectorResponse {
  const names = Object.keys(fields).map((name) => name.toLowerCase());
  const headers = response.headers.filter(([name]) => !names.includes(name.toLowerCase()));
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) headers.push([name, value]);
  return { ...response, headers };
}

/** The response with another body, not in chunks, whose length it gives. */
export function withBody(response: VectorResponse, body: Buffer): VectorResponse {
  const { chunks: _, ...rest } = response;
  return {
    ...withFields(rest, { "Transfer-Encoding": undefined, "Content-Length": String(body.length) }),
    body,
  };
}

/** Tornado's tag of a page: the SHA-1 of its octets. */
export function tagOf(body: Buffer): string {
  return `"${createHash("sha1").update(body).digest("hex")}"`;
}

/** A page as handlers write it: 200, with its tag. */
export function page(response: VectorResponse, text: string): VectorResponse {
  const body = Buffer.from(text);
  return withFields(withBody({ ...response, status: 200, reason: "OK" }, body), { Etag: tagOf(body) });
}

/** The standard error page. */
export function errorPage(response: VectorResponse, status: number): VectorResponse {
  const words = `${status}: ${STATUS_CODES[status]}`;
  const body = Buffer.from(`<html><title>${words}</title><body>${words}</body></html>`);
  return withBody({ ...response, status, reason: STATUS_CODES[status]! }, body);
}
