/**
 * Routers find who answers a request. A router is an `HTTPServerConnectionDelegate`, so a server can be
 * started on it directly, and a rule of another router can lead to it.
 */
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { RequestStartLine, ResponseStartLine } from "../../protocol/fields/start-line.js";
import { NotFoundDelegate } from "../delegates/not-found.js";
import type { HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate } from "../delegates.js";
import type { ExchangeAbortedError } from "../errors.js";
import { HTTPServerRequest, type HTTPServerRequestOptions } from "../request.js";
import type { MatchResult } from "./matchers.js";

/** What a router hands to the target of a rule. */
export interface TargetParams extends MatchResult {
  /** What the rule gives its target: for a handler class the arguments of `initialize`. */
  readonly targetKwargs?: Readonly<Record<string, unknown>> | undefined;
}

/** The base class of routers: override {@link Router.findHandler}. */
export abstract class Router implements HTTPServerConnectionDelegate {
  /**
   * Returns who takes the request's body and answers it, or `undefined` if this router does not know the
   * request. Called when the head is there and before the body. An error thrown here is answered with 500.
   */
  abstract findHandler(request: HTTPServerRequest, params?: TargetParams): HTTPMessageDelegate | undefined;

  /** Called by the server for each request. A request that no rule takes gets a 404 without a body. */
  startRequest(serverConnection: unknown, requestConnection: HTTPConnection): HTTPMessageDelegate {
    return new RoutingDelegate(this, serverConnection, requestConnection);
  }
}

/** A router that builds paths from names. */
export abstract class ReversibleRouter extends Router {
  static {
    // A router is reversible by what it can do: some inherit from another class than this.
    Object.defineProperty(this, Symbol.hasInstance, {
      value: (value: unknown): boolean =>
        value instanceof Router && typeof (value as Partial<ReversibleRouter>).reverseUrl === "function",
    });
  }

  /** The path of the route `name` with these arguments, or `undefined` if there is no such route. */
  abstract reverseUrl(name: string, ...args: readonly unknown[]): string | undefined;
}

/**
 * Waits for the head, asks the router, and passes everything on to the delegate that it named. It is itself
 * what the request is made from, which saves an object for each.
 */
class RoutingDelegate implements HTTPMessageDelegate, HTTPServerRequestOptions {
  readonly connection: HTTPConnection;
  readonly serverConnection: unknown;
  startLine: RequestStartLine | undefined = undefined;
  headers: HTTPHeaders | undefined = undefined;
  readonly #router: Router;
  #delegate: HTTPMessageDelegate | undefined = undefined;

  constructor(router: Router, serverConnection: unknown, connection: HTTPConnection) {
    this.#router = router;
    this.serverConnection = serverConnection;
    this.connection = connection;
  }

  headersReceived(
    startLine: RequestStartLine | ResponseStartLine,
    headers: HTTPHeaders,
  ): void | Promise<void> {
    this.startLine = startLine as RequestStartLine;
    this.headers = headers;
    const request = new HTTPServerRequest(this);
    const delegate = this.#router.findHandler(request) ?? new NotFoundDelegate(this.connection);
    this.#delegate = delegate;
    return delegate.headersReceived(startLine, headers);
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    return this.#delegate?.dataReceived(chunk);
  }

  finish(): void {
    this.#delegate?.finish();
  }

  onConnectionClose(): void {
    this.#delegate?.onConnectionClose();
  }

  onExchangeAborted(reason: ExchangeAbortedError): void {
    this.#delegate?.onExchangeAborted?.(reason);
  }
}
