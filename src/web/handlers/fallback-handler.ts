/** A handler that passes requests on to something which is no handler. */
import { pendingResult } from "../../async/coroutine/yieldable.js";
import { ByteQueue } from "../../base/byte-queue.js";
import { InvalidArgumentError } from "../../base/errors.js";
import type { HTTPMessageDelegate, HTTPServerConnectionDelegate } from "../../http/delegates.js";
import type { ExchangeAbortedError } from "../../http/errors.js";
import type { HTTPServerRequest } from "../../http/request.js";
import type { Rule } from "../../http/routing/rule.js";
import { stateOf } from "../handler/handler-state.js";
import { connectionOf } from "../handler/output.js";
import { RequestHandler } from "../handler/request-handler.js";

/**
 * What answers instead: an application or another connection delegate, which gets the body as it comes; or a
 * function of the request (which writes to `request.connection`) or an object with `handle()`, which get it
 * with its whole body.
 */
export type Fallback =
  | ((request: HTTPServerRequest) => unknown)
  | HTTPServerConnectionDelegate
  | { handle(request: HTTPServerRequest): unknown };

function isDelegate(fallback: object): fallback is HTTPServerConnectionDelegate {
  return typeof (fallback as Partial<HTTPServerConnectionDelegate>).startRequest === "function";
}

function checkFallback(fallback: unknown): asserts fallback is Fallback {
  if (typeof fallback === "function") return;
  if (typeof fallback === "object" && fallback !== null) {
    if (isDelegate(fallback) || typeof (fallback as { handle?: unknown }).handle === "function") return;
  }
  throw new InvalidArgumentError(
    "a FallbackHandler needs a fallback: a function of the request, or an application",
  );
}

/**
 * Lets another container answer: `[".*", FallbackHandler, { fallback: container }]`. For routes beside those
 * of handlers; a whole server can be started on the container itself. The fallback writes its own log line,
 * and protects itself from requests of other sites. Override `prepare()` for what has to be checked before,
 * and call it then.
 */
export class FallbackHandler extends RequestHandler {
  static override readonly streamRequestBody: boolean = true;

  /** What answers. */
  fallback: Fallback | undefined;

  /**
   * Checks the route's argument, unless a subclass has an `initialize()` of its own.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if it is not a {@link Fallback}.
   */
  static override checkRoute({ targetKwargs }: Rule): void {
    if (this.prototype.initialize === FallbackHandler.prototype.initialize)
      checkFallback(targetKwargs.fallback);
  }

  override initialize({ fallback }: { readonly fallback?: Fallback }): void {
    checkFallback(fallback);
    this.fallback = fallback;
  }

  /** The fallback's own business: it knows which of its requests change something. */
  override checkXsrfCookie(): void {}

  /** Hands the request over; what comes of its body goes to the fallback. */
  override prepare(): unknown {
    const { request } = this;
    const state = stateOf(this);
    const fallback = this.fallback as Fallback;
    const inner =
      typeof fallback === "object" && isDelegate(fallback)
        ? fallback.startRequest(request.serverConnection, connectionOf(this))
        : new CollectingDelegate(request, (whole) =>
            typeof fallback === "function"
              ? fallback(whole)
              : (fallback as { handle(r: unknown): unknown }).handle(whole),
          );
    // Whatever happens now is the fallback's response.
    state.finished = true;
    state.more.successor = new EndedDelegate(inner, () => this.onFinish());
    const startLine = { method: request.method, path: request.uri, version: request.version };
    return inner.headersReceived(startLine, request.headers);
  }
}

/** Keeps the body until it is whole, then calls a function with the request. */
class CollectingDelegate implements HTTPMessageDelegate {
  readonly #request: HTTPServerRequest;
  readonly #callback: (request: HTTPServerRequest) => unknown;
  readonly #body = new ByteQueue();

  constructor(request: HTTPServerRequest, callback: (request: HTTPServerRequest) => unknown) {
    this.#request = request;
    this.#callback = callback;
  }

  headersReceived(): void {}

  dataReceived(chunk: Buffer): void {
    this.#body.push(chunk);
  }

  finish(): void | Promise<void> {
    this.#request.body = this.#body.takeAll();
    this.#request.parseBody();
    const pending = pendingResult(this.#callback(this.#request));
    if (pending !== undefined) return Promise.resolve(pending).then(() => undefined);
  }

  onConnectionClose(): void {
    this.#body.clear();
  }
}

/** Passes everything on, and reports once that the request was handed over whole or broke off. */
class EndedDelegate implements HTTPMessageDelegate {
  readonly #inner: HTTPMessageDelegate;
  #onEnd: (() => unknown) | undefined;

  constructor(inner: HTTPMessageDelegate, onEnd: () => unknown) {
    this.#inner = inner;
    this.#onEnd = onEnd;
  }

  headersReceived(...head: Parameters<HTTPMessageDelegate["headersReceived"]>): void | Promise<void> {
    return this.#inner.headersReceived(...head);
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    return this.#inner.dataReceived(chunk);
  }

  finish(): void | Promise<void> {
    try {
      return this.#inner.finish();
    } finally {
      this.#end();
    }
  }

  onConnectionClose(): void {
    this.#inner.onConnectionClose();
    this.#end();
  }

  onExchangeAborted(reason: ExchangeAbortedError): void {
    this.#inner.onExchangeAborted?.(reason);
  }

  #end(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    pendingResult(onEnd?.());
  }
}
