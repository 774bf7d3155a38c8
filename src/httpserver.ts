/** `squall/httpserver`: the HTTP/1.1 server. Tornado's `httpserver`. */

export type { RequestCallback } from "./http/delegates/callable.js";
export { HTTPServerRequest as HTTPRequest } from "./http/request.js";
export { type ContextOptions, HTTPRequestContext } from "./http/server/context.js";
export {
  HTTPServer,
  type HTTPServerCallback,
  type HTTPServerOptions,
  type ShutdownReport,
} from "./http/server/http-server.js";
