/**
 * A request as Fetch has it, for an application behind a server.
 *
 * Code of others passes it to `new Request()` and `fetch()`, which look behind the methods, so a genuine
 * `Request` has to be there for them. But to make one costs more than the rest of a small exchange (an
 * `AbortController`, two objects of header fields, a URL), and many applications ask for method and URL
 * alone. Node up to version 22 keeps the inside of a request under symbols. There the application gets a
 * {@link LazyRequest}: it has the prototype of `Request`, and whoever reaches for its inside finds that of
 * a genuine request, which is made then. A probe at the first use shows whether this holds; elsewhere every
 * request is made at once.
 */
import type { HTTPConnection } from "../../http/delegates.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { requestUrl } from "./request-url.js";

/** The signal of a request and of its clones. */
export class RequestAbort {
  #controller: AbortController | undefined = undefined;
  #reason: unknown = undefined;
  #aborted = false;

  /** Aborted when the client leaves before the response is complete. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Whether the client has left, or has ended its side. */
  get isAborted(): boolean {
    return this.#aborted;
  }

  /** The client has left. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/**
 * Makes a request share signal and method. A clone by the platform would follow a signal which nobody aborts;
 * and Bun 1.4 has GET in the place of a method that it does not know, which must not pass for one.
 */
function withOwn(request: Request, { abort, method }: Pick<RequestParts, "abort" | "method">): Request {
  if (request.method !== method)
    Object.defineProperty(request, "method", { configurable: true, value: method });
  return Object.defineProperty(request, "signal", { configurable: true, get: () => abort.signal });
}

/** What a request is made from. */
export interface RequestParts {
  readonly url: string;
  readonly method: string;
  readonly fields: HTTPHeaders;
  readonly body: ReadableStream<Uint8Array> | undefined;
  readonly abort: RequestAbort;
}

/**
 * What an `init` holds beside what TypeScript knows: a request whose body is a stream says that it is
 * half-duplex.
 */
interface ServedInit extends RequestInit {
  readonly duplex?: "half";
}

function makeGenuine(parts: RequestParts, headers: Headers | undefined): Request {
  const { url, method, body } = parts;
  const init: ServedInit = { method, headers: headers ?? makeHeaders(parts.fields, new Headers()) };
  return new Request(url, body === undefined ? init : ({ ...init, body, duplex: "half" } as ServedInit));
}

function makeHeaders<T extends Headers>(fields: HTTPHeaders, made: T): T {
  const raw = fields.toRaw();
  for (let i = 0; i < raw.length; i += 2) made.append(raw[i]!, raw[i + 1]!);
  return made;
}

/**
 * The fields of a lazy request. A genuine request copies those that it is made with; what is changed later is
 * changed in both.
 */
interface LazyRequestHeaders extends Headers {
  /** `twin` has the fields of the genuine request that was made of these. */
  follow(twin: Headers): void;
}

/** Made at the first use, because to touch `Headers` loads all of Fetch. */
function makeLazyHeadersClass(): new () => LazyRequestHeaders {
  class FollowedHeaders extends Headers {
    #twin: Headers | undefined = undefined;

    follow(twin: Headers): void {
      this.#twin = twin;
    }

    static {
      Object.defineProperty(this.prototype, "constructor", {
        configurable: true,
        writable: true,
        value: Headers,
      });
      for (const name of ["append", "set", "delete"] as const) {
        const change = Headers.prototype[name] as (this: Headers, ...values: unknown[]) => void;
        Object.defineProperty(this.prototype, name, {
          configurable: true,
          writable: true,
          value(this: FollowedHeaders, ...values: unknown[]): void {
            change.apply(this, values);
            if (this.#twin !== undefined) change.apply(this.#twin, values);
          },
        });
      }
    }
  }
  return FollowedHeaders;
}

let LazyHeaders: (new () => LazyRequestHeaders) | undefined;

/** A request whose genuine twin is made when its inside is asked for; see the head of this file. */
class LazyRequest {
  readonly #parts: RequestParts;
  #headers: LazyRequestHeaders | undefined = undefined;
  #genuine: Request | undefined = undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  get url(): string {
    return this.#parts.url;
  }

  get method(): string {
    return this.#parts.method;
  }

  get headers(): Headers {
    if (this.#headers !== undefined) return this.#headers;
    if (this.#genuine !== undefined) return this.#genuine.headers;
    LazyHeaders ??= makeLazyHeadersClass();
    this.#headers = makeHeaders(this.#parts.fields, new LazyHeaders());
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#parts.abort.signal;
  }

  clone(): Request {
    return withOwn(this.genuine().clone(), this.#parts);
  }

  /** @internal */
  genuine(): Request {
    if (this.#genuine !== undefined) return this.#genuine;
    this.#genuine = makeGenuine(this.#parts, this.#headers);
    this.#headers?.follow(this.#genuine.headers);
    return this.#genuine;
  }
}

/** Whether requests can be lazy on this platform; undefined before the probe. */
let isLazy: boolean | undefined;

/** Gives lazy requests the prototype and the inside of genuine ones; says whether they pass for them. */
function prepareLazyRequests(): boolean {
  const probe = new Request("http://localhost/");
  const symbols = Object.getOwnPropertySymbols(probe);
  if (symbols.length === 0) return false;
  Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);
  for (const symbol of symbols) {
    Object.defineProperty(LazyRequest.prototype, symbol, {
      configurable: true,
      get(this: LazyRequest): unknown {
        return (this.genuine() as unknown as Record<symbol, unknown>)[symbol];
      },
    });
  }
  try {
    const lazy = new LazyRequest({
      url: "http://localhost/probe",
      method: "PUT",
      fields: new HTTPHeaders({ "X-Probe": "1" }),
      body: undefined,
      abort: new RequestAbort(),
    }) as unknown as Request;
    const copy = new Request(lazy);
    return copy.url === lazy.url && copy.method === "PUT" && copy.headers.get("x-probe") === "1";
  } catch {
    return false;
  }
}

/** Whether a request of this method of Fetch may have a body. */
export function mayHaveBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

/**
 * Makes the request. `method` is as {@link fetchMethod} gives it; `body` is undefined for a request without
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
  return isLazy ? (new LazyRequest(parts) as unknown as Request) : plainRequest(parts);
}

/** A genuine request, which a platform gets whose requests cannot be lazy. */
export function plainRequest(parts: RequestParts): Request {
  const request = withOwn(makeGenuine(parts, undefined), parts);
  const clone = request.clone.bind(request);
  return Object.defineProperty(request, "clone", {
    configurable: true,
    writable: true,
    value: () => withOwn(clone(), parts),
  });
}
