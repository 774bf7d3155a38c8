/**
 * Requests to providers. Endpoints are https, redirects are not followed (a provider's endpoint has no
 * reason for one, and the request holds secrets), and the answer is bounded in size and time.
 */
import type { IOLoop } from "../async/ioloop.js";
import type { WaitOptions } from "../async/wait-options.js";
import { resolveWait } from "../async/wait-options.js";
import { InvalidArgumentError } from "../base/errors.js";
import { AsyncHTTPClient } from "../http/client/async-client.js";
import type { RequestHandler } from "../web/handler/request-handler.js";
import { AuthError } from "./errors.js";

/** What the mixins ask an HTTP client for; `AsyncHTTPClient` has it. */
export interface AuthHttpClient {
  /** Sends a request and resolves with the response, whatever its status. */
  fetch(url: string, options?: AuthFetchOptions): Promise<AuthHttpResponse>;
}

/** Options of {@link AuthHttpClient.fetch}, a part of those of `AsyncHTTPClient`. */
export interface AuthFetchOptions {
  /** GET or POST; default GET. */
  readonly method?: string | undefined;
  /** Header fields; default none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The body, a form; default none. */
  readonly body?: string | undefined;
  /** Gives up with the signal's reason; default none. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole request; the default is the client's. */
  readonly requestTimeout?: number | undefined;
  /** The mixins say false: redirects are not followed. Default the client's. */
  readonly followRedirects?: boolean | undefined;
  /** The mixins say false: a status of 400 or more is a response. Default the client's. */
  readonly raiseError?: boolean | undefined;
}

/** A response, as far as the mixins read it. */
export interface AuthHttpResponse {
  /** The status. */
  readonly code: number;
  /** The whole body, unpacked. */
  readonly body: Buffer;
}

/** Options of everything here that asks a provider. */
export interface AuthWaitOptions {
  /** Gives up with the signal's reason; default the handler's own signal, `null` for none. */
  readonly signal?: WaitOptions["signal"];
  /**
   * The time for each request to the provider, in milliseconds or as a duration; default 20 s, `Infinity`
   * for no limit.
   */
  readonly timeout?: WaitOptions["timeout"];
  /** The client to use; default that of `getAuthHttpClient()`. */
  readonly httpClient?: AuthHttpClient | undefined;
}

/** The longest answer that is read; key sets and profiles are a few kilobytes. */
export const MAX_ANSWER_SIZE: number = 1024 * 1024;

/** The time for one request to a provider. */
const REQUEST_TIMEOUT = 20_000;

const clients = new WeakMap<IOLoop, AsyncHTTPClient>();

/** The client of the loop for sign-ins, which reads no answer longer than {@link MAX_ANSWER_SIZE}. */
export function defaultAuthClient(loop: IOLoop): AuthHttpClient {
  let client = clients.get(loop);
  if (client === undefined) {
    client = new AsyncHTTPClient({ ioLoop: loop, forceInstance: true, maxBodySize: MAX_ANSWER_SIZE });
    clients.set(loop, client);
  }
  return client;
}

/**
 * Returns the URL of an endpoint in its normal form.
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) unless it is an absolute https URL, or, with
 *   `allowHttp`, an http one.
 */
export function checkEndpoint(name: string, url: string, allowHttp: boolean): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "https:" || (allowHttp && parsed?.protocol === "http:")) return parsed;
  throw new InvalidArgumentError(
    `${name} must be an absolute https URL${allowHttp ? " or an http one" : ""}, got ${JSON.stringify(url)}`,
  );
}

/** What a request to a provider is made of. */
export interface ProviderRequest extends AuthWaitOptions {
  /** What the URL is, for messages: "the token endpoint". */
  readonly name: string;
  readonly url: string;
  readonly allowHttp: boolean;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Fields of a form; with them the request is a POST. Default: a GET. */
  readonly form?: Readonly<Record<string, string>> | undefined;
}

/** What a request needs of a handler. */
export type AskingHandler = Pick<RequestHandler, "signal"> & { getAuthHttpClient(): AuthHttpClient };

/**
 * Asks a provider for the handler, whose signal counts unless the options name another.
 * @throws AuthError (`ERR_SQUALL_AUTH_PROVIDER`) if there is no response within the time, or it is too long.
 */
export function askProvider(handler: AskingHandler, request: ProviderRequest): Promise<AuthHttpResponse> {
  const { signal = handler.signal, timeout, httpClient = handler.getAuthHttpClient() } = request;
  return fetchFrom(httpClient, { ...request, signal, timeout });
}

/** As {@link askProvider}, by a client and independent of any handler. */
export async function fetchFrom(
  client: AuthHttpClient,
  request: Omit<ProviderRequest, "httpClient">,
): Promise<AuthHttpResponse> {
  const { name, allowHttp, headers = {}, form } = request;
  const { href } = checkEndpoint(name, request.url, allowHttp);
  const { signal, timeout } = resolveWait({
    signal: request.signal,
    timeout: request.timeout ?? REQUEST_TIMEOUT,
  });
  signal?.throwIfAborted();
  let response: AuthHttpResponse;
  try {
    response = await client.fetch(href, {
      method: form === undefined ? "GET" : "POST",
      headers:
        form === undefined ? headers : { ...headers, "Content-Type": "application/x-www-form-urlencoded" },
      body: form === undefined ? undefined : new URLSearchParams(form).toString(),
      signal,
      // The client reads 0 as "no limit"; here it is a time that has just passed.
      requestTimeout: Math.max(1, timeout),
      followRedirects: false,
      raiseError: false,
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `${name} gave no response`, { cause });
  }
  if (response.body.length > MAX_ANSWER_SIZE) {
    throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `the response of ${name} is too long`);
  }
  return response;
}

/**
 * The JSON in the body of a response.
 * @throws AuthError (`ERR_SQUALL_AUTH_PROVIDER`) if it is invalid.
 */
export function parseJson(name: string, response: AuthHttpResponse): unknown {
  try {
    return JSON.parse(response.body.toString("utf8"));
  } catch {
    // The SyntaxError is not the cause: its text quotes the body, which may hold a token.
    throw new AuthError(
      "ERR_SQUALL_AUTH_PROVIDER",
      `the response of ${name} (status ${response.code}) is not JSON`,
    );
  }
}

/**
 * The JSON object in the body of a response.
 * @throws AuthError (`ERR_SQUALL_AUTH_PROVIDER`) if it is something else.
 */
export function jsonObject(name: string, response: AuthHttpResponse): Record<string, unknown> {
  const value = parseJson(name, response);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `the response of ${name} is not a JSON object`);
}

/** Throws an {@link AuthError} for a status outside 200 to 299. */
export function checkOk(name: string, response: AuthHttpResponse): void {
  if (response.code >= 200 && response.code <= 299) return;
  throw new AuthError("ERR_SQUALL_AUTH_PROVIDER", `${name} answered with status ${response.code}`);
}
