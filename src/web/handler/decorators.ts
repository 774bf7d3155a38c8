/**
 * Decorators of handlers: who may call a method, which form of its path is the right one, how the body is
 * received.
 *
 * They are decorators of the language (`@authenticated`); without them, each is a function that takes the
 * method, or the class, and gives the other one back: `override get = authenticated(function (this:
 * MyHandler) { … })`.
 */

import { checkDecorated } from "../../base/validate.js";
import { urlConcat } from "../../protocol/fields/url.js";
import { HTTPError } from "../errors.js";
import { stateOf } from "./handler-state.js";
import type { RequestHandler } from "./request-handler.js";

/** A method of a handler. */
export type HandlerMethod<This extends RequestHandler, Args extends unknown[], Result> = (
  this: This,
  ...args: Args
) => Result;

// Where these decorators answer themselves, the method's result is undefined whatever its type says: only
// the framework sees it.

/** True for the methods whose answer to a wrong address is another address. */
function canRedirect(handler: RequestHandler): boolean {
  return handler.request.method === "GET" || handler.request.method === "HEAD";
}

/** Redirects for good to another path of this site, with the query of this request. */
export function redirectToPath(handler: RequestHandler, path: string): void {
  const { query } = handler.request;
  // Two slashes in front would lead to another site.
  const local = path.replace(/^[/\\]{2,}/, "/");
  handler.redirect(query === "" ? local : `${local}?${query}`, { permanent: true });
}

/**
 * The path has a slash at its end: GET and HEAD of one without are redirected (301, the query is kept), other
 * methods get 404. Use it with a route like `"/foo/?"`.
 */
export function addslash<This extends RequestHandler, Args extends unknown[], Result>(
  method: HandlerMethod<This, Args, Result>,
  _context?: ClassMethodDecoratorContext,
): HandlerMethod<This, Args, Result> {
  checkDecorated("addslash", method);
  return function (this: This, ...args: Args) {
    const { path } = this.request;
    if (path.endsWith("/")) return method.apply(this, args);
    if (!canRedirect(this)) throw new HTTPError(404);
    redirectToPath(this, `${path}/`);
    return undefined as Result;
  };
}

/**
 * The path has no slash at its end, but for `/` itself: GET and HEAD of one with slashes are redirected (301,
 * the query is kept), other methods get 404. Use it with a route like `"/foo/*"`.
 */
export function removeslash<This extends RequestHandler, Args extends unknown[], Result>(
  method: HandlerMethod<This, Args, Result>,
  _context?: ClassMethodDecoratorContext,
): HandlerMethod<This, Args, Result> {
  checkDecorated("removeslash", method);
  const decorated = function (this: This, ...args: Args) {
    const { path } = this.request;
    if (!path.endsWith("/")) return method.apply(this, args);
    if (!canRedirect(this)) throw new HTTPError(404);
    const bare = path.replace(/\/+$/, "");
    if (bare === "") return method.apply(this, args);
    redirectToPath(this, bare);
    return undefined as Result;
  };
  withoutSlash.add(decorated);
  return decorated;
}

/** Methods that {@link removeslash} has made. */
const withoutSlash = new WeakSet<object>();

/** True if a method of the class is decorated with {@link removeslash}. */
export function removesSlashes(handlerClass: typeof RequestHandler): boolean {
  for (
    let at: object | null = handlerClass.prototype;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const { value } = Object.getOwnPropertyDescriptor(at, name) as PropertyDescriptor;
      if (typeof value === "function" && withoutSlash.has(value)) return true;
    }
  }
  return false;
}

/**
 * Only for users who are signed in (`this.currentUser` is truthy). Others are sent to `getLoginUrl()` with
 * `next` in its query if the method is GET or HEAD, and get 403 otherwise.
 */
export function authenticated<This extends RequestHandler, Args extends unknown[], Result>(
  method: HandlerMethod<This, Args, Result>,
  _context?: ClassMethodDecoratorContext,
): HandlerMethod<This, Args, Result> {
  checkDecorated("authenticated", method);
  return function (this: This, ...args: Args) {
    if (this.currentUser) return method.apply(this, args);
    if (!canRedirect(this)) throw new HTTPError(403);
    let url = this.getLoginUrl();
    if (!url.includes("?")) {
      const isAbsoluteUrl = /^[a-z][a-z0-9+.-]*:/i.test(url);
      url = urlConcat(url, { next: isAbsoluteUrl ? this.request.fullUrl() : this.request.uri });
    }
    this.redirect(url);
    return undefined as Result;
  };
}

/**
 * The response stays open when the method returns, until `finish()` is called, by a callback for instance, or
 * the client leaves: then `onFinish()` runs, and what a callback writes later goes nowhere.
 * For ports from Tornado 4; a method that awaits what it waits for needs no such thing.
 */
export function asynchronous<This extends RequestHandler, Args extends unknown[], Result>(
  method: HandlerMethod<This, Args, Result>,
  _context?: ClassMethodDecoratorContext,
): HandlerMethod<This, Args, Result> {
  checkDecorated("asynchronous", method);
  return function (this: This, ...args: Args) {
    stateOf(this).autoFinish = false;
    return method.apply(this, args);
  };
}

/**
 * Marks a handler class whose body is not collected: `prepare()` runs when the headers are there,
 * `dataReceived()` gets each piece, and the method of the request runs after the last one. `static override
 * readonly streamRequestBody = true` does the same.
 */
export function streamRequestBody<Handler extends typeof RequestHandler>(
  handlerClass: Handler,
  _context?: ClassDecoratorContext,
): Handler {
  Object.defineProperty(handlerClass, "streamRequestBody", {
    value: true,
    configurable: true,
    enumerable: true,
  });
  return handlerClass;
}
