/**
 * Genuine requests: `Request` objects of the platform, made from what came.
 *
 * Everything that looks behind the methods of a request, as `new Request(request)` and `fetch(request)` do,
 * finds a genuine one there. Its signal alone is ours, and the name of its method.
 */
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestAbort } from "./request-abort.js";

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

/**
 * Makes a clone share signal and method. A clone by the platform would follow a signal that is never aborted;
 * and Bun 1.4 has GET in the place of a method that it does not know, which must not pass for one.
 */
export function withOwn(request: Request, { abort, method }: RequestParts): Request {
  if (request.method !== method)
    Object.defineProperty(request, "method", { configurable: true, value: method });
  return Object.defineProperty(request, "signal", { configurable: true, get: () => abort.signal });
}

/** What the constructor gets beside the URL; a GET without fields of its own needs nothing. */
function initOf({ method, body }: RequestParts, headers?: Headers): ServedInit | undefined {
  if (body !== undefined) return { method, body, duplex: "half", ...(headers && { headers }) } as ServedInit;
  if (headers !== undefined) return { method, headers };
  return method === "GET" ? undefined : { method };
}

/** Makes a request of the platform's class with these header fields, which are copied. */
export function makeGenuine(parts: RequestParts, headers: Headers | undefined): Request {
  const request = new Request(parts.url, initOf(parts, headers));
  if (headers === undefined) appendFields(request.headers, parts.fields);
  return request;
}

/** Adds fields as they came, those that repeat one by one. Returns `made`. */
export function appendFields<T extends Headers>(made: T, fields: HTTPHeaders): T {
  const raw = fields.toRaw();
  for (let i = 0; i < raw.length; i += 2) made.append(raw[i]!, raw[i + 1]!);
  return made;
}

/** Made at the first use, because to touch `Request` loads all of Fetch. */
function makeServedClass(): new (parts: RequestParts) => Request {
  class ServedRequest extends Request {
    readonly #parts: RequestParts;

    constructor(parts: RequestParts) {
      super(parts.url, initOf(parts));
      this.#parts = parts;
      // Cheaper than fields that are handed over: those are read into a list, checked, and copied from there.
      appendFields(this.headers, parts.fields);
    }

    static {
      const clone = Request.prototype.clone as (this: Request) => Request;
      const hidden = { configurable: true, writable: true };
      Object.defineProperties(this.prototype, {
        constructor: { ...hidden, value: Request },
        signal: {
          configurable: true,
          get(this: ServedRequest): AbortSignal {
            return this.#parts.abort.signal;
          },
        },
        method: {
          configurable: true,
          get(this: ServedRequest): string {
            return this.#parts.method;
          },
        },
        clone: {
          ...hidden,
          value(this: ServedRequest): Request {
            return withOwn(clone.call(this), this.#parts);
          },
        },
      });
    }
  }
  return ServedRequest;
}

let ServedRequest: (new (parts: RequestParts) => Request) | undefined;

/** A genuine request whose signal and method, and those of its clones, are the exchange's. */
export function makeServed(parts: RequestParts): Request {
  ServedRequest ??= makeServedClass();
  return new ServedRequest(parts);
}
