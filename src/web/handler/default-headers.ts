/** The header fields that every response of a handler begins with. */
import { DEFAULT_SERVER_HEADER, defaultFields } from "../../http/delegates/default-fields.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { Handler } from "../types.js";
import { addPolicies } from "./response-policies.js";

/**
 * New headers with those of every response of the server and a content type, which `write()` or the handler
 * may change.
 */
export function defaultHeaders(handler: Handler): HTTPHeaders {
  const { application, request } = handler;
  const { connection } = request;
  const server = application.settings.serverHeader ?? connection?.serverHeader ?? DEFAULT_SERVER_HEADER;
  const headers = defaultFields(server, request.ioLoop, request.startTime);
  headers.addTrusted("Content-Type", "text/html; charset=UTF-8");
  const { securityHeaders, cors } = application.settings;
  if (securityHeaders !== undefined || cors !== undefined) addPolicies(headers, handler);
  return headers;
}
