/** The handler of requests that no route takes. */
import { HTTPError } from "../errors.js";
import { RequestHandler } from "../handler/request-handler.js";

/** Answers every method with one status: `["/old", ErrorHandler, { statusCode: 410 }]`. */
export class ErrorHandler extends RequestHandler {
  #statusCode = 500;

  override initialize(kwargs: { readonly statusCode?: number }): void {
    this.#statusCode = kwargs.statusCode ?? 500;
    this.setStatus(this.#statusCode);
  }

  /** Nothing is changed here, so there is nothing to protect: POST to a wrong path is 404, not 403. */
  override checkXsrfCookie(): void {}

  override prepare(): void {
    throw new HTTPError(this.#statusCode);
  }
}
