/**
 * One exchange without a socket: a request is fed to an application's delegate, and what would have been sent is
 * kept. For tests of routing and handlers; whole servers are tested elsewhere.
 */
import { accessLog } from "squall/log";
import type { Chunk, HTTPMessageDelegate, HTTPServerConnectionDelegate } from "#room/http/delegates";
import { BaseHTTPConnection, type BaseHTTPConnectionOptions } from "#room/http/delegates/base-connection";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import type { RequestStartLine, ResponseStartLine } from "#room/protocol/fields/start-line";

// Tests of the access log raise it again; all others would trip over the line of each 404.
accessLog.setLevel("critical");

/** Records what is written. */
export class FakeConnection extends BaseHTTPConnection {
  readonly chunks: Chunk[] = [];
  startLine: ResponseStartLine | undefined;
  headers: HTTPHeaders = new HTTPHeaders();
  sentTrailers: HTTPHeaders | undefined;
  finishes = 0;
  override closed = false;
  /** Calls in order: "writeHeaders", "write", "finish", "respond", "informational", "close". */
  readonly calls: string[] = [];
  readonly done: Promise<void>;
  #resolve: () => void = () => {};

  constructor(options?: BaseHTTPConnectionOptions) {
    super(options);
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  override get bytesSent(): number {
    return this.chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0);
  }

  override respond(startLine: ResponseStartLine, headers: HTTPHeaders, body?: Chunk): void {
    this.calls.push("respond");
    this.#head(startLine, headers, body);
    this.#end();
  }

  #head(startLine: ResponseStartLine, headers: HTTPHeaders, body: Chunk | undefined): void {
    this.startLine = startLine;
    this.headers = headers.copy();
    if (body !== undefined) this.chunks.push(body);
  }

  #end(): void {
    this.finishes++;
    this.ended();
    this.#resolve();
  }

  override writeHeaders(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
    chunk?: Chunk,
  ): Promise<void> {
    this.calls.push("writeHeaders");
    this.#head(startLine as ResponseStartLine, headers, chunk);
    return Promise.resolve();
  }

  override write(chunk: Chunk): Promise<void> {
    this.calls.push("write");
    this.chunks.push(chunk);
    return Promise.resolve();
  }

  override finish(trailers?: HTTPHeaders): void {
    this.calls.push("finish");
    this.sentTrailers = trailers;
    this.#end();
  }

  override informational(): boolean {
    this.calls.push("informational");
    return true;
  }

  override close(): void {
    this.calls.push("close");
    this.closed = true;
    this.#resolve();
  }

  get status(): number | undefined {
    return this.startLine?.code;
  }

  /** The body as text. */
  get body(): string {
    return Buffer.concat(this.chunks.map((chunk) => Buffer.from(chunk as string))).toString();
  }

  header(name: string): string | undefined {
    return this.headers.get(name);
  }
}

/** What to ask for. */
export interface FakeRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
  readonly version?: string;
}

/** An exchange in progress. */
export interface FakeExchange {
  readonly connection: FakeConnection;
  readonly delegate: HTTPMessageDelegate;
}

/** Feeds the head; the rest is the caller's. */
export function begin(
  app: HTTPServerConnectionDelegate,
  uri: string,
  request: FakeRequest = {},
): FakeExchange & { readonly ready: void | Promise<void> } {
  const connection = new FakeConnection();
  const delegate = app.startRequest({}, connection);
  const headers = new HTTPHeaders({ Host: "example.com", ...request.headers });
  const ready = delegate.headersReceived(
    { method: request.method ?? "GET", path: uri, version: request.version ?? "HTTP/1.1" },
    headers,
  );
  return { connection, delegate, ready };
}

/** Feeds a whole request; a response that comes in the same tick is there when this returns. */
export function send(
  app: HTTPServerConnectionDelegate,
  uri: string,
  request: FakeRequest = {},
): FakeConnection {
  const { connection, delegate } = begin(app, uri, request);
  const pieces = Array.isArray(request.body)
    ? request.body
    : request.body === undefined
      ? []
      : [request.body];
  for (const piece of pieces) delegate.dataReceived(Buffer.from(piece));
  delegate.finish();
  return connection;
}

/** {@link send}, and waits for the end of the response. */
export async function ask(
  app: HTTPServerConnectionDelegate,
  uri: string,
  request: FakeRequest = {},
): Promise<FakeConnection> {
  const connection = send(app, uri, request);
  await connection.done;
  return connection;
}
