/** A handler that passes requests on to something which is no handler. */
import { InvalidArgumentError } from "../../base/errors.js";
import type { HTTPServerRequest } from "../../http/request.js";
import { stateOf } from "../handler/handler-state.js";
import { RequestHandler } from "../handler/request-handler.js";

/**
 * What answers instead: a function of the request (which writes to `request.connection`), or an application.
 */
export type Fallback =
  | ((request: HTTPServerRequest) => unknown)
  | { handle(request: HTTPServerRequest): unknown };

/**
 * Lets another container answer: `[".*", FallbackHandler, { fallback: container }]`. For routes beside those
 * of handlers; a whole server can be started on the container itself. The fallback writes its own log line.
 */
export class FallbackHandler extends RequestHandler {
  /** What answers. */
  fallback: Fallback | undefined;

  override initialize({ fallback }: { readonly fallback?: Fallback }): void {
    if (typeof fallback !== "function" && typeof fallback?.handle !== "function") {
      throw new InvalidArgumentError(
        "a FallbackHandler needs a fallback: a function of the request, or an application",
      );
    }
    this.fallback = fallback;
  }

  override prepare(): unknown {
    const { fallback } = this;
    const state = stateOf(this);
    // Whatever happens now is the fallback's response.
    state.finished = true;
    const pending = typeof fallback === "function" ? fallback(this.request) : fallback?.handle(this.request);
    this.onFinish();
    return pending;
  }
}
