/** A request as Fetch has it, for an application behind a server. */
import type { HTTPConnection } from "../../http/delegates.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import { makeServed, type RequestParts } from "./genuine-request.js";
import { makeLazy, prepareLazyRequests } from "./lazy-request.js";
import type { RequestAbort } from "./request-abort.js";
import { requestUrl } from "./request-url.js";

/** Whether a request of this method of Fetch may have a body. */
export function mayHaveBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** Whether requests can be lazy on this platform; undefined before the probe. */
let isLazy: boolean | undefined;

/**
 * Makes the request. `method` is as `fetchMethod()` gives it; `body` is undefined for a request without
 * one.
 * @throws TypeError if the URL is invalid.
 */
export function makeRequest(
  connection: HTTPConnection,
  method: string,
  target: string,
  headers: HTTPHeaders,
  body: ReadableStream<Uint8Array> | undefined,
  abort: RequestAbort,
): Request {
  isLazy ??= prepareLazyRequests();
  const parts: RequestParts = {
    url: requestUrl(connection, target, headers),
    method,
    fields: headers,
    body,
    abort,
  };
  return isLazy ? makeLazy(parts) : makeServed(parts);
}
