/** `squall/httpclient`: fetching from other servers. */
export { AsyncHTTPClient, type FetchOptions, SimpleAsyncHTTPClient } from "./http/client/async-client.js";
export { HTTPClient, type HTTPClientOptions } from "./http/client/blocking/http-client.js";
export type { CookieJar } from "./http/client/cookies.js";
export {
  type FetchPhase,
  HTTPConnectError,
  HTTPError,
  HTTPQueueFullError,
  HTTPRedirectError,
  HTTPStreamClosedError,
  HTTPTimeoutError,
} from "./http/client/errors.js";
export { type EventSourceOptions, eventSource, type ReceivedEvent } from "./http/client/event-source.js";
export { createFetch, type FetchFunction, fetch } from "./http/client/fetch-function.js";
export { type FetchMainOptions, main } from "./http/client/main.js";
export {
  type AuthMode,
  type BodyInput,
  type BodyProducer,
  HTTPRequest,
  type HTTPRequestOptions,
  type Redirect,
} from "./http/client/request.js";
export {
  HTTPClientError,
  type HTTPClientErrorOptions,
  HTTPResponse,
  type HTTPResponseInit,
  type TimeInfo,
} from "./http/client/response.js";
export { ResponseStream } from "./http/client/response-stream.js";
export type { RetryPolicy } from "./http/client/retry.js";
export type { AsyncHTTPClientOptions } from "./http/client/settings.js";
export {
  UndiciAsyncHTTPClient,
  type UndiciClientOptions,
  type UndiciDispatcher,
  UndiciMissingError,
} from "./http/client/undici-client.js";
