/** The message delegates behind targets that are no delegates themselves. */
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { HTTPConnection, HTTPMessageDelegate } from "../delegates.js";
import type { HTTPServerRequest } from "../request.js";

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

/** Reads the whole body and calls a function of the request. */
export class CallableDelegate implements HTTPMessageDelegate {
  readonly #callback: (request: HTTPServerRequest) => unknown;
  readonly #request: HTTPServerRequest;
  #chunks: Buffer[] = [];

  constructor(callback: (request: HTTPServerRequest) => unknown, request: HTTPServerRequest) {
    this.#callback = callback;
    this.#request = request;
  }

  headersReceived(): void {}

  dataReceived(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  finish(): void {
    if (this.#chunks.length > 0) this.#request.body = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#callback(this.#request);
  }

  onConnectionClose(): void {
    this.#chunks = [];
  }
}
