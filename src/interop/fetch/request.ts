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
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RawFields } from "../../protocol/fields/raw-fields.js";
import type { RequestStartLine } from "../../protocol/fields/start-line.js";

/** Scheme and authority of an absolute-form target (RFC 9112 §3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\//i;

/** Methods that Fetch has no requests for. */
const UNKNOWN_TO_FETCH: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

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
 * Makes a clone share the signal: that of a clone by the platform would follow a signal which nobody
 * aborts.
 */
function withSignal(request: Request, abort: RequestAbort): Request {
  return Object.defineProperty(request, "signal", { configurable: true, get: () => abort.signal });
}

/** What a request is made from. */
interface RequestParts {
  readonly url: string;
  readonly method: string;
  /** Name and value in turn. */
  readonly fields: RawFields;
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
  const init: ServedInit = { method, headers: headers ?? makeHeaders(parts.fields) };
  return new Request(url, body === undefined ? init : ({ ...init, body, duplex: "half" } as ServedInit));
}

function makeHeaders(fields: RawFields): Headers {
  const pairs: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!]);
  return new Headers(pairs);
}

/** A request whose genuine twin is made when its inside is asked for; see the head of this file. */
class LazyRequest {
  readonly #parts: RequestParts;
  #headers: Headers | undefined = undefined;
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
    this.#headers ??= this.#genuine?.headers ?? makeHeaders(this.#parts.fields);
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#parts.abort.signal;
  }

  clone(): Request {
    return withSignal(this.genuine().clone(), this.#parts.abort);
  }

  /** @internal */
  genuine(): Request {
    this.#genuine ??= makeGenuine(this.#parts, this.#headers);
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
      fields: ["x-probe", "1"],
      body: undefined,
      abort: new RequestAbort(),
    }) as unknown as Request;
    const copy = new Request(lazy);
    return copy.url === lazy.url && copy.method === "PUT" && copy.headers.get("x-probe") === "1";
  } catch {
    return false;
  }
}

/** Whether Fetch can stand for the request at all: not for CONNECT and TRACE. */
export function isFetchMethod(method: string): boolean {
  return !UNKNOWN_TO_FETCH.has(method.toUpperCase());
}

/** Whether a request of this method may have a body in Fetch. */
export function mayHaveBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

/**
 * Makes the request. `body` is undefined for a request without one.
 * @throws TypeError when the target is no URL.
 */
export function makeRequest(
  connection: HTTPConnection,
  line: RequestStartLine,
  headers: HTTPHeaders,
  body: ReadableStream<Uint8Array> | undefined,
  abort: RequestAbort,
): Request {
  isLazy ??= prepareLazyRequests();
  const parts: RequestParts = {
    url: new URL(targetOf(connection, line, headers)).href,
    method: line.method,
    fields: headers.toRaw(),
    body,
    abort,
  };
  if (isLazy) return new LazyRequest(parts) as unknown as Request;
  const request = withSignal(makeGenuine(parts, undefined), abort);
  const clone = request.clone.bind(request);
  return Object.defineProperty(request, "clone", {
    configurable: true,
    writable: true,
    value: () => withSignal(clone(), abort),
  });
}

function targetOf(connection: HTTPConnection, line: RequestStartLine, headers: HTTPHeaders): string {
  const { path } = line;
  if (ABSOLUTE_FORM.test(path)) return path;
  const host = connection.requestHead?.host || headers.get("Host") || "127.0.0.1";
  return `${connection.peer.protocol}://${host}${path.startsWith("/") ? path : `/${path}`}`;
}
