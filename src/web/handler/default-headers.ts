/** The header fields that every response of a handler begins with. */
import { addDefaultFields, DEFAULT_SERVER_HEADER } from "../../http/delegates/default-fields.js";
import { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { Handler } from "../types.js";

/** New headers with those of every response of the server and a content type, which `write()` or the handler may change. */
export function defaultHeaders({ application, request }: Handler): HTTPHeaders {
  const headers = new HTTPHeaders();
  const { connection } = request;
  const server = application.settings.serverHeader ?? connection?.serverHeader ?? DEFAULT_SERVER_HEADER;
  addDefaultFields(headers, server, request.ioLoop, request.startTime);
  headers.addTrusted("Content-Type", "text/html; charset=UTF-8");
  return headers;
}
