/** `squall/web`: applications and request handlers. */
export type { HTTPServerRequest } from "./http/request.js";
export type { PathParams } from "./http/routing/template.js";
export { URLSpec, url } from "./http/routing/url-spec.js";
export { Application, type ApplicationOptions, type Routes } from "./web/application.js";
export type { ArgumentOptions, ArgumentsOptions } from "./web/arguments.js";
export { ErrorHandler } from "./web/error-handler.js";
export { Finish, HTTPError, type HTTPErrorOptions, MissingArgumentError } from "./web/errors.js";
export type { ErrorPageOptions, Writable } from "./web/handler-core.js";
export type { RequestHandlerClass } from "./web/handler-delegate.js";
export type { HeaderValue } from "./web/header-value.js";
export { isLocalUrl, type RedirectOptions } from "./web/redirect.js";
export { RequestHandler } from "./web/request-handler.js";
export type { ApplicationSettings, LoggedHandler, Transform, TransformClass } from "./web/types.js";
