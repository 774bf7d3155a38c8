/** A handler that sends clients to another address. */
import { InvalidArgumentError } from "../../base/errors.js";
import type { Rule } from "../../http/routing/rule.js";
import { formatUrl } from "../handler/format-url.js";
import { RequestHandler } from "../handler/request-handler.js";

/** Arguments of a {@link RedirectHandler}'s route. */
export interface RedirectHandlerOptions {
  /** Where to; `{0}` and `{name}` stand for the groups of the route. No default: the route has to say. */
  readonly url?: string | undefined;
  /** 301 if true, which is the default, else 302. */
  readonly permanent?: boolean | undefined;
}

function checkUrl(url: unknown): asserts url is string {
  if (typeof url !== "string")
    throw new InvalidArgumentError('a RedirectHandler needs a url: { url: "/new" }');
}

/**
 * Redirects every GET: `["/photos/(.*)", RedirectHandler, { url: "/pictures/{0}" }]`. Arguments of the query
 * go along.
 */
export class RedirectHandler extends RequestHandler {
  #url = "";
  #permanent = true;

  /**
   * Checks the route's arguments, unless a subclass has an `initialize()` of its own.
   * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) if there is no `url`.
   */
  static override checkRoute({ targetKwargs }: Rule): void {
    if (this.prototype.initialize === RedirectHandler.prototype.initialize) checkUrl(targetKwargs.url);
  }

  override initialize({ url, permanent }: RedirectHandlerOptions): void {
    checkUrl(url);
    this.#url = url;
    this.#permanent = permanent ?? true;
  }

  override get(..._groups: unknown[]): void {
    this.redirect(withQuery(formatUrl(this.#url, this.pathArgs, this.pathKwargs), this.request.query), {
      permanent: this.#permanent,
    });
  }
}

/** The URL with a query, as it was sent, added to its own. */
function withQuery(url: string, query: string): string {
  if (query === "") return url;
  const hash = url.indexOf("#");
  const location = hash < 0 ? url : url.slice(0, hash);
  return `${location}${location.includes("?") ? "&" : "?"}${query}${hash < 0 ? "" : url.slice(hash)}`;
}
