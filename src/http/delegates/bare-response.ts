/** A response that says nothing but its status. */
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import { reasonPhrase } from "../../protocol/fields/status.js";
import type { HTTPConnection } from "../delegates.js";

/** Answers with a status and an empty body. A connection that is closed takes no notice. */
export function sendBareStatus(connection: HTTPConnection, code: number): void {
  const headers = new HTTPHeaders();
  headers.setTrusted("Content-Length", "0");
  const startLine = { version: "HTTP/1.1", code, reason: reasonPhrase(code) };
  if (connection.respond !== undefined) {
    connection.respond(startLine, headers, undefined);
    return;
  }
  connection.writeHeaders(startLine, headers).catch(() => {});
  connection.finish();
}
