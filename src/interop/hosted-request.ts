/**
 * A request that something other than a handler answers: a hosted application, or a server behind a proxy.
 * What all of them ask of its head is here, and its line in the access log.
 */
import type { HTTPConnection } from "../http/delegates.js";
import { HTTPServerRequest } from "../http/request.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RequestStartLine } from "../protocol/fields/start-line.js";
import type { HTTP1RequestHead } from "../protocol/http1/visitor.js";
import { logResponse, logsResponse } from "../web/application/access-log.js";

/** Whether a body follows the head: its framing fields alone say so (RFC 9112 §6.3). */
export function announcesBody(headers: HTTPHeaders): boolean {
  return headers.has("Transfer-Encoding") || Number(headers.get("Content-Length", "0")) > 0;
}

/** Whether the client asks for another protocol on this connection (RFC 9110 §7.8). */
export function asksForUpgrade(connection: HTTPConnection): boolean {
  return headOf(connection)?.upgrade === true;
}

/** Whether the client waits for a 100 (Continue) before it sends the body (RFC 9110 §10.1.1). */
export function expectsContinue(connection: HTTPConnection): boolean {
  return headOf(connection)?.expectContinue === true;
}

/** Only HTTP/1 has these; a connection of another kind knows no such head. */
function headOf(connection: HTTPConnection): Partial<HTTP1RequestHead> | undefined {
  return connection.requestHead as Partial<HTTP1RequestHead> | undefined;
}

/** Writes the line of the access log for a response, or for a client that left before there was one. */
export function logHosted(
  status: number,
  startLine: RequestStartLine,
  headers: HTTPHeaders,
  connection: HTTPConnection,
  serverConnection: unknown,
): void {
  if (!logsResponse(status)) return;
  logResponse(status, new HTTPServerRequest({ startLine, headers, connection, serverConnection }));
}
