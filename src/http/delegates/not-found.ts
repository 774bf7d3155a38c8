/** The answer to requests that no rule takes. */

import type { HTTPConnection, HTTPMessageDelegate } from "../delegates.js";
import { sendBareStatus } from "./bare-response.js";

/** Answers 404 without a body, once the request is whole. */
export class NotFoundDelegate implements HTTPMessageDelegate {
  readonly #connection: HTTPConnection;

  constructor(connection: HTTPConnection) {
    this.#connection = connection;
  }

  headersReceived(): void {}

  dataReceived(): void {}

  finish(): void {
    sendBareStatus(this.#connection, 404);
  }

  onConnectionClose(): void {}
}
