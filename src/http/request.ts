/**
 * One request as handlers see it. Path, query, host, arguments and cookies are parsed when they are first
 * read, because most handlers read few of them.
 */
import { IOLoop } from "../async/ioloop.js";
import { asBuffer } from "../base/bytes.js";
import { InvalidArgumentError } from "../base/errors.js";
import { type ParseBodyConfig, parseBodyArguments } from "../protocol/body/arguments.js";
import { type ArgumentMap, emptyArguments, parseUrlencoded } from "../protocol/body/form.js";
import type { FileMap } from "../protocol/body/multipart.js";
import { parseRequestCookies } from "../protocol/fields/cookie.js";
import { HTTPInputError } from "../protocol/fields/errors.js";
import { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RequestStartLine } from "../protocol/fields/start-line.js";
import { splitHostAndPort } from "../protocol/fields/url.js";
import { isHostAndPort } from "../protocol/http1/authority.js";
import type { HTTPConnection } from "./delegates.js";
import { ownText, type PackedHead, packHead } from "./packed-head.js";
import { type PeerContext, UNKNOWN_PEER } from "./peer.js";

/** What a request is made from; either `startLine` or `method` and `uri` are needed. */
export interface HTTPServerRequestOptions {
  /** Method, target and version together; default made of the three below. */
  readonly startLine?: RequestStartLine | undefined;
  /** The verb; no default: needed without `startLine`. */
  readonly method?: string | undefined;
  /** The request target, path and query; no default: needed without `startLine`. */
  readonly uri?: string | undefined;
  /** Default "HTTP/1.0", as in Tornado. */
  readonly version?: string | undefined;
  /** The header fields; default none, which HTTP/1.1 does not allow (`Host`). */
  readonly headers?: HTTPHeaders | undefined;
  /** Default empty. */
  readonly body?: Uint8Array | undefined;
  /** Default the authority of the target or the Host field; "127.0.0.1" for HTTP/1.0 without one. */
  readonly host?: string | undefined;
  /** Files that are parsed already; default none. */
  readonly files?: FileMap | undefined;
  /**
   * The writing side; its `peer` gives address and protocol. Default none: such a request cannot be answered.
   */
  readonly connection?: HTTPConnection | undefined;
  /** The connection that serves many requests; default none. */
  readonly serverConnection?: unknown;
}

const EMPTY: Buffer = Buffer.alloc(0);
// Not times: the response is not done yet; or it is done, and its time was not read since.
const RUNNING = -1;
const FINISHED = -2;
/** Scheme and authority of an absolute-form target (RFC 9112 §3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)/i;

/** The JSON body of a request could not be used (`ERR_SQUALL_HTTP_BAD_JSON`, status 400). */
export class BadJSONError extends HTTPInputError {
  static {
    this.prototype.name = "BadJSONError";
  }

  constructor(message: string, cause?: unknown) {
    super(message, { code: "ERR_SQUALL_HTTP_BAD_JSON", cause });
  }
}

/** The loop and the beginning of a request that was made by hand. */
interface RequestOrigin {
  readonly ioLoop: IOLoop;
  readonly startTime: number;
}

/** What is made of a request when it is first asked for; many requests are answered without any of it. */
class RequestViews {
  /** What a connection would say; for requests that were made by hand. */
  origin: RequestOrigin | undefined = undefined;
  host: string | undefined = undefined;
  queryArguments: ArgumentMap | undefined = undefined;
  bodyArguments: ArgumentMap | undefined = undefined;
  arguments: ArgumentMap | undefined = undefined;
  files: FileMap | undefined = undefined;
  cookies: Record<string, string> | undefined = undefined;
}

/**
 * A request. `method`, `uri`, `version`, `headers` and `body` are as the client sent them.
 * @throws HTTPInputError when the Host field is missing (HTTP/1.1), doubled or not a host (RFC 9112 §3.2).
 */
export class HTTPServerRequest {
  /** The writing side of this exchange; undefined for requests made by hand. */
  readonly connection: HTTPConnection | undefined;
  /** The server's connection, the same object for all requests on it. */
  readonly serverConnection: unknown;
  /** The body; empty if there is none, or while a streaming handler receives it. */
  body: Buffer;

  /** With the start line in it, when the head is packed and the fields have not been asked for since. */
  #headers: HTTPHeaders | PackedHead;
  #startLine: RequestStartLine;
  #path: string | undefined = undefined;
  #views: RequestViews | undefined = undefined;
  #finishedAt = RUNNING;

  constructor(options: HTTPServerRequestOptions) {
    const { startLine, connection } = options;
    this.#startLine = startLine ?? startLineOf(options);
    this.#headers = options.headers ?? new HTTPHeaders();
    this.connection = connection;
    this.serverConnection = options.serverConnection;
    const { body } = options;
    this.body = body === undefined ? EMPTY : asBuffer(body);
    if (options.files !== undefined) this.#view.files = options.files;
    // The receiver has refused bad Host fields; requests made by hand are checked here.
    if (options.host !== undefined) this.#view.host = options.host;
    else if (connection?.requestHead === undefined) this.#view.host = this.#checkedHost();
    if (connection?.startTime === undefined) {
      const ioLoop = connection?.ioLoop ?? IOLoop.current();
      this.#view.origin = { ioLoop, startTime: ioLoop.time() };
    }
  }

  /** The header fields in the order in which they came; names in any spelling find them. */
  get headers(): HTTPHeaders {
    if (!(this.#headers instanceof HTTPHeaders)) this.#headers = HTTPHeaders.fromRaw(this.#headers.fields);
    return this.#headers;
  }

  /**
   * @internal Puts the head of the request, which lives on behind an upgrade, into as little memory as it
   * needs, instead of views of what was received, one for each name and value.
   */
  pack(): void {
    const authority = this.#authority();
    if (authority !== undefined) this.#view.host = ownText(authority);
    const packed = packHead(this.#startLine, this.headers.toRaw());
    this.#startLine = packed.startLine;
    this.#headers = packed;
  }

  /** The verb, as sent; case matters. */
  get method(): string {
    return this.#startLine.method;
  }

  /** The request target as sent. */
  get uri(): string {
    return this.#startLine.path;
  }

  /** "HTTP/1.0" or "HTTP/1.1". */
  get version(): string {
    return this.#startLine.version;
  }

  /**
   * The loop of the request: deadlines, dates and signatures use its clock. Of a request made by hand the
   * current one.
   */
  get ioLoop(): IOLoop {
    return this.#views?.origin?.ioLoop ?? this.connection!.ioLoop;
  }

  /** The part of the target before the question mark, still percent-encoded; without scheme and authority. */
  get path(): string {
    this.#path ??= pathOf(this.uri);
    return this.#path;
  }

  /** The part of the target after the question mark; empty if there is none. */
  get query(): string {
    const { uri } = this;
    const mark = uri.indexOf("?", pathStart(uri));
    return mark < 0 ? "" : uri.slice(mark + 1);
  }

  /**
   * The client's address; behind a proxy, with `xheaders`, the one that the proxy reports. Empty for requests
   * made by hand.
   */
  get remoteIp(): string {
    return this.#peer.remoteIp;
  }

  /** "http" or "https", as the client saw it. */
  get protocol(): string {
    return this.#peer.protocol;
  }

  /** The host that the client asked for, with its port: the target's authority, else the Host field. */
  get host(): string {
    const view = this.#view;
    view.host ??= this.#authority() ?? this.headers.get("Host") ?? "127.0.0.1";
    return view.host;
  }

  /** {@link HTTPServerRequest.host} in lower case and without port. */
  get hostName(): string {
    return splitHostAndPort(this.host.toLowerCase())[0];
  }

  /**
   * Query arguments, then body arguments, as bytes; blank values are kept.
   * @throws HTTPInputError when the query has more arguments than the limit.
   */
  get arguments(): ArgumentMap {
    const view = this.#view;
    view.arguments ??= merged(this.queryArguments, this.bodyArguments);
    return view.arguments;
  }

  /** Arguments of the query alone. */
  get queryArguments(): ArgumentMap {
    const view = this.#view;
    view.queryArguments ??= parseUrlencoded(this.query);
    return view.queryArguments;
  }

  /** Arguments of a form body alone; empty until {@link HTTPServerRequest.parseBody} has run. */
  get bodyArguments(): ArgumentMap {
    const view = this.#view;
    view.bodyArguments ??= emptyArguments();
    return view.bodyArguments;
  }

  /**
   * Uploaded files by the name of their form field; empty until {@link HTTPServerRequest.parseBody} has run.
   */
  get files(): FileMap {
    const view = this.#view;
    view.files ??= Object.create(null) as FileMap;
    return view.files;
  }

  /** Cookies by name, as the client sent them; of several with one name the last wins. */
  get cookies(): Record<string, string> {
    const view = this.#view;
    // Proxies that speak HTTP/2 with the client may pass its cookies on in several lines (RFC 9113 §8.2.3).
    view.cookies ??= parseRequestCookies(this.headers.getList("Cookie").join("; "));
    return view.cookies;
  }

  /** Fields after a chunked body that may be kept (RFC 9110 §6.5), once the body is whole; else undefined. */
  get trailers(): HTTPHeaders | undefined {
    const raw = this.connection?.trailers;
    return raw === undefined ? undefined : HTTPHeaders.fromRaw(raw);
  }

  /**
   * Parses a form body into {@link HTTPServerRequest.bodyArguments} and {@link HTTPServerRequest.files}.
   * Handlers need not call it. Bodies of other types are left alone.
   * @throws HTTPInputError for a malformed form or one over a limit.
   */
  parseBody(config?: ParseBodyConfig): void {
    const contentType = this.headers.get("Content-Type");
    if (contentType === undefined) return;
    this.#view.arguments = undefined;
    parseBodyArguments(contentType, this.body, this.bodyArguments, this.files, {
      headers: this.headers,
      config,
    });
  }

  /**
   * The body as JSON (RFC 8259): UTF-8, whatever Content-Type says. The body limit bounds its size.
   * @throws BadJSONError (status 400) when the body is empty, not UTF-8 or not JSON.
   */
  json(): unknown {
    if (this.body.length === 0) throw new BadJSONError("the request has no body; JSON was expected");
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(this.body);
    } catch (error) {
      throw new BadJSONError("the body is not UTF-8; JSON must be (RFC 8259 §8.1)", error);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new BadJSONError("the body is not JSON", error);
    }
  }

  /** The whole URL that the client asked for. */
  fullUrl(): string {
    return ABSOLUTE_FORM.test(this.uri) ? this.uri : `${this.protocol}://${this.host}${this.uri}`;
  }

  /** When the request's head arrived, in the loop's monotonic milliseconds. */
  get startTime(): number {
    return this.#views?.origin?.startTime ?? this.connection!.startTime!;
  }

  /**
   * Milliseconds since the request's head arrived; after the response is done, what it took in all. The clock
   * is read by this call, so that requests without timing cost nothing: the time stops at the first call
   * after the end.
   */
  requestTime(): number {
    if (this.#finishedAt === RUNNING) return this.ioLoop.time() - this.startTime;
    if (this.#finishedAt === FINISHED) this.#finishedAt = this.ioLoop.time();
    return this.#finishedAt - this.startTime;
  }

  /**
   * The response is done: the next {@link HTTPServerRequest.requestTime} is the last word. The framework
   * calls it.
   */
  markFinished(): void {
    if (this.#finishedAt === RUNNING) this.#finishedAt = FINISHED;
  }

  /**
   * The client's TLS certificate, or undefined without one: an object as `tls.TLSSocket.getPeerCertificate()`
   * gives it, or with `binaryForm` its DER bytes.
   */
  getSslCertificate(options: { readonly binaryForm: true }): Buffer | undefined;
  getSslCertificate(options?: { readonly binaryForm?: boolean | undefined }): object | undefined;
  getSslCertificate(options?: { readonly binaryForm?: boolean | undefined }): object | undefined {
    const certificate = this.#peer.certificate?.();
    if (certificate === undefined) return undefined;
    return options?.binaryForm === true ? certificate.raw : certificate;
  }

  toString(): string {
    const fields: [string, string][] = [
      ["protocol", this.protocol],
      ["host", this.host],
      ["method", this.method],
      ["uri", this.uri],
      ["version", this.version],
      ["remoteIp", this.remoteIp],
    ];
    return `HTTPServerRequest(${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")})`;
  }

  get #view(): RequestViews {
    this.#views ??= new RequestViews();
    return this.#views;
  }

  get #peer(): PeerContext {
    return this.connection?.peer ?? UNKNOWN_PEER;
  }

  /** The authority of an absolute-form target, which wins over the Host field (RFC 9112 §3.2.2). */
  #authority(): string | undefined {
    return this.uri.charCodeAt(0) === 0x2f ? undefined : (ABSOLUTE_FORM.exec(this.uri)?.[1] ?? undefined);
  }

  #checkedHost(): string {
    const hosts = this.headers.getList("Host");
    if (hosts.length > 1)
      throw new HTTPInputError("Multiple Host headers; a request has one (RFC 9112 §3.2)");
    const host = hosts[0];
    if (host === undefined) {
      if (this.version === "HTTP/1.0") return this.#authority() ?? "127.0.0.1";
      throw new HTTPInputError("Missing Host header; HTTP/1.1 requires it (RFC 9112 §3.2)");
    }
    if (!isHostAndPort(host)) throw new HTTPInputError(`Invalid Host header: ${JSON.stringify(host)}`);
    return this.#authority() ?? host;
  }
}

/** Where scheme and authority of a target end, if it has them. */
function pathStart(uri: string): number {
  return uri.charCodeAt(0) === 0x2f /* / */ ? 0 : (ABSOLUTE_FORM.exec(uri)?.[0].length ?? 0);
}

function pathOf(uri: string): string {
  const start = pathStart(uri);
  const mark = uri.indexOf("?", start);
  const path = uri.slice(start, mark < 0 ? undefined : mark);
  // An absolute target with an empty path means the root (RFC 9110 §4.2.3).
  return path === "" && start > 0 ? "/" : path;
}

function startLineOf({ method, uri, version }: HTTPServerRequestOptions): RequestStartLine {
  if (method === undefined || uri === undefined) {
    throw new InvalidArgumentError("HTTPServerRequest needs startLine, or method and uri");
  }
  return { method, path: uri, version: version ?? "HTTP/1.0" };
}

function merged(first: ArgumentMap, second: ArgumentMap): ArgumentMap {
  const all = emptyArguments();
  for (const name of Object.keys(first)) all[name] = [...first[name]!];
  for (const name of Object.keys(second)) {
    const there = all[name];
    if (there === undefined) all[name] = [...second[name]!];
    else there.push(...second[name]!);
  }
  return all;
}
