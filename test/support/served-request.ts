/** A request as FetchContainer gives it to its application, without a server. */
import { fetchMethod } from "#room/http/fetch-method";
import { makeServed } from "#room/interop/fetch/genuine-request";
import { makeRequest } from "#room/interop/fetch/request";
import { RequestAbort } from "#room/interop/fetch/request-abort";
import { RequestBody } from "#room/interop/fetch/request-body";
import { HTTPHeaders } from "#room/protocol/fields/headers";

/** What a request is made of; fields are name and value in turn. */
export interface RequestPartsOfTest {
  readonly method: string;
  readonly url: string;
  readonly fields: readonly string[];
  readonly body?: string;
}

/**
 * Makes the request; its body comes in two pieces. With `isPlain` it is made as on a platform whose requests cannot be
 * lazy.
 */
export function servedRequest({ method, url, fields, body }: RequestPartsOfTest, isPlain = false): Request {
  const { protocol, host, pathname, search } = new URL(url);
  const connection = {
    peer: { protocol: protocol.slice(0, -1), remoteIp: "203.0.113.9" },
    requestHead: { host },
  };
  const stream = body === undefined ? undefined : bodyStream(body);
  const made = fetchMethod(method)!;
  const headers = HTTPHeaders.fromRaw(fields);
  const abort = new RequestAbort();
  if (isPlain) return makeServed({ url, method: made, fields: headers, body: stream, abort });
  return makeRequest(connection as never, made, pathname + search, headers, stream, abort);
}

/** A body that comes in two pieces. */
export function bodyStream(body: string): ReadableStream<Uint8Array> {
  const source = new RequestBody();
  void feed(source, Buffer.from(body));
  return source.stream;
}

async function feed(source: RequestBody, octets: Buffer): Promise<void> {
  await source.push(octets.subarray(0, 1));
  if (octets.length > 1) await source.push(octets.subarray(1));
  source.end();
}
