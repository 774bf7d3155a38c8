/** `squall`: the names of a first page. Each module has a door of its own: `squall/web`, `squall/gen`, … */
export { IOLoop } from "./async/ioloop.js";
export { version, versionInfo } from "./base/version.js";
export type { HTTPServerRequest } from "./http/request.js";
export type { PathParams } from "./http/routing/template.js";
export { url } from "./http/routing/url-spec.js";
export { HTTPServer } from "./http/server/http-server.js";
export { Application, type ApplicationConstructor } from "./web/application/application.js";
export { Finish, HTTPError } from "./web/errors.js";
export { authenticated } from "./web/handler/decorators.js";
export { RequestHandler } from "./web/handler/request-handler.js";
export { StaticFileHandler } from "./web/static/static-file-handler.js";
