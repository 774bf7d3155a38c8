/** A plain function as an application: it gets each request once its body is whole. */
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { ByteQueue } from "../../base/byte-queue.js";
import { StreamClosedError } from "../../net/stream/stream-errors.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../delegates.js";
import { ExchangeAbortedError } from "../errors.js";
import { HTTPServerRequest } from "../request.js";

/**
 * Answers a request by writing to `request.connection`; may be asynchronous, also a generator. What it throws
 * is logged and, if nothing was answered yet, answered with 500.
 */
export type RequestCallback = (request: HTTPServerRequest) => unknown;

/** Collects one request and hands it to a function. */
export class CallableDelegate implements HTTPMessageDelegate {
  readonly #callback: RequestCallback;
  readonly #serverConnection: unknown;
  readonly #connection: HTTPConnection;
  #request: HTTPServerRequest | undefined = undefined;
  /** The body so far; a queue, because it gathers what comes in drops. */
  readonly #body = new ByteQueue();

  constructor(callback: RequestCallback, serverConnection: unknown, connection: HTTPConnection) {
    this.#callback = callback;
    this.#serverConnection = serverConnection;
    this.#connection = connection;
  }

  headersReceived(startLine: RequestStartLine | ResponseStartLine, headers: HTTPHeaders): void {
    this.#request = new HTTPServerRequest({
      startLine: startLine as RequestStartLine,
      headers,
      connection: this.#connection,
      serverConnection: this.#serverConnection,
    });
  }

  dataReceived(chunk: Buffer): void {
    this.#body.push(chunk);
  }

  /** Throws, or rejects with, the error of the function. */
  finish(): void | Promise<void> {
    const request = this.#request!;
    request.body = this.#body.takeAll();
    request.parseBody();
    const pending = pendingResult(this.#callback(request));
    return pending === undefined ? undefined : this.#watch(pending);
  }

  async #watch(pending: PromiseLike<unknown>): Promise<void> {
    try {
      await pending;
    } catch (error) {
      // Who writes to a client that has left did nothing wrong.
      const isGone = error instanceof StreamClosedError && this.#connection.closed;
      if (!isGone && !(error instanceof ExchangeAbortedError)) throw error;
    }
  }

  onConnectionClose(): void {
    this.#body.clear();
  }
}
