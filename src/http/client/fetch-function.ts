/**
 * `fetch()` in the shape that the platform has (Fetch Standard), on squall's client: for libraries that take
 * a function of that shape, at a fraction of the cost of the built-in one.
 */
import { ignore } from "../../async/deferred.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { fetchMethod } from "../fetch-method.js";
import { AsyncHTTPClient } from "./async-client.js";
import type { BodyInput, HTTPRequestOptions } from "./request.js";
import type { HTTPResponse } from "./response.js";
import type { ResponseStream } from "./response-stream.js";

/** A function like the platform's `fetch`. */
export type FetchFunction = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const FORM = "application/x-www-form-urlencoded";
/** How many redirects the standard follows. */
const MAX_REDIRECTS = 20;
/** Statuses whose responses have no body (Fetch Standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/**
 * A `fetch()` that uses this client; default the loop's shared one, when it is called. `options` are those of
 * all its requests.
 *
 * It differs from the platform's: `cache`, `credentials`, `integrity`, `keepalive`, `mode` and `referrer`
 * mean nothing, there are no `data:` and `blob:` URLs, a redirect from https to http needs `allowDowngrade`,
 * and the client's limit of requests in progress counts. As there, the time for a response has no limit
 * unless `options` has a `requestTimeout`.
 *
 * The function rejects with a `TypeError` whose `cause` says why, or with the reason of the signal.
 */
export function createFetch(client?: AsyncHTTPClient, options: HTTPRequestOptions = {}): FetchFunction {
  return async (input, init) => {
    const request = readRequest(input, init);
    let response: HTTPResponse;
    try {
      response = await (client ?? new AsyncHTTPClient()).fetch(request.url, {
        requestTimeout: 0,
        ...options,
        method: request.method,
        headers: request.headers,
        body: request.body,
        signal: request.signal,
        allowNonstandardMethods: true,
        prepareCallback: (hop) => {
          // The client's idea of a POST is Tornado's; the standard names no type that the body does not have.
          if (!request.headers.has("Content-Type") && hop.headers.get("Content-Type") === FORM) {
            hop.headers.delete("Content-Type");
          }
          options.prepareCallback?.(hop);
        },
        followRedirects: request.redirect === "follow",
        maxRedirects: MAX_REDIRECTS,
        streamBody: true,
        raiseError: false,
      });
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw new TypeError("fetch failed", { cause: error });
    }
    const isRedirect = response.code >= 300 && response.code < 400 && response.headers.has("Location");
    if (isRedirect && response.code !== 304 && request.redirect !== "manual") {
      response.stream?.cancel();
      const why = request.redirect === "error" ? "unexpected redirect" : "redirect count exceeded";
      throw new TypeError("fetch failed", { cause: new Error(why) });
    }
    return toResponse(response);
  };
}

/** `fetch()` on the loop's shared client; see {@link createFetch}. */
export const fetch: FetchFunction = createFetch();

/** What is fetched, as the platform's `Request` understands it. */
interface PlatformRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: HTTPHeaders;
  readonly body: BodyInput | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: string;
}

/** A URL and nothing else: what a `Request` would say of it, without the seven microseconds that it costs. */
function readUrl(input: string | URL): PlatformRequest {
  const { href: url } = new URL(input);
  refuseCredentials(url);
  return {
    url,
    method: "GET",
    headers: new HTTPHeaders(),
    body: undefined,
    signal: undefined,
    redirect: "follow",
  };
}

function refuseCredentials(url: string): void {
  if (!url.includes("@")) return;
  const { username, password } = new URL(url);
  if (username !== "" || password !== "") {
    throw new TypeError("a URL for fetch() cannot hold a user name or a password");
  }
}

function readRequest(input: string | URL | Request, init: RequestInit | undefined): PlatformRequest {
  if (init === undefined) return input instanceof Request ? readWhole(input, {}) : readUrl(input);
  return readWhole(input, init);
}

function readWhole(input: string | URL | Request, init: RequestInit): PlatformRequest {
  const { body, ...rest } = init;
  // The body is taken apart here: a Request would make a stream of it, which can be sent once only.
  const given = body ?? undefined;
  const request = new Request(input, rest);
  // Bun's requests take any URL, and have GET in the place of a method that they do not know.
  refuseCredentials(request.url);
  const method = init.method === undefined ? request.method : fetchMethod(init.method);
  if (method === undefined)
    throw new TypeError(`fetch() does not make requests with the method ${init.method}`);
  if (given !== undefined && (method === "GET" || method === "HEAD")) {
    throw new TypeError("Request with GET/HEAD method cannot have body.");
  }
  const headers = new HTTPHeaders();
  for (const [name, value] of request.headers) headers.add(name, value);
  const text = typeof given === "string" ? "text/plain;charset=UTF-8" : undefined;
  if (text !== undefined && !headers.has("Content-Type")) headers.set("Content-Type", text);
  return {
    url: request.url,
    method,
    headers,
    body: (given ?? request.body ?? undefined) as BodyInput | undefined,
    signal: init.signal ?? (input instanceof Request ? input.signal : undefined),
    redirect: request.redirect,
  };
}

function toResponse(response: HTTPResponse): Response {
  const { code, stream } = response;
  if (code > 599) {
    stream?.cancel();
    throw new TypeError("fetch failed", {
      cause: new InvalidArgumentError(`a Response has a status up to 599, got ${code}`),
    });
  }
  const headers = new Headers();
  const fields = response.headers.toRaw();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    headers.append(name === "X-Consumed-Content-Encoding" ? "Content-Encoding" : name, fields[i + 1]!);
  }
  const hasBody = stream !== undefined && !NULL_BODY.has(code);
  if (stream !== undefined && !hasBody) stream.readAll().catch(ignore);
  const made = new Response(hasBody ? toWebStream(stream) : null, {
    status: code,
    statusText: response.reason,
    headers,
  });
  const url = response.effectiveUrl.replace(/#.*$/s, "");
  Object.defineProperty(made, "url", { value: url });
  Object.defineProperty(made, "redirected", { value: response.effectiveUrl !== response.request.url });
  return made;
}

/** A web stream that reads when it is read, so that back-pressure reaches the server. */
function toWebStream(stream: ResponseStream): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await stream.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      },
      cancel(reason) {
        stream.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
