/**
 * Requests whose inside is made when it is asked for.
 *
 * To make a genuine `Request` costs more than the rest of a small exchange on Node 20 and 22 (an
 * `AbortController`, two objects of header fields, a URL), and many applications ask for method and URL
 * alone. These versions keep the inside of a request under symbols. There the application gets a
 * {@link LazyRequest}: it has the prototype of `Request`, and whatever reaches for its inside finds that of
 * a genuine request, which is made then.
 */
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { appendFields, makeGenuine, type RequestParts, withOwn } from "./genuine-request.js";
import { RequestAbort } from "./request-abort.js";

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
    this.#headers = appendFields(new LazyHeaders(), this.#parts.fields);
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

/** See the head of this file. Only where {@link prepareLazyRequests} has returned true. */
export function makeLazy(parts: RequestParts): Request {
  return new LazyRequest(parts) as unknown as Request;
}

/**
 * Gives lazy requests the prototype and the inside of genuine ones. Returns whether they pass for them on
 * this platform. To be called once, before the first one is made.
 */
export function prepareLazyRequests(): boolean {
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
