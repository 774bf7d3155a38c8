/**
 * A response that says nothing but its status: a router's 404, a bare 500, the answer to a malformed request.
 */
import type { IOLoop } from "../../async/ioloop.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { ResponseStartLine } from "../../protocol/fields/start-line.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import type { HTTPConnection } from "../delegates.js";
import { defaultFields } from "./default-fields.js";

/** The start line of a bare response. */
export function bareStartLine(code: number): ResponseStartLine {
  return { version: "HTTP/1.1", code, reason: reasonPhrase(code) };
}

/** The header fields of a bare response. */
export function bareHeaders(serverHeader: string | false, loop: IOLoop): HTTPHeaders {
  const headers = defaultFields(serverHeader, loop, loop.time());
  headers.setTrusted("Content-Length", "0");
  return headers;
}

/** Answers with a status, an empty body and `more` fields. Does nothing on a closed connection. */
export function sendBareStatus(connection: HTTPConnection, code: number, more?: HTTPHeaders): void {
  const headers = bareHeaders(connection.serverHeader, connection.ioLoop);
  if (more !== undefined) headers.update(more);
  connection.respond(bareStartLine(code), headers);
}
