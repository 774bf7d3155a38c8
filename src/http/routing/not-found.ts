/** The answer to requests that no rule takes. */
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../delegates.js";

/** Answers 404 without a body, once the request is whole. */
export class NotFoundDelegate implements HTTPMessageDelegate {
  readonly #connection: HTTPConnection;

  constructor(connection: HTTPConnection) {
    this.#connection = connection;
  }

  headersReceived(): void {}

  dataReceived(): void {}

  finish(): void {
    const headers = new HTTPHeaders();
    headers.setTrusted("Content-Length", "0");
    const startLine = { version: "HTTP/1.1", code: 404, reason: "Not Found" };
    if (this.#connection.respond !== undefined) {
      this.#connection.respond(startLine, headers, undefined);
      return;
    }
    this.#connection.writeHeaders(startLine, headers).catch(() => {});
    this.#connection.finish();
  }

  onConnectionClose(): void {}
}
